//! What moves a campaign on without a request: its time, the end of its messages, a worker that died.

use std::time::Duration;

use sea_orm::FromQueryResult;

use super::{Status, prepare::tell};
use crate::{
    db::{Db, Sql},
    error::Result,
    events::{CampaignEventData, Kind},
    ids::{AccountId, CampaignId},
    jobs::{self, Queue},
    scope::SystemScope,
    vals,
};

/// Looks at every campaign on its way and takes the step that is due; tells how many steps were taken. A campaign that
/// cannot be moved does not keep the others.
///
/// # Errors
/// When the database cannot be read.
pub async fn advance(db: &Db, system: &SystemScope) -> Result<usize> {
    let now = system.clock.now();
    let sql = "SELECT id, account_id, name, status FROM campaigns WHERE finished_at IS NULL AND (status IN ('sending', 'finishing', 'cancelled') \
               OR (status = 'scheduled' AND send_at <= $1) OR (status = 'preparing' AND updated_at < $2)) ORDER BY id";
    let mut steps = 0;
    for campaign in db.read().all::<Seen>(sql, vals![now, now.minus(Duration::from_secs(5))]).await? {
        match advance_one(db, system, &campaign).await {
            Ok(step) => steps += usize::from(step),
            Err(e) => tracing::warn!(campaign = %campaign.id, error = %e, "a campaign was not moved on; trying again"),
        }
    }
    Ok(steps)
}

/// What of a campaign decides its next step.
#[derive(FromQueryResult)]
struct Seen {
    id: CampaignId,
    account_id: AccountId,
    name: String,
    status: Status,
}

async fn advance_one(db: &Db, system: &SystemScope, seen: &Seen) -> Result<bool> {
    let now = system.clock.now();
    let id = seen.id;
    let scope = system.of(seen.account_id, true);
    if matches!(seen.status, Status::Scheduled | Status::Preparing) {
        let tx = db.begin().await?;
        // Also re-announces a preparation that nobody works on: its job was lost, or its worker.
        let moved = tx
            .run(
                "UPDATE campaigns SET status = 'preparing', updated_at = $2, version = version + CASE WHEN status = 'scheduled' THEN 1 ELSE 0 END \
                 WHERE id = $1 AND ((status = 'scheduled' AND send_at <= $2) OR \
                 (status = 'preparing' AND updated_at < $3 AND (lease_until IS NULL OR lease_until < $2)))",
                vals![id, now, now.minus(Duration::from_secs(5))],
            )
            .await?;
        if moved == 1 {
            jobs::enqueue(&tx, now, Queue::CampaignsPrepare, id.0).await?;
        }
        tx.commit().await?;
        return Ok(moved == 1);
    }
    let open = |statuses: &str| {
        format!(
            "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM campaign_counts WHERE campaign_id = $1 AND status IN ({statuses})"
        )
    };
    let unsent: i64 = db.read().scalar(&open("'scheduled', 'queued'"), vals![id]).await?.unwrap_or(0);
    let waiting: i64 =
        db.read().scalar(&open("'scheduled', 'queued', 'sent', 'in_doubt'"), vals![id]).await?.unwrap_or(0);
    let (from, to, event) = match seen.status {
        Status::Sending | Status::Finishing if waiting == 0 => {
            (seen.status, Status::Completed, Some(Kind::CampaignCompleted))
        }
        Status::Sending if unsent == 0 => (Status::Sending, Status::Finishing, Some(Kind::CampaignFinishing)),
        Status::Cancelled if waiting == 0 => (Status::Cancelled, Status::Cancelled, None),
        _ => return Ok(false),
    };
    let finished = (to != Status::Finishing).then_some(now);
    let tx = db.begin().await?;
    let moved = tx
        .run(
            "UPDATE campaigns SET status = $3, updated_at = $4, finished_at = COALESCE($5, finished_at), version = version + 1 \
             WHERE id = $1 AND status = $2 AND finished_at IS NULL",
            vals![id, from, to, now, finished],
        )
        .await?;
    if moved == 1
        && let Some(event) = event
    {
        let data = CampaignEventData { id, name: seen.name.clone(), status: to };
        tell(&tx, &scope, id, event, data).await?;
    }
    tx.commit().await?;
    Ok(moved == 1)
}
