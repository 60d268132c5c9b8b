//! Recording what the carrier said: answers to submits and receipts, a batch at a time, in one transaction. Receipts
//! are acknowledged to the carrier only after this has returned.
//!
//! Invariants: an answer moves only a message that is `submitting` or in doubt; a part's final state is never
//! overwritten (a duplicate or an ENROUTE after DELIVRD changes nothing); a receipt that finds no part is parked, and
//! is found again by the transaction that stores its part.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;

use super::{
    Status,
    moves::{Move, Moves, Row, lock},
    status::{ReceiptState, verdict},
};
use crate::{
    clock::Timestamp,
    db::{Db, Field, Records, Sql, ids_json, ids_list},
    error::Result,
    ids::{CarrierId, MessageId, ReceiptId, uuid_floor},
    scope::SystemScope,
    vals,
};

/// How long the carrier may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a message may be in doubt before it ends as `unknown`.
    pub in_doubt: std::time::Duration,
    /// How long a sent message waits for its receipt before it ends as `no_report`.
    pub receipt: std::time::Duration,
    /// How long a receipt without a part waits before it may resolve a message in doubt.
    pub settle: std::time::Duration,
}

/// The carrier's id of a part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// In the carrier's canonical form: what is compared.
    pub canonical: String,
    /// As it came.
    pub raw: String,
}

/// What became of a submitted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Every part was accepted.
    Accepted,
    /// A part was refused for good: the code as the carrier names it.
    Refused { error: String },
    /// No answer, or the connection was lost: it may have left.
    Doubt { reason: &'static str },
    /// No byte of it was written: it waits again.
    Unsent,
}

/// The outcome of one message's submits.
#[derive(Debug, Clone)]
pub struct Submitted {
    pub message: MessageId,
    pub answer: Answer,
    /// The parts that were accepted, by number from 1.
    pub parts: Vec<(i64, Reference)>,
}

/// A receipt as the carrier sent it.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub reference: Reference,
    pub state: ReceiptState,
    pub error: Option<String>,
    /// The recipient's number, where the receipt has it.
    pub phone: Option<i64>,
    /// Our sender, where the receipt has it.
    pub sender: Option<String>,
}

/// What a batch did, for the metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recorded {
    pub moved: u64,
    pub receipts_applied: u64,
    pub receipts_parked: u64,
}

/// A receipt with the part it belongs to.
struct Found {
    message: MessageId,
    part: i64,
    state: ReceiptState,
    error: Option<String>,
}

/// Records a batch of answers and receipts of one carrier.
///
/// # Errors
/// When the database refuses; then nothing is recorded and the batch may be tried again.
pub async fn record(
    db: &Db,
    scope: &SystemScope,
    carrier: CarrierId,
    patience: &Patience,
    answers: &[Submitted],
    receipts: &[Receipt],
) -> Result<Recorded> {
    let tx = db.begin().await?;
    let recorded = record_in(&tx, scope.clock.now(), carrier, patience, answers, receipts).await?;
    tx.commit().await?;
    Ok(recorded)
}

/// The same in the caller's transaction.
pub(super) async fn record_in(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    patience: &Patience,
    answers: &[Submitted],
    receipts: &[Receipt],
) -> Result<Recorded> {
    let answers = folded(answers);
    let parts: Vec<_> =
        answers.values().flat_map(|a| a.parts.iter().map(|(part, reference)| (a.message, *part, reference))).collect();
    store_parts(tx, now, carrier, &parts).await?;
    let mut found = unpark(tx, carrier, &parts).await?;
    let (matched, rest) = find(tx, now, carrier, receipts).await?;
    found.extend(matched);
    park(tx, now, carrier, &rest).await?;
    let touched = update_parts(tx, now, &found).await?;
    // One lock over all, in the order of ids, and one batch of moves: two recorders then never wait in a circle.
    let rows = lock(tx, answers.keys().chain(&touched).copied().collect::<BTreeSet<_>>()).await?;
    let mut rows: BTreeMap<MessageId, Row> = rows.into_iter().map(|r| (r.id, r)).collect();
    let mut moves = Moves::default();
    answer(tx, now, carrier, patience, &answers, &mut rows, &mut moves).await?;
    conclude(tx, rows.into_values().filter(|r| touched.contains(&r.id)).collect(), &mut moves).await?;
    Ok(Recorded {
        moved: moves.apply(tx, now).await?,
        receipts_applied: u64::try_from(found.len()).unwrap_or(0),
        receipts_parked: u64::try_from(rest.len()).unwrap_or(0),
    })
}

