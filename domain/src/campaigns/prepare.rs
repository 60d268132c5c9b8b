//! Freezing a campaign's messages, a page at a time, then holding their money and handing them to the pumps.
//!
//! Each page is a transaction with its checkpoint, so that a worker that dies goes on where it was. Until the hold is
//! made the chunks are `preparing` and no pump sees them. What cannot be paid or has nobody to go to ends as `failed`,
//! and its messages are removed again, a chunk at a time.

use std::time::Duration;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{
    Campaign, Status,
    audience::Cursor,
    estimate::{self, Estimate},
    queries,
};
use crate::{
    balance,
    clock::Timestamp,
    db::{Db, Sql},
    error::{Code, Error, Result},
    events::{self, CampaignFailedEventData, CampaignStartedEventData, Kind},
    ids::{self, AccountId, CampaignId},
    messages::{Draft, Home, Letter, Mailing, Terms, chunks, write},
    routes::Routing,
    scope::{AccountScope, SystemScope},
    vals,
};

#[derive(FromQueryResult)]
struct Checkpoint {
    account_id: AccountId,
    mode: String,
    prepare_cursor: Option<Uuid>,
    prepare_numbers: Option<i64>,
    error_code: Option<String>,
}

/// Prepares a launched campaign. Does nothing when it is not (or no longer) `preparing`, or another worker has it.
/// `lease` is how long a page may take before another run may take over; each page renews it, and each page is written
/// only upon the checkpoint it was read from, so that two runs at once never write the same recipients twice.
///
/// # Errors
/// When the database refuses; the job is then tried again and goes on from its checkpoint.
pub async fn prepare(db: &Db, system: &SystemScope, id: CampaignId, owner: &str, lease: Duration) -> Result<()> {
    // Each run is an owner of its own: two jobs of one worker must not take each other for themselves.
    let owner = &format!("{owner}/{}", ids::encode(ids::uuid_v7(system.clock.now())));
    let Some(at) = take(db, system, id, owner, lease).await? else { return Ok(()) };
    let scope = system.of(at.account_id, at.mode == "live");
    if at.error_code.is_some() {
        return remove(db, &scope, id).await; // a worker died while it removed what had failed
    }
    let outcome = match freeze(db, &scope, id, (owner, lease), &at).await {
        Ok(true) => finish(db, &scope, id, owner).await,
        Ok(false) => return Ok(()), // cancelled, or another worker's
        Err(e) => Err(e),
    };
    match outcome {
        Err(e) if e.code != Code::Internal && e.code != Code::Unavailable => fail(db, &scope, id, owner, &e).await,
        other => other,
    }
}

async fn take(
    db: &Db,
    system: &SystemScope,
    id: CampaignId,
    owner: &str,
    lease: Duration,
) -> Result<Option<Checkpoint>> {
    let now = system.clock.now();
    let tx = db.begin().await?;
    let taken = tx
        .run(
            "UPDATE campaigns SET lease_owner = $2, lease_until = $3 WHERE id = $1 AND status = 'preparing' \
             AND (lease_until IS NULL OR lease_until < $4)",
            vals![id, owner, now.plus(lease), now],
        )
        .await?;
    let sql = "SELECT c.account_id, a.mode, c.prepare_cursor, c.prepare_numbers, c.error_code FROM campaigns c JOIN accounts a ON a.id = c.account_id WHERE c.id = $1";
    let at = if taken == 1 { tx.one(sql, vals![id]).await? } else { None };
    tx.commit().await?;
    Ok(at)
}

