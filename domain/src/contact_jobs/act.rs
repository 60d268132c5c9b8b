//! What becomes of those who are meant.

use sea_orm::DatabaseTransaction;

use super::{Action, Job, Selection, run, select::Picked};
use crate::{
    blacklist::{self, Listed, Origin, Source},
    error::Result,
    groups,
    ids::{ContactId, GroupId},
    scope::AccountScope,
    trash,
};

/// Does it for one piece, and tells how many were changed.
pub(super) async fn apply(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    job: &Job,
    action: &Action,
    picked: &[Picked],
) -> Result<i64> {
    let contacts: Vec<ContactId> = picked.iter().filter_map(|p| p.contact).collect();
    let changed = match action {
        Action::Trash => trash::contacts(tx, scope, &contacts).await?,
        Action::Delete if contacts.is_empty() => 0,
        Action::Delete => trash::purge_contacts(tx, scope, &contacts).await?,
        Action::AddToGroup { group_id, from_group_id } => {
            present(tx, scope, &[Some(*group_id), *from_group_id]).await?;
            match from_group_id {
                None => groups::insert(tx, scope, *group_id, &contacts).await?,
                Some(from) => {
                    let copied = groups::copy_members(tx, scope, *from, *group_id, &contacts).await?;
                    copied.saturating_add(groups::insert(tx, scope, *group_id, &contacts).await?)
                }
            }
        }
        Action::MoveToGroup { from_group_id, group_id } => {
            present(tx, scope, &[Some(*from_group_id), Some(*group_id)]).await?;
            groups::copy_members(tx, scope, *from_group_id, *group_id, &contacts).await?;
            groups::take_out(tx, *from_group_id, &contacts).await?
        }
        Action::RemoveFromGroup { group_id } => {
            present(tx, scope, &[Some(*group_id)]).await?;
            groups::take_out(tx, *group_id, &contacts).await?
        }
        Action::Blacklist { reason } => {
            let origin = match &job.selection {
                Selection::Group { group_id, .. } => (Source::Group, group_id.to_string()),
                Selection::Campaign { campaign_id, .. } => (Source::Campaign, campaign_id.to_string()),
                _ => (Source::CleanUp, job.id.to_string()),
            };
            let origin = Origin { source: origin.0, id: Some(origin.1) };
            let listed: Vec<Listed> =
                picked.iter().map(|p| Listed { phone: p.phone, reason: reason.clone() }).collect();
            blacklist::insert(tx, scope, &listed, &origin).await?
        }
        Action::Merge { .. } | Action::TrashOthers { .. } => 0, // done by `duplicates`
    };
    Ok(i64::try_from(changed).unwrap_or(i64::MAX))
}

/// Ends the job when a group that it needs was deleted meanwhile.
async fn present(tx: &DatabaseTransaction, scope: &AccountScope, needed: &[Option<GroupId>]) -> Result<()> {
    let needed: Vec<GroupId> = needed.iter().copied().flatten().collect();
    if groups::named(tx, scope, &needed).await?.len() < needed.len() {
        return Err(run::gone("group"));
    }
    Ok(())
}
