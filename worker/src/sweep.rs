//! What time does, looked for at intervals. Every step is idempotent, so two workers that sweep at once do no harm; a
//! lease spares the second one the work.

use std::time::Duration;

use domain::{
    campaigns,
    contacts::{outcomes, places, search},
    db::Db,
    events, housekeeping, inbound_messages,
    jobs::Queue,
    leases,
    messages::{Passes, sweep},
};
use tokio::time::Instant;

use crate::Shared;

/// Logs what a sweep met and goes on: the next round tries again.
fn told<T: Default>(what: &'static str, outcome: domain::Result<T>) -> T {
    outcome.unwrap_or_else(|e| {
        tracing::warn!(sweep = what, error = %e, "a sweep failed and will be tried again");
        T::default()
    })
}

async fn leading(shared: &Shared, name: &str) -> bool {
    told("lease", leases::take(&shared.db, &shared.scope, name, &shared.name, shared.config.lease).await)
}

/// Messages: dead leases, due times, doubts, cancelled chunks, validities that are over, receipts that wait, what waits for
/// carriers that are down.
pub async fn messages(shared: Shared) {
    let (db, scope, patience) = (&shared.db, &shared.scope, &shared.config.patience);
    let mut passes = Passes::default();
    while !shared.stopping() {
        if leading(&shared, "sweep.messages").await {
            let mut ready = told("reclaim", sweep::reclaim(db, scope, patience).await);
            ready += told("dispatch", sweep::dispatch(db, scope).await);
            let mut more = told("cancelled", sweep::settle_cancelled(db, scope, patience).await) > 0;
            more |= told("over", sweep::end_over(db, scope, patience).await) > 0;
            more |= told("rematch", sweep::rematch(db, scope, patience).await) > 0;
            more |= told("resolve", sweep::resolve_doubts(db, scope, patience).await) > 0;
            more |= told("doubts", sweep::end_doubts(db, scope).await) > 0;
            more |= told("no_report", sweep::end_waiting(db, scope, patience).await) > 0;
            let moved = told("reroute", passes.step(db, scope).await);
            if moved > 0 {
                tracing::info!(messages = moved, "what waited for a carrier that is passed over takes other routes");
                ready += usize::try_from(moved).unwrap_or(usize::MAX);
            }
            if ready > 0 {
                shared.wake.nudge(Queue::MessagesDeliver);
            }
            if more || ready > 0 {
                continue;
            }
        }
        shared.pause(Duration::from_millis(500)).await;
    }
}

/// Campaigns: due times and ends, and the slots of those that have hours to keep to.
pub async fn campaigns(shared: Shared) {
    let Shared { db, scope, .. } = &shared;
    while !shared.stopping() {
        if leading(&shared, "sweep.campaigns").await {
            if told("campaigns", campaigns::advance(db, scope).await) > 0 {
                shared.wake.nudge(Queue::CampaignsPrepare);
            }
            told("replanned", campaigns::replan(db, scope).await);
            told("closed", campaigns::close(db, scope).await);
            if told("opened", campaigns::open(db, scope).await) > 0 {
                shared.wake.nudge(Queue::MessagesDeliver);
            }
        }
        shared.pause(Duration::from_millis(300)).await;
    }
}

/// Events: their places in the stream.
pub async fn events(shared: Shared) {
    while !shared.stopping() {
        if leading(&shared, "events.sequence").await && told("events", events::sequence(&shared.db).await) >= 1000 {
            continue;
        }
        shared.pause(Duration::from_millis(200)).await;
    }
}

/// Contacts: what became of the last message to each number; and once after an update from a version without
/// regions or time zones, those of the contacts that there are.
pub async fn contacts(shared: Shared) {
    let batch = |db: Db| async move { Ok(outcomes::gather(&db).await? + places::gather(&db).await?) };
    afterwards(&shared, "sweep.contacts", batch).await;
}

/// Search: the texts of contacts that an import or another change in bulk has touched.
pub async fn search(shared: Shared) {
    afterwards(&shared, "sweep.search", |db: Db| async move { search::gather(&db).await }).await;
}

/// How long what may come later makes way for sending, preparing and importing.
const MAKES_WAY: Duration = Duration::from_secs(45);

/// Batch after batch of what may lag, each with a breath for those who wait to write. While others are busy it waits, for
/// [`MAKES_WAY`] at most, and then goes on until nothing is left: it shares their cores and their disk, and one campaign
/// after the other would leave it behind for ever.
async fn afterwards<F>(shared: &Shared, name: &'static str, batch: impl Fn(Db) -> F)
where
    F: Future<Output = domain::Result<u64>>,
{
    let mut waiting: Option<Instant> = None;
    while !shared.stopping() {
        let mut pause = Duration::from_millis(500);
        if leading(shared, name).await {
            let patient = waiting.is_none_or(|since| since.elapsed() < MAKES_WAY);
            if patient && told("busy", housekeeping::busy(shared.db.read()).await) {
                waiting.get_or_insert_with(Instant::now);
            } else if told(name, batch(shared.db.clone()).await) > 0 {
                pause = Duration::from_millis(5);
            } else {
                waiting = None;
            }
        }
        shared.pause(pause).await;
    }
}

/// Every ten seconds: long inbound messages wait for their parts no longer, imports and contact jobs that nobody works on are announced again, what has lain in the trash for its time and what has expired goes, the months ahead get their partitions.
pub async fn housekeeping(shared: Shared) {
    while !shared.stopping() {
        if leading(&shared, "sweep.housekeeping").await {
            told("inbound", inbound_messages::end_incomplete(&shared.db, &shared.scope).await);
            told("receipts", sweep::forget_unknown(&shared.db, &shared.scope).await);
            told("imports", domain::imports::sweep(&shared.db, &shared.scope).await);
            told("contact_jobs", domain::contact_jobs::sweep(&shared.db, &shared.scope).await);
            told("trash", domain::trash::sweep(&shared.db, &shared.scope).await);
            told("exports", domain::exports::sweep(&shared.db, &shared.scope).await);
            told("expired", housekeeping::run(&shared.db, &shared.scope).await);
        }
        shared.pause(Duration::from_secs(10)).await;
    }
}
