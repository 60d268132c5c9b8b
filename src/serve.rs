//! Running: API, worker and simulator, together or apart, until a signal.

use std::{net::TcpListener, sync::Arc, time::Duration};

use api::{
    ApiConfig, App,
    shared::metrics::{CarrierCounters, Metrics},
};
use domain::{
    carriers::{self, SmppSettings},
    clock::Clock,
    db::Db,
    jobs::{Wake, between},
    scope::{OperatorScope, SystemScope},
    secrets::Keyring,
};
use sea_orm_migration::MigratorTrait;
use tokio::signal::unix::{Signal, SignalKind};
use worker::Worker;

use crate::{Failure, config::Config, demo, keys, migrate, simulator, watch};

/// The carrier that the simulator is.
pub const SIMULATOR: &str = "simulator";

/// Everything in one process.
pub async fn serve(config: Config, db: Db, untouched: bool) -> Result<(), Failure> {
    migrate(&db).await?;
    let (stop, listener) = (signal(), listen(&config)?);
    let clock = Clock::system();
    let keys = keys::load_and_seal(&config, &db, &SystemScope { clock: clock.clone() }).await?;
    let operator = OperatorScope { clock: clock.clone() };
    let mut inside = None;
    let address = if !config.simulator.address.is_empty() {
        Some(config.simulator.address.clone())
    } else if config.simulator.run && !simulated_elsewhere(&db, &operator).await {
        let delay = Duration::from_millis(config.simulator.receipt_delay_ms);
        let handle = simulator::inside(config.simulator.listen, delay).await?;
        Some(inside.insert(handle).local_addr.to_string())
    } else {
        None
    };
    if let Some(address) = address {
        let settings = SmppSettings {
            address,
            system_id: "carillon".into(),
            binds: config.simulator.binds,
            window: config.simulator.window,
            ..SmppSettings::default()
        };
        // Written only when it differs, since connections are made anew with each change.
        let known = carriers::by_name(db.read(), &operator, SIMULATOR).await.ok();
        if known.is_none_or(|c| !c.enabled || c.settings(&keys).ok() != Some(settings.clone().into())) {
            let tx = db.begin().await?;
            carriers::upsert(&tx, &operator, &keys, SIMULATOR, settings, true).await?;
            tx.commit().await?;
        }
    }
    let demo = if untouched || config.demo_token.is_some() {
        demo::seed(&db, &operator, config.demo_token.as_deref()).await?
    } else {
        None
    };
    let wake = Wake::default();
    let registry = prometheus::Registry::new();
    worker::metrics::register(&registry)?;
    let running = Worker::start(db.clone(), clock.clone(), wake.clone(), config.worker(keys.clone())).await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("{}", demo::greeting(&base, demo.as_ref()));
    let app = app(&config, keys, db, clock, wake, registry, Some(of_worker()))?;
    let served = api::serve(app, listener, stop).await;
    running.shutdown().await;
    if let Some(simulator) = inside {
        simulator.shutdown().await;
    }
    Ok(served?)
}

/// What the worker of this process counts carriers' input with: those of HTTP carriers come to the API.
fn of_worker() -> CarrierCounters {
    let counted = &worker::metrics::METRICS;
    CarrierCounters {
        received: counted.receipts.clone(),
        parked: counted.receipts_parked.clone(),
        bad_input: counted.bad_input.clone(),
    }
}

/// Whether another process that shares the database runs the simulator already.
async fn simulated_elsewhere(db: &Db, operator: &OperatorScope) -> bool {
    let known = carriers::by_name(db.read(), operator, SIMULATOR).await.ok().and_then(|c| c.shown().ok());
    match known {
        Some(settings) => tokio::net::TcpStream::connect(settings.address()).await.is_ok(),
        None => false,
    }
}

/// The API alone: another process is the worker.
pub async fn api(config: Config, db: Db) -> Result<(), Failure> {
    if db.is_sqlite() {
        return Err("`carillon api` shares its database with a worker on another host, which SQLite cannot: use `carillon serve`, or PostgreSQL".into());
    }
    migrate(&db).await?;
    let (stop, listener) = (signal(), listen(&config)?);
    let clock = Clock::system();
    let keys = keys::load_and_seal(&config, &db, &SystemScope { clock: clock.clone() }).await?;
    println!("API on http://{}", listener.local_addr()?);
    let wake = Wake::default();
    tokio::spawn(between::pass_on(db.clone(), wake.clone()));
    let app = app(&config, keys, db, clock, wake, prometheus::Registry::new(), None)?;
    Ok(api::serve(app, listener, stop).await?)
}

/// The worker alone.
pub async fn worker(config: Config, db: Db) -> Result<(), Failure> {
    if db.is_sqlite() {
        return Err("`carillon worker` shares its database with an API on another host, which SQLite cannot: use `carillon serve`, or PostgreSQL".into());
    }
    migrate(&db).await?;
    let stop = signal();
    let clock = Clock::system();
    let keys = keys::load_and_seal(&config, &db, &SystemScope { clock: clock.clone() }).await?;
    let registry = prometheus::Registry::new();
    worker::metrics::register(&registry)?;
    let watched = watch::start(&config.worker.listen, Metrics::new(registry, Some(of_worker()))?).await?;
    let running = Worker::start(db, clock, Wake::default(), config.worker(keys)).await?;
    match watched {
        Some(address) => println!("worker running, watched at http://{address}"),
        None => println!("worker running"),
    }
    stop.await;
    running.shutdown().await;
    Ok(())
}

fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let at = config.api.listen;
    Ok(TcpListener::bind(at).map_err(|e| format!("the API cannot listen on {at}: {e}"))?)
}

fn app(
    config: &Config,
    keys: Keyring,
    db: Db,
    clock: Clock,
    wake: Wake,
    registry: prometheus::Registry,
    carriers: Option<CarrierCounters>,
) -> Result<Arc<App>, Failure> {
    let proxies = config.api.trusted_proxies.iter().map(|net| {
        net.parse().map_err(|_| format!("api.trusted_proxies: {net:?} is not a network such as 10.0.0.0/8"))
    });
    let settings = ApiConfig {
        requests_per_minute: config.api.requests_per_minute,
        trusted_proxies: proxies.collect::<Result<_, _>>()?,
        threads: config.api.threads,
        keys,
        schema_steps: migrations::Migrator::migrations().len(),
    };
    Ok(Arc::new(App::new(db, clock, wake, settings, registry, carriers)?))
}

/// Resolves at SIGTERM or SIGINT. Both are watched from the call on, so it comes before anything that must be ended in
/// order is begun.
pub fn signal() -> impl Future<Output = ()> {
    let watched = |kind, name| {
        tokio::signal::unix::signal(kind)
            .inspect_err(|e| tracing::error!(error = %e, "{name} cannot be watched: it ends the process at once"))
            .ok()
    };
    let (terminate, interrupt) =
        (watched(SignalKind::terminate(), "SIGTERM"), watched(SignalKind::interrupt(), "SIGINT"));
    async move {
        tokio::select! {
            () = came(terminate) => {}
            () = came(interrupt) => {}
        }
        tracing::info!("shutting down: what is under way is finished first");
    }
}

/// Resolves with the next signal; never without one to watch.
async fn came(signal: Option<Signal>) {
    match signal {
        Some(mut signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