/// Writes page after page. False when the campaign is no longer ours to prepare.
async fn freeze(
    db: &Db,
    scope: &AccountScope,
    id: CampaignId,
    (owner, lease): (&str, Duration),
    at: &Checkpoint,
) -> Result<bool> {
    let campaign = queries::get(db.read(), scope, id).await?;
    let letter = estimate::letter(db.read(), scope, &campaign).await?;
    let terms = Terms::load(db.read(), scope).await?;
    let audience = campaign.audience()?;
    let home = |now: Timestamp| -> Result<Home> {
        Ok(Home {
            account: scope.account(),
            campaign: Some(id),
            hold: campaign.hold_id.ok_or_else(|| Error::internal("launched without a hold id"))?,
            currency: terms.deck.currency.clone(),
            send_at: now,
            priority: 5,
            chunk_status: "preparing",
        })
    };
    let mut cursor = match (at.prepare_cursor, at.prepare_numbers) {
        (_, Some(done)) => Some(Cursor::Number(usize::try_from(done).unwrap_or(usize::MAX))),
        (after, None) => Some(Cursor::Contact(after.unwrap_or(Uuid::nil()))),
    };
    let mut checkpoint: Mark = (at.prepare_cursor, at.prepare_numbers);
    let read = async |here: Cursor| -> Result<(Vec<Draft>, Option<Cursor>)> {
        let page = audience.page(db.read(), scope, &letter.sender, here, Some(id)).await?;
        Ok((page.recipients.iter().map(|r| letter.draft(&terms, r)).collect(), page.next))
    };
    let mut page = match cursor.take() {
        Some(here) => Some(read(here).await?),
        None => None,
    };
    while let Some((drafts, next)) = page {
        let now = scope.clock().now();
        let home = home(now)?;
        let write =
            write_page(db, (id, owner), now.plus(lease), (checkpoint, next), (&home, &letter, &terms.routing, &drafts));
        let ahead = async {
            match next {
                // Contacts are read while those before them are written. Numbers are not: they ask what is written.
                Some(here @ Cursor::Contact(_)) => read(here).await.map(Some),
                _ => Ok(None),
            }
        };
        let (written, ahead) = tokio::join!(write, ahead);
        let Some(mark) = written? else { return Ok(false) };
        checkpoint = mark;
        page = match (ahead?, next) {
            (None, Some(here)) => Some(read(here).await?),
            (ahead, _) => ahead,
        };
    }
    Ok(true)
}

/// Where a preparation stands, as stored: after this contact, after so many numbers.
type Mark = (Option<Uuid>, Option<i64>);

/// Writes a page and the checkpoint behind it, upon the checkpoint it was read from; gives the new one, or `None` when
/// the campaign is no longer ours to prepare.
async fn write_page(
    db: &Db,
    (id, owner): (CampaignId, &str),
    lease_until: Timestamp,
    (from, next): (Mark, Option<Cursor>),
    (home, letter, routing, drafts): (&Home, &Letter, &Routing, &[Draft]),
) -> Result<Option<Mark>> {
    let (after, numbers) = match next {
        Some(Cursor::Contact(after)) => (Some(after), None),
        Some(Cursor::Number(n)) => (None, i64::try_from(n).ok()),
        None => (None, Some(i64::MAX)), // a resumed walk begins past every number, and ends at once
    };
    let tx = db.begin().await?;
    let ours = tx
        .run(
            "UPDATE campaigns SET lease_until = $3, prepare_cursor = COALESCE($4, prepare_cursor), prepare_numbers = $5 \
             WHERE id = $1 AND status = 'preparing' AND lease_owner = $2 \
             AND prepare_cursor IS NOT DISTINCT FROM $6 AND prepare_numbers IS NOT DISTINCT FROM $7",
            vals![id, owner, lease_until, after, numbers, from.0, from.1],
        )
        .await?;
    if ours == 0 {
        return Ok(None);
    }
    if !drafts.is_empty() {
        let mailing = Mailing { batch: None, letter, external_id: None, metadata: &serde_json::json!({}), drafts };
        write(&tx, home.send_at, home, routing, &[mailing]).await?;
    }
    tx.commit().await?;
    Ok(Some((after.or(from.0), numbers)))
}

