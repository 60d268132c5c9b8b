//! Frequency caps, kept where messages leave for their carrier: whom campaigns have written to often enough is skipped.
//!
//! `campaign_sends` has a row for each message of a campaign that was handed over while its account had caps, with the
//! day by the account's clock; it is kept for as long as a cap may look back. Invariants: a message that is marked is
//! counted by the same transaction, once, however often it is marked; marks of one account with caps come one after the
//! other, so that two campaigns at once do not both find room; single sends are neither counted nor held back; what
//! the carrier may have already is never skipped.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use super::{
    Skip, Status,
    moves::{Moves, Row, lock},
    resend,
};
use crate::{
    accounts::{self, Account, FrequencyCaps, SentOn},
    clock::Timestamp,
    db::{Columns, Sql, ids_json, ids_list, lookup},
    error::Result,
    hours,
    ids::{AccountId, MessageId},
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

/// Rows that a round of housekeeping forgets at most.
const PIECE: i64 = 5_000;

/// Counts messages that this transaction has just marked, and skips those of campaigns that are over a cap of their
/// account: gives those that may leave.
pub(super) async fn admit(tx: &DatabaseTransaction, now: Timestamp, marked: Vec<MessageId>) -> Result<Vec<MessageId>> {
    #[derive(FromQueryResult)]
    struct Capped {
        id: AccountId,
        time_zone: String,
        frequency_caps: FrequencyCaps,
    }
    let mut of: BTreeMap<AccountId, Vec<Row>> = BTreeMap::new();
    for row in lock(tx, marked.iter().copied()).await?.into_iter().filter(|row| row.campaign_id.is_some()) {
        of.entry(row.account_id).or_default().push(row);
    }
    let sql = format!(
        "SELECT id, time_zone, frequency_caps FROM accounts WHERE frequency_caps IS NOT NULL AND id IN {} ORDER BY id",
        ids_list(tx.get_database_backend(), 1)
    );
    let mut moves = Moves::default();
    let mut skipped = HashSet::new();
    for account in tx.all::<Capped>(&sql, vals![ids_json(of.keys().map(|id| id.0))]).await? {
        let Some(rows) = of.remove(&account.id) else { continue };
        alone(tx, account.id).await?;
        let today = hours::number_of(hours::day_of(now, account.time_zone.parse().unwrap_or(Tz::UTC)));
        let (mut within, over) = judge(tx, &account.frequency_caps, today, rows).await?;
        let late = if over.is_empty() { HashSet::new() } else { resend::among(tx, over.iter().map(|r| r.id)).await? };
        let (late, over): (Vec<Row>, Vec<Row>) = over.into_iter().partition(|row| late.contains(&row.id));
        within.extend(late);
        count(tx, account.id, today, &within).await?;
        for row in over {
            skipped.insert(row.id);
            moves.end(row, Status::Skipped, Skip::FrequencyCap.as_str());
        }
    }
    if !skipped.is_empty() {
        moves.apply(tx, now).await?;
    }
    Ok(marked.into_iter().filter(|id| !skipped.contains(id)).collect())
}

/// One mark at a time for an account with caps; always taken in the order of the accounts. SQLite has one writer anyway.
async fn alone(tx: &DatabaseTransaction, account: AccountId) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.run("SELECT pg_advisory_xact_lock(hashtext($1))", vals![format!("frequency.{account}")]).await?;
    }
    Ok(())
}

