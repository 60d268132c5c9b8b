//! What the supervisor tells Prometheus of each carrier: how full its windows are, read from the pumps at every turn,
//! and what waits for it, read from the database every few seconds.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use domain::{
    carriers::{Carrier, health::Bind},
    ids::CarrierId,
    messages,
};
use prometheus::IntGauge;
use tokio::time::Instant;

use crate::{Shared, metrics::METRICS};

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(5);

/// Counts an open connection for as long as it lives.
#[derive(Debug)]
pub struct Bound(IntGauge);

impl Bound {
    /// One to this carrier.
    pub fn to(carrier: &Carrier) -> Self {
        let binds = METRICS.binds.with_label_values(&[&carrier.name]);
        binds.inc();
        Self(binds)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Tells how slow answers have made a connection, for as long as it is kept: it adds to what others of the carrier tell.
#[derive(Debug)]
pub struct Slowed {
    pace: IntGauge,
    told: i64,
}

impl Slowed {
    /// One to this carrier, not slowed.
    pub fn of(carrier: &Carrier) -> Self {
        Self { pace: METRICS.pace.with_label_values(&[&carrier.name]), told: 0 }
    }

    /// The parts a second that it may submit; none: as many as its limit lets.
    pub fn tell(&mut self, reduced: Option<usize>) {
        let now = reduced.map_or(0, |parts| i64::try_from(parts).unwrap_or(i64::MAX));
        if now != self.told {
            self.pace.add(now.saturating_sub(self.told));
            self.told = now;
        }
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        self.tell(None);
    }
}

/// The carriers whose numbers are shown, by their ids.
#[derive(Debug, Default)]
pub struct Numbers {
    names: BTreeMap<CarrierId, String>,
    asked: Option<Instant>,
}

impl Numbers {
    /// Shows these carriers, and no others any more; one that was deleted for as long as a pump of it runs (`running`), since
    /// what that counts would show it again.
    pub fn know(&mut self, carriers: &[Carrier], running: impl Fn(CarrierId) -> bool) {
        let ending = self.names.iter().filter(|(id, _)| running(**id)).map(|(id, name)| (*id, name.clone()));
        let mut names: BTreeMap<CarrierId, String> = ending.collect();
        names.extend(carriers.iter().map(|c| (c.id, c.name.clone())));
        if names == self.names {
            return;
        }
        let kept: HashSet<&String> = names.values().collect();
        self.names.values().filter(|name| !kept.contains(name)).for_each(|name| METRICS.forget(name));
        names.values().for_each(|name| METRICS.know(name));
        self.names = names;
    }

    /// Tells of the connections of this process, and from time to time of what waits.
    pub async fn tell(&mut self, shared: &Shared, binds: &[(CarrierId, Bind)]) {
        let now = shared.scope.clock.now();
        let mut windows: HashMap<CarrierId, (i64, i64, i64)> = HashMap::new();
        for (carrier, bind) in binds {
            let (used, size, tripped) = windows.entry(*carrier).or_default();
            *used += bind.window_used;
            *size += bind.window_size;
            *tripped += i64::from(bind.tripped_until.is_some_and(|until| until > now));
        }
        for (carrier, name) in &self.names {
            let (used, size, tripped) = windows.get(carrier).copied().unwrap_or_default();
            METRICS.tripped.with_label_values(&[name]).set(tripped);
            METRICS.window_used.with_label_values(&[name]).set(used);
            METRICS.window_size.with_label_values(&[name]).set(size);
        }
        if self.asked.is_some_and(|asked| asked.elapsed() < EVERY) {
            return;
        }
        self.asked = Some(Instant::now());
        match messages::backlog(shared.db.read(), &shared.scope).await {
            Ok(backlog) => {
                for (carrier, name) in &self.names {
                    let waiting = backlog.get(carrier).copied().unwrap_or_default();
                    let age = waiting.oldest.map_or(0, |oldest| oldest.until(now).as_secs());
                    METRICS.queue_age.with_label_values(&[name]).set(i64::try_from(age).unwrap_or(i64::MAX));
                    METRICS.in_doubt.with_label_values(&[name]).set(waiting.in_doubt);
                }
            }
            Err(e) => tracing::warn!(error = %e, "what waits for carriers cannot be read; trying again"),
        }
    }
}
