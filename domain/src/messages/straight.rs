//! The straight way, which most messages go: submitted, accepted, delivered. One statement a step moves all of a batch
//! that are on it, and reads nothing before. What is not as expected (cancelled meanwhile, in doubt, of several parts) is
//! left as it is, for [`super::record`] to look at.
//!
//! Invariants: what is moved here is moved as `record` would have, with its charge; each statement locks by id, and a
//! message on the straight way in one batch is off it in another only if the carrier contradicts itself.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::{
    Status,
    tally::{Tally, Told},
};
use crate::{
    clock::Timestamp,
    db::{Columns, Sql, in_span, spanned},
    error::Result,
    ids::{AccountId, CampaignId, HoldId, MessageId},
    money::Micros,
    vals,
};

#[derive(FromQueryResult)]
struct Moved {
    id: MessageId,
    account_id: AccountId,
    campaign_id: Option<CampaignId>,
    hold_id: Option<HoldId>,
    phone: i64,
    price: Micros,
}

/// Moves those of accepted messages that are being submitted from `submitting` to `sent`, and captures their price, each
/// under its hold. Gives those it has moved.
pub(super) async fn accept(
    tx: &DatabaseTransaction,
    now: Timestamp,
    accepted: &[MessageId],
    tally: &mut Tally,
) -> Result<HashSet<MessageId>> {
    #[derive(FromQueryResult)]
    struct Held {
        account_id: AccountId,
        hold_id: Option<HoldId>,
    }
    if accepted.is_empty() {
        return Ok(HashSet::new());
    }
    let backend = tx.get_database_backend();
    let ids: Vec<Uuid> = accepted.iter().map(|id| id.0).collect();
    let span = in_span(backend, "id", 1);
    let held = format!("SELECT DISTINCT account_id, hold_id FROM messages WHERE {span}");
    let held: Vec<Held> = tx.all(&held, spanned(&ids)).await?;
    let charge = |Held { account_id, hold_id }: &Held| hold_id.map(|hold| tally.flow(now, *account_id, hold).charge);
    let charges: Vec<_> = held.iter().map(charge).collect();
    let columns = Columns::new()
        .ids("hold", held.iter().map(|held| held.hold_id.map(|hold| hold.0)))
        .ids("charge", charges.iter().map(|charge| charge.map(|charge| charge.0)));
    let sql = format!(
        "UPDATE messages SET status = 'sent', submitted_at = COALESCE(submitted_at, $4), charge_id = x.charge FROM {} \
         WHERE {span} AND status = 'submitting' AND charge_id IS NULL AND hold_id IS NOT DISTINCT FROM x.hold \
         RETURNING id, account_id, campaign_id, hold_id, phone, unit_price * segments AS price",
        columns.source(backend, 5, "x")
    );
    let mut values = spanned(&ids);
    values.extend(vals![now]);
    let moved: Vec<Moved> = tx.all(&sql, columns.after(backend, values)).await?;
    for Moved { account_id, hold_id, price, .. } in &moved {
        if let Some(hold) = hold_id {
            tally.flow(now, *account_id, *hold).capture(*price)?;
        }
    }
    Ok(told(moved, Status::Submitting, Status::Sent, tally))
}

/// Moves those of messages whose one part has been delivered from `sent` to `delivered`. Gives those it has moved.
pub(super) async fn deliver(
    tx: &DatabaseTransaction,
    now: Timestamp,
    delivered: &[MessageId],
    tally: &mut Tally,
) -> Result<HashSet<MessageId>> {
    if delivered.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = format!(
        "UPDATE messages SET status = 'delivered', done_at = $4 WHERE {} AND status = 'sent' AND parts = 1 \
         AND (charge_id IS NOT NULL OR hold_id IS NULL) RETURNING id, account_id, campaign_id, hold_id, phone, unit_price AS price",
        in_span(tx.get_database_backend(), "id", 1)
    );
    let ids: Vec<Uuid> = delivered.iter().map(|id| id.0).collect();
    let mut values = spanned(&ids);
    values.extend(vals![now]);
    let moved = tx.all(&sql, values).await?;
    Ok(told(moved, Status::Sent, Status::Delivered, tally))
}

fn told(moved: Vec<Moved>, from: Status, to: Status, tally: &mut Tally) -> HashSet<MessageId> {
    let ids = moved.iter().map(|message| message.id).collect();
    for Moved { id, account_id, campaign_id, phone, .. } in moved {
        tally.count(campaign_id, from, to);
        tally.tell(account_id, Told::new(id, phone, campaign_id, to, None));
    }
    ids
}
