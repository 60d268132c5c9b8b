//! Freezing a campaign's messages, a page at a time, then holding their money and handing them to the pumps.
//!
//! Each page is a transaction with its checkpoint, so that a worker that dies goes on where it was. On PostgreSQL three
//! pages are written at the same time, and commit one after the other. Until the hold is
//! made the chunks are `preparing` and no pump sees them. What cannot be paid or has nobody to go to ends as `failed`,
//! and its messages are removed again, a chunk at a time.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::FromQueryResult;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    Campaign, Status,
    audience::Cursor,
    estimate::{self, Estimate},
    queries,
    segments::Meant,
    slots,
};
use crate::{
    balance,
    clock::Timestamp,
    db::{Db, Sql, Writes},
    error::{Code, Error, Result},
    events::{self, CampaignFailedEventData, CampaignStartedEventData, Kind},
    ids::{self, AccountId, CampaignId},
    messages::{self, Draft, Home, Letter, Mailing, Terms, chunks, write},
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
    let meant = Meant::frozen(db, scope, &campaign, &audience).await?;
    let portions = slots::portions(db.read(), scope, &campaign, (&audience, &meant)).await?;
    let home = |now: Timestamp| -> Result<Home> {
        Ok(Home {
            account: scope.account(),
            campaign: Some(id),
            hold: campaign.hold_id.ok_or_else(|| Error::internal("launched without a hold id"))?,
            currency: terms.deck.currency.clone(),
            send_at: now,
            priority: messages::Priority::Bulk.lane(),
            chunk_status: "preparing",
            portions,
        })
    };
    let read = async |here: Cursor| -> Result<(Vec<Draft>, Option<Cursor>)> {
        let page = audience.page(db.read(), scope, &letter.sender, &meant, here, Some(id)).await?;
        Ok((page.recipients.iter().map(|r| letter.draft(&terms, r)).collect(), page.next))
    };
    // SQLite has one writer.
    let most = if db.is_sqlite() { 1 } else { LANES };
    let read_some = async |from: Cursor| -> Result<Vec<(Vec<Draft>, Option<Cursor>)>> {
        let (mut pages, mut here) = (Vec::with_capacity(most), Some(from));
        while let Some(at) = here.filter(|_| pages.len() < most) {
            let (drafts, next) = read(at).await?;
            // Numbers ask what is written: each of their pages is read when all before it are.
            here = next.filter(|next| matches!(next, Cursor::Contact(_)));
            pages.push((drafts, next));
        }
        Ok(pages)
    };
    let mut checkpoint = (at.prepare_cursor, at.prepare_numbers);
    let mut pages = read_some(match checkpoint {
        (_, Some(done)) => Cursor::Number(usize::try_from(done).unwrap_or(usize::MAX)),
        (after, None) => Cursor::Contact(after.unwrap_or(Uuid::nil())),
    })
    .await?;
    while !pages.is_empty() {
        let now = scope.clock().now();
        let home = home(now)?;
        let next = pages.last().and_then(|(_, next)| *next);
        let mut turn = Turn::first();
        let mut writes = Vec::with_capacity(pages.len());
        for (drafts, next) in &pages {
            let (mine, after) = turn.and_next();
            turn = after;
            let marks = (checkpoint, mark_after(checkpoint, *next));
            checkpoint = marks.1;
            writes.push(write_page(
                db,
                (id, owner),
                now.plus(lease),
                marks,
                mine,
                (&home, &letter, &terms.routing, drafts),
            ));
        }
        let ahead = async {
            match next {
                // Contacts are read while those before them are written.
                Some(here @ Cursor::Contact(_)) => read_some(here).await,
                _ => Ok(Vec::new()),
            }
        };
        let (written, ahead) = tokio::join!(join_all(writes), ahead);
        for ours in written {
            if !ours? {
                return Ok(false);
            }
        }
        pages = match next {
            Some(here @ Cursor::Number(_)) => read_some(here).await?,
            _ => ahead?,
        };
    }
    Ok(true)
}

/// Pages that are written at the same time, each by a transaction of its own.
const LANES: usize = 3;

/// Where a preparation stands, as stored: after this contact, after so many numbers.
type Mark = (Option<Uuid>, Option<i64>);

/// The mark behind a page.
fn mark_after(before: Mark, next: Option<Cursor>) -> Mark {
    match next {
        Some(Cursor::Contact(after)) => (Some(after), None),
        Some(Cursor::Number(n)) => (before.0, i64::try_from(n).ok()),
        None => (before.0, Some(i64::MAX)), // a resumed walk begins past every number, and ends at once
    }
}

/// Whose turn it is among pages that are written at the same time: to lock what they share, and to commit.
struct Turn {
    /// Told when the page before has committed; dropped when it will not.
    before: Option<oneshot::Receiver<()>>,
    done: Option<oneshot::Sender<()>>,
}

impl Turn {
    fn first() -> Self {
        Self { before: None, done: None }
    }

    /// This page's turn, and that of the page after it.
    fn and_next(self) -> (Self, Self) {
        let (done, before) = oneshot::channel();
        (Self { done: Some(done), ..self }, Self { before: Some(before), done: None })
    }

    /// Waits until every page before has committed; false when one will not.
    async fn come(&mut self) -> bool {
        match self.before.take() {
            Some(before) => before.await.is_ok(),
            None => true,
        }
    }

    fn over(self) {
        if let Some(done) = self.done {
            let _ = done.send(()); // the last page has nobody after it
        }
    }
}

/// Writes a page and the checkpoint behind it, upon the checkpoint it was read from. False when the campaign is no longer
/// ours to prepare, or the page before was not written.
async fn write_page(
    db: &Db,
    (id, owner): (CampaignId, &str),
    lease_until: Timestamp,
    (from, to): (Mark, Mark),
    mut turn: Turn,
    (home, letter, routing, drafts): (&Home, &Letter, &Routing, &[Draft]),
) -> Result<bool> {
    let tx = db.begin().await?;
    let written = if drafts.is_empty() {
        None
    } else {
        let mailing = Mailing { batch: None, letter, external_id: None, metadata: &serde_json::json!({}), drafts };
        let mut writes = Writes::new(&tx);
        let written = write(&mut writes, home.send_at, home, routing, &[mailing])?;
        writes.run(&tx).await?;
        Some(written)
    };
    // Up to here nothing was locked that another page wants.
    if !turn.come().await {
        return Ok(false);
    }
    if let Some(written) = written {
        messages::count(&tx, id, &written).await?;
    }
    let ours = tx
        .run(
            "UPDATE campaigns SET lease_until = $3, prepare_cursor = $4, prepare_numbers = $5 \
             WHERE id = $1 AND status = 'preparing' AND lease_owner = $2 \
             AND prepare_cursor IS NOT DISTINCT FROM $6 AND prepare_numbers IS NOT DISTINCT FROM $7",
            vals![id, owner, lease_until, to.0, to.1, from.0, from.1],
        )
        .await?;
    if ours == 0 {
        return Ok(false);
    }
    tx.commit().await?;
    turn.over();
    Ok(true)
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
    slots::hand_over(&tx, scope, &campaign).await?;
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
