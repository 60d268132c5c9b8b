//! Keeping to the [`Hours`] of a campaign: its chunks get their times when its money is held, are opened when those come,
//! and get later ones when their window closes, the campaign was paused, or the account's quiet hours change.
//!
//! A chunk of a campaign with hours goes `preparing → scheduled → ready → claimed → done`, and back to `scheduled` when its
//! window closes first. Invariants: a chunk is `ready` only inside its window; what is paused keeps its distance to what
//! comes after it; a campaign knows for which quiet hours its chunks were placed (`planned_for`), and is placed anew when
//! they are others; what never opens is skipped.

use std::{collections::HashMap, time::Duration};

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{
    Audience, Campaign, Status,
    pacing::{Hours, Slot},
    queries,
    segments::Meant,
};
use crate::{
    accounts,
    clock::Timestamp,
    db::{Db, Sql},
    error::{Error, Result},
    ids::{AccountId, CampaignId, ChunkId},
    messages::{
        Portions, Skip,
        chunks::{self, Unplaced},
    },
    scope::{AccountScope, SystemScope},
    vals,
};

/// A portion leaves every five seconds; fewer where that would be very many chunks.
const PORTIONS_A_MINUTE: i64 = 12;
const MOST_PORTIONS: i64 = 10_000;

/// The hours of a campaign, as its account has set its own now.
pub(super) async fn hours(conn: &impl ConnectionTrait, scope: &AccountScope, campaign: &Campaign) -> Result<Hours> {
    let account = accounts::find(conn, scope).await?;
    let own = account.time_zone.parse().unwrap_or(Tz::UTC);
    Ok(Hours { pacing: campaign.pacing()?, quiet: account.quiet_hours, own })
}

/// How a campaign is cut: the smaller the chunks, the smoother it is spread.
pub(super) async fn portions(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    campaign: &Campaign,
    (audience, meant): (&Audience, &Meant),
) -> Result<Portions> {
    let hours = hours(conn, scope, campaign).await?;
    let most = match hours.pacing.spread_minutes {
        Some(minutes) => {
            let recipients = audience.at_most(conn, scope, meant).await?;
            let portions = minutes.saturating_mul(PORTIONS_A_MINUTE).clamp(1, MOST_PORTIONS);
            Some((recipients / portions).clamp(1, 1000))
        }
        None => None,
    };
    Ok(Portions { most, by_zone: hours.by_recipient().then_some(hours.own) })
}

/// Hands a prepared campaign over: to the pumps, or to its times.
pub(super) async fn hand_over(tx: &DatabaseTransaction, scope: &AccountScope, campaign: &Campaign) -> Result<()> {
    let (now, hours) = (scope.clock().now(), hours(tx, scope, campaign).await?);
    if hours.is_none() {
        return chunks::hand_over(tx, now, campaign.id).await;
    }
    let all = chunks::of_campaign(tx, campaign.id, "preparing").await?;
    let total = all.iter().map(|chunk| chunk.messages).sum();
    place(tx, "preparing", in_order(&hours, now, &all, total)).await?;
    if let Some(seconds) = campaign.validity_seconds {
        chunks::valid_from_their_time(tx, campaign.id, seconds).await?;
    }
    planned(tx, campaign.id, &hours).await
}

/// Lets a paused campaign go on: what was due is due now, and what was to come later comes as much later.
pub(super) async fn resume(tx: &DatabaseTransaction, scope: &AccountScope, campaign: &Campaign) -> Result<()> {
    let (now, hours) = (scope.clock().now(), hours(tx, scope, campaign).await?);
    if hours.is_none() {
        return chunks::resume(tx, now, campaign.id).await;
    }
    let paused_at = campaign.updated_at; // nothing of a paused campaign changes
    let all = chunks::of_campaign(tx, campaign.id, "paused").await?;
    let slots = all.iter().map(|chunk| {
        let at = now.plus(paused_at.until(chunk.send_at));
        (chunk.id, hours.after(at, Duration::ZERO, theirs(chunk)))
    });
    place(tx, "paused", slots.collect()).await
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
    let mut known: HashMap<CampaignId, Hours> = HashMap::new();
    let mut slots = Vec::with_capacity(late.len());
    for chunk in &late {
        let hours = match known.get(&chunk.campaign_id) {
            Some(known) => known,
            None => {
                let account = scope.of(chunk.account_id, true);
                let campaign = queries::get(db.read(), &account, chunk.campaign_id).await?;
                let hours = hours(db.read(), &account, &campaign).await?;
                known.entry(chunk.campaign_id).or_insert(hours)
            }
        };
        slots.push((chunk.id, hours.after(now, Duration::ZERO, theirs(chunk))));
    }
    let tx = db.begin().await?;
    place(&tx, "ready", slots).await?;
    tx.commit().await?;
    Ok(u64::try_from(late.len()).unwrap_or(0))
}

