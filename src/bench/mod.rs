//! `carillon bench`: what this machine does with this binary. The processes are real: this binary serving, a simulator
//! of its own that logs every submit before it answers, the database as it is configured with durable settings. The
//! simulator's log is the judge: it tells whether a number was sent to twice.

mod campaign;
mod import;
mod processes;
mod sends;

use std::{collections::HashMap, path::Path};

use smpp::simulator::log::Log;

use crate::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// A campaign, from its launch to its last receipt applied.
    Campaign(campaign::Campaign),
    /// An import of contacts, from its upload to its last row.
    Import(import::Import),
    /// Single sends over HTTP, from many connections at once.
    Sends(sends::Sends),
}

/// Runs a benchmark; blocking, apart from the runtime.
pub async fn run(bench: Bench) -> Result<(), Failure> {
    tokio::task::spawn_blocking(move || match bench {
        Bench::Campaign(campaign) => campaign.run(),
        Bench::Import(import) => import.run(),
        Bench::Sends(sends) => sends.run(),
    })
    .await?
}

/// What the simulator's log says: how many numbers were sent to twice.
fn judge(log: &Path) -> Result<usize, Failure> {
    let log = Log::read(log)?;
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    for submit in log.submits() {
        *numbers.entry(submit.dest.as_str()).or_default() += 1;
    }
    let twice = numbers.values().filter(|n| **n > 1).count();
    println!(
        "judge: the simulator's log has {} submits to {} numbers, {twice} of them sent to twice",
        log.submits().count(),
        numbers.len()
    );
    Ok(twice)
}

fn per_second(n: u64, seconds: f64) -> f64 {
    count(n) / seconds.max(0.001)
}

/// A count as a float, for figures that are printed.
fn count(n: u64) -> f64 {
    u32::try_from(n).map_or(f64::from(u32::MAX), f64::from)
}
