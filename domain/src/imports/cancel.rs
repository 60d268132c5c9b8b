//! Stopping an import.

use sea_orm::DatabaseTransaction;

use super::{ERRORS_KEPT, Import, Kind, queries};
use crate::{
    db::Sql,
    error::{Code, Error, Result},
    ids::ImportId,
    scope::AccountScope,
    uploads, vals,
};

/// Stops an import. The rows that are counted stay imported; a batch that is being written is finished first, for it holds
/// the row, and none follows.
///
/// # Errors
/// `not_found`; `conflict` when it has ended already.
pub async fn cancel(tx: &DatabaseTransaction, scope: &AccountScope, kind: Kind, id: ImportId) -> Result<Import> {
    let import = queries::find(tx, scope, kind, id).await?;
    let now = scope.clock().now();
    let sql = "UPDATE imports SET status = 'cancelled', finished_at = $3, lease_owner = NULL, lease_until = NULL, \
        version = version + 1, errors_until = CASE WHEN invalid > 0 THEN $4 END \
        WHERE account_id = $1 AND id = $2 AND status IN ('queued', 'running')";
    if tx.run(sql, vals![scope.account(), id, now, now.plus(ERRORS_KEPT)]).await? == 0 {
        return Err(Error::new(Code::Conflict, "The import has ended already."));
    }
    if !import.settings.keep_file {
        uploads::delete(tx, scope, import.file).await?;
    }
    queries::get(tx, scope, id).await
}
