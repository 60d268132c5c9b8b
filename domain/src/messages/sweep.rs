//! What time does to messages, looked for at intervals: leases of the dead, messages whose time has come, doubts and
//! receipts that end, chunks that were cancelled. Every verb here is idempotent and works in pieces.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use super::{
    Patience, ReceiptState, Status,
    moves::{Move, Moves, Row, lock, lock_where},
    notes::{self, Note},
    parts::{Found, known_parts},
    record::{conclude, doubt, record_in, undoubt},
    resend, validity,
};
use crate::{
    balance,
    clock::Timestamp,
    db::{Db, Sql},
    error::{Code, Result},
    ids::{AccountId, CarrierId, ChunkId, HoldId, MessageId, ReceiptId},
    money::Micros,
    scope::SystemScope,
    vals,
};

/// How many chunks or messages one transaction of a sweep takes.
const PIECE: i64 = 500;

#[derive(FromQueryResult)]
struct Chunk {
    id: ChunkId,
    account_id: AccountId,
    carrier_id: CarrierId,
    hold_id: Option<HoldId>,
    /// Why its messages are skipped, where they are not cancelled.
    skip_reason: Option<String>,
}

/// Locks chunks that `condition` picks and orders, passing over those that another sweep works on.
async fn chunks(
    tx: &DatabaseTransaction,
    condition: &str,
    values: Vec<sea_orm::Value>,
    limit: i64,
) -> Result<Vec<Chunk>> {
    let skip = if tx.get_database_backend() == DbBackend::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT id, account_id, carrier_id, hold_id, skip_reason FROM chunks WHERE {condition} LIMIT {limit}{skip}"
    );
    Ok(tx.all(&sql, values).await?)
}

/// Whether a sweep has anything to do: asked first, so that an idle platform writes nothing.
async fn any(db: &Db, table: &str, condition: &str, values: Vec<sea_orm::Value>) -> Result<bool> {
    Ok(db.read().scalar::<i32>(&format!("SELECT 1 FROM {table} WHERE {condition} LIMIT 1"), values).await?.is_some())
}

/// Chunks whose owner has died: what it had marked is in doubt, what it had not goes on. Tells how many chunks.
///
/// # Errors
/// When the database refuses.
pub async fn reclaim(db: &Db, scope: &SystemScope, patience: &Patience) -> Result<usize> {
    let now = scope.clock.now();
    let dead = "lease_owner IS NOT NULL AND lease_until < $1";
    if !any(db, "chunks", dead, vals![now]).await? {
        return Ok(0);
    }
    let tx = db.begin().await?;
    let found = chunks(&tx, &format!("{dead} ORDER BY id"), vals![now], 20).await?;
    for Chunk { id, carrier_id, .. } in &found {
        let rows = lock_where(&tx, "m.chunk_id = $1 AND m.status = 'submitting'", vals![*id]).await?;
        let doubtful: Vec<_> = rows.iter().map(|row| (row, "interrupted")).collect();
        let again = resend::take(&tx, now, *carrier_id, &doubtful).await?;
        let lost: Vec<_> = rows.iter().map(|row| Note::lost(*carrier_id, row.id, "interrupted", now)).collect();
        notes::write(&tx, now, &lost).await?;
        let (again, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| again.contains(&row.id));
        doubt(&tx, now, *carrier_id, patience, &rows).await?;
        let mut moves = Moves::default();
        for row in rows {
            moves.end(row, Status::InDoubt, "interrupted");
        }
        for row in again {
            moves.add(Move { row, to: Status::Queued, reason: None, error: None, accepted: false });
        }
        moves.apply(&tx, now).await?;
        tx.run(
            "UPDATE chunks SET lease_owner = NULL, lease_until = NULL, status = CASE WHEN status <> 'claimed' THEN status \
             WHEN EXISTS (SELECT 1 FROM messages m WHERE m.chunk_id = $1 AND m.status = 'queued') THEN 'ready' ELSE 'done' END WHERE id = $1",
            vals![*id],
        )
        .await?;
    }
    tx.commit().await?;
    Ok(found.len())
}

