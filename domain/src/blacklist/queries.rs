//! Reading the blacklist.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbBackend};

use super::{Entry, Source};
use crate::{
    db::{Sql, Window},
    error::{Error, Result},
    ids::BlacklistId,
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

/// Those of `phones` that are on the list, as E.164 digits. One statement, however many there are.
///
/// # Errors
/// When the database refuses.
pub async fn blacklisted(conn: &impl ConnectionTrait, scope: &AccountScope, phones: &[u64]) -> Result<HashSet<u64>> {
    if phones.is_empty() {
        return Ok(HashSet::new());
    }
    let list = if conn.get_database_backend() == DbBackend::Postgres {
        "(SELECT value::bigint FROM jsonb_array_elements_text($2::jsonb))"
    } else {
        "(SELECT value FROM json_each($2))"
    };
    let sql = format!("SELECT phone FROM blacklist WHERE account_id = $1 AND phone IN {list}");
    let found: Vec<i64> = conn.column(&sql, vals![scope.account(), serde_json::Value::from(phones.to_vec())]).await?;
    Ok(found.into_iter().filter_map(|phone| u64::try_from(phone).ok()).collect())
}

/// SQL that tells whether `phone` is on the list of `account`. (Not EXISTS: PostgreSQL may turn that into a table of the
/// whole list, for every statement.)
pub(crate) fn has(account: &str, phone: &str) -> String {
    format!("COALESCE((SELECT 1 FROM blacklist b WHERE b.account_id = {account} AND b.phone = {phone} LIMIT 1), 0) = 1")
}

/// One entry.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: BlacklistId) -> Result<Entry> {
    let sql = "SELECT * FROM blacklist WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("blacklist entry"))
}

/// A page of entries in order of their ids, perhaps of one number or one source; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    phone: Option<Msisdn>,
    source: Option<Source>,
    window: Window<BlacklistId>,
) -> Result<(Vec<Entry>, bool)> {
    let mut sql = "SELECT * FROM blacklist WHERE account_id = $1".to_owned();
    let mut values = vals![scope.account(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    if let Some(after) = window.after {
        values.push(after.into());
        sql.push_str(&format!(" AND id > ${}", values.len()));
    }
    if let Some(phone) = phone {
        values.push(i64::from(phone).into());
        sql.push_str(&format!(" AND phone = ${}", values.len()));
    }
    if let Some(source) = source {
        values.push(source.as_str().into());
        sql.push_str(&format!(" AND source = ${}", values.len()));
    }
    sql.push_str(" ORDER BY id LIMIT $2");
    Ok(window.cut(conn.all(&sql, values).await?))
}