/// One answer a message: of several in a batch (a doubt, and the late answer that ends it) the one that knows rules.
fn folded(answers: &[Submitted]) -> BTreeMap<MessageId, &Submitted> {
    let mut of: BTreeMap<MessageId, &Submitted> = BTreeMap::new();
    for answer in answers {
        let kept = of.entry(answer.message).or_insert(answer);
        if !matches!(answer.answer, Answer::Doubt { .. }) {
            *kept = answer;
        }
    }
    of
}

/// Moves the answered messages; `rows` are left in the state they then have.
async fn answer(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    patience: &Patience,
    answers: &BTreeMap<MessageId, &Submitted>,
    rows: &mut BTreeMap<MessageId, Row>,
    moves: &mut Moves,
) -> Result<()> {
    let (mut doubts, mut resolved, mut unsent) = (Vec::new(), Vec::new(), Vec::new());
    for (id, Submitted { answer, .. }) in answers {
        let Some(row) = rows.get_mut(id) else { continue };
        let from = row.status;
        if !matches!(from, Status::Submitting | Status::InDoubt) {
            continue;
        }
        let (to, reason, error) = match answer {
            Answer::Accepted => (Status::Sent, None, None),
            Answer::Refused { error } => (Status::Rejected, Some("refused_by_carrier"), Some(error.clone())),
            Answer::Doubt { reason } => (Status::InDoubt, Some(*reason), None),
            Answer::Unsent => (Status::Queued, None, None),
        };
        match (from, to) {
            (Status::InDoubt, Status::InDoubt) => continue,
            (Status::InDoubt, _) => resolved.push(row.id),
            (_, Status::InDoubt) => doubts.push(row.clone()),
            _ => {}
        }
        if to == Status::Queued {
            unsent.push(row.id);
        }
        moves.add(Move {
            row: row.clone(),
            to,
            reason: reason.map(str::to_owned),
            error,
            accepted: to == Status::Sent,
        });
        row.status = to;
    }
    doubt(tx, now, carrier, patience, &doubts).await?;
    undoubt(tx, &resolved).await?;
    reopen(tx, &unsent).await
}

/// Chunks that were done get messages back that were not sent after all.
async fn reopen(tx: &DatabaseTransaction, unsent: &[MessageId]) -> Result<()> {
    if !unsent.is_empty() {
        let list = ids_list(tx.get_database_backend(), 1);
        let sql = format!(
            "UPDATE chunks SET status = 'ready' WHERE status = 'done' AND id IN (SELECT chunk_id FROM messages WHERE id IN {list})"
        );
        tx.run(&sql, vals![ids_json(unsent.iter().map(|id| id.0))]).await?;
    }
    Ok(())
}

/// Notes messages whose fate is not known.
pub(super) async fn doubt(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    patience: &Patience,
    rows: &[Row],
) -> Result<()> {
    for row in rows {
        tx.run(
            "INSERT INTO messages_in_doubt (message_id, carrier_id, phone, sender, since, until) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (message_id) DO NOTHING",
            vals![row.id, row.carrier_id.unwrap_or(carrier), row.phone, row.sender.clone(), now, now.plus(patience.in_doubt)],
        )
        .await?;
    }
    Ok(())
}

/// Forgets messages whose fate has become known.
pub(super) async fn undoubt(tx: &DatabaseTransaction, ids: &[MessageId]) -> Result<()> {
    if !ids.is_empty() {
        let sql =
            format!("DELETE FROM messages_in_doubt WHERE message_id IN {}", ids_list(tx.get_database_backend(), 1));
        tx.run(&sql, vals![ids_json(ids.iter().map(|id| id.0))]).await?;
    }
    Ok(())
}