/// Single sends whose time has come: their money is held and their chunks become ready; without money they fail.
///
/// # Errors
/// When the database refuses.
pub async fn dispatch(db: &Db, scope: &SystemScope) -> Result<usize> {
    let now = scope.clock.now();
    let due = "status = 'scheduled' AND campaign_id IS NULL AND send_at <= $1"; // campaigns hold their money before
    if !any(db, "chunks", due, vals![now]).await? {
        return Ok(0);
    }
    let tx = db.begin().await?;
    let found = chunks(&tx, &format!("{due} ORDER BY send_at, id"), vals![now], 1).await?;
    for Chunk { id, account_id, hold_id, .. } in &found {
        let Some(hold) = *hold_id else { continue };
        let rows = lock_where(&tx, "m.chunk_id = $1 AND m.status = 'scheduled'", vals![*id]).await?;
        let cost =
            rows.iter().try_fold(Micros::ZERO, |sum, row| sum.checked_add(row.unit_price.checked_mul(row.segments)?));
        let active = "SELECT 1 FROM accounts WHERE id = $1 AND status = 'active'";
        if tx.scalar::<i32>(active, vals![*account_id]).await?.is_none() {
            let mut moves = Moves::default();
            rows.into_iter().for_each(|row| moves.end(row, Status::Failed, "account_suspended"));
            moves.apply(&tx, now).await?;
            tx.run("UPDATE chunks SET status = 'done' WHERE id = $1", vals![*id]).await?;
            continue;
        }
        let held = balance::hold(&tx, now, *account_id, hold, cost.unwrap_or(Micros(i64::MAX))).await;
        let (status, to, reason) = match held {
            Ok(()) => ("ready", Status::Queued, ""),
            Err(e) if e.code == Code::InsufficientFunds => ("done", Status::Failed, "insufficient_funds"),
            Err(e) => return Err(e),
        };
        let mut moves = Moves::default();
        for row in rows {
            moves.add(Move {
                row,
                to,
                reason: (!reason.is_empty()).then(|| reason.to_owned()),
                error: None,
                accepted: false,
            });
        }
        moves.apply(&tx, now).await?;
        tx.run("UPDATE chunks SET status = $2 WHERE id = $1", vals![*id, status]).await?;
    }
    tx.commit().await?;
    Ok(found.len())
}

/// Cancelled chunks: their waiting messages end as cancelled, or skipped where no hour is open to them, and their money is
/// released. A chunk that a pump still
/// holds is looked at again, since a message may come back from it unsent; after that it is done like any other.
///
/// # Errors
/// When the database refuses.
pub async fn settle_cancelled(db: &Db, scope: &SystemScope, patience: &Patience) -> Result<usize> {
    let now = scope.clock.now();
    let open = "status = 'cancelled' AND settled_at IS NULL";
    let first = format!("{open} ORDER BY lease_owner IS NOT NULL, id"); // those that can be done come first
    if !any(db, "chunks", open, vals![]).await? {
        return Ok(0);
    }
    let tx = db.begin().await?;
    let found = chunks(&tx, &first, vals![], 5).await?;
    let mut settled = 0;
    for Chunk { id, carrier_id, skip_reason, .. } in &found {
        let mut moves = Moves::default();
        let rows = lock_where(&tx, "m.chunk_id = $1 AND m.status IN ('queued', 'scheduled')", vals![*id]).await?;
        let end = skip_reason.as_deref().map_or((Status::Cancelled, "cancelled"), |why| (Status::Skipped, why));
        unsent(&tx, now, *carrier_id, patience, rows, end, &mut moves).await?;
        settled += usize::try_from(moves.apply(&tx, now).await?).unwrap_or(0);
        let done = "UPDATE chunks SET status = 'done' WHERE id = $1 AND lease_owner IS NULL";
        settled += usize::try_from(tx.run(done, vals![*id]).await?).unwrap_or(0);
    }
    tx.commit().await?;
    Ok(settled)
}

