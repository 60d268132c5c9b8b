//! Finding exports that nobody works on, and forgetting old ones.

use std::time::Duration;

use crate::{
    db::{Db, Sql},
    error::Result,
    ids::{ExportId, uuid_floor},
    jobs::{self, Queue},
    scope::SystemScope,
    vals,
};

/// How long a queued export may wait before its job is taken for lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an export is remembered; its file is gone long before.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Announces again the exports whose run has died or whose job was lost, and tells how many; forgets old ones. Running the
/// same export twice does no harm: the lease lets one of them work.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(db: &Db, system: &SystemScope) -> Result<usize> {
    let now = system.clock.now();
    let sql = "SELECT id FROM exports WHERE status IN ('queued', 'running') \
        AND ((lease_until IS NULL AND created_at < $2) OR lease_until < $1) ORDER BY id LIMIT 100";
    let overdue: Vec<ExportId> = db.read().column(sql, vals![now, now.minus(PATIENCE)]).await?;
    let oldest = uuid_floor(now.minus(REMEMBERED));
    let sql = "SELECT id FROM exports WHERE id < $1 ORDER BY id LIMIT 100";
    let old: Vec<ExportId> = db.read().column(sql, vals![oldest]).await?;
    if overdue.is_empty() && old.is_empty() {
        return Ok(0);
    }
    let tx = db.begin().await?;
    for id in &overdue {
        jobs::enqueue(&tx, now, Queue::ExportsRun, id.0).await?;
    }
    for id in old {
        tx.run("DELETE FROM exports WHERE id = $1", vals![id]).await?;
    }
    tx.commit().await?;
    Ok(overdue.len())
}
