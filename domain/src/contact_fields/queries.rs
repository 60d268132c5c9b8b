//! Reading contact fields.

use sea_orm::ConnectionTrait;

use super::ContactField;
use crate::{
    db::Sql,
    error::{Error, Result},
    ids::ContactFieldId,
    scope::AccountScope,
    vals,
};

/// Every field of the account, in order of creation; at most [`super::MAX_FIELDS`].
///
/// # Errors
/// When the database refuses.
pub async fn all(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Vec<ContactField>> {
    let sql = "SELECT * FROM contact_fields WHERE account_id = $1 ORDER BY id";
    Ok(conn.all(sql, vals![scope.account()]).await?)
}

/// One field.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: ContactFieldId) -> Result<ContactField> {
    let sql = "SELECT * FROM contact_fields WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("contact field"))
}
