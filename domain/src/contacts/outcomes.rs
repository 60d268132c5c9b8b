//! How the last message to each number ended, for filters and clean-ups.
//!
//! Read out of the event stream by a sweep, some seconds behind, and up to a minute while campaigns are sent: the
//! transaction that records receipts writes one event row for up to 1,000 messages anyway, and would otherwise write up to
//! 1,000 rows more, by numbers in no order. So the hot path does nothing for this, and a crash loses nothing: the place in
//! the stream moves with what was read.
//!
//! Invariant: each batch of moves is counted once, in the order of the stream.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::Value;

use crate::{
    clock::Timestamp,
    db::{Columns, Db, Sql, lookup},
    error::Result,
    ids::AccountId,
    messages::Status,
    scope::AccountScope,
    vals,
};

/// Batches of moves read at a time: up to 20,000 moves.
const BATCHES: i64 = 20;

/// What a run of outcomes does to a number.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Run {
    last: Option<(Status, Timestamp)>,
    /// Failures since the last delivery among these.
    failures: i64,
    /// One of these was delivered.
    delivered: bool,
}

impl Run {
    fn add(&mut self, status: Status, at: Timestamp) {
        self.last = Some((status, at));
        match status {
            Status::Delivered => (self.failures, self.delivered) = (0, true),
            Status::Undelivered | Status::Expired | Status::Rejected | Status::Failed => self.failures += 1,
            // Nobody knows how these ended: they neither break a row of failures nor make it longer.
            _ => {}
        }
    }
}

/// Whether a status tells how a message that was to be sent ended.
fn is_outcome(status: Status) -> bool {
    status.is_final() && !matches!(status, Status::Cancelled | Status::Skipped)
}

#[derive(FromQueryResult)]
struct Batch {
    seq: i64,
    account_id: AccountId,
    data: Value,
    created_at: Timestamp,
}

/// How the last message to a number ended.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub(crate) struct LastOutcome {
    phone: i64,
    /// The state in which it ended.
    pub status: String,
    /// When.
    pub at: Timestamp,
    /// Messages that were not delivered since the last one that was.
    pub failures: i64,
}

/// How the last messages to these numbers ended, by number. One statement, however many there are.
pub(crate) async fn last_outcomes(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    phones: &[i64],
) -> Result<HashMap<i64, LastOutcome>> {
    let backend = conn.get_database_backend();
    let columns = Columns::new().ints("phone", phones.iter().copied());
    let sql = format!(
        "SELECT o.phone, o.status, o.at, o.failures FROM {} {}",
        columns.source(backend, 2, "x"),
        lookup(backend, "contact_outcomes", "o", "o.account_id = $1 AND o.phone = x.phone")
    );
    let found: Vec<LastOutcome> = conn.all(&sql, columns.after(backend, vals![scope.account()])).await?;
    Ok(found.into_iter().map(|outcome| (outcome.phone, outcome)).collect())
}

/// Reads the next batches of moves; tells how many there were.
///
/// # Errors
/// When the database refuses; nothing is counted then.
pub async fn gather(db: &Db) -> Result<u64> {
    let Some(read) = db.read().scalar::<i64>("SELECT seq FROM contact_outcomes_read WHERE one = 1", vals![]).await?
    else {
        return Ok(0);
    };
    let sql = "SELECT seq, account_id, data, created_at FROM events WHERE type = 'messages.moved' AND seq > $1 \
               ORDER BY seq LIMIT $2";
    let batches: Vec<Batch> = db.read().all(sql, vals![read, BATCHES]).await?;
    let Some(last) = batches.last().map(|batch| batch.seq) else { return Ok(0) };
    let count = batches.len();
    let mut runs: BTreeMap<(AccountId, i64), Run> = BTreeMap::new();
    for Batch { seq: _, account_id, data, created_at } in batches {
        for item in data.get("items").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| item.get(key).and_then(Value::as_str);
            let status = text("status").and_then(|word| word.parse::<Status>().ok()).filter(|s| is_outcome(*s));
            let phone = text("to").and_then(|to| to.trim_start_matches('+').parse::<i64>().ok());
            if let (Some(status), Some(phone)) = (status, phone) {
                runs.entry((account_id, phone)).or_default().add(status, created_at);
            }
        }
    }
    let tx = db.begin().await?;
    let moved =
        tx.run("UPDATE contact_outcomes_read SET seq = $1 WHERE one = 1 AND seq = $2", vals![last, read]).await?;
    if moved == 0 {
        return Ok(0); // another worker has read them
    }
    store(&tx, &runs).await?;
    tx.commit().await?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

async fn store(tx: &sea_orm::DatabaseTransaction, runs: &BTreeMap<(AccountId, i64), Run>) -> Result<()> {
    let rows: Vec<_> =
        runs.iter().filter_map(|((account, phone), run)| Some((account, *phone, run, run.last?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("account", rows.iter().map(|(account, ..)| account.0))
        .ints("phone", rows.iter().map(|(_, phone, ..)| *phone))
        .texts("status", rows.iter().map(|(.., (status, _))| status.as_str()))
        .ints("ended", rows.iter().map(|(.., (_, at))| at.0))
        .ints("failures", rows.iter().map(|(_, _, run, _)| run.failures))
        .ints("delivered", rows.iter().map(|(_, _, run, _)| i64::from(run.delivered)));
    let sql = format!(
        "INSERT INTO contact_outcomes (account_id, phone, status, at, failures) \
         SELECT x.account, x.phone, x.status, x.ended, CASE WHEN x.delivered = 1 THEN x.failures ELSE x.failures + \
         COALESCE((SELECT o.failures FROM contact_outcomes o WHERE o.account_id = x.account AND o.phone = x.phone), 0) END \
         FROM {} WHERE true ON CONFLICT (account_id, phone) \
         DO UPDATE SET status = excluded.status, at = excluded.at, failures = excluded.failures",
        columns.source(backend, 1, "x")
    );
    tx.run(&sql, columns.after(backend, vals![])).await?;
    Ok(())
}