/// Holds the money of what is written and lets the pumps have it.
async fn finish(db: &Db, scope: &AccountScope, id: CampaignId, owner: &str) -> Result<()> {
    let now = scope.clock().now();
    let tx = db.begin().await?;
    let campaign = queries::lock(&tx, scope, id).await?;
    let mine =
        "SELECT 1 FROM campaigns WHERE id = $1 AND status = 'preparing' AND lease_owner = $2 AND error_code IS NULL";
    if tx.scalar::<i32>(mine, vals![id, owner]).await?.is_none() {
        return Ok(());
    }
    balance::freeze(&tx, scope.account()).await?; // a message cancelled meanwhile is either in the sum or released after
    let chunks::Waiting { messages, cost } = chunks::waiting(&tx, id).await?;
    if messages == 0 {
        return Err(nobody(&tx, &campaign).await?);
    }
    let hold = campaign.hold_id.ok_or_else(|| Error::internal("launched without a hold id"))?;
    balance::hold(&tx, now, scope.account(), hold, cost).await?;
    chunks::hand_over(&tx, now, id).await?;
    tx.run(
        "UPDATE campaigns SET status = 'sending', started_at = $2, updated_at = $2, lease_owner = NULL, lease_until = NULL, version = version + 1 \
         WHERE id = $1 AND lease_owner = $3",
        vals![id, now, owner],
    )
    .await?;
    tell(
        &tx,
        scope,
        id,
        Kind::CampaignStarted,
        CampaignStartedEventData { id, name: campaign.name, status: Status::Sending, messages },
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Why nobody is left, from the skips that were written.
async fn nobody(tx: &sea_orm::DatabaseTransaction, campaign: &Campaign) -> Result<Error> {
    #[derive(FromQueryResult)]
    struct Skipped {
        reason: String,
        country: Option<String>,
        n: i64,
    }
    let sql = "SELECT reason, MIN(country) AS country, COUNT(*) AS n FROM messages WHERE campaign_id = $1 AND status = 'skipped' GROUP BY reason";
    let mut sums = Estimate::new(campaign.currency.clone().unwrap_or(crate::money::Currency("EUR".into())));
    for Skipped { reason, country, n } in tx.all::<Skipped>(sql, vals![campaign.id]).await? {
        if let Some(skip) = crate::messages::Skip::ALL.into_iter().find(|s| s.as_str() == reason) {
            sums.skipped.insert(skip, n);
            sums.unpriced = sums.unpriced.or(country);
        }
    }
    Ok(sums.require_somebody().err().unwrap_or_else(|| Error::internal("a campaign with nobody to send to")))
}

/// Ends a campaign that cannot be sent: the reason is kept first, then its messages go. Does nothing when the campaign
/// is no longer ours to fail.
async fn fail(db: &Db, scope: &AccountScope, id: CampaignId, owner: &str, why: &Error) -> Result<()> {
    let tx = db.begin().await?;
    let ours = tx
        .run(
            "UPDATE campaigns SET error_code = $2, error_detail = $3 WHERE id = $1 AND status = 'preparing' AND lease_owner = $4",
            vals![id, why.code.as_str(), why.detail.clone(), owner],
        )
        .await?;
    tx.commit().await?;
    if ours == 0 { Ok(()) } else { remove(db, scope, id).await }
}

/// Removes the messages of a failed preparation, a chunk a transaction; a worker that dies here is followed by another.
async fn remove(db: &Db, scope: &AccountScope, id: CampaignId) -> Result<()> {
    loop {
        let tx = db.begin().await?;
        let campaign = queries::lock(&tx, scope, id).await?;
        if campaign.status != Status::Preparing || campaign.error_code.is_none() {
            return Ok(());
        }
        if !chunks::remove_one(&tx, id).await? {
            tx.run("DELETE FROM campaign_counts WHERE campaign_id = $1", vals![id]).await?;
            let now = scope.clock().now();
            tx.run(
                "UPDATE campaigns SET status = 'failed', finished_at = $2, updated_at = $2, lease_owner = NULL, lease_until = NULL, \
                 version = version + 1 WHERE id = $1",
                vals![id, now],
            )
            .await?;
            let data = CampaignFailedEventData {
                id,
                name: campaign.name,
                status: Status::Failed,
                code: campaign.error_code,
                detail: campaign.error_detail,
            };
            tell(&tx, scope, id, Kind::CampaignFailed, data).await?;
            tx.commit().await?;
            return Ok(());
        }
        tx.commit().await?;
    }
}

/// Tells of a change of a campaign.
pub(super) async fn tell(
    tx: &sea_orm::DatabaseTransaction,
    scope: &AccountScope,
    id: CampaignId,
    kind: Kind,
    data: impl serde::Serialize,
) -> Result<()> {
    events::record(tx, scope.clock().now(), scope.account(), kind, &id.to_string(), data).await?;
    Ok(())
}
