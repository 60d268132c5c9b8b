//! Deleting a route. Messages that took it keep its id.

use sea_orm::DatabaseTransaction;

use super::queries;
use crate::{
    db::{Sql, expect_version},
    error::Result,
    ids::RouteId,
    scope::OperatorScope,
    vals,
};

/// Deletes a route; messages that are prepared from now on no longer take it. `expected` is the version the caller read.
///
/// # Errors
/// `not_found`, `version_mismatch`.
pub async fn delete(tx: &DatabaseTransaction, scope: &OperatorScope, id: RouteId, expected: Option<i64>) -> Result<()> {
    let row = queries::lock(tx, scope, id).await?;
    expect_version(row.version, expected)?;
    tx.run("DELETE FROM routes WHERE id = $1", vals![id]).await?;
    Ok(())
}