/// Ends messages that wait and will not be sent. One that waits for its second attempt may have left by the first: it is
/// in doubt.
async fn unsent(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    patience: &Patience,
    rows: Vec<Row>,
    (to, reason): (Status, &str),
    moves: &mut Moves,
) -> Result<()> {
    let before = resend::among(tx, rows.iter().map(|row| row.id)).await?;
    let (second, first): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| before.contains(&row.id));
    doubt(tx, now, carrier, patience, &second).await?;
    second.into_iter().for_each(|row| moves.end(row, Status::InDoubt, reason));
    first.into_iter().for_each(|row| moves.end(row, to, reason));
    Ok(())
}

/// Messages whose validity is over while they wait, also in a campaign that is paused: they end as expired, and their
/// money is released. Tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn end_over(db: &Db, scope: &SystemScope, patience: &Patience) -> Result<u64> {
    let now = scope.clock.now();
    // What is being prepared has no money held yet; what is scheduled is not due.
    let due = "over_at <= $1 AND status NOT IN ('preparing', 'scheduled')";
    if !any(db, "chunks", due, vals![now]).await? {
        return Ok(0);
    }
    let tx = db.begin().await?;
    let mut ended = 0;
    for Chunk { id, carrier_id, .. } in chunks(&tx, &format!("{due} ORDER BY over_at"), vals![now], 5).await? {
        let mut moves = Moves::default();
        let over = "m.chunk_id = $1 AND m.status = 'queued' AND m.valid_until <= $2";
        let rows = lock_where(&tx, over, vals![id, now]).await?;
        unsent(&tx, now, carrier_id, patience, rows, (Status::Expired, validity::OVER), &mut moves).await?;
        ended += moves.apply(&tx, now).await?;
        // One that is being submitted may come back unsent.
        let next = "UPDATE chunks SET over_at = (SELECT MIN(m.valid_until) FROM messages m WHERE m.chunk_id = $1 \
                    AND m.status IN ('queued', 'submitting')) WHERE id = $1";
        tx.run(next, vals![id]).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

/// Sent messages that waited long enough: `no_report`, and charged. Tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn end_waiting(db: &Db, scope: &SystemScope, patience: &Patience) -> Result<u64> {
    let now = scope.clock.now();
    let past = now.minus(patience.receipt);
    let old = "status = 'done' AND settled_at IS NULL AND send_at < $1 AND lease_owner IS NULL";
    if !any(db, "chunks", old, vals![past]).await? {
        return Ok(0);
    }
    let tx = db.begin().await?;
    let found = chunks(&tx, &format!("{old} ORDER BY send_at"), vals![past], 5).await?;
    let again = Duration::from_secs(600).min(patience.receipt / 2);
    let mut ended = 0;
    for Chunk { id, .. } in &found {
        let mut moves = Moves::default();
        for row in lock_where(
            &tx,
            "m.chunk_id = $1 AND m.status = 'sent' AND m.submitted_at < $2 AND COALESCE(m.valid_until, 0) < $2",
            vals![*id, past],
        )
        .await?
        {
            moves.end(row, Status::NoReport, "no_receipt_in_time");
        }
        ended += moves.apply(&tx, now).await?;
        // A chunk that was sent after its time has messages that still wait: it is looked at again in ten minutes (sooner
        // when the whole patience is short), behind the others.
        let sql = "UPDATE chunks SET settled_at = CASE WHEN w.n = 0 THEN $2 END, send_at = CASE WHEN w.n = 0 THEN send_at ELSE $3 END FROM \
                   (SELECT COUNT(*) AS n FROM messages m WHERE m.chunk_id = $1 AND m.status IN ('sent', 'in_doubt', 'submitting', 'queued')) AS w \
                   WHERE chunks.id = $1";
        tx.run(sql, vals![*id, now, past.plus(again)]).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

/// Messages in doubt to the end: `unknown`, and not charged.
///
/// # Errors
/// When the database refuses.
pub async fn end_doubts(db: &Db, scope: &SystemScope) -> Result<u64> {
    let now = scope.clock.now();
    if !any(db, "messages_in_doubt", "until < $1", vals![now]).await? {
        return Ok(0);
    }
    let tx = db.begin().await?;
    let ids: Vec<MessageId> = tx
        .column(
            "SELECT message_id FROM messages_in_doubt WHERE until < $1 ORDER BY message_id LIMIT $2",
            vals![now, PIECE],
        )
        .await?;
    let mut moves = Moves::default();
    for row in lock(&tx, ids.iter().copied()).await? {
        if row.status == Status::InDoubt {
            moves.end(row, Status::Unknown, "in_doubt_to_the_end");
        }
    }
    let ended = moves.apply(&tx, now).await?;
    undoubt(&tx, &ids).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Receipts that found no part for a while, but a message in doubt to the same number: they tell its fate. The wait
/// makes sure that the receipt is not merely ahead of its own answer.
///
/// # Errors
/// When the database refuses.
pub async fn resolve_doubts(db: &Db, scope: &SystemScope, patience: &Patience) -> Result<u64> {
    #[derive(FromQueryResult)]
    struct Pair {
        receipt: ReceiptId,
        carrier_id: CarrierId,
        carrier_ref: String,
        carrier_ref_raw: String,
        state: String,
        error: Option<String>,
        raw: Option<String>,
        received_at: Timestamp,
        message_id: MessageId,
        since: Timestamp,
    }
    let now = scope.clock.now();
    let settled = now.minus(patience.settle);
    if !any(db, "messages_in_doubt", "since <= $1", vals![now]).await?
        || !any(db, "receipts", "received_at <= $1", vals![settled]).await?
    {
        return Ok(0);
    }
    let tx = db.begin().await?;
    // A receipt tells of a message that existed when it came; ten minutes are allowed for a doubt that is noted late.
    let pairs: Vec<Pair> = tx
        .all(
            "SELECT r.id AS receipt, r.carrier_id, r.carrier_ref, r.carrier_ref_raw, r.state, r.error, r.raw, r.received_at, d.message_id, d.since \
             FROM receipts r JOIN messages_in_doubt d ON d.carrier_id = r.carrier_id AND d.phone = r.phone AND (r.sender IS NULL OR r.sender = d.sender) \
             WHERE r.received_at <= $1 AND r.received_at >= d.since - 600000000 ORDER BY d.since, d.message_id, r.received_at, r.id LIMIT $2",
            vals![settled, PIECE * 4],
        )
        .await?;
    let wanted: std::collections::BTreeSet<_> = pairs.iter().map(|p| p.message_id).collect();
    let rows = lock(&tx, wanted).await?;
    let mut free: HashMap<MessageId, Vec<i64>> = HashMap::new();
    for row in &rows {
        let known: Vec<i64> = tx.column("SELECT part FROM message_parts WHERE message_id = $1", vals![row.id]).await?;
        free.insert(row.id, (1..=row.parts).rev().filter(|p| !known.contains(p)).collect());
    }
    // One part a reference: ENROUTE and DELIVRD of one part are two receipts, but never two parts.
    let mut bound: HashMap<String, (MessageId, i64)> = HashMap::new();
    let mut touched = std::collections::BTreeSet::new();
    let mut beside = Vec::new();
    for pair in pairs {
        let Pair { receipt, carrier_id, carrier_ref, carrier_ref_raw, message_id, since, .. } = pair;
        let place = match bound.get(&carrier_ref) {
            Some((message, _)) if *message != message_id => continue,
            Some((_, part)) => *part,
            None => match free.get_mut(&message_id).and_then(Vec::pop) {
                Some(part) => part,
                None => continue,
            },
        };
        // Taken first: another transaction may have found the receipt's own part meanwhile.
        if tx.run("DELETE FROM receipts WHERE id = $1", vals![receipt]).await? == 0 {
            if let (None, Some(free)) = (bound.get(&carrier_ref), free.get_mut(&message_id)) {
                free.push(place);
            }
            continue;
        }
        bound.insert(carrier_ref.clone(), (message_id, place));
        touched.insert(message_id);
        let Some(state) = ReceiptState::read(&pair.state) else { continue };
        let found =
            Found { message: message_id, part: place, state, error: pair.error, raw: pair.raw, at: pair.received_at };
        let done = state.is_final().then_some(now);
        let raw = found.raw.clone().filter(|_| done.is_some());
        let sql = "INSERT INTO message_parts (message_id, part, carrier_id, carrier_ref, carrier_ref_raw, status, error, submitted_at, done_at, receipt) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (message_id, part) DO UPDATE SET status = excluded.status, \
                   error = excluded.error, done_at = excluded.done_at, receipt = excluded.receipt WHERE message_parts.done_at IS NULL";
        let error = found.error.clone();
        let values =
            vals![message_id, place, carrier_id, carrier_ref, carrier_ref_raw, state.as_str(), error, since, done, raw];
        if tx.run(sql, values).await? == 0 || done.is_none() {
            beside.push((carrier_id, found));
        }
    }
    let beside: Vec<_> = beside.iter().map(|(carrier, found)| Note::receipt(*carrier, found)).collect();
    notes::write(&tx, now, &beside).await?;
    let mut moves = Moves::default();
    let rows: Vec<_> = rows.into_iter().filter(|r| touched.contains(&r.id)).collect();
    let known = known_parts(&tx, &rows.iter().map(|r| r.id).collect::<Vec<_>>()).await?;
    conclude(&tx, rows, &known, &mut moves).await?;
    let resolved = moves.apply(&tx, now).await?;
    tx.commit().await?;
    Ok(resolved)
}

/// Receipts whose part was stored by another process in the moment they were parked.
///
/// # Errors
/// When the database refuses.
pub async fn rematch(db: &Db, scope: &SystemScope, patience: &Patience) -> Result<u64> {
    #[derive(FromQueryResult)]
    struct Parked {
        id: ReceiptId,
        carrier_id: CarrierId,
        carrier_ref: String,
        carrier_ref_raw: String,
        phone: Option<i64>,
        sender: Option<String>,
        state: String,
        error: Option<String>,
        raw: Option<String>,
    }
    // Only new ones: an old one would have been found when its part was stored.
    let new = scope.clock.now().minus(Duration::from_secs(60));
    let sql = "SELECT r.id, r.carrier_id, r.carrier_ref, r.carrier_ref_raw, r.phone, r.sender, r.state, r.error, r.raw FROM receipts r \
               WHERE r.received_at > $2 AND EXISTS (SELECT 1 FROM message_parts p WHERE p.carrier_id = r.carrier_id AND p.carrier_ref = r.carrier_ref) ORDER BY r.id LIMIT $1";
    let parked: Vec<Parked> = db.read().all(sql, vals![PIECE, new]).await?;
    let mut applied = 0;
    for p in parked {
        let tx = db.begin().await?;
        // Taken and applied in one transaction: a receipt is never out of both tables.
        let mine = tx.run("DELETE FROM receipts WHERE id = $1", vals![p.id]).await? == 1;
        let Some(state) = ReceiptState::read(&p.state).filter(|_| mine) else { continue };
        let reference = super::Reference { canonical: p.carrier_ref, raw: p.carrier_ref_raw };
        let (error, raw) = (p.error, p.raw);
        let receipt = super::Receipt { reference, state, error, phone: p.phone, sender: p.sender, raw };
        applied += record_in(&tx, scope, p.carrier_id, patience, &[], &[receipt]).await?.receipts_applied;
        tx.commit().await?;
    }
    Ok(applied)
}

/// Forgets receipts that were of nobody for 72 hours and tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn forget_unknown(db: &Db, scope: &SystemScope) -> Result<u64> {
    let old = scope.clock.now().minus(Duration::from_secs(72 * 3600));
    if !any(db, "receipts", "received_at < $1", vals![old]).await? {
        return Ok(0);
    }
    let tx = db.begin().await?;
    let gone = tx.run("DELETE FROM receipts WHERE received_at < $1", vals![old]).await?;
    tx.commit().await?;
    Ok(gone)
}
