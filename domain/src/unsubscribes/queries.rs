//! Reading unsubscribes.

use sea_orm::ConnectionTrait;

use super::{Source, Unsubscribe};
use crate::{
    db::{Sql, Window},
    error::{Error, Result},
    ids::UnsubscribeId,
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

/// SQL that tells whether `phone` wants nothing from `sender` of `account`. (Not EXISTS: PostgreSQL may turn that into a
/// table of the whole list, for every statement.)
pub(crate) fn has(account: &str, phone: &str, sender: &str) -> String {
    format!(
        "COALESCE((SELECT 1 FROM unsubscribes un WHERE un.account_id = {account} AND un.phone = {phone} AND un.sender = {sender} LIMIT 1), 0) = 1"
    )
}

/// One entry.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: UnsubscribeId) -> Result<Unsubscribe> {
    let sql = "SELECT * FROM unsubscribes WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("unsubscribe"))
}

/// A page of entries in order of their ids, perhaps of one number, sender or source; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    phone: Option<Msisdn>,
    sender: Option<String>,
    source: Option<Source>,
    window: Window<UnsubscribeId>,
) -> Result<(Vec<Unsubscribe>, bool)> {
    let mut sql = "SELECT * FROM unsubscribes WHERE account_id = $1".to_owned();
    let mut values = vals![scope.account(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    for (condition, value) in [
        ("id > ", window.after.map(sea_orm::Value::from)),
        ("phone = ", phone.map(|phone| i64::from(phone).into())),
        ("sender = ", sender.map(sea_orm::Value::from)),
        ("source = ", source.map(|source| source.as_str().into())),
    ] {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition}${}", values.len()));
        }
    }
    sql.push_str(" ORDER BY id LIMIT $2");
    Ok(window.cut(conn.all(&sql, values).await?))
}