/// Places anew what has not left of the campaigns whose account has other quiet hours now than they were placed for; tells
/// how many campaigns. One that cannot be placed does not keep the others.
///
/// # Errors
/// When the database cannot be read.
pub async fn replan(db: &Db, scope: &SystemScope) -> Result<u64> {
    let sql = "SELECT c.id, c.account_id, c.planned_for, a.quiet_hours, a.time_zone FROM campaigns c JOIN accounts a ON a.id = c.account_id \
               WHERE c.finished_at IS NULL AND c.status = 'sending' AND (a.quiet_hours IS NOT NULL OR c.planned_for IS NOT NULL) ORDER BY c.id";
    let mut changed = 0;
    for Running { id, account_id, planned_for, quiet_hours, time_zone } in
        db.read().all::<Running>(sql, vals![]).await?
    {
        if plan(quiet_hours.as_ref(), &time_zone)? == planned_for {
            continue;
        }
        match replan_one(db, &scope.of(account_id, true), id).await {
            Ok(()) => changed += 1,
            Err(e) => tracing::warn!(campaign = %id, error = %e, "a campaign was not placed anew; trying again"),
        }
    }
    Ok(changed)
}

#[derive(FromQueryResult)]
struct Running {
    id: CampaignId,
    account_id: AccountId,
    planned_for: Option<String>,
    quiet_hours: Option<accounts::QuietHours>,
    time_zone: String,
}

/// What waits for its time gets it anew, the first at once if it may; what was open is closed, and opened again as the
/// hours are now. So nothing leaves in hours that have become quiet, and nothing waits for those that are not any more.
async fn replan_one(db: &Db, scope: &AccountScope, id: CampaignId) -> Result<()> {
    let tx = db.begin().await?;
    let campaign = queries::lock(&tx, scope, id).await?;
    if campaign.status != Status::Sending {
        return Ok(());
    }
    let (now, hours) = (scope.clock().now(), hours(&tx, scope, &campaign).await?);
    chunks::shut(&tx, now, id).await?;
    let waiting = chunks::of_campaign(&tx, id, "scheduled").await?;
    let total = chunks::size(&tx, id).await?;
    place(&tx, "scheduled", in_order(&hours, now, &waiting, total)).await?;
    planned(&tx, id, &hours).await?;
    Ok(tx.commit().await?)
}

/// Notes for which quiet hours a campaign was placed.
async fn planned(tx: &DatabaseTransaction, campaign: CampaignId, hours: &Hours) -> Result<()> {
    let plan = plan(hours.quiet.as_ref(), hours.own.name())?;
    tx.run("UPDATE campaigns SET planned_for = $2 WHERE id = $1", vals![campaign, plan]).await?;
    Ok(())
}

/// Quiet hours by their clock, as one text.
fn plan(quiet: Option<&accounts::QuietHours>, zone: &str) -> Result<Option<String>> {
    let Some(quiet) = quiet else { return Ok(None) };
    let quiet = serde_json::to_string(quiet).map_err(|e| Error::internal(e.to_string()))?;
    Ok(Some(format!("{quiet} {zone}")))
}

/// The slots of chunks that leave one after the other from now on, out of so many messages.
fn in_order(hours: &Hours, now: Timestamp, all: &[Unplaced], total: i64) -> Vec<(ChunkId, Option<Slot>)> {
    let mut before = 0;
    let slots = all.iter().map(|chunk| {
        let slot = hours.slot(now, (before, total), theirs(chunk));
        before += chunk.messages;
        (chunk.id, slot)
    });
    slots.collect()
}

/// Gives chunks of one status their slots. Those for which nothing opens end.
async fn place(tx: &DatabaseTransaction, from: &str, slots: Vec<(ChunkId, Option<Slot>)>) -> Result<()> {
    let (open, never): (Vec<_>, Vec<_>) = slots.into_iter().partition(|(_, slot)| slot.is_some());
    let places: Vec<_> =
        open.into_iter().filter_map(|(id, slot)| slot.map(|slot| (id, slot.from, slot.until))).collect();
    chunks::place(tx, from, &places).await?;
    let never: Vec<ChunkId> = never.into_iter().map(|(id, _)| id).collect();
    chunks::give_up(tx, from, &never, Skip::QuietHours).await
}

/// The zone of the recipients of a chunk, where it was cut by zones.
fn theirs(chunk: &Unplaced) -> Option<Tz> {
    chunk.zone.as_deref().and_then(|name| name.parse().ok())
}
