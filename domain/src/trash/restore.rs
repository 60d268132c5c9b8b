//! Taking contacts and groups out of the trash, with their ids and memberships.

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use super::{MAX_IDS, shape::Shape};
use crate::{
    contacts::{self, Contact},
    db::{Sql, ids_json, ids_list, or_exists},
    error::{Code, Error, Result},
    groups::{self, Group},
    ids::{ContactId, GroupId},
    scope::AccountScope,
    vals,
};

/// What became of contacts that were to be restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Contacts that are live again.
    pub restored: Vec<ContactId>,
    /// Contacts whose number or external id another contact has by now, with that contact.
    pub taken: Vec<(ContactId, ContactId)>,
    /// Ids that are not in the trash of the account.
    pub not_found: Vec<ContactId>,
}

/// Restores one contact.
///
/// # Errors
/// `not_found`; `already_exists`, naming the contact that has its number or external id by now.
pub async fn restore_contact(tx: &DatabaseTransaction, scope: &AccountScope, id: ContactId) -> Result<Contact> {
    let done = restore_contacts(tx, scope, &[id]).await?;
    if let Some((_, other)) = done.taken.first() {
        let detail = format!("The contact {other} has this phone or external_id by now; merge or delete it first.");
        return Err(Error::new(Code::AlreadyExists, detail));
    }
    if done.restored.is_empty() {
        return Err(Error::not_found("contact in the trash"));
    }
    contacts::get(tx, scope, id).await
}

#[derive(FromQueryResult)]
struct Row {
    id: ContactId,
    /// The live contact that stands in its way.
    other: Option<ContactId>,
    phone: i64,
    external_id: Option<String>,
}

/// Restores those of `ids` that can be. Of several with one number, the one made last comes back.
///
/// # Errors
/// `invalid_request` for too many ids; `already_exists` when somebody else makes one of the numbers at this moment.
pub async fn restore_contacts(tx: &DatabaseTransaction, scope: &AccountScope, ids: &[ContactId]) -> Result<Restored> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(Error::field("/contact_ids", "invalid_count", format!("must have 1 to {MAX_IDS} ids")));
    }
    let backend = tx.get_database_backend();
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE OF t" } else { "" };
    let sql = format!(
        "SELECT t.id, t.phone, t.data->>{} AS external_id, COALESCE( \
            (SELECT c.id FROM contacts c WHERE c.account_id = $1 AND c.phone = t.phone), \
            (SELECT c.id FROM contacts c WHERE c.account_id = $1 AND c.external_id = t.data->>{})) AS other \
         FROM trashed_contacts t WHERE t.account_id = $1 AND t.id IN {} AND t.purge_at > $3 ORDER BY t.id DESC{lock}",
        path(backend),
        path(backend),
        ids_list(backend, 2)
    );
    let rows: Vec<Row> =
        tx.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0)), scope.clock().now()]).await?;
    let (mut done, mut phones, mut externals) = (Restored::default(), HashMap::new(), HashMap::new());
    for Row { id, other, phone, external_id } in &rows {
        let before =
            other.or(phones.get(phone).copied()).or(external_id.as_ref().and_then(|e| externals.get(e).copied()));
        if let Some(before) = before {
            done.taken.push((*id, before));
            continue;
        }
        phones.insert(*phone, *id);
        externals.extend(external_id.clone().map(|e| (e, *id)));
        done.restored.push(*id);
    }
    let known: HashSet<ContactId> = rows.iter().map(|row| row.id).collect();
    done.not_found = ids.iter().copied().filter(|id| !known.contains(id)).collect();
    done.restored.sort_unstable();
    move_back(tx, scope, &done.restored).await?;
    Ok(done)
}

fn path(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Postgres { "'external_id'" } else { "'$.external_id'" }
}

