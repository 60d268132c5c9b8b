//! Carillon's processes: which there are, killing them, starting them again.

use std::time::Duration;

use crate::{
    cluster::Cluster,
    harness::{Process, Stage, until},
};

/// What a kill hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Serve,
    Api,
    Worker,
    Database,
    Everything,
}

impl Target {
    /// Whether the worker is hit: only then may messages be left in doubt by it.
    pub fn stops_the_worker(self) -> bool {
        matches!(self, Self::Serve | Self::Worker | Self::Everything)
    }
}

/// The running processes, in the order they are started.
pub struct Program {
    running: Vec<(&'static str, Process)>,
    database: Option<Cluster>,
}

impl Program {
    /// Starts all of them; with a cluster the API and the worker apart.
    pub fn start(stage: &Stage, database: Option<Cluster>) -> Self {
        let names: &[&'static str] = if database.is_some() { &["api", "worker"] } else { &["serve"] };
        Self { running: names.iter().map(|name| (*name, start(stage, name))).collect(), database }
    }

    /// SIGKILL; the moment between several is as short as it gets.
    pub fn kill(&mut self, target: Target) {
        let (hit, left) =
            std::mem::take(&mut self.running).into_iter().partition::<Vec<_>, _>(|(name, _)| match target {
                Target::Serve | Target::Everything => true,
                Target::Api => *name == "api",
                Target::Worker => *name == "worker",
                Target::Database => false,
            });
        self.running = left;
        if let (Target::Database | Target::Everything, Some(database)) = (target, &mut self.database) {
            database.kill();
        }
        hit.into_iter().for_each(|(_, process)| process.kill());
    }

    /// Starts the database again, where it was killed, before the others are.
    pub fn start_database(&mut self, target: Target) {
        if let (Target::Database | Target::Everything, Some(database)) = (target, &mut self.database) {
            database.start_again();
        }
    }

    /// Starts what does not run; what was not killed must run still.
    pub fn start_again(&mut self, stage: &Stage) {
        for (name, process) in &mut self.running {
            let ended = process.ended();
            assert!(ended.is_none(), "{name} ended by itself: {ended:?}\n{}", process.log_text());
        }
        let names: &[&'static str] = if self.database.is_some() { &["api", "worker"] } else { &["serve"] };
        for name in names {
            if !self.running.iter().any(|(running, _)| running == name) {
                self.running.push((name, start(stage, name)));
            }
        }
    }
}

fn start(stage: &Stage, name: &'static str) -> Process {
    let log = stage.path(&format!("{name}.log"));
    let mut process = Process::spawn(name, stage.command(&[name]), log);
    process.line_with(if name == "worker" { "worker running" } else { "http://" });
    process
}

/// Seeds the demo's account and the carrier, which only `serve` does, and ends it.
pub fn seed(stage: &Stage) {
    let app = stage.start();
    until("both binds are up", || (stage.judge().binds() >= 2).then_some(()));
    let (status, took) = app.terminate();
    assert!(status.success() && took < Duration::from_secs(30), "{status} after {took:?}");
}
