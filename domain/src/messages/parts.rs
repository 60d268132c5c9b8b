//! The parts that a carrier has accepted, and the receipts that find them: stored, matched, parked, written.
//!
//! Invariants: a part's final state is never overwritten; of several receipts of one part in a batch the first final one
//! counts; ids of two carriers are never mixed.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{
    record::{Receipt, Reference},
    status::ReceiptState,
};
use crate::{
    clock::Timestamp,
    db::{Columns, Sql, ids_json, ids_list, lookup},
    error::Result,
    ids::{CarrierId, MessageId, ReceiptId, uuid_floor},
    vals,
};

/// A receipt with the part it belongs to.
pub(super) struct Found {
    pub message: MessageId,
    pub part: i64,
    pub state: ReceiptState,
    pub error: Option<String>,
    pub raw: Option<String>,
    /// When it came.
    pub at: Timestamp,
}

pub(super) async fn store_parts(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    parts: &[(MessageId, i64, &Reference)],
) -> Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("message", parts.iter().map(|(message, ..)| message.0))
        .ints("part", parts.iter().map(|(_, part, _)| *part))
        .texts("ref", parts.iter().map(|(.., r)| r.canonical.as_str()))
        .texts("raw", parts.iter().map(|(.., r)| r.raw.as_str()));
    let sql = format!(
        "INSERT INTO message_parts (message_id, part, carrier_id, carrier_ref, carrier_ref_raw, status, submitted_at) \
         SELECT x.message, x.part, $1, x.ref, x.raw, 'sent', $2 FROM {} WHERE true ON CONFLICT (message_id, part) DO NOTHING",
        columns.source(backend, 3, "x")
    );
    tx.run(&sql, columns.after(backend, vals![carrier, now])).await?;
    Ok(())
}

/// References, numbered by their places.
fn numbered<'a>(references: impl Iterator<Item = &'a Reference> + Clone) -> Columns<'a> {
    let places = references.clone().enumerate().map(|(n, _)| i64::try_from(n).ok());
    Columns::new().ints("n", places).texts("ref", references.map(|r| r.canonical.as_str()))
}

/// Receipts that came before their parts were stored.
pub(super) async fn unpark(
    tx: &DatabaseTransaction,
    carrier: CarrierId,
    parts: &[(MessageId, i64, &Reference)],
) -> Result<Vec<Found>> {
    #[derive(FromQueryResult)]
    struct Parked {
        id: ReceiptId,
        n: i64,
        state: String,
        error: Option<String>,
        raw: Option<String>,
        received_at: Timestamp,
    }
    // Nothing is parked, most of the time: one look spares a join over the whole batch.
    if parts.is_empty()
        || tx.scalar::<i32>("SELECT 1 FROM receipts WHERE carrier_id = $1 LIMIT 1", vals![carrier]).await?.is_none()
    {
        return Ok(Vec::new());
    }
    let backend = tx.get_database_backend();
    let columns = numbered(parts.iter().map(|(.., r)| *r));
    let sql = format!(
        "SELECT r.id, x.n, r.state, r.error, r.raw, r.received_at FROM {} {} ORDER BY r.id",
        columns.source(backend, 2, "x"),
        lookup(backend, "receipts", "r", "r.carrier_id = $1 AND r.carrier_ref = x.ref")
    );
    let parked: Vec<Parked> = tx.all(&sql, columns.after(backend, vals![carrier])).await?;
    let sql = format!("DELETE FROM receipts WHERE id IN {}", ids_list(tx.get_database_backend(), 1));
    tx.run(&sql, vals![ids_json(parked.iter().map(|p| p.id.0))]).await?;
    let part_of = |n: i64| usize::try_from(n).ok().and_then(|n| parts.get(n));
    let found = parked.into_iter().filter_map(|Parked { id: _, n, state, error, raw, received_at: at }| {
        let (message, part, _) = part_of(n)?;
        Some(Found { message: *message, part: *part, state: ReceiptState::read(&state)?, error, raw, at })
    });
    Ok(found.collect())
}

/// Finds the parts that receipts belong to; the rest is of nobody yet. Most are of the last seven days, which keeps
/// PostgreSQL in one or two partitions; what is not found there is looked for in all, since a message may have been
/// written long before it was sent.
pub(super) async fn find<'a>(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    receipts: &'a [Receipt],
) -> Result<(Vec<Found>, Vec<&'a Receipt>)> {
    let week_ago = uuid_floor(now.minus(std::time::Duration::from_secs(7 * 86_400)));
    let (mut found, rest) = find_after(tx, (now, carrier), receipts.iter().collect(), week_ago).await?;
    let (older, rest) = find_after(tx, (now, carrier), rest, uuid::Uuid::nil()).await?;
    found.extend(older);
    Ok((found, rest))
}