async fn move_back(tx: &DatabaseTransaction, scope: &AccountScope, moved: &[ContactId]) -> Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    let (backend, ids) = (tx.get_database_backend(), ids_json(moved.iter().map(|id| id.0)));
    let shape = Shape::of(tx, "contacts").await?;
    let list = ids_list(backend, 2);
    let sql = format!(
        "INSERT INTO contacts ({}) SELECT {} FROM trashed_contacts t{} WHERE t.account_id = $1 AND t.id IN {list} ORDER BY t.phone",
        shape.names(),
        shape.values("t"),
        shape.unpacked("t"),
    );
    let taken = "Another contact has this phone or external_id by now.";
    tx.run(&sql, vals![scope.account(), ids.clone()]).await.map_err(|e| or_exists(e, taken))?;
    contacts::places::complete(tx, scope, moved).await?;
    let sql =
        format!("UPDATE contacts SET updated_at = $3, version = version + 1 WHERE account_id = $1 AND id IN {list}");
    tx.run(&sql, vals![scope.account(), ids.clone(), scope.clock().now()]).await?;
    // Who was merged is a contact of its own again.
    let sql = format!("DELETE FROM contact_merges WHERE account_id = $1 AND contact_id IN {list}");
    tx.run(&sql, vals![scope.account(), ids.clone()]).await?;
    let sql = format!("DELETE FROM trashed_contacts WHERE account_id = $1 AND id IN {list}");
    tx.run(&sql, vals![scope.account(), ids.clone()]).await?;
    memberships_back(tx, scope, &format!("m.contact_id IN {list}"), ids).await
}

/// Gives back the memberships whose contact and group are both live.
async fn memberships_back(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    whose: &str,
    bind: sea_orm::Value,
) -> Result<()> {
    let live = "g.account_id = $1 AND g.id = m.group_id AND c.account_id = $1 AND c.id = m.contact_id";
    let sql = format!(
        "INSERT INTO contact_groups (group_id, contact_id, added_at, overrides) \
         SELECT m.group_id, m.contact_id, m.added_at, m.overrides FROM trashed_memberships m, groups g, contacts c \
         WHERE {whose} AND {live} ORDER BY m.group_id, m.contact_id ON CONFLICT (group_id, contact_id) DO NOTHING"
    );
    tx.run(&sql, vals![scope.account(), bind.clone()]).await?;
    let sql = format!(
        "DELETE FROM trashed_memberships AS m WHERE {whose} AND EXISTS \
         (SELECT 1 FROM contact_groups l, groups g WHERE g.account_id = $1 AND l.group_id = g.id \
          AND l.group_id = m.group_id AND l.contact_id = m.contact_id)"
    );
    tx.run(&sql, vals![scope.account(), bind]).await?;
    Ok(())
}

/// Restores a group with those of its members that are live; the others join it again when they are restored.
///
/// # Errors
/// `not_found`; `already_exists`, naming the group that has its name by now.
pub async fn restore_group(tx: &DatabaseTransaction, scope: &AccountScope, id: GroupId) -> Result<Group> {
    let lock = if tx.get_database_backend() == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let sql = format!("SELECT name FROM trashed_groups WHERE account_id = $1 AND id = $2 AND purge_at > $3{lock}");
    let name: Option<String> = tx.scalar(&sql, vals![scope.account(), id, scope.clock().now()]).await?;
    let name = name.ok_or_else(|| Error::not_found("group in the trash"))?;
    let by_name = "SELECT id FROM groups WHERE account_id = $1 AND name = $2";
    if let Some(other) = tx.scalar::<GroupId>(by_name, vals![scope.account(), name]).await? {
        return Err(Error::new(
            Code::AlreadyExists,
            format!("The group {other} has this name by now; rename it first."),
        ));
    }
    let shape = Shape::of(tx, "groups").await?;
    let sql = format!(
        "INSERT INTO groups ({}) SELECT {} FROM trashed_groups t{} WHERE t.account_id = $1 AND t.id = $2",
        shape.names(),
        shape.values("t"),
        shape.unpacked("t"),
    );
    let taken = "Another group has this name by now.";
    tx.run(&sql, vals![scope.account(), id]).await.map_err(|e| or_exists(e, taken))?;
    let sql = "UPDATE groups SET updated_at = $3, version = version + 1 WHERE account_id = $1 AND id = $2";
    tx.run(sql, vals![scope.account(), id, scope.clock().now()]).await?;
    tx.run("DELETE FROM trashed_groups WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    memberships_back(tx, scope, "m.group_id = $2", id.into()).await?;
    groups::get(tx, scope, id).await
}
