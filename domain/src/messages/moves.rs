//! Moving messages from state to state, with everything that must move with them ([`super::tally`]). One batch is one
//! [`Moves`], applied in the caller's transaction.
//!
//! Invariants: a message whose state is final is not moved; one that leaves for the carrier's account is captured once
//! and one that will not is released once, by the same statement that changes its state; messages are locked by id,
//! before anything that a tally locks.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::{
    Status,
    tally::{Tally, Told},
};
use crate::{
    clock::Timestamp,
    db::{Columns, Sql, ids_json, ids_list, in_span, spanned},
    error::{Error, Result},
    ids::{AccountId, CampaignId, CarrierId, HoldId, JournalId, MessageId},
    money::Micros,
    vals,
};

/// What of a message decides how it may move.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Row {
    pub id: MessageId,
    pub account_id: AccountId,
    pub campaign_id: Option<CampaignId>,
    pub hold_id: Option<HoldId>,
    pub status: Status,
    pub phone: i64,
    pub sender: String,
    pub segments: i64,
    pub parts: i64,
    pub unit_price: Micros,
    pub charge_id: Option<JournalId>,
    pub refund_id: Option<JournalId>,
    pub carrier_id: Option<CarrierId>,
    pub valid_until: Option<Timestamp>,
}

impl Row {
    fn price(&self) -> Result<Micros> {
        self.unit_price.checked_mul(self.segments).ok_or_else(|| Error::internal("price out of range"))
    }
}

const COLUMNS: &str = "m.id, m.account_id, m.campaign_id, m.hold_id, m.status, m.phone, m.sender, m.segments, m.parts, m.unit_price, m.charge_id, \
                       m.refund_id, m.carrier_id, m.valid_until";

/// Locks these messages until the transaction ends, in the order of their ids.
pub(super) async fn lock(tx: &DatabaseTransaction, ids: impl IntoIterator<Item = MessageId>) -> Result<Vec<Row>> {
    let ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    lock_where(tx, &in_span(tx.get_database_backend(), "m.id", 1), spanned(&ids)).await
}

/// Locks the messages that `condition` picks, `$1` and on being `values`.
pub(super) async fn lock_where(
    tx: &DatabaseTransaction,
    condition: &str,
    values: Vec<sea_orm::Value>,
) -> Result<Vec<Row>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM messages m WHERE {condition} ORDER BY m.id{}",
        for_update(tx.get_database_backend())
    );
    Ok(tx.all(&sql, values).await?)
}

fn for_update(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" } // SQLite has one writer
}

/// One message's next state.
pub(super) struct Move {
    pub row: Row,
    pub to: Status,
    pub reason: Option<String>,
    pub error: Option<String>,
    /// The carrier has taken the message: it is charged if it was not.
    pub accepted: bool,
}

/// A batch of moves. A message that moves twice (accepted, and its receipt in the same batch) is written once, with
/// both steps told in the event.
#[derive(Default)]
pub(super) struct Moves {
    order: Vec<MessageId>,
    moves: HashMap<MessageId, (Move, Vec<Status>)>,
    tally: Tally,
}

impl Moves {
    pub fn add(&mut self, step: Move) {
        match self.moves.get_mut(&step.row.id) {
            None => {
                self.order.push(step.row.id);
                self.moves.insert(step.row.id, (step, Vec::new()));
            }
            Some((first, passed)) => {
                passed.push(first.to);
                let Move { row: _, to, reason, error, accepted } = step;
                *first = Move { row: first.row.clone(), to, reason, error, accepted: first.accepted || accepted };
            }
        }
    }

    /// Moves `row` without the carrier having taken it.
    pub fn end(&mut self, row: Row, to: Status, reason: &str) {
        self.add(Move { row, to, reason: Some(reason.to_owned()), error: None, accepted: false });
    }

