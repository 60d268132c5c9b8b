//! Who is in a group: adding, removing, copying and moving, each in a few set-based statements.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::queries;
use crate::{
    db::{Columns, Sql, ids_json, ids_list},
    error::{Error, Result},
    ids::{ContactId, GroupId},
    scope::AccountScope,
    vals,
};

/// How many contacts one request may name.
pub const MAX_IDS: usize = 10_000;

/// What a change of members did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Memberships made or ended.
    pub changed: u64,
    /// Contacts for which it was so already.
    pub unchanged: u64,
    /// Ids that are no contacts of the account.
    pub not_found: Vec<ContactId>,
}

/// The distinct ids of a request, split into those that exist and those that do not.
async fn known(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    ids: &[ContactId],
) -> Result<(Vec<ContactId>, Vec<ContactId>)> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(Error::field("/contact_ids", "invalid_count", format!("must have 1 to {MAX_IDS} ids")));
    }
    let list = ids_list(tx.get_database_backend(), 2);
    // Locked, so that a contact deleted meanwhile cannot break what follows.
    let lock = if tx.get_database_backend() == DbBackend::Postgres { " FOR KEY SHARE" } else { "" };
    let sql = format!("SELECT id FROM contacts WHERE account_id = $1 AND id IN {list} ORDER BY id{lock}");
    let found: Vec<ContactId> = tx.column(&sql, vals![scope.account(), ids_json(ids.iter().map(|i| i.0))]).await?;
    let mut seen: HashSet<ContactId> = found.iter().copied().collect();
    let missing = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    Ok((found, missing))
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Adds contacts to a group.
///
/// # Errors
/// `not_found` for the group; `invalid_request` for too many ids.
pub async fn add(tx: &DatabaseTransaction, scope: &AccountScope, id: GroupId, ids: &[ContactId]) -> Result<Changed> {
    queries::get(tx, scope, id).await?;
    let (found, not_found) = known(tx, scope, ids).await?;
    let changed = insert(tx, scope, id, &found).await?;
    Ok(Changed { changed, unchanged: count(found.len()).saturating_sub(changed), not_found })
}

/// Adds contacts that the caller has just seen to be the account's, and holds locked or has made in this transaction;
/// tells how many are new. A group that is gone, or another account's, takes none.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    group: GroupId,
    contacts: &[ContactId],
) -> Result<u64> {
    write(tx, scope, group, contacts, " ON CONFLICT (group_id, contact_id) DO NOTHING").await
}

/// The same of contacts that this transaction has made, which are in no group yet: not asking saves a tenth of an import.
pub(crate) async fn insert_new(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    group: GroupId,
    contacts: &[ContactId],
) -> Result<u64> {
    write(tx, scope, group, contacts, "").await
}

async fn write(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    group: GroupId,
    contacts: &[ContactId],
    on_conflict: &str,
) -> Result<u64> {
    if contacts.is_empty() {
        return Ok(0);
    }
    let backend = tx.get_database_backend();
    let ids = Columns::new().ids("id", contacts.iter().map(|id| id.0));
    // The order keeps two transactions that add the same contacts from waiting for each other in a circle.
    let sql = format!(
        "INSERT INTO contact_groups (group_id, contact_id, added_at) SELECT g.id, r.id, $3 FROM groups g, {} \
         WHERE g.account_id = $1 AND g.id = $2 ORDER BY r.id{on_conflict}",
        ids.source(backend, 4, "r")
    );
    Ok(tx.run(&sql, ids.after(backend, vals![scope.account(), group, scope.clock().now()])).await?)
}

/// Takes contacts out of a group.
///
/// # Errors
/// `not_found` for the group; `invalid_request` for too many ids.
pub async fn remove(tx: &DatabaseTransaction, scope: &AccountScope, id: GroupId, ids: &[ContactId]) -> Result<Changed> {
    queries::get(tx, scope, id).await?;
    let (found, not_found) = known(tx, scope, ids).await?;
    let changed = take_out(tx, id, &found).await?;
    Ok(Changed { changed, unchanged: count(found.len()).saturating_sub(changed), not_found })
}

/// Adds the members of `other` to a group, with the values that they have there only.
///
/// # Errors
/// `not_found` for the group; `invalid_request` for another that is not there, or is the same.
pub async fn add_members_of(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: GroupId,
    other: GroupId,
) -> Result<Changed> {
    queries::get(tx, scope, id).await?;
    if other == id {
        return Err(Error::field("/group_id", "same_group", "must be another group"));
    }
    if queries::named(tx, scope, &[other]).await?.is_empty() {
        return Err(Error::field("/group_id", "not_found", "is not a group of this account"));
    }
    copy(tx, scope, other, id, None).await
}

