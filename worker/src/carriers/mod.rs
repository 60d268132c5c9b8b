//! The ways out. A supervisor reads the carriers' rows and keeps one pump for every bind that this process holds the
//! lease of, its share of them when there are other workers ([`seats`]); when a row changes, its pumps are ended and
//! started anew. It also reports how the connections are ([`health`]).
//!
//! What every pump needs is here: [`claims`] brings messages from the queue to the record, over [`chunks`] (what is claimed),
//! [`recorder`] and [`store`] (writing answers and receipts); [`pace`] says how fast the carrier may be sent to,
//! [`breaker`] whether it is well.

mod breaker;
mod chunks;
mod claims;
mod health;
mod http;
mod numbers;
mod pace;
mod quota;
mod recorder;
mod seats;
mod smpp;
mod store;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    carriers::{self, Carrier, Settings, health::Bind},
    ids::CarrierId,
    leases,
};
use tokio::{sync::watch, task::JoinHandle};

use self::{health::Health, numbers::Numbers, quota::Quota, seats::Seats};
use crate::Shared;

/// One pump, or the wait for its lease.
struct Pump {
    version: i64,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    /// Of a bind whose lease is ours.
    health: Reported,
}

/// Where the holder of a bind puts what is to be reported of it, for as long as it holds the bind.
type Reported = Arc<Mutex<Option<Health>>>;

/// Runs until a shutdown, then until every pump has drained.
pub async fn run(shared: Shared) {
    let mut pumps: HashMap<(CarrierId, u32), Pump> = HashMap::new();
    let mut numbers = Numbers::default();
    let (seats, mut quotas) = (Seats::default(), Quotas::new());
    while !shared.stopping() {
        if !shared.db.is_sqlite() {
            match leases::attend(&shared.db, &shared.scope, &shared.name, shared.config.lease).await {
                Ok(workers) => seats.share_with(workers),
                Err(e) => tracing::warn!(error = %e, "workers cannot be counted; trying again"),
            }
        }
        match carriers::all(shared.db.read(), &shared.scope).await {
            Ok(rows) => {
                numbers.know(&rows, |carrier| pumps.keys().any(|(of, _)| *of == carrier));
                keep(&shared, rows, (&seats, &mut quotas), &mut pumps);
            }
            Err(e) => tracing::warn!(error = %e, "carriers cannot be read; trying again"),
        }
        report(&shared, &pumps).await;
        let binds: Vec<(CarrierId, Bind)> = held(&pumps).map(|(carrier, health)| (carrier, health.bind())).collect();
        numbers.tell(&shared, &binds).await;
        shared.pause(Duration::from_secs(1)).await;
    }
    for (_, pump) in pumps {
        let _ = pump.stop.send(true);
        let _ = pump.task.await;
    }
    if let Err(e) = leases::leave(&shared.db, &shared.scope, &shared.name).await {
        tracing::warn!(error = %e, "the other workers do not know that this one is gone; they will in a while");
    }
}

/// How the binds that are ours are.
fn held(pumps: &HashMap<(CarrierId, u32), Pump>) -> impl Iterator<Item = (CarrierId, Health)> {
    pumps.iter().filter_map(|((carrier, _), pump)| {
        let health = pump.health.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((*carrier, health))
    })
}

/// What the binds of each SMPP carrier share in this worker, by the version of its settings.
type Quotas = HashMap<CarrierId, (i64, Option<Arc<Quota>>)>;

/// Writes what has changed of the binds that are ours.
async fn report(shared: &Shared, pumps: &HashMap<(CarrierId, u32), Pump>) {
    let due: Vec<(CarrierId, Health, Bind)> =
        held(pumps).filter_map(|(carrier, health)| health.due().map(|bind| (carrier, health, bind))).collect();
    if due.is_empty() {
        return;
    }
    let binds: Vec<(CarrierId, Bind)> = due.iter().map(|(carrier, _, bind)| (*carrier, bind.clone())).collect();
    let written = async {
        let tx = shared.db.begin().await?;
        carriers::health::report(&tx, &shared.scope, &binds).await?;
        Ok::<_, domain::Error>(tx.commit().await?)
    };
    if let Err(e) = written.await {
        tracing::warn!(error = %e, "the state of connections was not reported; trying again");
        due.iter().for_each(|(_, health, _)| health.untold());
    }
}

/// Forgets what was reported of a bind that is given up.
async fn forget(shared: &Shared, carrier: CarrierId, n: u32, owner: &str) -> domain::Result<()> {
    let tx = shared.db.begin().await?;
    carriers::health::forget(&tx, &shared.scope, carrier, i64::from(n), owner).await?;
    Ok(tx.commit().await?)
}