    /// What was moved elsewhere in this transaction, to be written with the rest.
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Carries every move out, and writes what moves with them. Rows must be locked by this transaction.
    pub async fn apply(self, tx: &DatabaseTransaction, now: Timestamp) -> Result<u64> {
        let Self { order, mut moves, mut tally } = self;
        let moves: Vec<(Move, Vec<Status>)> = order.iter().filter_map(|id| moves.remove(id)).collect();
        let refunding = refund_policies(tx, moves.iter().map(|(m, _)| m)).await?;
        let mut rows = Vec::with_capacity(moves.len());
        for (Move { row, to, reason, error, accepted }, passed) in &moves {
            let from = row.status;
            let mut charge = None;
            let mut refund = None;
            if let Some(hold) = row.hold_id {
                let flow = tally.flow(now, row.account_id, hold);
                let price = row.price()?;
                if row.charge_id.is_none() && *accepted {
                    flow.capture(price)?;
                    charge = Some(flow.charge);
                } else if row.charge_id.is_none()
                    && to.is_final()
                    && matches!(from, Status::Queued | Status::Submitting | Status::InDoubt)
                {
                    flow.release(price)?;
                }
                let charged = row.charge_id.is_some() || charge.is_some();
                let refunds = refunding.get(&row.account_id).is_some_and(|on| on.iter().any(|s| s == to.as_str()));
                if charged && row.refund_id.is_none() && refunds {
                    flow.refund(price)?;
                    refund = Some(flow.refund);
                }
            }
            tally.count(row.campaign_id, from, *to);
            let told = |status, reason| Told::new(row.id, row.phone, row.campaign_id, status, reason);
            for status in passed {
                tally.tell(row.account_id, told(*status, None));
            }
            tally.tell(row.account_id, told(*to, reason.clone()));
            rows.push(Written {
                id: row.id,
                status: to.as_str(),
                reason: reason.as_deref(),
                error: error.as_deref(),
                charge,
                refund,
                submitted: (*accepted && row.charge_id.is_none()).then_some(now),
                done: to.is_final().then_some(now),
            });
        }
        let moved = if rows.is_empty() { 0 } else { update(tx, &rows).await? };
        tally.write(tx, now).await?;
        Ok(moved)
    }
}

/// The final statuses for which each account is given its charge back.
async fn refund_policies<'a>(
    tx: &DatabaseTransaction,
    moves: impl Iterator<Item = &'a Move>,
) -> Result<HashMap<AccountId, Vec<String>>> {
    #[derive(FromQueryResult)]
    struct Policy {
        id: AccountId,
        refund_on: serde_json::Value,
    }
    let failing = |m: &&Move| m.to.is_final() && m.to != Status::Delivered;
    let accounts: BTreeSet<_> = moves.filter(failing).map(|m| m.row.account_id.0).collect();
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!("SELECT id, refund_on FROM accounts WHERE id IN {}", ids_list(tx.get_database_backend(), 1));
    let rows: Vec<Policy> = tx.all(&sql, vals![ids_json(accounts)]).await?;
    Ok(rows.into_iter().map(|p| (p.id, serde_json::from_value(p.refund_on).unwrap_or_default())).collect())
}

/// What is written to one message.
struct Written<'a> {
    id: MessageId,
    status: &'static str,
    reason: Option<&'a str>,
    error: Option<&'a str>,
    charge: Option<JournalId>,
    refund: Option<JournalId>,
    submitted: Option<Timestamp>,
    done: Option<Timestamp>,
}

async fn update(tx: &DatabaseTransaction, rows: &[Written<'_>]) -> Result<u64> {
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("id", rows.iter().map(|r| r.id.0))
        .texts("status", rows.iter().map(|r| r.status))
        .some_texts("reason", rows.iter().map(|r| r.reason))
        .some_texts("error", rows.iter().map(|r| r.error))
        .ids("charge", rows.iter().map(|r| r.charge.map(|c| c.0)))
        .ids("refund", rows.iter().map(|r| r.refund.map(|c| c.0)))
        .ints("submitted", rows.iter().map(|r| r.submitted.map(|t| t.0)))
        .ints("done", rows.iter().map(|r| r.done.map(|t| t.0)));
    let sql = format!(
        "UPDATE messages SET status = x.status, reason = COALESCE(x.reason, messages.reason), error = COALESCE(x.error, messages.error), \
         charge_id = COALESCE(messages.charge_id, x.charge), refund_id = COALESCE(messages.refund_id, x.refund), \
         submitted_at = COALESCE(messages.submitted_at, x.submitted), done_at = COALESCE(x.done, messages.done_at) FROM {} WHERE messages.id = x.id",
        columns.source(backend, 1, "x")
    );
    Ok(tx.run(&sql, columns.after(backend, vals![])).await?)
}
