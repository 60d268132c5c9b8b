//! Recording what the carrier said: answers to submits and receipts, a batch at a time, in one transaction. Receipts
//! are acknowledged to the carrier only after this has returned.
//!
//! Invariants: an answer moves only a message that is `submitting` or in doubt; a part's final state is never
//! overwritten (a duplicate or an ENROUTE after DELIVRD changes nothing); a receipt that finds no part is parked, and
//! is found again by the transaction that stores its part.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{
    Status,
    fail_over::{self, Onward},
    moves::{Move, Moves, Row, lock},
    notes::{self, Note, PutOff},
    parts::{Known, find, known_parts, park, store_parts, unpark, update_parts},
    resend,
    status::{ReceiptState, verdict},
    straight,
    tally::Tally,
    validity,
};
use crate::{
    clock::Timestamp,
    db::{Db, Sql, ids_json, ids_list},
    error::Result,
    ids::{CarrierId, MessageId},
    scope::SystemScope,
    vals,
};

/// How long the carrier may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a message may be in doubt, once its validity is over, before it ends as `unknown`.
    pub in_doubt: std::time::Duration,
    /// How long a sent message waits for its receipt before it ends as `no_report`; zero where none was asked for.
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
    /// Refused for good: the code as the carrier names it, and which part it was of a message of which the carrier has, or
    /// may have, other parts; none: it has nothing of the message.
    Refused { error: String, part: Option<i64> },
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
    /// How often the carrier did not take parts of it just then.
    pub put_off: Vec<PutOff>,
}

/// The most characters that are kept of a receipt as it came.
pub const MOST_RAW: usize = 400;

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
    /// As it came, [`MOST_RAW`] characters at most. It may have the beginning of the message's text, so it is told to whom the
    /// text is told, and never to the log.
    pub raw: Option<String>,
}

/// What a batch did, for the metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recorded {
    pub moved: u64,
    pub receipts_applied: u64,
    pub receipts_parked: u64,
    /// Messages that were refused and take another route.
    pub led_on: u64,
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
    let recorded = record_in(&tx, scope, carrier, patience, answers, receipts).await?;
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
    scope: &SystemScope,
    carrier: CarrierId,
    patience: &Patience,
    answers: &[Submitted],
    receipts: &[Receipt],
) -> Result<Recorded> {
    let now = scope.clock.now();
    let mut noted: Vec<Note> = answers.iter().flat_map(|a| Note::put_offs(carrier, a)).collect();
    let mut answers = folded(answers);
    let refused =
        answers.values().filter(|a| matches!(a.answer, Answer::Refused { part: None, .. }) && a.parts.is_empty());
    let mut onward = fail_over::find(tx, scope, &refused.map(|a| a.message).collect()).await?;
    let parts: Vec<_> =
        answers.values().flat_map(|a| a.parts.iter().map(|(part, reference)| (a.message, *part, reference))).collect();
    store_parts(tx, now, carrier, &parts).await?;
    let mut found = unpark(tx, carrier, &parts).await?;
    let (matched, rest) = find(tx, now, carrier, receipts).await?;
    found.extend(matched);
    park(tx, now, carrier, &rest).await?;
    let (mut touched, beside) = update_parts(tx, now, &found).await?;
    noted.extend(beside.into_iter().map(|found| Note::receipt(carrier, found)));
    let mut moves = Moves::default();
    let straight = go_straight(tx, now, patience, &mut answers, &mut touched, moves.tally()).await?;
    // One lock over the others, in the order of ids, and one batch of moves: two recorders then never wait in a circle.
    let others: BTreeSet<MessageId> = answers.keys().chain(touched.keys()).copied().collect();
    let rows = if others.is_empty() { Vec::new() } else { lock(tx, others).await? };
    let mut rows: BTreeMap<MessageId, Row> = rows.into_iter().map(|r| (r.id, r)).collect();
    noted.extend(lost(&answers, &rows, (now, carrier)));
    notes::write(tx, now, &noted).await?;
    let led_on = answer(tx, (now, carrier, patience), &answers, &mut onward, &mut rows, &mut moves).await?;
    // One part is all there is to know of most messages; of the others, the rest is read.
    let rows: Vec<Row> = rows.into_values().filter(|r| touched.contains_key(&r.id)).collect();
    let long: Vec<MessageId> = rows.iter().filter(|r| r.parts > 1).map(|r| r.id).collect();
    touched.extend(known_parts(tx, &long).await?);
    conclude(tx, rows, &touched, &mut moves).await?;
    let moved = straight + moves.apply(tx, now).await?;
    fail_over::lead_on(tx, scope, &led_on).await?;
    Ok(Recorded {
        moved,
        led_on: u64::try_from(led_on.len()).unwrap_or(0),
        receipts_applied: u64::try_from(found.len()).unwrap_or(0),
        receipts_parked: u64::try_from(rest.len()).unwrap_or(0),
    })
}