async fn find_after<'a>(
    tx: &DatabaseTransaction,
    (now, carrier): (Timestamp, CarrierId),
    receipts: Vec<&'a Receipt>,
    floor: uuid::Uuid,
) -> Result<(Vec<Found>, Vec<&'a Receipt>)> {
    #[derive(FromQueryResult)]
    struct Part {
        n: i64,
        message_id: MessageId,
        part: i64,
    }
    if receipts.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let backend = tx.get_database_backend();
    let columns = numbered(receipts.iter().map(|r| &r.reference));
    let sql = format!(
        "SELECT x.n, p.message_id, p.part FROM {} {} ORDER BY x.n, p.done_at IS NOT NULL, p.message_id DESC",
        columns.source(backend, 3, "x"),
        lookup(backend, "message_parts", "p", "p.carrier_id = $1 AND p.carrier_ref = x.ref AND p.message_id >= $2")
    );
    let parts: Vec<Part> = tx.all(&sql, columns.after(backend, vals![carrier, floor])).await?;
    // Of several parts with one id (a carrier's counter that began again) the newest that waits is meant.
    let mut meant: HashMap<usize, Part> = HashMap::new();
    for part in parts {
        if let Ok(n) = usize::try_from(part.n) {
            meant.entry(n).or_insert(part);
        }
    }
    let (mut found, mut rest) = (Vec::with_capacity(meant.len()), Vec::new());
    for (n, receipt) in receipts.into_iter().enumerate() {
        match meant.get(&n) {
            Some(p) => found.push(Found {
                message: p.message_id,
                part: p.part,
                state: receipt.state,
                error: receipt.error.clone(),
                raw: receipt.raw.clone(),
                at: now,
            }),
            None => rest.push(receipt),
        }
    }
    Ok((found, rest))
}

pub(super) async fn park(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    receipts: &[&Receipt],
) -> Result<()> {
    for Receipt { reference, state, error, phone, sender, raw } in receipts {
        tx.run(
            "INSERT INTO receipts (id, carrier_id, carrier_ref, carrier_ref_raw, phone, sender, state, error, received_at, raw) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            vals![
                ReceiptId::new(now),
                carrier,
                reference.canonical.clone(),
                reference.raw.clone(),
                *phone,
                sender.clone(),
                state.as_str(),
                error.clone(),
                now,
                raw.clone()
            ],
        )
        .await?;
    }
    Ok(())
}

/// Writes what receipts say of parts that are not final yet; gives, by message, the parts concerned and their states, and
/// the receipts that did not end their part: not final, or too late.
pub(super) async fn update_parts<'a>(
    tx: &DatabaseTransaction,
    now: Timestamp,
    found: &'a [Found],
) -> Result<(HashMap<MessageId, Vec<Known>>, Vec<&'a Found>)> {
    #[derive(FromQueryResult)]
    struct Touched {
        message_id: MessageId,
        part: i64,
    }
    if found.is_empty() {
        return Ok((HashMap::new(), Vec::new()));
    }
    // Several receipts of one part: the first final one is kept, as it would be in batches of their own.
    let mut last: BTreeMap<(MessageId, i64), &'a Found> = BTreeMap::new();
    for f in found {
        let kept = last.entry((f.message, f.part)).or_insert(f);
        if !kept.state.is_final() {
            *kept = f;
        }
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("message", last.values().map(|f| f.message.0))
        .ints("part", last.values().map(|f| f.part))
        .texts("state", last.values().map(|f| f.state.as_str()))
        .some_texts("error", last.values().map(|f| f.error.as_deref()))
        .ints("done", last.values().map(|f| f.state.is_final().then_some(now.0)))
        .some_texts("receipt", last.values().map(|f| f.raw.as_deref().filter(|_| f.state.is_final())));
    let sql = format!(
        "UPDATE message_parts SET status = x.state, error = x.error, done_at = x.done, receipt = x.receipt FROM {} \
         WHERE message_parts.message_id = x.message AND message_parts.part = x.part AND message_parts.done_at IS NULL \
         RETURNING message_parts.message_id, message_parts.part",
        columns.source(backend, 1, "x")
    );
    let rows: Vec<Touched> = tx.all(&sql, columns.after(backend, vals![])).await?;
    let mut touched: HashMap<MessageId, Vec<Known>> = HashMap::with_capacity(rows.len());
    for Touched { message_id, part } in rows {
        if let Some(f) = last.get(&(message_id, part)) {
            touched.entry(message_id).or_default().push(Known { part, state: f.state, error: f.error.clone() });
        }
    }
    let ended = |f: &Found| {
        f.state.is_final()
            && last.get(&(f.message, f.part)).is_some_and(|kept| std::ptr::eq(*kept, f))
            && touched.get(&f.message).is_some_and(|known| known.iter().any(|known| known.part == f.part))
    };
    let beside = found.iter().filter(|f| !ended(f)).collect();
    Ok((touched, beside))
}

/// What is known of a part.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub part: i64,
    pub state: ReceiptState,
    pub error: Option<String>,
}

/// Every part of these messages.
pub(super) async fn known_parts(
    tx: &DatabaseTransaction,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Known>>> {
    #[derive(FromQueryResult)]
    struct Part {
        message_id: MessageId,
        part: i64,
        status: String,
        error: Option<String>,
    }
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT message_id, part, status, error FROM message_parts WHERE message_id IN {} ORDER BY message_id, part",
        ids_list(tx.get_database_backend(), 1)
    );
    let mut of: HashMap<MessageId, Vec<Known>> = HashMap::new();
    for Part { message_id, part, status, error } in
        tx.all::<Part>(&sql, vals![ids_json(messages.iter().map(|id| id.0))]).await?
    {
        if let Some(state) = ReceiptState::read(&status) {
            of.entry(message_id).or_default().push(Known { part, state, error });
        }
    }
    Ok(of)
}
