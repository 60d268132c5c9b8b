//! Finding imports that nobody works on.

use std::time::Duration;

use crate::{
    db::{Db, Sql},
    error::Result,
    ids::ImportId,
    jobs::{self, Queue},
    scope::SystemScope,
    vals,
};

/// How long a queued import may wait before its job is taken for lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// Enqueues the imports whose lease has expired or that were never begun, and tells how many. Running the same import
/// twice does no harm, so a job that was only slow is no fault.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(db: &Db, system: &SystemScope) -> Result<usize> {
    let now = system.clock.now();
    let sql = "SELECT id FROM imports WHERE status IN ('queued', 'running') \
        AND ((lease_until IS NULL AND created_at < $2) OR lease_until < $1) ORDER BY id LIMIT 100";
    let overdue: Vec<ImportId> = db.read().column(sql, vals![now, now.minus(PATIENCE)]).await?;
    if overdue.is_empty() {
        return Ok(0);
    }
    let tx = db.begin().await?;
    for id in &overdue {
        jobs::enqueue(&tx, now, Queue::ContactsImport, id.0).await?;
    }
    tx.commit().await?;
    Ok(overdue.len())
}
