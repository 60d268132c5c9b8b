//! Ending a token at once and for good.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel, Set};

use super::queries::lock;
use crate::{db::expect_version, error::Result, ids::TokenId, scope::AccountScope};

/// Revokes a token; does nothing to one that is revoked. `expected` is the version the caller read.
///
/// # Errors
/// When there is none, or it has changed since `expected`.
pub async fn revoke(tx: &DatabaseTransaction, scope: &AccountScope, id: TokenId, expected: Option<i64>) -> Result<()> {
    let row = lock(tx, scope, id).await?;
    expect_version(row.version, expected)?;
    if row.revoked_at.is_some() {
        return Ok(());
    }
    let version = row.version + 1;
    let mut row = row.into_active_model();
    row.revoked_at = Set(Some(scope.clock().now()));
    row.version = Set(version);
    row.update(tx).await?;
    Ok(())
}
