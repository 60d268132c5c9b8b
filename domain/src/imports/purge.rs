//! The end of refused rows: they are kept for [`super::ERRORS_KEPT`] after an import ended, since a file of a million bad
//! rows would stay for ever otherwise.

use sea_orm::DatabaseTransaction;

use crate::{db::Sql, error::Result, ids::ImportId, scope::SystemScope, vals};

/// Rows of one step.
const PIECE: i64 = 5_000;

/// Deletes some refused rows of an import whose time is over, and tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn purge(tx: &DatabaseTransaction, system: &SystemScope) -> Result<u64> {
    let sql = "SELECT id FROM imports WHERE errors_until < $1 ORDER BY errors_until LIMIT 1";
    let Some(id) = tx.scalar::<ImportId>(sql, vals![system.clock.now()]).await? else { return Ok(0) };
    let sql = "DELETE FROM import_errors WHERE import_id = $1 AND line IN \
        (SELECT line FROM import_errors WHERE import_id = $1 ORDER BY line LIMIT $2)";
    let gone = tx.run(sql, vals![id, PIECE]).await?;
    if gone == 0 {
        tx.run("UPDATE imports SET errors_until = NULL WHERE id = $1", vals![id]).await?;
    }
    Ok(gone)
}