/// Takes out of a group who is in `other` too; when that is the same group, everybody.
///
/// # Errors
/// `not_found` for the group; `invalid_request` for another that is not there.
pub async fn remove_members_of(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: GroupId,
    other: GroupId,
) -> Result<Changed> {
    queries::get(tx, scope, id).await?;
    if queries::named(tx, scope, &[other]).await?.is_empty() {
        return Err(Error::field("/group_id", "not_found", "is not a group of this account"));
    }
    let members: i64 =
        tx.scalar("SELECT COUNT(*) FROM contact_groups WHERE group_id = $1", vals![other]).await?.unwrap_or_default();
    let sql = "DELETE FROM contact_groups WHERE group_id = $1 AND contact_id IN \
        (SELECT o.contact_id FROM contact_groups o WHERE o.group_id = $2)";
    let changed = tx.run(sql, vals![id, other]).await?;
    let unchanged = u64::try_from(members).unwrap_or(0).saturating_sub(changed);
    Ok(Changed { changed, unchanged, not_found: Vec::new() })
}

/// Takes contacts out of a group that the caller has just seen to be the account's; tells how many were in it.
pub(crate) async fn take_out(tx: &DatabaseTransaction, id: GroupId, contacts: &[ContactId]) -> Result<u64> {
    let list = ids_list(tx.get_database_backend(), 2);
    let sql = format!("DELETE FROM contact_groups WHERE group_id = $1 AND contact_id IN {list}");
    Ok(tx.run(&sql, vals![id, ids_json(contacts.iter().map(|i| i.0))]).await?)
}

/// Copies members of `from` to `to`, with the values that they have in `from` only: the named contacts, or all. Who is in
/// `to` already keeps the values of `to`. Named contacts that are not members of `from` are left
/// alone and counted as unchanged.
///
/// # Errors
/// `not_found` for either group; `invalid_request` for too many ids or one group twice.
pub async fn copy(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    from: GroupId,
    to: GroupId,
    ids: Option<&[ContactId]>,
) -> Result<Changed> {
    queries::get(tx, scope, from).await?;
    if from == to {
        return Err(Error::field("/to_group_id", "same_group", "must be another group"));
    }
    if let Err(error) = queries::get(tx, scope, to).await {
        return Err(match error.code {
            crate::Code::NotFound => Error::field("/to_group_id", "not_found", "is not a group of this account"),
            _ => error,
        });
    }
    let now = scope.clock().now();
    let Some(ids) = ids else {
        let members: i64 = tx
            .scalar("SELECT COUNT(*) FROM contact_groups WHERE group_id = $1", vals![from])
            .await?
            .unwrap_or_default();
        let changed = tx
            .run(
                "INSERT INTO contact_groups (group_id, contact_id, added_at, overrides) \
                 SELECT $2, contact_id, $3, overrides FROM contact_groups WHERE group_id = $1 ORDER BY contact_id \
                 ON CONFLICT (group_id, contact_id) DO NOTHING",
                vals![from, to, now],
            )
            .await?;
        let unchanged = u64::try_from(members).unwrap_or(0).saturating_sub(changed);
        return Ok(Changed { changed, unchanged, not_found: Vec::new() });
    };
    let (found, not_found) = known(tx, scope, ids).await?;
    let changed = copy_members(tx, scope, from, to, &found).await?;
    Ok(Changed { changed, unchanged: count(found.len()).saturating_sub(changed), not_found })
}

/// Copies those of these contacts that are in `from` to `to`, with the values that they have in `from` only; tells how many
/// are new in `to`. The caller has just seen both groups to be the account's.
pub(crate) async fn copy_members(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    from: GroupId,
    to: GroupId,
    contacts: &[ContactId],
) -> Result<u64> {
    let sql = format!(
        "INSERT INTO contact_groups (group_id, contact_id, added_at, overrides) \
         SELECT $2, contact_id, $3, overrides FROM contact_groups WHERE group_id = $1 AND contact_id IN {} \
         ORDER BY contact_id ON CONFLICT (group_id, contact_id) DO NOTHING",
        ids_list(tx.get_database_backend(), 4)
    );
    let ids = ids_json(contacts.iter().map(|i| i.0));
    Ok(tx.run(&sql, vals![from, to, scope.clock().now(), ids]).await?)
}

/// Moves members of `from` to `to`: the named contacts, or all. `changed` counts who left `from`.
///
/// # Errors
/// As [`copy`].
pub async fn move_to(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    from: GroupId,
    to: GroupId,
    ids: Option<&[ContactId]>,
) -> Result<Changed> {
    let copied = copy(tx, scope, from, to, ids).await?;
    let Some(ids) = ids else {
        // Only who is in both: a contact added to `from` meanwhile was not copied and stays.
        let sql = "DELETE FROM contact_groups WHERE group_id = $1 AND EXISTS \
            (SELECT 1 FROM contact_groups t WHERE t.group_id = $2 AND t.contact_id = contact_groups.contact_id)";
        let changed = tx.run(sql, vals![from, to]).await?;
        return Ok(Changed { changed, unchanged: 0, not_found: Vec::new() });
    };
    let changed = take_out(tx, from, ids).await?;
    let all = copied.changed.saturating_add(copied.unchanged);
    Ok(Changed { changed, unchanged: all.saturating_sub(changed), not_found: copied.not_found })
}
