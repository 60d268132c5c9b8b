//! Deleting a contact.

use sea_orm::DatabaseTransaction;

use crate::{
    db::Sql,
    error::{Code, Error, Result},
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
    if expected.is_some_and(|version| version != contact.version) {
        return Err(Error::new(Code::VersionMismatch, "The contact has changed since it was read."));
    }
    tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
