//! The kill loop: Carillon's processes are killed (kill -9) at random moments while campaigns and single sends run, are
//! started again, and now and then are left alone until all is sent. The simulator outlives them; its log and the API
//! judge: nothing lost, nothing sent twice, nothing charged twice, little in doubt, at work again soon.
//!
//! `tests/chaos/run` runs it with options. Without any, as `cargo test` does, it is a short loop on both databases at
//! once. On PostgreSQL the API and the worker are processes of their own, and the server is the loop's own, with fsync
//! on; on SQLite everything is `carillon serve`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

mod cluster;
#[allow(dead_code, unused_imports, unused_macros, reason = "shared with the integration tests")]
#[path = "../harness/mod.rs"]
mod harness;
mod judgement;
mod load;
mod program;
mod rounds;

use std::{ops::Range, thread, time::Duration};

use program::Target;
use rounds::Rounds;

/// Where to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Database {
    Postgres,
    Sqlite,
}

#[derive(Debug, clap::Parser)]
#[command(name = "tests/chaos/run", about = "Kills Carillon again and again while it sends, and judges.")]
struct Options {
    /// The database; both at once, when left out.
    #[arg(long)]
    database: Option<Database>,
    /// How often to kill.
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// What is killed on PostgreSQL; `all` takes turns, and kills everything at once as well. On SQLite it is always `serve`.
    #[arg(long, value_enum, default_value = "all")]
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Api,
    Worker,
    Database,
    All,
}

impl What {
    fn targets(self, database: Database) -> Vec<Target> {
        match (database, self) {
            (Database::Sqlite, _) => vec![Target::Serve],
            (_, Self::Api) => vec![Target::Api],
            (_, Self::Worker) => vec![Target::Worker],
            (_, Self::Database) => vec![Target::Database],
            (_, Self::All) => vec![Target::Worker, Target::Database, Target::Api, Target::Everything],
        }
    }
}

/// How long the program is left at work between a restart and the next kill.
const PAUSE: Range<Duration> = Duration::from_secs(2)..Duration::from_secs(5);
const SHORT_PAUSE: Range<Duration> = Duration::from_millis(300)..Duration::from_millis(1500);

fn main() {
    // `cargo test NAME` and `cargo test -- --FLAG` are for test programs with tests of a name, which this one is not.
    let own = |word: &String| ["--database", "--kills", "--what", "--help"].iter().any(|name| word.starts_with(name));
    let alone = std::env::args().len() == 1;
    if !alone && !std::env::args().any(|word| own(&word)) {
        return;
    }
    let options = <Options as clap::Parser>::parse();
    let databases = options.database.map_or(vec![Database::Postgres, Database::Sqlite], |one| vec![one]);
    let loops: Vec<_> = databases
        .into_iter()
        .map(|database| {
            let targets = options.what.targets(database);
            let rounds = if alone {
                Rounds { kills: 5 * targets.len().min(3), targets, pause: SHORT_PAUSE, lease_seconds: 2 }
            } else {
                Rounds { kills: options.kills, targets, pause: PAUSE, lease_seconds: 5 }
            };
            thread::spawn(move || match database {
                Database::Postgres => rounds.on_postgres(),
                Database::Sqlite => rounds.on_sqlite(),
            })
        })
        .collect();
    let faults = loops.into_iter().map(thread::JoinHandle::join).filter(Result::is_err).count();
    if faults > 0 {
        std::process::exit(1);
    }
}
