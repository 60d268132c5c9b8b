//! Putting many numbers on the list at once: the members of a group, the recipients of a campaign.
//!
//! The numbers are walked in pieces, each a short transaction of its own, so that a million of them neither holds a lock
//! for long nor keeps the one writer of SQLite from others. Done again, it changes nothing: a request whose answer was
//! lost is simply repeated.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{Listed, Origin, Source, write};
use crate::{
    campaigns,
    db::{Db, Sql},
    error::{Error, Faults, Result},
    groups,
    ids::{CampaignId, GroupId},
    messages::Status,
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

/// Numbers of one transaction.
const PIECE: i64 = 5_000;

/// What became of the numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Numbers that are new on the list.
    pub added: u64,
    /// Numbers that were there already; they keep their reason and source.
    pub present: u64,
}

/// Lists every member that a group has now. Who joins later is not listed: make the group a stop list for that.
///
/// # Errors
/// `not_found` for the group; `invalid_request` for a reason that cannot be.
pub async fn add_group(db: &Db, scope: &AccountScope, id: GroupId, reason: Option<&str>) -> Result<Gathered> {
    check(reason)?;
    groups::get(db.read(), scope, id).await?;
    let page = "SELECT c.id, c.phone FROM contact_groups m CROSS JOIN contacts c \
        WHERE m.group_id = $1 AND m.contact_id > $2 AND c.id = m.contact_id AND c.account_id = $3 \
        ORDER BY m.contact_id LIMIT $4";
    let origin = Origin { source: Source::Group, id: Some(id.to_string()) };
    gather(db, scope, page, id.0, reason, &origin).await
}

/// Lists the recipients whose message of a campaign has ended in one of `statuses`.
///
/// # Errors
/// `not_found` for the campaign; `invalid_request` for no status, one that is not final, or a reason that cannot be.
pub async fn add_campaign(
    db: &Db,
    scope: &AccountScope,
    id: CampaignId,
    statuses: &[Status],
    reason: Option<&str>,
) -> Result<Gathered> {
    check(reason)?;
    if statuses.is_empty() || statuses.iter().any(|status| !status.is_final()) {
        let final_ones: Vec<&str> = Status::ALL.iter().filter(|s| s.is_final()).map(|s| s.as_str()).collect();
        let detail = format!("must name one or more final states: {}", final_ones.join(", "));
        return Err(Error::field("/statuses", "invalid", detail));
    }
    campaigns::get(db.read(), scope, id).await?;
    // Words of an enum: nothing of the request stands in the text.
    let words: Vec<String> = statuses.iter().map(|status| format!("'{status}'")).collect();
    let page = format!(
        "SELECT id, phone FROM messages WHERE campaign_id = $1 AND id > $2 AND account_id = $3 AND status IN ({}) \
         ORDER BY id LIMIT $4",
        words.join(", ")
    );
    let origin = Origin { source: Source::Campaign, id: Some(id.to_string()) };
    gather(db, scope, &page, id.0, reason, &origin).await
}

fn check(reason: Option<&str>) -> Result<()> {
    let mut faults = Faults::default();
    faults.optional_text("/reason", reason, write::MAX_REASON);
    faults.check()
}

/// Walks a query that gives `id` and `phone` in pieces after the id `$2`.
async fn gather(
    db: &Db,
    scope: &AccountScope,
    page: &str,
    of: Uuid,
    reason: Option<&str>,
    origin: &Origin,
) -> Result<Gathered> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        phone: i64,
    }
    let (mut after, mut gathered) = (Uuid::nil(), Gathered::default());
    loop {
        let rows: Vec<Row> = db.read().all(page, vals![of, after, scope.account(), PIECE]).await?;
        let Some(last) = rows.last() else { return Ok(gathered) };
        after = last.id;
        let numbers = rows.iter().filter_map(|row| Msisdn::try_from(row.phone).ok());
        let listed: Vec<Listed> = numbers.map(|phone| Listed { phone, reason: reason.map(str::to_owned) }).collect();
        let tx = db.begin().await?;
        let added = write::insert(&tx, scope, &listed, origin).await?;
        tx.commit().await?;
        let all = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        gathered.added = gathered.added.saturating_add(added);
        gathered.present = gathered.present.saturating_add(all.saturating_sub(added));
    }
}
