//! Ending a token at once and for good.

use sea_orm::DatabaseTransaction;

use crate::{
    db::Sql,
    error::{Error, Result},
    ids::OperatorTokenId,
    scope::OperatorScope,
    vals,
};

/// Revokes a token; does nothing to one that is revoked.
///
/// # Errors
/// `not_found`.
pub async fn revoke(tx: &DatabaseTransaction, scope: &OperatorScope, id: OperatorTokenId) -> Result<()> {
    let sql = "UPDATE operator_tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
    match tx.run(sql, vals![id, scope.clock.now()]).await? {
        0 => Err(Error::not_found("operator token")),
        _ => Ok(()),
    }
}
