//! Reading groups.

use sea_orm::ConnectionTrait;

use super::{Group, Named};
use crate::{
    db::{Sql, Window, ids_json, ids_list},
    error::{Error, Result},
    ids::GroupId,
    scope::AccountScope,
    vals,
};

const COLUMNS: &str = "id, name, description, hidden, stop_list, created_at, updated_at, version, \
    (SELECT COUNT(*) FROM contact_groups m WHERE m.group_id = groups.id) AS contacts";

/// SQL that tells whether `contact` is in a group that is a stop list. (Not EXISTS: PostgreSQL may turn that into a table
/// of all memberships, for every statement.)
pub(crate) fn stops(account: &str, contact: &str) -> String {
    // Most accounts have no stop list, which is asked once a statement.
    format!(
        "(COALESCE((SELECT 1 FROM groups WHERE account_id = {account} AND stop_list LIMIT 1), 0) = 1 AND COALESCE((SELECT 1 FROM contact_groups cg \
         JOIN groups g ON g.id = cg.group_id WHERE cg.contact_id = {contact} AND g.stop_list LIMIT 1), 0) = 1)"
    )
}

/// One group.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: GroupId) -> Result<Group> {
    let sql = format!("SELECT {COLUMNS} FROM groups WHERE account_id = $1 AND id = $2");
    conn.one(&sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("group"))
}

/// What a list of groups is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The group of this name.
    pub name: Option<String>,
    /// Hidden ones, or the others.
    pub hidden: Option<bool>,
    /// Stop lists, or the others.
    pub stop_list: Option<bool>,
}

/// A page of groups in order of creation; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &Filter,
    window: Window<GroupId>,
) -> Result<(Vec<Group>, bool)> {
    let mut sql = format!("SELECT {COLUMNS} FROM groups WHERE account_id = $1");
    let mut values = vals![scope.account(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    let Filter { name, hidden, stop_list } = filter;
    for (condition, value) in [
        ("id >", window.after.map(sea_orm::Value::from)),
        ("name =", name.as_deref().map(sea_orm::Value::from)),
        ("hidden =", hidden.map(sea_orm::Value::from)),
        ("stop_list =", stop_list.map(sea_orm::Value::from)),
    ] {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    }
    sql.push_str(" ORDER BY id LIMIT $2");
    Ok(window.cut(conn.all(&sql, values).await?))
}

/// Id and name of those of `ids` that are in the account, in order of creation.
///
/// # Errors
/// When the database refuses.
pub async fn named(conn: &impl ConnectionTrait, scope: &AccountScope, ids: &[GroupId]) -> Result<Vec<Named>> {
    let list = ids_list(conn.get_database_backend(), 2);
    let sql = format!("SELECT id, name FROM groups WHERE account_id = $1 AND id IN {list} ORDER BY id");
    Ok(conn.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?)
}
