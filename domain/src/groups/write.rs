//! Making and changing groups.

use sea_orm::DatabaseTransaction;

use super::{Group, MAX_DESCRIPTION, MAX_NAME, Named, queries};
use crate::{
    db::{Sql, or_exists},
    error::{Code, Error, Faults, Result},
    ids::GroupId,
    scope::AccountScope,
    vals,
};

/// What a new group is made of.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// Unique in the account.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Not offered in pickers.
    pub hidden: bool,
    /// Members are never sent to.
    pub stop_list: bool,
}

/// What to change; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// A new name.
    pub name: Option<String>,
    /// A new description, or none.
    pub description: Option<Option<String>>,
    /// Hide or show.
    pub hidden: Option<bool>,
    /// Make it a stop list, or an ordinary group.
    pub stop_list: Option<bool>,
}

fn check(name: &str, description: Option<&str>) -> Result<()> {
    let mut faults = Faults::default();
    faults.text("/name", name, MAX_NAME);
    faults.optional_text("/description", description, MAX_DESCRIPTION);
    faults.check()
}

/// Makes a group.
///
/// # Errors
/// `invalid_request`; `already_exists`, naming the group that has the name.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, new: New) -> Result<Group> {
    check(&new.name, new.description.as_deref())?;
    match insert(tx, scope, &new).await? {
        Some(id) => queries::get(tx, scope, id).await,
        None => Err(taken(tx, scope, &new.name).await?),
    }
}

async fn insert(tx: &DatabaseTransaction, scope: &AccountScope, new: &New) -> Result<Option<GroupId>> {
    let now = scope.clock().now();
    let id = GroupId::new(now);
    let New { name, description, hidden, stop_list } = new;
    let made = tx
        .run(
            "INSERT INTO groups (id, account_id, name, description, hidden, stop_list, created_at, updated_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 1) ON CONFLICT (account_id, name) DO NOTHING",
            vals![id, scope.account(), name.as_str(), description.clone(), *hidden, *stop_list, now],
        )
        .await?;
    Ok((made > 0).then_some(id))
}

async fn by_name(tx: &DatabaseTransaction, scope: &AccountScope, name: &str) -> Result<Option<GroupId>> {
    let sql = "SELECT id FROM groups WHERE account_id = $1 AND name = $2";
    Ok(tx.scalar(sql, vals![scope.account(), name]).await?)
}

async fn taken(tx: &DatabaseTransaction, scope: &AccountScope, name: &str) -> Result<Error> {
    let whose = by_name(tx, scope, name).await?.map(|id| id.to_string()).unwrap_or_default();
    Ok(Error::new(Code::AlreadyExists, format!("The group {whose} has this name already.")))
}

/// The groups of these names, in order; those that are missing are made. For imports: a name that only differs in case from
/// one that is there, or that came before, is that group; the exact name goes first.
///
/// # Errors
/// `invalid_request` for a name that a group cannot have.
pub async fn ensure(tx: &DatabaseTransaction, scope: &AccountScope, names: &[String]) -> Result<Vec<Named>> {
    let mut groups: Vec<Named> = Vec::with_capacity(names.len());
    for name in names {
        check(name, None)?;
        let named = |id| Named { id, name: name.clone() };
        let found = match by_name(tx, scope, name).await? {
            Some(id) => named(id),
            None if groups.iter().any(|group| differ_in_case(&group.name, name)) => continue,
            None => match alike(tx, scope, name).await? {
                Some(group) => group,
                None => {
                    let new = New { name: name.clone(), ..New::default() };
                    match insert(tx, scope, &new).await? {
                        Some(id) => named(id),
                        // Made by somebody else in between.
                        None => by_name(tx, scope, name).await?.map(named).ok_or_else(|| Error::not_found("group"))?,
                    }
                }
            },
        };
        if groups.iter().all(|group| group.id != found.id) {
            groups.push(found);
        }
    }
    Ok(groups)
}

/// The oldest group whose name differs in case only. Databases fold case each in their own way, so names are compared here.
async fn alike(tx: &DatabaseTransaction, scope: &AccountScope, name: &str) -> Result<Option<Named>> {
    let sql = "SELECT id, name FROM groups WHERE account_id = $1 ORDER BY id";
    let all: Vec<Named> = tx.all(sql, vals![scope.account()]).await?;
    Ok(all.into_iter().find(|group| differ_in_case(&group.name, name)))
}

fn differ_in_case(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Changes a group. `expected` is the version the caller has read.
///
/// # Errors
/// `not_found`, `invalid_request`, `already_exists`, `version_mismatch`.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: GroupId,
    patch: Patch,
    expected: Option<i64>,
) -> Result<Group> {
    let group = queries::get(tx, scope, id).await?;
    let name = patch.name.unwrap_or(group.name);
    let description = patch.description.unwrap_or(group.description);
    check(&name, description.as_deref())?;
    if by_name(tx, scope, &name).await?.is_some_and(|other| other != id) {
        return Err(taken(tx, scope, &name).await?);
    }
    let changed = tx
        .run(
            "UPDATE groups SET name = $3, description = $4, hidden = $5, stop_list = $6, updated_at = $7, \
             version = version + 1 WHERE account_id = $1 AND id = $2 AND version = $8",
            vals![
                scope.account(),
                id,
                name,
                description,
                patch.hidden.unwrap_or(group.hidden),
                patch.stop_list.unwrap_or(group.stop_list),
                scope.clock().now(),
                expected.unwrap_or(group.version)
            ],
        )
        .await
        .map_err(|e| or_exists(e, "Another group has this name already."))?;
    if changed == 0 {
        return Err(Error::new(Code::VersionMismatch, "The group has changed since it was read."));
    }
    queries::get(tx, scope, id).await
}
