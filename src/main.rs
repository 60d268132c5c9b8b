//! Carillon: one binary. This crate only composes: configuration, database, API, worker, simulator, and the commands of
//! whoever runs the platform.

mod admin;
mod bench;
mod config;
mod demo;
mod keys;
mod serve;
mod simulator;
mod traces;
mod watch;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use domain::db::Db;
use sea_orm_migration::MigratorTrait;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

use traces::Traces;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong, as a sentence for the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(name = "carillon", version, about = "A self-hosted, headless bulk-SMS platform.")]
struct Arguments {
    /// Configuration file; ./carillon.toml when there is one.
    #[arg(long, global = true, env = "CARILLON_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// API, worker and simulator in one process (the default).
    Serve,
    /// The API alone.
    Api,
    /// The worker alone.
    Worker,
    /// Make or update the schema, and end.
    Migrate,
    /// An SMPP simulator as a process of its own.
    Simulator(simulator::Arguments),
    /// Print the OpenAPI document.
    Openapi,
    /// Accounts, tokens, money, rates, senders and carriers.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Measure this machine.
    #[command(subcommand)]
    Bench(bench::Bench),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("carillon: {e}");
            for fault in e.downcast_ref::<domain::Error>().iter().flat_map(|e| &e.faults) {
                eprintln!("  {} {}", fault.pointer, fault.detail);
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, command } = arguments;
    match command {
        Some(Command::Bench(bench)) => bench::run(bench).await,
        Some(Command::Openapi) => {
            println!("{}", api::openapi::openapi().to_pretty_json()?);
            Ok(())
        }
        Some(Command::Simulator(arguments)) => {
            log("text", "info", None);
            simulator::run(&arguments).await
        }
        command => with_database(config, command.unwrap_or(Command::Serve)).await,
    }
}

/// The commands that work on the configured database.
async fn with_database(config: Option<PathBuf>, command: Command) -> Result<(), Failure> {
    let config::Loaded { config, untouched } = config::load(config)?;
    let traces = match command {
        Command::Serve | Command::Api | Command::Worker => Traces::start(&config.traces)?,
        _ => None,
    };
    log(&config.log.format, &config.log.filter, traces.as_ref());
    let outcome = on_database(config, untouched, command).await;
    if let Some(traces) = traces {
        traces.close().await;
    }
    outcome
}

async fn on_database(config: config::Config, untouched: bool, command: Command) -> Result<(), Failure> {
    let db = Db::open(&config.database()?, config.connections)
        .await
        .map_err(|e| format!("the database cannot be opened: {e}"))?;
    match command {
        Command::Serve => serve::serve(config, db, untouched).await,
        Command::Api => serve::api(config, db).await,
        Command::Worker => serve::worker(config, db).await,
        Command::Migrate => migrate(&db).await,
        Command::Admin(command) => {
            migrate(&db).await?;
            admin::run(&db, &config, command).await
        }
        Command::Simulator(_) | Command::Openapi | Command::Bench(_) => Ok(()),
    }
}

/// Brings the schema up to date, one process at a time.
async fn migrate(db: &Db) -> Result<(), Failure> {
    let _alone = domain::db::alone(db, "migrate").await?;
    migrations::Migrator::up(db.writer(), None)
        .await
        .map_err(|e| format!("the schema cannot be brought up to date: {e}"))?;
    worker::migrate(db).await?;
    Ok(())
}

/// Begins the log, and the traces beside it.
fn log(format: &str, filter: &str, traces: Option<&Traces>) {
    let filter = traces::without_spans(EnvFilter::try_from_default_env().unwrap_or_else(|_| filter.into()));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = if format == "json" { lines.json().boxed() } else { lines.with_target(false).boxed() };
    registry().with(traces.map(Traces::layer)).with(lines.with_filter(filter)).init();
}
