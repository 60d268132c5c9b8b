//! Keeping to a campaign's [`Pacing`]: its chunks get their times when its money is held, are opened when those come, and
//! get later ones when their window closes or the campaign was paused.
//!
//! A chunk of a paced campaign goes `preparing → scheduled → ready → claimed → done`, and back to `scheduled` when its window
//! closes first. Invariants: a chunk is `ready` only inside its window; what is paused keeps its distance to what comes
//! after it.

use std::{collections::HashMap, time::Duration};

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Audience, Campaign, Pacing, Zone, pacing::Slot, queries};
use crate::{
    accounts,
    clock::Timestamp,
    db::Db,
    error::Result,
    ids::CampaignId,
    messages::{
        Portions,
        chunks::{self, Unplaced},
    },
    scope::{AccountScope, SystemScope},
};

/// A portion leaves every five seconds; fewer where that would be very many chunks.
const PORTIONS_A_MINUTE: i64 = 12;
const MOST_PORTIONS: i64 = 10_000;

/// How a campaign is cut: the smaller the chunks, the smoother it is spread.
pub(super) async fn portions(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    campaign: &Campaign,
    audience: &Audience,
) -> Result<Portions> {
    let pacing = campaign.pacing()?;
    let most = match pacing.spread_minutes {
        Some(minutes) => {
            let recipients = audience.at_most(conn).await?;
            let portions = minutes.saturating_mul(PORTIONS_A_MINUTE).clamp(1, MOST_PORTIONS);
            Some((recipients / portions).clamp(1, 1000))
        }
        None => None,
    };
    let by_recipient = pacing.window.as_ref().is_some_and(|window| window.zone == Zone::Recipient);
    let by_zone = if by_recipient { Some(zone_of_account(conn, scope).await?) } else { None };
    Ok(Portions { most, by_zone })
}

async fn zone_of_account(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Tz> {
    Ok(accounts::find(conn, scope).await?.time_zone.parse().unwrap_or(Tz::UTC))
}

/// Hands a prepared campaign over: to the pumps, or to its times.
pub(super) async fn hand_over(tx: &DatabaseTransaction, scope: &AccountScope, campaign: &Campaign) -> Result<()> {
    let (now, pacing) = (scope.clock().now(), campaign.pacing()?);
    if pacing.is_none() {
        return chunks::hand_over(tx, now, campaign.id).await;
    }
    let own = zone_of_account(tx, scope).await?;
    let all = chunks::of_campaign(tx, campaign.id, "preparing").await?;
    let total = all.iter().map(|chunk| chunk.messages).sum();
    let mut before = 0;
    let places = all.iter().map(|chunk| {
        let slot = pacing.slot(now, (before, total), zone(chunk, own));
        before += chunk.messages;
        placed(chunk, slot)
    });
    chunks::place(tx, "preparing", &places.collect::<Vec<_>>()).await?;
    if let Some(seconds) = campaign.validity_seconds {
        chunks::valid_from_their_time(tx, campaign.id, seconds).await?;
    }
    Ok(())
}

/// Lets a paused campaign go on: what was due is due now, and what was to come later comes as much later.
pub(super) async fn resume(tx: &DatabaseTransaction, scope: &AccountScope, campaign: &Campaign) -> Result<()> {
    let (now, pacing) = (scope.clock().now(), campaign.pacing()?);
    if pacing.is_none() {
        return chunks::resume(tx, now, campaign.id).await;
    }
    let own = zone_of_account(tx, scope).await?;
    let paused_at = campaign.updated_at; // nothing of a paused campaign changes
    let all = chunks::of_campaign(tx, campaign.id, "paused").await?;
    let places = all.iter().map(|chunk| {
        let at = now.plus(paused_at.until(chunk.send_at));
        placed(chunk, pacing.after(at, Duration::ZERO, zone(chunk, own)))
    });
    chunks::place(tx, "paused", &places.collect::<Vec<_>>()).await
}

/// Opens what is due; tells how much.
///
/// # Errors
/// When the database refuses.
pub async fn open(db: &Db, scope: &SystemScope) -> Result<u64> {
    let now = scope.clock.now();
    if !chunks::is_due(db.read(), now).await? {
        return Ok(0); // asking first keeps an idle sweep off the one writer of SQLite
    }
    let tx = db.begin().await?;
    let opened = chunks::open(&tx, now).await?;
    tx.commit().await?;
    Ok(opened)
}

/// Puts what has not left when its window closed into its next one; tells how much.
///
/// # Errors
/// When the database refuses.
pub async fn close(db: &Db, scope: &SystemScope) -> Result<u64> {
    let now = scope.clock.now();
    let late = chunks::closed(db.read(), now).await?;
    if late.is_empty() {
        return Ok(0);
    }
    let mut known: HashMap<CampaignId, (Pacing, Tz)> = HashMap::new();
    let mut places = Vec::with_capacity(late.len());
    for chunk in &late {
        let (pacing, own) = match known.get(&chunk.campaign_id) {
            Some(known) => known,
            None => {
                let account = scope.of(chunk.account_id, true);
                let campaign = queries::get(db.read(), &account, chunk.campaign_id).await?;
                let own = zone_of_account(db.read(), &account).await?;
                known.entry(chunk.campaign_id).or_insert((campaign.pacing()?, own))
            }
        };
        places.push(placed(chunk, pacing.after(now, Duration::ZERO, zone(chunk, *own))));
    }
    let tx = db.begin().await?;
    chunks::place(&tx, "ready", &places).await?;
    tx.commit().await?;
    Ok(u64::try_from(places.len()).unwrap_or(0))
}

fn zone(chunk: &Unplaced, own: Tz) -> Tz {
    chunk.zone.as_deref().and_then(|name| name.parse().ok()).unwrap_or(own)
}

fn placed(chunk: &Unplaced, slot: Slot) -> (crate::ids::ChunkId, Timestamp, Option<Timestamp>) {
    (chunk.id, slot.from, slot.until)
}
