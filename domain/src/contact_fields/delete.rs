//! Deleting a field and its values.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::queries;
use crate::{
    db::{Sql, expect_version},
    error::Result,
    ids::ContactFieldId,
    scope::AccountScope,
    vals,
};

/// Deletes a field; its values leave every contact in the same transaction. `expected` is the version the caller has
/// read.
///
/// # Errors
/// `not_found`, `version_mismatch`.
pub async fn delete(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactFieldId,
    expected: Option<i64>,
) -> Result<()> {
    let field = queries::get(tx, scope, id).await?;
    expect_version(field.version, expected)?;
    // The key has been checked to be letters, digits and _, so it needs no quoting inside a JSON path.
    let sql = if tx.get_database_backend() == DbBackend::Postgres {
        "UPDATE contacts SET fields = fields - $2, updated_at = $3, version = version + 1 \
         WHERE account_id = $1 AND jsonb_exists(fields, $2)"
    } else {
        "UPDATE contacts SET fields = json_remove(fields, '$.' || $2), updated_at = $3, version = version + 1 \
         WHERE account_id = $1 AND json_type(fields, '$.' || $2) IS NOT NULL"
    };
    tx.run(sql, vals![scope.account(), field.key, scope.clock().now()]).await?;
    tx.run("DELETE FROM contact_fields WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
