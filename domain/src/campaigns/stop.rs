//! Pausing, resuming and cancelling. Each changes the chunks in the transaction that changes the campaign, so that a
//! pump stops at its next window.

use sea_orm::DatabaseTransaction;

use super::{Campaign, Status, prepare::tell, queries, slots};
use crate::{
    db::Sql,
    error::{Code, Error, Result},
    events::{CampaignEventData, Kind},
    ids::CampaignId,
    messages::chunks,
    scope::AccountScope,
    vals,
};

/// Stops handing messages over until [`resume`].
///
/// # Errors
/// `not_found`; `conflict` unless the campaign is sending.
pub async fn pause(tx: &DatabaseTransaction, scope: &AccountScope, id: CampaignId) -> Result<Campaign> {
    let campaign = in_status(tx, scope, id, &[Status::Sending], "paused").await?;
    chunks::pause(tx, id).await?;
    set(tx, scope, &campaign, Status::Paused, Kind::CampaignPaused).await
}

/// Goes on where [`pause`] stopped.
///
/// # Errors
/// `not_found`; `conflict` unless the campaign is paused.
pub async fn resume(tx: &DatabaseTransaction, scope: &AccountScope, id: CampaignId) -> Result<Campaign> {
    let campaign = in_status(tx, scope, id, &[Status::Paused], "resumed").await?;
    slots::resume(tx, scope, &campaign).await?;
    set(tx, scope, &campaign, Status::Sending, Kind::CampaignResumed).await
}

/// Ends a campaign: what has not left is cancelled and its money released, by the sweep, within moments.
///
/// # Errors
/// `not_found`; `conflict` when all has been handed over or it never was launched.
pub async fn cancel(tx: &DatabaseTransaction, scope: &AccountScope, id: CampaignId) -> Result<Campaign> {
    let campaign =
        in_status(tx, scope, id, &[Status::Scheduled, Status::Preparing, Status::Sending, Status::Paused], "cancelled")
            .await?;
    chunks::cancel(tx, id).await?;
    set(tx, scope, &campaign, Status::Cancelled, Kind::CampaignCancelled).await
}

async fn in_status(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: CampaignId,
    from: &[Status],
    done: &str,
) -> Result<Campaign> {
    let campaign = queries::lock(tx, scope, id).await?;
    // A preparation that has failed is being removed: there is nothing left to cancel.
    if from.contains(&campaign.status) && campaign.error_code.is_none() {
        return Ok(campaign);
    }
    Err(Error::new(
        Code::Conflict,
        format!(
            "The campaign is {}; only one that is {} can be {done}.",
            campaign.status,
            from.iter().map(|s| Status::as_str(*s)).collect::<Vec<_>>().join(", ")
        ),
    ))
}

async fn set(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    campaign: &Campaign,
    status: Status,
    event: Kind,
) -> Result<Campaign> {
    tx.run(
        "UPDATE campaigns SET status = $2, updated_at = $3, version = version + 1 WHERE id = $1",
        vals![campaign.id, status, scope.clock().now()],
    )
    .await?;
    let data = CampaignEventData { id: campaign.id, name: campaign.name.clone(), status };
    tell(tx, scope, campaign.id, event, data).await?;
    queries::get(tx, scope, campaign.id).await
}
