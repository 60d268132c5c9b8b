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
    db::{Sql, in_span, spanned},
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
    phone: i64,
    price: Micros,
}

/// Moves those of accepted messages that are being submitted and under one hold, that of the first, from `submitting` to
/// `sent`, and captures their price. Gives those it has moved.
pub(super) async fn accept(
    tx: &DatabaseTransaction,
    now: Timestamp,
    accepted: &[MessageId],
    tally: &mut Tally,
) -> Result<HashSet<MessageId>> {
    #[derive(FromQueryResult)]
    struct First {
        account_id: AccountId,
        hold_id: Option<HoldId>,
    }
    let Some(first) = accepted.first() else { return Ok(HashSet::new()) };
    let first = tx.one("SELECT account_id, hold_id FROM messages WHERE id = $1", vals![*first]).await?;
    let Some(First { account_id, hold_id }) = first else { return Ok(HashSet::new()) };
    let charge = hold_id.map(|hold| tally.flow(now, account_id, hold).charge);
    let sql = format!(
        "UPDATE messages SET status = 'sent', submitted_at = COALESCE(submitted_at, $4), charge_id = $5 WHERE {} AND status = 'submitting' \
         AND charge_id IS NULL AND account_id = $6 AND hold_id IS NOT DISTINCT FROM $7 \
         RETURNING id, account_id, campaign_id, phone, unit_price * segments AS price",
        in_span(tx.get_database_backend(), "id", 1)
    );
    let ids: Vec<Uuid> = accepted.iter().map(|id| id.0).collect();
    let mut values = spanned(&ids);
    values.extend(vals![now, charge, account_id, hold_id]);
    let moved: Vec<Moved> = tx.all(&sql, values).await?;
    if let Some(hold) = hold_id {
        let flow = tally.flow(now, account_id, hold);
        for message in &moved {
            flow.capture(message.price)?;
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
         AND (charge_id IS NOT NULL OR hold_id IS NULL) RETURNING id, account_id, campaign_id, phone, unit_price AS price",
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
    for Moved { id, account_id, campaign_id, phone, price: _ } in moved {
        tally.count(campaign_id, from, to);
        tally.tell(account_id, Told::new(id, phone, campaign_id, to, None));
    }
    ids
}
