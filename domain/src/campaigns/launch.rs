//! Launching: everything that is cheap to know is refused here; the rest is found while preparing.

use sea_orm::DatabaseTransaction;

use super::{Campaign, Status, change::require_changeable, estimate, queries, slots};
use crate::{
    balance,
    db::Sql,
    error::{Code, Error, Result},
    events::{self, CampaignEventData, Kind},
    ids::{CampaignId, HoldId},
    jobs::{self, Queue},
    messages::Terms,
    money::Micros,
    scope::AccountScope,
    vals,
};

/// Launches a draft: now, or at its `send_at` when that lies ahead.
///
/// # Errors
/// `campaign_not_draft`; `never_open` when no allowed hour lies outside the account's quiet hours; `unknown_marker`, `sender_not_approved`, `no_rate`, `no_route`, `account_suspended`;
/// `empty_audience` and its kin when nobody of a small audience may be sent to; `insufficient_funds` when the first
/// thousand recipients already cost more than is available.
pub async fn launch(tx: &DatabaseTransaction, scope: &AccountScope, id: CampaignId) -> Result<Campaign> {
    let campaign = queries::lock(tx, scope, id).await?;
    require_changeable(&campaign)?;
    if campaign.status == Status::Scheduled {
        return Err(Error::new(
            Code::CampaignNotDraft,
            "The campaign is scheduled already; change its send_at, or cancel it.",
        ));
    }
    let now = scope.clock().now();
    let hours = slots::hours(tx, scope, &campaign).await?;
    if !hours.open_to_somebody(campaign.send_at.map_or(now, |at| at.max(now))) {
        return Err(Error::new(
            Code::NeverOpen,
            "No hour of /pacing/window lies outside the account's quiet hours: change the one or the other.",
        ));
    }
    let letter = estimate::letter(tx, scope, &campaign).await?;
    let terms = Terms::load(tx, scope).await?;
    let (sums, whole) = estimate::walk(tx, scope, &campaign.audience()?, &letter, &terms, 1).await?;
    if whole {
        sums.require_somebody()?;
    }
    let later = campaign.send_at.is_some_and(|at| at > now);
    if !later {
        let available = balance::balance(tx, scope).await?.available();
        if sums.cost > available || (available == Micros::ZERO && sums.cost > Micros::ZERO) {
            let (cost, currency) = (sums.cost, &sums.currency);
            let what = if whole { "This costs" } else { "The first thousand messages alone cost" };
            let missing = Micros(cost.0.saturating_sub(available.0));
            return Err(Error::new(
                Code::InsufficientFunds,
                format!(
                    "{what} {cost} {currency} and {available} {currency} are available: top up at least {missing} {currency}."
                ),
            ));
        }
    }
    let status = if later { Status::Scheduled } else { Status::Preparing };
    tx.run(
        "UPDATE campaigns SET status = $2, hold_id = $3, currency = $4, launched_at = $5, updated_at = $5, version = version + 1 WHERE id = $1",
        vals![id, status, HoldId::new(now), terms.deck.currency.0.as_str(), now],
    )
    .await?;
    if !later {
        jobs::enqueue(tx, now, Queue::CampaignsPrepare, id.0).await?;
    }
    let launched = queries::get(tx, scope, id).await?;
    events::record(
        tx,
        now,
        scope.account(),
        Kind::CampaignLaunched,
        &id.to_string(),
        CampaignEventData { id, name: launched.name.clone(), status },
    )
    .await?;
    Ok(launched)
}
