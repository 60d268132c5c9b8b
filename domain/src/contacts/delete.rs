//! Deleting a contact.

use sea_orm::DatabaseTransaction;

use crate::{
    db::{Sql, expect_version},
    error::Result,
    ids::ContactId,
    scope::AccountScope,
    vals,
};

/// Deletes a contact and its memberships; messages it received keep their number. `expected` is the version the caller
/// has read.
///
/// # Errors
/// `not_found`, `version_mismatch`.
pub async fn delete(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactId,
    expected: Option<i64>,
) -> Result<()> {
    let contact = super::get(tx, scope, id).await?;
    expect_version(contact.version, expected)?;
    tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