async fn store_parts(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    parts: &[(MessageId, i64, &Reference)],
) -> Result<()> {
    const FIELDS: &[(&str, Field)] =
        &[("message", Field::Id), ("part", Field::Int), ("ref", Field::Text), ("raw", Field::Text)];
    if parts.is_empty() {
        return Ok(());
    }
    let rows = parts.iter().map(|(message, part, r)| json!({ "message": message.0.simple().to_string(), "part": part, "ref": r.canonical, "raw": r.raw }));
    let records = Records::new(FIELDS, rows.collect());
    let sql = format!(
        "INSERT INTO message_parts (message_id, part, carrier_id, carrier_ref, carrier_ref_raw, status, submitted_at) \
         SELECT x.message, x.part, $2, x.ref, x.raw, 'sent', $3 FROM {} WHERE true ON CONFLICT (message_id, part) DO NOTHING",
        records.source(tx.get_database_backend(), 1, "x")
    );
    tx.run(&sql, vals![records.value(), carrier, now]).await?;
    Ok(())
}

const REFS: &[(&str, Field)] = &[("n", Field::Int), ("ref", Field::Text)];

/// Receipts that came before their parts were stored.
async fn unpark(
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
    }
    // Nothing is parked, most of the time: one look spares a join over the whole batch.
    if parts.is_empty()
        || tx.scalar::<i32>("SELECT 1 FROM receipts WHERE carrier_id = $1 LIMIT 1", vals![carrier]).await?.is_none()
    {
        return Ok(Vec::new());
    }
    let rows = parts.iter().enumerate().map(|(n, (_, _, r))| json!({ "n": n, "ref": r.canonical }));
    let records = Records::new(REFS, rows.collect());
    let sql = format!(
        "SELECT r.id, x.n, r.state, r.error FROM {} CROSS JOIN receipts r WHERE r.carrier_id = $2 AND r.carrier_ref = x.ref ORDER BY r.id",
        records.source(tx.get_database_backend(), 1, "x")
    );
    let parked: Vec<Parked> = tx.all(&sql, vals![records.value(), carrier]).await?;
    let sql = format!("DELETE FROM receipts WHERE id IN {}", ids_list(tx.get_database_backend(), 1));
    tx.run(&sql, vals![ids_json(parked.iter().map(|p| p.id.0))]).await?;
    let part_of = |n: i64| usize::try_from(n).ok().and_then(|n| parts.get(n));
    let found = parked.into_iter().filter_map(|Parked { n, state, error, .. }| {
        let (message, part, _) = part_of(n)?;
        Some(Found { message: *message, part: *part, state: ReceiptState::read(&state)?, error })
    });
    Ok(found.collect())
}

/// Finds the parts that receipts belong to; the rest is of nobody yet. Most are of the last seven days, which keeps
/// PostgreSQL in one or two partitions; what is not found there is looked for in all, since a message may have been
/// written long before it was sent.
async fn find<'a>(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    receipts: &'a [Receipt],
) -> Result<(Vec<Found>, Vec<&'a Receipt>)> {
    let week_ago = uuid_floor(now.minus(std::time::Duration::from_secs(7 * 86_400)));
    let (mut found, rest) = find_after(tx, carrier, receipts.iter().collect(), week_ago).await?;
    let (older, rest) = find_after(tx, carrier, rest, uuid::Uuid::nil()).await?;
    found.extend(older);
    Ok((found, rest))
}

async fn find_after<'a>(
    tx: &DatabaseTransaction,
    carrier: CarrierId,
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
    let rows = receipts.iter().enumerate().map(|(n, r)| json!({ "n": n, "ref": r.reference.canonical }));
    let records = Records::new(REFS, rows.collect());
    // CROSS JOIN is also SQLite's word for "in this order": the other way round it would read every part for each receipt.
    let sql = format!(
        "SELECT x.n, p.message_id, p.part FROM {} CROSS JOIN message_parts p WHERE p.carrier_id = $2 AND p.carrier_ref = x.ref AND p.message_id >= $3 \
         ORDER BY x.n, p.done_at IS NOT NULL, p.message_id DESC",
        records.source(tx.get_database_backend(), 1, "x")
    );
    let parts: Vec<Part> = tx.all(&sql, vals![records.value(), carrier, floor]).await?;
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
            }),
            None => rest.push(receipt),
        }
    }
    Ok((found, rest))
}

