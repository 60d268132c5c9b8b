//! The chunks of a campaign, moved together: handed to the pumps, paused, resumed, cancelled, or removed again while
//! nothing has left. Each is one statement, in the transaction that moves the campaign.

use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::Sql,
    error::{Error, Result},
    ids::{CampaignId, ChunkId},
    jobs::{self, Queue},
    money::Micros,
    vals,
};

/// What waits in a campaign.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub struct Waiting {
    /// Messages to be sent.
    pub messages: i64,
    /// What they cost.
    pub cost: Micros,
}

/// Adds up what was prepared.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(tx: &DatabaseTransaction, campaign: CampaignId) -> Result<Waiting> {
    let sql = "SELECT COUNT(*) AS messages, CAST(COALESCE(SUM(unit_price * segments), 0) AS BIGINT) AS cost \
               FROM messages WHERE campaign_id = $1 AND status = 'queued'";
    tx.one(sql, vals![campaign]).await?.ok_or_else(|| Error::internal("a sum without a row"))
}

/// Hands prepared chunks to the pumps and wakes them.
///
/// # Errors
/// When the database refuses.
pub async fn hand_over(tx: &DatabaseTransaction, now: Timestamp, campaign: CampaignId) -> Result<()> {
    tx.run(
        "UPDATE chunks SET status = 'ready', send_at = $2 WHERE campaign_id = $1 AND status = 'preparing'",
        vals![campaign, now],
    )
    .await?;
    wake(tx, now, campaign).await
}

/// Stops handing over.
///
/// # Errors
/// When the database refuses.
pub async fn pause(tx: &DatabaseTransaction, campaign: CampaignId) -> Result<()> {
    tx.run(
        "UPDATE chunks SET status = 'paused' WHERE campaign_id = $1 AND status IN ('ready', 'claimed')",
        vals![campaign],
    )
    .await?;
    Ok(())
}

/// Goes on. A chunk that its pump has not given back yet is claimed only after it has.
///
/// # Errors
/// When the database refuses.
pub async fn resume(tx: &DatabaseTransaction, now: Timestamp, campaign: CampaignId) -> Result<()> {
    tx.run("UPDATE chunks SET status = 'ready' WHERE campaign_id = $1 AND status = 'paused'", vals![campaign]).await?;
    wake(tx, now, campaign).await
}

/// Ends what has not left; the sweep cancels the messages one chunk after the other.
///
/// # Errors
/// When the database refuses.
pub async fn cancel(tx: &DatabaseTransaction, campaign: CampaignId) -> Result<()> {
    let sql = "UPDATE chunks SET status = 'cancelled' WHERE campaign_id = $1 AND status IN ('preparing', 'ready', 'claimed', 'paused')";
    tx.run(sql, vals![campaign]).await?;
    Ok(())
}

/// Removes one chunk of a campaign that failed before anything left; false when none is left.
///
/// # Errors
/// When the database refuses.
pub async fn remove_one(tx: &DatabaseTransaction, campaign: CampaignId) -> Result<bool> {
    let Some(chunk) =
        tx.scalar::<ChunkId>("SELECT id FROM chunks WHERE campaign_id = $1 LIMIT 1", vals![campaign]).await?
    else {
        return Ok(false);
    };
    tx.run("DELETE FROM message_texts WHERE message_id IN (SELECT id FROM messages WHERE chunk_id = $1)", vals![chunk])
        .await?;
    tx.run("DELETE FROM messages WHERE chunk_id = $1", vals![chunk]).await?;
    tx.run("DELETE FROM chunks WHERE id = $1", vals![chunk]).await?;
    Ok(true)
}

async fn wake(tx: &DatabaseTransaction, now: Timestamp, campaign: CampaignId) -> Result<()> {
    let sql = "SELECT DISTINCT carrier_id FROM chunks WHERE campaign_id = $1 AND status = 'ready'";
    for carrier in tx.column::<Uuid>(sql, vals![campaign]).await? {
        jobs::enqueue(tx, now, Queue::MessagesDeliver, carrier).await?;
    }
    Ok(())
}
