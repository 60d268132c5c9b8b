//! Finding exports that nobody works on, and forgetting old ones.

use std::time::Duration;

use super::WORK;
use crate::{
    db::{Db, Sql},
    error::Result,
    ids::{ExportId, uuid_floor},
    scope::SystemScope,
    vals,
};

/// How long an export is remembered; its file is gone long before.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Announces again the exports whose run has died or whose job was lost, and tells how many; forgets old ones.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(db: &Db, system: &SystemScope) -> Result<usize> {
    let now = system.clock.now();
    let announced = WORK.announce_overdue(db, now).await?;
    let sql = "SELECT id FROM exports WHERE id < $1 ORDER BY id LIMIT 100";
    let old: Vec<ExportId> = db.read().column(sql, vals![uuid_floor(now.minus(REMEMBERED))]).await?;
    if !old.is_empty() {
        let tx = db.begin().await?;
        for id in old {
            tx.run("DELETE FROM exports WHERE id = $1", vals![id]).await?;
        }
        tx.commit().await?;
    }
    Ok(announced)
}
