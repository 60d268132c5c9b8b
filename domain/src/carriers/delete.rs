//! Deleting a carrier that nothing uses.

use sea_orm::DatabaseTransaction;

use super::queries;
use crate::{
    db::{Sql, expect_version},
    error::{Code, Error, Result},
    ids::CarrierId,
    scope::OperatorScope,
    vals,
};

/// What may still need a carrier, and what to say of it.
const USES: [(&str, &str); 5] = [
    ("SELECT 1 FROM accounts WHERE carrier_id = $1 LIMIT 1", "an account sends through it"),
    ("SELECT 1 FROM routes WHERE carrier_id = $1 LIMIT 1", "a route leads to it"),
    (
        "SELECT 1 FROM chunks WHERE carrier_id = $1 AND settled_at IS NULL LIMIT 1",
        "messages wait for it, or for its receipts",
    ),
    // A preparation has read the routes at its beginning.
    (
        "SELECT 1 FROM campaigns WHERE status = 'preparing' AND $1 = $1 LIMIT 1",
        "a campaign is being prepared and may go to it; wait a moment",
    ),
    ("SELECT 1 FROM messages_in_doubt WHERE carrier_id = $1 LIMIT 1", "messages that it may have taken are in doubt"),
];

/// Deletes a carrier. `expected` is the version the caller read.
///
/// # Errors
/// `not_found`, `version_mismatch`; `conflict` while something uses it: then disable it instead.
pub async fn delete(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    id: CarrierId,
    expected: Option<i64>,
) -> Result<()> {
    let row = queries::lock(tx, scope, id).await?;
    expect_version(row.version, expected)?;
    for (sql, what) in USES {
        if tx.scalar::<i32>(sql, vals![id]).await?.is_some() {
            return Err(Error::new(
                Code::Conflict,
                format!("The carrier {} cannot be deleted: {what}. Disable it instead.", row.name),
            ));
        }
    }
    tx.run("DELETE FROM carrier_binds WHERE carrier_id = $1", vals![id]).await?;
    tx.run("DELETE FROM carriers WHERE id = $1", vals![id]).await?;
    Ok(())
}