/// Ends what should not run, starts what should.
fn keep(
    shared: &Shared,
    rows: Vec<Carrier>,
    (seats, quotas): (&Seats, &mut Quotas),
    pumps: &mut HashMap<(CarrierId, u32), Pump>,
) {
    let mut wanted = HashMap::new();
    for carrier in rows.into_iter().filter(|c| c.enabled) {
        match carrier.settings(&shared.config.keys) {
            Ok(settings) => {
                if quotas.get(&carrier.id).is_none_or(|(version, _)| *version != carrier.version) {
                    let limit = match &settings {
                        Settings::Smpp(smpp) => smpp.parts_per_second,
                        Settings::Http(_) => None, // its one pump keeps to it
                    };
                    let quota = limit.map(|limit| Arc::new(Quota::new(seats, carrier.id, limit, settings.binds())));
                    quotas.insert(carrier.id, (carrier.version, quota));
                }
                wanted.extend((0..settings.binds()).map(|n| ((carrier.id, n), (carrier.clone(), settings.clone()))))
            }
            Err(e) => tracing::error!(carrier = carrier.name, error = %e, "the carrier's settings cannot be read"),
        }
    }
    quotas.retain(|carrier, _| wanted.contains_key(&(*carrier, 0)));
    for (key, pump) in pumps.iter() {
        if wanted.get(key).is_none_or(|(carrier, _)| carrier.version != pump.version) {
            let _ = pump.stop.send(true);
        }
    }
    pumps.retain(|_, pump| !pump.task.is_finished());
    for ((carrier_id, n), (carrier, settings)) in wanted {
        pumps.entry((carrier_id, n)).or_insert_with(|| {
            let (stop, stopped) = watch::channel(false);
            let version = carrier.version;
            let own = Shared { stop: stopped, ..shared.clone() };
            let health = Reported::default();
            let quota = quotas.get(&carrier_id).and_then(|(_, quota)| quota.clone());
            let task = tokio::spawn(hold_bind(own, (seats.clone(), quota), carrier, settings, n, health.clone()));
            Pump { version, stop, task, health }
        });
    }
}

/// Waits for the lease of a bind, then runs its pump for as long as the lease is ours.
async fn hold_bind(
    shared: Shared,
    (seats, quota): (Seats, Option<Arc<Quota>>),
    carrier: Carrier,
    settings: Settings,
    n: u32,
    reported: Reported,
) {
    let held = |health: Option<Health>| *reported.lock().unwrap_or_else(PoisonError::into_inner) = health;
    let lease = format!("bind.{}.{n}", carrier.id);
    let owner = format!("{}.{n}.{}", shared.name, carrier.version);
    let every = shared.config.lease / 3;
    while !shared.stopping() {
        let Some(mut seat) = seats.take(carrier.id, settings.binds()) else {
            shared.pause(every).await;
            continue;
        };
        if !leases::take(&shared.db, &shared.scope, &lease, &owner, shared.config.lease).await.unwrap_or(false) {
            drop(seat);
            shared.pause(every).await;
            continue;
        }
        let (stop, stopped) = watch::channel(false);
        let own = Shared { stop: stopped, ..shared.clone() };
        let health = Health::new(
            shared.scope.clock.clone(),
            &carrier.name,
            (n, settings.bind_kind(n)),
            &owner,
            settings.window(n),
        );
        held(Some(health.clone()));
        let (of, by) = (carrier.clone(), owner.clone());
        let mut pump = match settings.clone() {
            Settings::Smpp(smpp) => tokio::spawn(smpp::pump(own, of, *smpp, n, by, (health, quota.clone()))),
            Settings::Http(http) => tokio::spawn(http::pump(own, of, *http, by, health)),
        };
        loop {
            tokio::select! {
                ended = &mut pump => {
                    // Before its time: a fault of ours. Its chunks end with their leases.
                    tracing::error!(carrier = carrier.name, error = ended.err().map(tracing::field::display), "a pump ended; it is started again");
                    shared.pause(Duration::from_secs(1)).await;
                    break;
                }
                () = shared.stopped() => { let _ = stop.send(true); let _ = (&mut pump).await; break }
                () = tokio::time::sleep(every) => {
                    // A database that cannot be asked is no reason to unbind; another owner is.
                    let lost = matches!(leases::take(&shared.db, &shared.scope, &lease, &owner, shared.config.lease).await, Ok(false));
                    if lost || seat.is_too_many(settings.binds()) {
                        let _ = stop.send(true);
                        let _ = (&mut pump).await;
                        held(None);
                        if !lost {
                            tracing::info!(carrier = carrier.name, bind = n, "another worker takes this connection over");
                            let_go(&shared, &carrier, n, (&lease, &owner)).await;
                        }
                        break;
                    }
                }
            }
        }
    }
    held(None);
    let_go(&shared, &carrier, n, (&lease, &owner)).await;
}

/// Gives the lease of a bind back, and forgets what was reported of it.
async fn let_go(shared: &Shared, carrier: &Carrier, n: u32, (lease, owner): (&str, &str)) {
    if let Err(e) = forget(shared, carrier.id, n, owner).await {
        tracing::warn!(carrier = carrier.name, error = %e, "the state of a connection was not forgotten; it grows stale");
    }
    if let Err(e) = leases::give_back(&shared.db, &shared.scope, lease, owner).await {
        tracing::warn!(carrier = carrier.name, error = %e, "the lease of a bind was not given back; it ends by itself");
    }
}
