//! Deleting an export, with its file: its address is of no use from then on.

use sea_orm::DatabaseTransaction;

use super::queries;
use crate::{db::Sql, error::Result, ids::ExportId, scope::AccountScope, uploads, vals};

/// Deletes an export. One that runs ends without a file.
///
/// # Errors
/// `not_found`.
pub async fn delete(tx: &DatabaseTransaction, scope: &AccountScope, id: ExportId) -> Result<()> {
    let export = queries::get(tx, scope, id).await?;
    if let Some(file) = export.file {
        uploads::delete(tx, scope, file).await?;
    }
    tx.run("DELETE FROM exports WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
