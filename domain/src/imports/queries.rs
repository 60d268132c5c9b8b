//! Reading imports and their errors.

use sea_orm::ConnectionTrait;

use super::{Import, Kind, RowError};
use crate::{
    db::{Sql, Window},
    error::{Error, Result},
    ids::ImportId,
    scope::AccountScope,
    vals,
};

/// One import.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: ImportId) -> Result<Import> {
    let sql = "SELECT * FROM imports WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("import"))
}

/// One import of a kind: one of another kind is not found.
///
/// # Errors
/// `not_found`.
pub async fn find(conn: &impl ConnectionTrait, scope: &AccountScope, kind: Kind, id: ImportId) -> Result<Import> {
    let import = get(conn, scope, id).await?;
    if import.kind == kind { Ok(import) } else { Err(Error::not_found("import")) }
}

/// A page of imports of a kind, oldest first; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    kind: Kind,
    window: Window<ImportId>,
) -> Result<(Vec<Import>, bool)> {
    let more = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    let mut sql = "SELECT * FROM imports WHERE account_id = $1 AND kind = $3".to_owned();
    let mut values = vals![scope.account(), more, kind.as_str()];
    if let Some(after) = window.after {
        values.push(after.into());
        sql.push_str(" AND id > $4");
    }
    sql.push_str(" ORDER BY id LIMIT $2");
    let rows = conn.all(&sql, values).await?;
    Ok(window.cut(rows))
}

/// A page of an import's refused rows in order of their lines; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn errors(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    id: ImportId,
    window: Window<i64>,
) -> Result<(Vec<RowError>, bool)> {
    let sql = "SELECT e.* FROM import_errors e JOIN imports i ON i.id = e.import_id \
        WHERE i.account_id = $1 AND e.import_id = $2 AND e.line > $3 ORDER BY e.line LIMIT $4";
    let more = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    let rows = conn.all(sql, vals![scope.account(), id, window.after.unwrap_or(-1), more]).await?;
    Ok(window.cut(rows))
}
