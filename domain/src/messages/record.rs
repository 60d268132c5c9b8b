//! Recording what the carrier said: answers to submits and receipts, a batch at a time, in one transaction. Receipts
//! are acknowledged to the carrier only after this has returned.
//!
//! Invariants: an answer moves only a message that is `submitting` or in doubt; a part's final state is never
//! overwritten (a duplicate or an ENROUTE after DELIVRD changes nothing); a receipt that finds no part is parked, and
//! is found again by the transaction that stores its part.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{
    Status,
    moves::{Move, Moves, Row, lock},
    status::{ReceiptState, verdict},
    validity,
};
use crate::{
    clock::Timestamp,
    db::{Columns, Db, Sql, ids_json, ids_list, lookup},
    error::Result,
    ids::{CarrierId, MessageId, ReceiptId, uuid_floor},
    scope::SystemScope,
    vals,
};

/// How long the carrier may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a message may be in doubt, once its validity is over, before it ends as `unknown`.
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
    /// Its validity was over before the carrier had any of it.
    Over,
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

/// Records receipts that came without a connection of ours.
///
/// # Errors
/// When the database refuses; then nothing is recorded, and the carrier must send them again.
pub async fn receive(db: &Db, scope: &SystemScope, carrier: CarrierId, receipts: &[Receipt]) -> Result<Recorded> {
    let none = std::time::Duration::ZERO; // without answers nobody's patience is asked
    let patience = Patience { in_doubt: none, receipt: none, settle: none };
    record(db, scope, carrier, &patience, &[], receipts).await
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
    let mut touched = update_parts(tx, now, &found).await?;
    // One lock over all, in the order of ids, and one batch of moves: two recorders then never wait in a circle.
    let rows = lock(tx, answers.keys().chain(touched.keys()).copied().collect::<BTreeSet<_>>()).await?;
    let mut rows: BTreeMap<MessageId, Row> = rows.into_iter().map(|r| (r.id, r)).collect();
    let mut moves = Moves::default();
    answer(tx, now, carrier, patience, &answers, &mut rows, &mut moves).await?;
    // One part is all there is to know of most messages; of the others, the rest is read.
    let rows: Vec<Row> = rows.into_values().filter(|r| touched.contains_key(&r.id)).collect();
    let long: Vec<MessageId> = rows.iter().filter(|r| r.parts > 1).map(|r| r.id).collect();
    touched.extend(known_parts(tx, &long).await?);
    conclude(tx, rows, &touched, &mut moves).await?;
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
            Answer::Over => (Status::Expired, Some(validity::OVER), None),
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
        // The carrier may keep it for as long as it is valid.
        let from = row.valid_until.map_or(now, |until| until.max(now));
        tx.run(
            "INSERT INTO messages_in_doubt (message_id, carrier_id, phone, sender, since, until) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (message_id) DO NOTHING",
            vals![row.id, row.carrier_id.unwrap_or(carrier), row.phone, row.sender.clone(), now, from.plus(patience.in_doubt)],
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
    let backend = tx.get_database_backend();
    let columns = numbered(parts.iter().map(|(.., r)| *r));
    let sql = format!(
        "SELECT r.id, x.n, r.state, r.error FROM {} {} ORDER BY r.id",
        columns.source(backend, 2, "x"),
        lookup(backend, "receipts", "r", "r.carrier_id = $1 AND r.carrier_ref = x.ref")
    );
    let parked: Vec<Parked> = tx.all(&sql, columns.after(backend, vals![carrier])).await?;
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

/// Writes what receipts say of parts that are not final yet; gives, by message, the parts concerned and their states.
async fn update_parts(
    tx: &DatabaseTransaction,
    now: Timestamp,
    found: &[Found],
) -> Result<HashMap<MessageId, Vec<Known>>> {
    #[derive(FromQueryResult)]
    struct Touched {
        message_id: MessageId,
        part: i64,
    }
    if found.is_empty() {
        return Ok(HashMap::new());
    }
    // Several receipts of one part: the first final one is kept, as it would be in batches of their own.
    let mut last: BTreeMap<(MessageId, i64), &Found> = BTreeMap::new();
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
        .ints("done", last.values().map(|f| f.state.is_final().then_some(now.0)));
    let sql = format!(
        "UPDATE message_parts SET status = x.state, error = x.error, done_at = x.done FROM {} \
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
    Ok(touched)
}

/// What is known of a part.
#[derive(Debug, Clone)]
pub(super) struct Known {
    part: i64,
    state: ReceiptState,
    error: Option<String>,
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

/// Ends the messages whose parts have all come to an end. `rows` are locked; `known` are their parts.
pub(super) async fn conclude(
    tx: &DatabaseTransaction,
    rows: Vec<Row>,
    known: &HashMap<MessageId, Vec<Known>>,
    moves: &mut Moves,
) -> Result<()> {
    let mut resolved = Vec::new();
    for row in rows {
        let from = row.status;
        if !matches!(from, Status::Sent | Status::InDoubt) {
            continue;
        }
        let Some(parts) = known.get(&row.id) else { continue };
        let states: Vec<_> = parts.iter().map(|p| (p.part, p.state)).collect();
        let Some((to, reason)) = verdict(row.parts, &states) else { continue };
        if from == Status::InDoubt {
            resolved.push(row.id);
        }
        let bad = |p: &&Known| p.state.is_final() && p.state != ReceiptState::Delivered && p.error.is_some();
        let error = parts.iter().find(bad).and_then(|p| p.error.clone());
        moves.add(Move { row, to, reason, error, accepted: true }); // a receipt proves that the carrier took it
    }
    undoubt(tx, &resolved).await
}
