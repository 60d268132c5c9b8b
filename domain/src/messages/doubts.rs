//! The operator's word on messages in doubt: what waits, and ending it by what the carrier was asked outside of the program.
//!
//! Outcomes: `delivered` and `undelivered` say that the carrier took the message, which is charged then (and refunded
//! where the account's policy says so); `not_sent` says that it did not, and its money is released. Invariants: only a
//! message in doubt is resolved, and once; who resolved it and why is written by the transaction that ends it; a receipt
//! that comes afterwards changes nothing.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{
    Status,
    moves::{Move, Moves, Row, lock},
    record::undoubt,
};
use crate::{
    clock::Timestamp,
    db::{Columns, Sql, Window},
    error::{Code, Error, Faults, Result},
    ids::{AccountId, CarrierId, MessageId, OperatorTokenId},
    scope::OperatorScope,
    vals,
};

/// How many messages one request resolves at most.
pub const MOST: i64 = 5_000;

crate::text_enum! {
    /// What became of a message in doubt.
    pub enum Outcome("DoubtOutcome") {
        /// It reached the handset. It is charged.
        Delivered = "delivered",
        /// The carrier took it and could not deliver it. It is charged, and refunded where the account's policy says so.
        Undelivered = "undelivered",
        /// The carrier never had it. It ends as `failed`, and its money is released.
        NotSent = "not_sent",
    }
}

/// A message in doubt.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Doubtful {
    pub id: MessageId,
    pub account_id: AccountId,
    pub carrier_id: CarrierId,
    pub phone: i64,
    pub sender: String,
    pub reason: Option<String>,
    /// Since when, and until when it is waited for.
    pub since: Timestamp,
    pub until: Timestamp,
}

/// How a doubt was ended by the operator.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Resolution {
    pub outcome: Outcome,
    pub reason: String,
    pub operator_token_id: OperatorTokenId,
    pub resolved_at: Timestamp,
}

/// Which doubts: of a carrier, begun in a period. Every field narrows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub carrier: Option<CarrierId>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

/// What the operator says, and who it is.
#[derive(Debug, Clone)]
pub struct Word {
    pub outcome: Outcome,
    /// Why, in the operator's words: 1 to 500 characters.
    pub reason: String,
    pub by: OperatorTokenId,
}

impl Word {
    fn check(&self) -> Result<()> {
        let mut faults = Faults::default();
        faults.text("/reason", &self.reason, 500);
        faults.check()
    }
}

const PICK: &str =
    "($1 IS NULL OR d.carrier_id = $1) AND ($2 IS NULL OR d.since >= $2) AND ($3 IS NULL OR d.since < $3)";

/// One page of messages in doubt, newest message first, and whether there are more.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    _: &OperatorScope,
    filter: Filter,
    window: Window<MessageId>,
) -> Result<(Vec<Doubtful>, bool)> {
    let Filter { carrier, from, to } = filter;
    let sql = format!(
        "SELECT m.id, m.account_id, d.carrier_id, d.phone, d.sender, m.reason, d.since, d.until FROM messages_in_doubt d \
         CROSS JOIN messages m WHERE m.id = d.message_id AND {PICK} AND ($4 IS NULL OR d.message_id < $4) \
         ORDER BY d.message_id DESC LIMIT $5"
    );
    let limit = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    Ok(window.cut(conn.all(&sql, vals![carrier, from, to, window.after, limit]).await?))
}

/// Ends the doubt of one message.
///
/// # Errors
/// `not_found`; `conflict` when it is not in doubt (any more); `invalid_request` without a reason.
pub async fn resolve(tx: &DatabaseTransaction, scope: &OperatorScope, id: MessageId, word: &Word) -> Result<()> {
    word.check()?;
    let row = lock(tx, [id]).await?.into_iter().next().ok_or_else(|| Error::not_found("message"))?;
    if row.status != Status::InDoubt {
        let detail = format!("The message is {}; only one in doubt can be resolved.", row.status);
        return Err(Error::new(Code::Conflict, detail));
    }
    end(tx, scope, vec![row], word).await.map(drop)
}

/// Ends the doubts that a filter picks, the oldest first, [`MOST`] at most; tells how many, and whether there are more.
///
/// # Errors
/// `invalid_request` without a carrier, a period or a reason.
pub async fn resolve_many(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    filter: Filter,
    word: &Word,
) -> Result<(u64, bool)> {
    word.check()?;
    let Filter { carrier, from, to } = filter;
    let sql = format!(
        "SELECT d.message_id FROM messages_in_doubt d WHERE {PICK} ORDER BY d.carrier_id, d.since, d.message_id LIMIT $4"
    );
    let mut ids: Vec<MessageId> = tx.column(&sql, vals![carrier, from, to, MOST + 1]).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let more = ids.len() > most;
    ids.truncate(most);
    let rows = lock(tx, ids).await?.into_iter().filter(|row| row.status == Status::InDoubt).collect();
    Ok((end(tx, scope, rows, word).await?, more))
}

/// Ends doubts whose rows are locked.
async fn end(tx: &DatabaseTransaction, scope: &OperatorScope, rows: Vec<Row>, word: &Word) -> Result<u64> {
    let Word { outcome, reason, by } = word;
    let (now, ids): (_, Vec<MessageId>) = (scope.clock.now(), rows.iter().map(|row| row.id).collect());
    if ids.is_empty() {
        return Ok(0);
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new().ids("message", ids.iter().map(|id| id.0));
    let sql = format!(
        "INSERT INTO doubts_resolved (message_id, carrier_id, outcome, reason, operator_token_id, resolved_at) \
         SELECT d.message_id, d.carrier_id, $1, $2, $3, $4 FROM {} CROSS JOIN messages_in_doubt d WHERE d.message_id = x.message \
         ON CONFLICT (message_id) DO NOTHING RETURNING message_id",
        columns.source(backend, 5, "x")
    );
    let values = vals![outcome.as_str(), reason.clone(), *by, now];
    let noted: HashSet<MessageId> = tx.column(&sql, columns.after(backend, values)).await?.into_iter().collect();
    let (to, accepted) = match outcome {
        Outcome::Delivered => (Status::Delivered, true),
        Outcome::Undelivered => (Status::Undelivered, true),
        Outcome::NotSent => (Status::Failed, false),
    };
    let mut moves = Moves::default();
    for row in rows.into_iter().filter(|row| noted.contains(&row.id)) {
        let reason = Some("resolved_by_operator".to_owned());
        moves.add(Move { row, to, reason, error: None, accepted });
    }
    let moved = moves.apply(tx, now).await?;
    undoubt(tx, &ids).await?;
    Ok(moved)
}

/// How the operator ended a message's doubt, where that is so.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn resolution(conn: &impl ConnectionTrait, id: MessageId) -> Result<Option<Resolution>> {
    let sql = "SELECT outcome, reason, operator_token_id, resolved_at FROM doubts_resolved WHERE message_id = $1";
    Ok(conn.one(sql, vals![id]).await?)
}
