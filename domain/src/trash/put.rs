//! Putting contacts and groups into the trash.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::{MAX_IDS, purge_at, shape::Shape};
use crate::{
    contacts as live,
    db::{Sql, expect_version, ids_json, ids_list},
    error::{Error, Result},
    groups as live_groups,
    ids::{ContactId, GroupId},
    scope::AccountScope,
    vals,
};

/// Puts a contact into the trash. `expected` is the version the caller has read.
///
/// # Errors
/// `not_found`, `version_mismatch`.
pub async fn contact(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactId,
    expected: Option<i64>,
) -> Result<()> {
    expect_version(live::get(tx, scope, id).await?.version, expected)?;
    match contacts(tx, scope, &[id]).await? {
        0 => Err(Error::not_found("contact")), // somebody else was first
        _ => Ok(()),
    }
}

/// Puts those of `ids` that are contacts of the account into the trash, and tells how many there were.
///
/// # Errors
/// When the database refuses.
pub async fn contacts(tx: &DatabaseTransaction, scope: &AccountScope, ids: &[ContactId]) -> Result<u64> {
    let backend = tx.get_database_backend();
    // Locked first and in order, so that nobody joins a group meanwhile and two that delete the same do not wait in a
    // circle.
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let sql =
        format!("SELECT id FROM contacts WHERE account_id = $1 AND id IN {} ORDER BY id{lock}", ids_list(backend, 2));
    let found: Vec<ContactId> = tx.column(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    if found.is_empty() {
        return Ok(0);
    }
    let found = ids_json(found.into_iter().map(|id| id.0));
    let sql = format!(
        "INSERT INTO trashed_memberships (group_id, contact_id, added_at, overrides) \
         SELECT m.group_id, m.contact_id, m.added_at, m.overrides FROM contact_groups m WHERE m.contact_id IN {} \
         ORDER BY m.group_id, m.contact_id ON CONFLICT (group_id, contact_id) DO NOTHING",
        ids_list(backend, 1)
    );
    tx.run(&sql, vals![found.clone()]).await?;
    let sql = format!(
        "INSERT INTO trashed_contacts (id, account_id, phone, consent, data, trashed_at, purge_at) \
         SELECT c.id, c.account_id, c.phone, c.consent, {}, $3, $4 FROM contacts c WHERE c.account_id = $1 AND c.id IN {}",
        Shape::of(tx, "contacts").await?.json("c"),
        ids_list(backend, 2)
    );
    let now = scope.clock().now();
    let purge = purge_at(tx, scope, now).await?;
    tx.run(&sql, vals![scope.account(), found.clone(), now, purge]).await?;
    let sql = format!("DELETE FROM contacts WHERE account_id = $1 AND id IN {}", ids_list(backend, 2));
    Ok(tx.run(&sql, vals![scope.account(), found]).await?)
}

/// Puts a group into the trash; its contacts stay. `expected` is the version the caller has read.
///
/// # Errors
/// `not_found`, `version_mismatch`.
pub async fn group(tx: &DatabaseTransaction, scope: &AccountScope, id: GroupId, expected: Option<i64>) -> Result<()> {
    expect_version(live_groups::get(tx, scope, id).await?.version, expected)?;
    match groups(tx, scope, &[id]).await?.first() {
        None => Err(Error::not_found("group")), // somebody else was first
        Some(_) => Ok(()),
    }
}

/// Puts those of `ids` that are groups of the account into the trash, and tells which they were.
///
/// # Errors
/// `invalid_request` for too many ids.
pub async fn groups(tx: &DatabaseTransaction, scope: &AccountScope, ids: &[GroupId]) -> Result<Vec<GroupId>> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(Error::field("/group_ids", "invalid_count", format!("must have 1 to {MAX_IDS} ids")));
    }
    let backend = tx.get_database_backend();
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let sql =
        format!("SELECT id FROM groups WHERE account_id = $1 AND id IN {} ORDER BY id{lock}", ids_list(backend, 2));
    let gone: Vec<GroupId> = tx.column(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    if gone.is_empty() {
        return Ok(gone);
    }
    let found = ids_json(gone.iter().map(|id| id.0));
    let sql = format!(
        "INSERT INTO trashed_memberships (group_id, contact_id, added_at, overrides) \
         SELECT m.group_id, m.contact_id, m.added_at, m.overrides FROM contact_groups m WHERE m.group_id IN {} \
         ORDER BY m.group_id, m.contact_id ON CONFLICT (group_id, contact_id) DO NOTHING",
        ids_list(backend, 1)
    );
    tx.run(&sql, vals![found.clone()]).await?;
    let sql = format!(
        "INSERT INTO trashed_groups (id, account_id, name, data, trashed_at, purge_at) \
         SELECT g.id, g.account_id, g.name, {}, $3, $4 FROM groups g WHERE g.account_id = $1 AND g.id IN {}",
        Shape::of(tx, "groups").await?.json("g"),
        ids_list(backend, 2)
    );
    let now = scope.clock().now();
    let purge = purge_at(tx, scope, now).await?;
    tx.run(&sql, vals![scope.account(), found.clone(), now, purge]).await?;
    let sql = format!("DELETE FROM groups WHERE account_id = $1 AND id IN {}", ids_list(backend, 2));
    tx.run(&sql, vals![scope.account(), found]).await?;
    Ok(gone)
}
