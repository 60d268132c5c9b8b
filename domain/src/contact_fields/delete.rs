//! Deleting a field and its values.

use sea_orm::DatabaseTransaction;

use super::{queries, replace};
use crate::{
    db::{Sql, expect_version},
    error::Result,
    ids::ContactFieldId,
    scope::AccountScope,
    vals,
};

/// Deletes a field; its values leave every contact, group and the trash in the same transaction. `expected` is the
/// version the caller has read.
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
    replace::everywhere(tx, scope, &field.key, None, None).await?;
    tx.run("DELETE FROM contact_fields WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