async fn park(tx: &DatabaseTransaction, now: Timestamp, carrier: CarrierId, receipts: &[&Receipt]) -> Result<()> {
    for Receipt { reference, state, error, phone, sender } in receipts {
        tx.run(
            "INSERT INTO receipts (id, carrier_id, carrier_ref, carrier_ref_raw, phone, sender, state, error, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vals![
                ReceiptId::new(now),
                carrier,
                reference.canonical.clone(),
                reference.raw.clone(),
                *phone,
                sender.clone(),
                state.as_str(),
                error.clone(),
                now
            ],
        )
        .await?;
    }
    Ok(())
}

/// Writes what receipts say of parts that are not final yet; gives the messages concerned.
async fn update_parts(tx: &DatabaseTransaction, now: Timestamp, found: &[Found]) -> Result<HashSet<MessageId>> {
    const FIELDS: &[(&str, Field)] = &[
        ("message", Field::Id),
        ("part", Field::Int),
        ("state", Field::Text),
        ("error", Field::Text),
        ("done", Field::Int),
    ];
    if found.is_empty() {
        return Ok(HashSet::new());
    }
    // Several receipts of one part: the first final one is kept, as it would be in batches of their own.
    let mut last: BTreeMap<(MessageId, i64), &Found> = BTreeMap::new();
    for f in found {
        let kept = last.entry((f.message, f.part)).or_insert(f);
        if !kept.state.is_final() {
            *kept = f;
        }
    }
    let rows = last.values().map(|f| {
        json!({
            "message": f.message.0.simple().to_string(), "part": f.part, "state": f.state.as_str(), "error": f.error,
            "done": f.state.is_final().then_some(now.0),
        })
    });
    let records = Records::new(FIELDS, rows.collect());
    let sql = format!(
        "UPDATE message_parts SET status = x.state, error = x.error, done_at = x.done FROM {} \
         WHERE message_parts.message_id = x.message AND message_parts.part = x.part AND message_parts.done_at IS NULL RETURNING message_parts.message_id",
        records.source(tx.get_database_backend(), 1, "x")
    );
    let touched: Vec<MessageId> = tx.column(&sql, vals![records.value()]).await?;
    Ok(touched.into_iter().collect())
}

/// Ends the messages whose parts have all come to an end. `rows` are locked.
pub(super) async fn conclude(tx: &DatabaseTransaction, rows: Vec<Row>, moves: &mut Moves) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Part {
        message_id: MessageId,
        part: i64,
        status: String,
        error: Option<String>,
    }
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT message_id, part, status, error FROM message_parts WHERE message_id IN {} ORDER BY message_id, part",
        ids_list(tx.get_database_backend(), 1)
    );
    let parts: Vec<Part> = tx.all(&sql, vals![ids_json(rows.iter().map(|r| r.id.0))]).await?;
    let mut of: HashMap<MessageId, Vec<(i64, ReceiptState)>> = HashMap::new();
    let mut errors: HashMap<MessageId, String> = HashMap::new();
    for Part { message_id, part, status, error } in parts {
        if let Some(state) = ReceiptState::read(&status) {
            of.entry(message_id).or_default().push((part, state));
            if let Some(error) = error.filter(|_| state.is_final() && state != ReceiptState::Delivered) {
                errors.entry(message_id).or_insert(error);
            }
        }
    }
    let mut resolved = Vec::new();
    for row in rows {
        let from = row.status;
        if !matches!(from, Status::Sent | Status::InDoubt) {
            continue;
        }
        let Some((to, reason)) = of.get(&row.id).and_then(|known| verdict(row.parts, known)) else { continue };
        if from == Status::InDoubt {
            resolved.push(row.id);
        }
        let error = errors.remove(&row.id);
        moves.add(Move { row, to, reason, error, accepted: true }); // a receipt proves that the carrier took it
    }
    undoubt(tx, &resolved).await
}