/// Moves what goes the straight way and takes it out of `answers` and `touched`; how many. A message that is both answered
/// and reported in one batch is left: it goes two steps.
async fn go_straight(
    tx: &DatabaseTransaction,
    now: Timestamp,
    patience: &Patience,
    answers: &mut BTreeMap<MessageId, &Submitted>,
    touched: &mut HashMap<MessageId, Vec<Known>>,
    tally: &mut Tally,
) -> Result<u64> {
    let waits = !patience.receipt.is_zero(); // else there is nothing to wait for, and two steps at once
    let accepted = answers.values().filter(|a| waits && a.answer == Answer::Accepted).map(|a| a.message);
    let accepted: Vec<MessageId> = accepted.filter(|id| !touched.contains_key(id)).collect();
    let whole = |known: &[Known]| matches!(known, [only] if only.part == 1 && only.state == ReceiptState::Delivered);
    let delivered = touched.iter().filter(|(id, known)| whole(known) && !answers.contains_key(id));
    let mut delivered: Vec<MessageId> = delivered.map(|(id, _)| *id).collect();
    delivered.sort_unstable();
    let accepted = straight::accept(tx, now, &accepted, tally).await?;
    let delivered = straight::deliver(tx, now, &delivered, tally).await?;
    answers.retain(|id, _| !accepted.contains(id));
    touched.retain(|id, _| !delivered.contains(id));
    Ok(u64::try_from(accepted.len() + delivered.len()).unwrap_or(0))
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

/// The answers that were lost, of messages whose fate was open.
fn lost<'a>(
    answers: &BTreeMap<MessageId, &'a Submitted>,
    rows: &BTreeMap<MessageId, Row>,
    (now, carrier): (Timestamp, CarrierId),
) -> Vec<Note<'a>> {
    let lost = answers.iter().filter_map(|(id, submitted)| match submitted.answer {
        Answer::Doubt { reason } if rows.get(id)?.status == Status::Submitting => {
            Some(Note::lost(carrier, *id, reason, now))
        }
        _ => None,
    });
    lost.collect()
}

/// Moves the answered messages; `rows` are left in the state they then have. Gives those that take another route, with the
/// error that leads them on.
async fn answer<'a>(
    tx: &DatabaseTransaction,
    (now, carrier, patience): (Timestamp, CarrierId, &Patience),
    answers: &BTreeMap<MessageId, &'a Submitted>,
    onward: &mut HashMap<MessageId, Onward>,
    rows: &mut BTreeMap<MessageId, Row>,
    moves: &mut Moves,
) -> Result<Vec<(Onward, &'a str)>> {
    let mut led_on = Vec::new();
    if answers.is_empty() {
        return Ok(led_on);
    }
    let (mut doubts, mut resolved, mut unsent) = (Vec::new(), Vec::new(), Vec::new());
    let before = resend::among(tx, answers.keys().copied()).await?;
    let doubtful: Vec<(&Row, &str)> = answers
        .iter()
        .filter_map(|(id, submitted)| match (rows.get(id)?, &submitted.answer) {
            (row, Answer::Doubt { reason }) if row.status == Status::Submitting => Some((row, *reason)),
            _ => None,
        })
        .collect();
    let again = resend::take(tx, now, carrier, &doubtful).await?;
    for (id, Submitted { answer, .. }) in answers {
        let Some(row) = rows.get_mut(id) else { continue };
        let (from, second) = (row.status, before.contains(id));
        // A message that waits for its second attempt, and whose first is answered after all.
        let late = second && from == Status::Queued && *answer == Answer::Accepted;
        if !matches!(from, Status::Submitting | Status::InDoubt) && !late {
            continue;
        }
        let (to, reason, error): (Status, Option<String>, Option<String>) = match answer {
            Answer::Accepted => (Status::Sent, None, None),
            // What a second attempt comes to says nothing of the first.
            Answer::Refused { error, .. } if second => {
                (Status::InDoubt, Some("refused_when_resent".into()), Some(error.clone()))
            }
            Answer::Over if second => (Status::InDoubt, Some(validity::OVER.into()), None),
            Answer::Refused { error, part } => match onward.remove(id).filter(|_| from == Status::Submitting) {
                Some(next) => {
                    led_on.push((next, error.as_str()));
                    (Status::Queued, None, None)
                }
                None => match part {
                    None => (Status::Rejected, Some("refused_by_carrier".into()), Some(error.clone())),
                    Some(n) => {
                        (Status::Failed, Some(format!("part_{n}_of_{}_refused", row.parts)), Some(error.clone()))
                    }
                },
            },
            Answer::Doubt { .. } if again.contains(id) => (Status::Queued, None, None),
            Answer::Doubt { reason } => (Status::InDoubt, Some((*reason).into()), None),
            Answer::Unsent => (Status::Queued, None, None),
            Answer::Over => (Status::Expired, Some(validity::OVER.into()), None),
        };
        match (from, to) {
            (Status::InDoubt, Status::InDoubt) => continue,
            (Status::InDoubt, _) => resolved.push(row.id),
            (_, Status::InDoubt) => doubts.push(row.clone()),
            _ => {}
        }
        // One that takes another route has a new chunk.
        if to == Status::Queued && matches!(answer, Answer::Unsent | Answer::Doubt { .. }) {
            unsent.push(row.id);
        }
        let accepted = to == Status::Sent;
        moves.add(Move { row: row.clone(), to, reason, error, accepted });
        row.status = to;
        if accepted && patience.receipt.is_zero() {
            // No receipt was asked for, so there is nothing to wait for.
            let reason = Some("no_receipt_asked".to_owned());
            moves.add(Move { row: row.clone(), to: Status::NoReport, reason, error: None, accepted });
            row.status = Status::NoReport;
        }
    }
    doubt(tx, now, carrier, patience, &doubts).await?;
    undoubt(tx, &resolved).await?;
    reopen(tx, &unsent).await?;
    Ok(led_on)
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
