//! Moving messages from state to state, with everything that must move with them: counts of the campaign, money, and
//! the event. One batch is one [`Moves`], applied in the caller's transaction.
//!
//! Invariants: a message whose state is final is not moved; one that leaves for the carrier's account is captured once
//! and one that will not is released once, by the same statement that changes its state; locks are taken in this
//! order: messages by id, counts by campaign, balances by account.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use serde::Serialize;
use uuid::Uuid;

use super::Status;
use crate::{
    balance,
    clock::Timestamp,
    db::{Columns, Sql, ids_json, ids_list, in_span, spanned},
    error::{Error, Result},
    events,
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

    /// Carries every move out. Rows must be locked by this transaction.
    pub async fn apply(self, tx: &DatabaseTransaction, now: Timestamp) -> Result<u64> {
        let Self { order, mut moves } = self;
        let moves: Vec<(Move, Vec<Status>)> = order.iter().filter_map(|id| moves.remove(id)).collect();
        if moves.is_empty() {
            return Ok(0);
        }
        let refunding = refund_policies(tx, moves.iter().map(|(m, _)| m)).await?;
        let mut counts: BTreeMap<(CampaignId, &'static str), i64> = BTreeMap::new();
        let mut money: BTreeMap<(AccountId, HoldId), Flow> = BTreeMap::new();
        let mut told: BTreeMap<AccountId, Vec<Told<'_>>> = BTreeMap::new();
        let mut rows = Vec::with_capacity(moves.len());
        for (Move { row, to, reason, error, accepted }, passed) in &moves {
            let from = row.status;
            let mut charge = None;
            let mut refund = None;
            if let Some(hold) = row.hold_id {
                let flow = money.entry((row.account_id, hold)).or_insert_with(|| Flow::new(now));
                let price = row.price()?;
                if row.charge_id.is_none() && *accepted {
                    flow.captured = add(flow.captured, price)?;
                    flow.captures += 1;
                    charge = Some(flow.charge);
                } else if row.charge_id.is_none()
                    && to.is_final()
                    && matches!(from, Status::Queued | Status::Submitting | Status::InDoubt)
                {
                    flow.released = add(flow.released, price)?;
                }
                let charged = row.charge_id.is_some() || charge.is_some();
                let refunds = refunding.get(&row.account_id).is_some_and(|on| on.iter().any(|s| s == to.as_str()));
                if charged && row.refund_id.is_none() && refunds {
                    flow.refunded = add(flow.refunded, price)?;
                    refund = Some(flow.refund);
                }
            }
            if let Some(campaign) = row.campaign_id.filter(|_| from.counted() != to.counted()) {
                *counts.entry((campaign, from.counted().as_str())).or_default() -= 1;
                *counts.entry((campaign, to.counted().as_str())).or_default() += 1;
            }
            let events = told.entry(row.account_id).or_default();
            let event = |status: Status, reason| {
                let to = format!("+{}", row.phone);
                Told { id: row.id, to, status: status.as_str(), reason, campaign_id: row.campaign_id }
            };
            events.extend(passed.iter().map(|status| event(*status, None)));
            events.push(event(*to, reason.as_deref()));
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
        let moved = update(tx, &rows).await?;
        for (account, items) in &told {
            events::record(tx, now, *account, events::MESSAGES_MOVED, "", HashMap::from([("items", items)])).await?;
        }
        // Last what all batches of a campaign share: its counts and its money are locked until the commit.
        count(tx, counts).await?;
        pay(tx, now, money).await?;
        Ok(moved)
    }
}

/// What an event tells of one step.
#[derive(Serialize)]
struct Told<'a> {
    id: MessageId,
    to: String,
    status: &'static str,
    reason: Option<&'a str>,
    campaign_id: Option<CampaignId>,
}

fn add(a: Micros, b: Micros) -> Result<Micros> {
    a.checked_add(b).ok_or_else(|| Error::internal("sum of prices out of range"))
}

/// What a batch does to one hold.
struct Flow {
    charge: JournalId,
    refund: JournalId,
    captures: u64,
    captured: Micros,
    released: Micros,
    refunded: Micros,
}

impl Flow {
    fn new(now: Timestamp) -> Self {
        Self {
            charge: JournalId::new(now),
            refund: JournalId::new(now),
            captures: 0,
            captured: Micros::ZERO,
            released: Micros::ZERO,
            refunded: Micros::ZERO,
        }
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
    let accounts: std::collections::BTreeSet<_> = moves.filter(failing).map(|m| m.row.account_id.0).collect();
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

/// Moves the counts of campaigns; also used when messages are written.
pub(super) async fn count(tx: &DatabaseTransaction, counts: BTreeMap<(CampaignId, &'static str), i64>) -> Result<()> {
    let counts: Vec<_> = counts.into_iter().filter(|(_, n)| *n != 0).collect();
    if counts.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("campaign", counts.iter().map(|((campaign, _), _)| campaign.0))
        .texts("status", counts.iter().map(|((_, status), _)| *status))
        .ints("n", counts.iter().map(|(_, n)| *n));
    let sql = format!(
        "INSERT INTO campaign_counts (campaign_id, status, messages) SELECT x.campaign, x.status, x.n FROM {} WHERE true \
         ORDER BY x.campaign, x.status \
         ON CONFLICT (campaign_id, status) DO UPDATE SET messages = campaign_counts.messages + excluded.messages",
        columns.source(backend, 1, "x")
    );
    tx.run(&sql, columns.after(backend, vals![])).await?;
    Ok(())
}

async fn pay(tx: &DatabaseTransaction, now: Timestamp, money: BTreeMap<(AccountId, HoldId), Flow>) -> Result<()> {
    for ((account, hold), flow) in money {
        if flow.captures > 0 {
            balance::capture(tx, now, account, hold, flow.charge, flow.captured).await?;
        }
        if flow.released > Micros::ZERO {
            balance::release(tx, now, account, hold, flow.released, "not sent").await?;
        }
        if flow.refunded > Micros::ZERO {
            balance::refund(tx, now, account, hold, flow.refund, flow.refunded).await?;
        }
    }
    Ok(())
}
