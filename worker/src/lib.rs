//! The worker: jobs, carriers and sweeps. It delivers and bills.
//!
//! Jobs ([`jobs`]) are apalis's and only wake: the row they point at is the truth. A pump ([`carriers`]) owns one
//! connection to a carrier. Sweeps ([`sweep`]) do what time does. Several workers may share one PostgreSQL: binds,
//! chunks and preparations are leased.
//!
//! Invariants: no job owns a socket; nothing is handed to a carrier that is not marked `submitting` and committed; a
//! receipt is acknowledged after its commit.

mod carriers;
mod jobs;
pub mod metrics;
mod sweep;
mod traces;

use std::time::Duration;

pub use jobs::migrate;

use domain::{
    clock::Clock,
    db::Db,
    jobs::{Wake, between},
    messages::Patience,
    scope::SystemScope,
    secrets::Keyring,
};
use tokio::sync::watch;

/// What a worker is told.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// How long a dead worker's chunks, binds and jobs stay its own.
    pub lease: Duration,
    /// How long carriers may take.
    pub patience: Patience,
    /// How long a shutdown waits for what is under way.
    pub drain: Duration,
    /// What opens carriers' passwords and signs call-backs.
    pub keys: Keyring,
    /// Where call-backs of HTTP carriers reach the API, such as https://sms.example.com; empty: nowhere.
    pub public_url: String,
    /// Whether HTTP carriers may be at private addresses.
    pub private_carriers: bool,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(5),
            patience: Patience {
                in_doubt: Duration::from_secs(48 * 3600),
                receipt: Duration::from_secs(72 * 3600),
                settle: Duration::from_secs(65),
            },
            drain: Duration::from_secs(20),
            keys: Keyring::default(),
            public_url: String::new(),
            private_carriers: false,
        }
    }
}

/// What every part of the worker shares.
#[derive(Debug, Clone)]
struct Shared {
    db: Db,
    scope: SystemScope,
    wake: Wake,
    config: WorkerConfig,
    /// Unique per boot: a worker that comes back is another one.
    name: String,
    stop: watch::Receiver<bool>,
}

impl Shared {
    /// Whether a shutdown has begun, or who would begin it is gone.
    fn stopping(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }
    /// Resolves when a shutdown begins.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // An error means that the sender is gone, which is a stop too.
        let _ = stop.wait_for(|s| *s).await;
    }
    /// Sleeps, but not past the beginning of a shutdown.
    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stopped() => {}
        }
    }
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// Hears nudges of other processes.
    hearing: tokio::task::JoinHandle<()>,
}

impl Worker {
    /// Starts jobs, pumps and sweeps.
    ///
    /// # Errors
    /// When the job tables cannot be prepared.
    pub async fn start(db: Db, clock: Clock, wake: Wake, config: WorkerConfig) -> domain::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let name = format!("worker-{}-{}", std::process::id(), domain::ids::encode(domain::ids::uuid_v7(clock.now())));
        let shared = Shared { db, scope: SystemScope { clock }, wake, config, name, stop: stopped };
        let hearing = tokio::spawn(between::listen(shared.db.clone(), shared.wake.clone()));
        let tasks = vec![
            tokio::spawn(jobs::run(shared.clone())),
            tokio::spawn(carriers::run(shared.clone())),
            tokio::spawn(sweep::messages(shared.clone())),
            tokio::spawn(sweep::campaigns(shared.clone())),
            tokio::spawn(sweep::events(shared.clone())),
            tokio::spawn(sweep::contacts(shared.clone())),
            tokio::spawn(sweep::search(shared.clone())),
            tokio::spawn(sweep::housekeeping(shared)),
        ];
        Ok(Self { stop, tasks, hearing })
    }

    /// Ends gracefully: nothing new is claimed, what is under way is awaited and recorded, leases are given back.
    pub async fn shutdown(self) {
        let Self { stop, tasks, hearing } = self;
        let _ = stop.send(true);
        hearing.abort();
        for task in tasks {
            if let Err(e) = task.await {
                tracing::error!(error = %e, "a part of the worker ended badly");
            }
        }
    }
}
