//! The ways out. A supervisor reads the carriers' rows and keeps one pump for every bind that this process holds the
//! lease of; when a row changes, its pumps are ended and started anew.

mod smpp;

use std::{collections::HashMap, time::Duration};

use domain::{
    carriers::{self, Carrier},
    ids::CarrierId,
    leases,
};
use tokio::{sync::watch, task::JoinHandle};

use crate::Shared;

/// One pump, or the wait for its lease.
struct Pump {
    version: i64,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Runs until a shutdown, then until every pump has drained.
pub async fn run(shared: Shared) {
    let mut pumps: HashMap<(CarrierId, u32), Pump> = HashMap::new();
    while !shared.stopping() {
        match carriers::all(shared.db.read(), &shared.scope).await {
            Ok(rows) => keep(&shared, rows, &mut pumps),
            Err(e) => tracing::warn!(error = %e, "carriers cannot be read; trying again"),
        }
        shared.pause(Duration::from_secs(1)).await;
    }
    for (_, pump) in pumps {
        let _ = pump.stop.send(true);
        let _ = pump.task.await;
    }
}

/// Ends what should not run, starts what should.
fn keep(shared: &Shared, rows: Vec<Carrier>, pumps: &mut HashMap<(CarrierId, u32), Pump>) {
    let mut wanted = HashMap::new();
    for carrier in rows.into_iter().filter(|c| c.enabled) {
        match carrier.settings() {
            Ok(settings) => {
                wanted.extend((0..settings.binds).map(|n| ((carrier.id, n), (carrier.clone(), settings.clone()))))
            }
            Err(e) => tracing::error!(carrier = carrier.name, error = %e, "the carrier's settings cannot be read"),
        }
    }
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
            Pump { version, stop, task: tokio::spawn(hold_bind(own, carrier, settings, n)) }
        });
    }
}

/// Waits for the lease of a bind, then runs its pump for as long as the lease is ours.
async fn hold_bind(shared: Shared, carrier: Carrier, settings: carriers::SmppSettings, n: u32) {
    let lease = format!("bind.{}.{n}", carrier.id);
    let owner = format!("{}.{n}.{}", shared.name, carrier.version);
    let every = shared.config.lease / 3;
    while !shared.stopping() {
        if !leases::take(&shared.db, &shared.scope, &lease, &owner, shared.config.lease).await.unwrap_or(false) {
            shared.pause(every).await;
            continue;
        }
        let (stop, stopped) = watch::channel(false);
        let own = Shared { stop: stopped, ..shared.clone() };
        let mut pump = tokio::spawn(smpp::pump(own, carrier.clone(), settings.clone(), owner.clone()));
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
                    if matches!(leases::take(&shared.db, &shared.scope, &lease, &owner, shared.config.lease).await, Ok(false)) {
                        let _ = stop.send(true);
                        let _ = (&mut pump).await;
                        break;
                    }
                }
            }
        }
    }
    if let Err(e) = leases::give_back(&shared.db, &shared.scope, &lease, &owner).await {
        tracing::warn!(carrier = carrier.name, error = %e, "the lease of a bind was not given back; it ends by itself");
    }
}