/// Which of these keep to the caps, and which are over one, in their order.
async fn judge(
    tx: &DatabaseTransaction,
    caps: &FrequencyCaps,
    today: i64,
    rows: Vec<Row>,
) -> Result<(Vec<Row>, Vec<Row>)> {
    #[derive(FromQueryResult)]
    struct Sent {
        phone: i64,
        message_id: MessageId,
        day: i64,
        n: i64,
        own: i32,
    }
    let Some(account) = rows.first().map(|row| row.account_id) else { return Ok((Vec::new(), Vec::new())) };
    let backend = tx.get_database_backend();
    let columns =
        Columns::new().ids("message", rows.iter().map(|r| r.id.0)).ints("phone", rows.iter().map(|r| r.phone));
    let sql = format!(
        "SELECT x.phone, x.message AS message_id, s.day, COUNT(*) AS n, MAX(CASE WHEN s.message_id = x.message THEN 1 ELSE 0 END) AS own \
         FROM {} {} GROUP BY x.phone, x.message, s.day",
        columns.source(backend, 3, "x"),
        lookup(backend, "campaign_sends", "s", "s.account_id = $1 AND s.phone = x.phone AND s.day >= $2"),
    );
    let (mut sent, mut counted): (HashMap<i64, SentOn>, HashSet<MessageId>) = Default::default();
    for row in tx.all::<Sent>(&sql, columns.after(backend, vals![account, caps.oldest(today)])).await? {
        sent.entry(row.phone).or_default().insert(row.day, row.n);
        if row.own == 1 {
            counted.insert(row.message_id);
        }
    }
    Ok(rows.into_iter().partition(|row| {
        let sent = sent.entry(row.phone).or_default();
        // One that came back unsent is counted already.
        if counted.contains(&row.id) {
            return true;
        }
        let room = caps.allow(sent, today);
        if room {
            *sent.entry(today).or_default() += 1;
        }
        room
    }))
}

async fn count(tx: &DatabaseTransaction, account: AccountId, today: i64, rows: &[Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns =
        Columns::new().ids("message", rows.iter().map(|r| r.id.0)).ints("phone", rows.iter().map(|r| r.phone));
    let sql = format!(
        "INSERT INTO campaign_sends (account_id, phone, day, message_id) SELECT $1, x.phone, $2, x.message FROM {} \
         WHERE true ON CONFLICT (account_id, phone, message_id) DO NOTHING",
        columns.source(backend, 3, "x")
    );
    tx.run(&sql, columns.after(backend, vals![account, today])).await?;
    Ok(())
}

/// Until when campaigns write to a number no more, by the caps of its account; none: they may.
///
/// # Errors
/// When the database cannot be read.
pub async fn over_until(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    account: &Account,
    phone: Msisdn,
) -> Result<Option<Timestamp>> {
    #[derive(FromQueryResult)]
    struct Sent {
        day: i64,
        n: i64,
    }
    let Some(caps) = &account.frequency_caps else { return Ok(None) };
    let sql = "SELECT day, COUNT(*) AS n FROM campaign_sends WHERE account_id = $1 AND phone = $2 GROUP BY day";
    let sent: Vec<Sent> = conn.all(sql, vals![scope.account(), i64::from(phone)]).await?;
    let sent = sent.into_iter().map(|Sent { day, n }| (day, n)).collect();
    let zone = account.time_zone.parse().unwrap_or(Tz::UTC);
    Ok(caps.over_until(&sent, scope.clock().now(), zone))
}

/// Forgets sends that no cap can look at any more; tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn purge(tx: &DatabaseTransaction, now: Timestamp) -> Result<u64> {
    #[derive(FromQueryResult)]
    struct Old {
        account_id: AccountId,
        phone: i64,
        message_id: MessageId,
    }
    // A day more: it is yesterday still somewhere.
    let kept = Duration::from_secs(u64::try_from(accounts::MAX_DAYS + 1).unwrap_or_default() * 86_400);
    let first = hours::number_of(hours::day_of(now.minus(kept), Tz::UTC));
    let sql = "SELECT account_id, phone, message_id FROM campaign_sends WHERE day < $1 ORDER BY day LIMIT $2";
    let old: Vec<Old> = tx.all(sql, vals![first, PIECE]).await?;
    if old.is_empty() {
        return Ok(0);
    }
    // By their keys, in a second statement: of one that picks and deletes PostgreSQL makes a scan of the whole table.
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("account", old.iter().map(|row| row.account_id.0))
        .ints("phone", old.iter().map(|row| row.phone))
        .ids("message", old.iter().map(|row| row.message_id.0));
    let sql = format!(
        "DELETE FROM campaign_sends WHERE (account_id, phone, message_id) IN (SELECT x.account, x.phone, x.message FROM {})",
        columns.source(backend, 1, "x")
    );
    Ok(tx.run(&sql, columns.after(backend, vals![])).await?)
}

#[cfg(test)]
mod tests;
