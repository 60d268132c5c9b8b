//! Reading exports.

use sea_orm::ConnectionTrait;

use super::{Export, signed};
use crate::{
    db::{Sql, Window},
    error::{Error, Result},
    ids::{AccountId, ExportId},
    scope::{AccountScope, SystemScope},
    secrets::Keyring,
    uploads::{self, Upload},
    vals,
};

/// One export.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: ExportId) -> Result<Export> {
    let sql = "SELECT * FROM exports WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("export"))
}

/// A page of exports, oldest first; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    window: Window<ExportId>,
) -> Result<(Vec<Export>, bool)> {
    let mut sql = "SELECT * FROM exports WHERE account_id = $1".to_owned();
    let mut values = vals![scope.account(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    if let Some(after) = window.after {
        values.push(after.into());
        sql.push_str(" AND id > $3");
    }
    sql.push_str(" ORDER BY id LIMIT $2");
    Ok(window.cut(conn.all(&sql, values).await?))
}

/// The file behind a signed address, with the scope of the account whose it is.
///
/// # Errors
/// `not_found` for a wrong signature, an export that is not completed, and a file that has expired: nobody learns which.
pub async fn by_address(
    conn: &impl ConnectionTrait,
    system: &SystemScope,
    keys: &Keyring,
    id: ExportId,
    signature: &str,
) -> Result<(AccountScope, Export, Upload)> {
    #[derive(sea_orm::FromQueryResult)]
    struct Owner {
        account: AccountId,
        mode: String,
    }
    let gone = || Error::not_found("file, or it has expired,");
    if !keys.verifies(&signed(id), signature) {
        return Err(gone());
    }
    let sql = "SELECT a.id AS account, a.mode FROM exports e JOIN accounts a ON a.id = e.account_id WHERE e.id = $1";
    let owner: Owner = conn.one(sql, vals![id]).await?.ok_or_else(gone)?;
    let scope = system.of(owner.account, owner.mode == "live");
    let export = get(conn, &scope, id).await?;
    let file = export.file.ok_or_else(gone)?;
    if export.expires_at.is_none_or(|end| end <= system.clock.now()) {
        return Err(gone());
    }
    let upload = uploads::get(conn, &scope, file).await.map_err(|_| gone())?;
    Ok((scope, export, upload))
}
