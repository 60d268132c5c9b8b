//! The chunks of a campaign, moved together: handed to the pumps, paused, resumed, cancelled, or removed again while
//! nothing has left. Each is one statement, in the transaction that moves the campaign.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::Skip;
use crate::{
    clock::Timestamp,
    db::{Columns, Sql, ids_json, ids_list},
    error::{Error, Result},
    ids::{AccountId, CampaignId, ChunkId},
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

/// A chunk whose time is to be set.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Unplaced {
    pub id: ChunkId,
    pub campaign_id: CampaignId,
    pub account_id: AccountId,
    pub messages: i64,
    pub send_at: Timestamp,
    /// Whose clock counts for it; none: the account's.
    pub zone: Option<String>,
}

const UNPLACED: &str = "SELECT id, campaign_id, account_id, messages, send_at, zone FROM chunks";

/// The chunks of a campaign in one status, in the order they were written.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_campaign(tx: &DatabaseTransaction, campaign: CampaignId, status: &str) -> Result<Vec<Unplaced>> {
    let sql = format!("{UNPLACED} WHERE campaign_id = $1 AND status = $2 ORDER BY id");
    Ok(tx.all(&sql, vals![campaign, status]).await?)
}

/// Ready chunks whose window has closed before a pump took them.
///
/// # Errors
/// When the database cannot be read.
pub async fn closed(conn: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<Unplaced>> {
    let sql = format!(
        "{UNPLACED} WHERE status = 'ready' AND closes_at <= $1 AND lease_owner IS NULL ORDER BY closes_at LIMIT 1000"
    );
    Ok(conn.all(&sql, vals![now]).await?)
}

/// Gives chunks of one status their time: they wait for it as `scheduled`. `places` are id, from when, and until when.
///
/// # Errors
/// When the database refuses.
pub async fn place(
    tx: &DatabaseTransaction,
    from: &str,
    places: &[(ChunkId, Timestamp, Option<Timestamp>)],
) -> Result<()> {
    let backend = tx.get_database_backend();
    for some in places.chunks(5000) {
        let columns = Columns::new()
            .ids("id", some.iter().map(|(id, ..)| id.0))
            .ints("at", some.iter().map(|(_, at, _)| at.0))
            .ints("closes", some.iter().map(|(.., closes)| closes.map(|at| at.0)));
        let sql = format!(
            "UPDATE chunks SET status = 'scheduled', send_at = x.at, closes_at = x.closes FROM {} WHERE chunks.id = x.id AND chunks.status = $1",
            columns.source(backend, 2, "x")
        );
        tx.run(&sql, columns.after(backend, vals![from])).await?;
    }
    Ok(())
}

/// How many messages the chunks of a campaign were written with.
///
/// # Errors
/// When the database cannot be read.
pub async fn size(conn: &impl ConnectionTrait, campaign: CampaignId) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM chunks WHERE campaign_id = $1";
    Ok(conn.scalar(sql, vals![campaign]).await?.unwrap_or(0))
}

/// Closes what is open: its pumps stop at their next window, and it gets its time anew.
///
/// # Errors
/// When the database refuses.
pub async fn shut(tx: &DatabaseTransaction, now: Timestamp, campaign: CampaignId) -> Result<()> {
    let sql = "UPDATE chunks SET closes_at = $2 WHERE campaign_id = $1 AND status IN ('ready', 'claimed')";
    tx.run(sql, vals![campaign, now]).await?;
    Ok(())
}

/// Ends chunks of one status that will never be open: the sweep that ends cancelled chunks skips their messages.
///
/// # Errors
/// When the database refuses.
pub async fn give_up(tx: &DatabaseTransaction, from: &str, chunks: &[ChunkId], why: Skip) -> Result<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE chunks SET status = 'cancelled', skip_reason = $2 WHERE status = $1 AND id IN {}",
        ids_list(tx.get_database_backend(), 3)
    );
    tx.run(&sql, vals![from, why.as_str(), ids_json(chunks.iter().map(|id| id.0))]).await?;
    Ok(())
}

/// Messages of a campaign that waits for its time are valid from that time on, for so many seconds.
///
/// # Errors
/// When the database refuses.
pub async fn valid_from_their_time(tx: &DatabaseTransaction, campaign: CampaignId, seconds: i64) -> Result<()> {
    let micros = seconds.saturating_mul(1_000_000);
    tx.run(
        "UPDATE messages SET valid_until = k.send_at + $2 FROM chunks k WHERE k.campaign_id = $1 AND k.status = 'scheduled' \
         AND messages.chunk_id = k.id AND messages.status = 'queued'",
        vals![campaign, micros],
    )
    .await?;
    let sql =
        "UPDATE chunks SET over_at = send_at + $2 WHERE campaign_id = $1 AND status = 'scheduled' AND messages > 0";
    tx.run(sql, vals![campaign, micros]).await?;
    Ok(())
}

/// Lets the pumps have the chunks of campaigns whose time has come; how many. Work for a thousand at a time.
///
/// # Errors
/// When the database refuses.
pub async fn open(tx: &DatabaseTransaction, now: Timestamp) -> Result<u64> {
    let due = "status = 'scheduled' AND campaign_id IS NOT NULL AND send_at <= $1";
    let sql = format!(
        "UPDATE chunks SET status = 'ready' WHERE {due} AND id IN (SELECT id FROM chunks WHERE {due} ORDER BY send_at LIMIT 1000)"
    );
    Ok(tx.run(&sql, vals![now]).await?)
}

/// Whether there is something to open.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_due(conn: &impl ConnectionTrait, now: Timestamp) -> Result<bool> {
    let sql = "SELECT 1 FROM chunks WHERE status = 'scheduled' AND campaign_id IS NOT NULL AND send_at <= $1 LIMIT 1";
    Ok(conn.scalar::<i32>(sql, vals![now]).await?.is_some())
}

/// Stops handing over.
///
/// # Errors
/// When the database refuses.
pub async fn pause(tx: &DatabaseTransaction, campaign: CampaignId) -> Result<()> {
    tx.run(
        "UPDATE chunks SET status = 'paused' WHERE campaign_id = $1 AND status IN ('ready', 'claimed', 'scheduled')",
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
    let sql = "UPDATE chunks SET status = 'cancelled' WHERE campaign_id = $1 AND status IN ('preparing', 'scheduled', 'ready', 'claimed', 'paused')";
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
