//! Finding jobs that nobody works on, and clearing what ended ones have left.

use super::WORK;
use crate::{
    db::{Db, Sql},
    error::Result,
    ids::ContactJobId,
    scope::SystemScope,
    vals,
};

/// Rows deleted in one transaction.
const PIECE: i64 = 5_000;
/// Transactions of one sweep.
const PIECES: usize = 20;

/// Announces the jobs whose lease has expired or that were never begun, and tells how many; then clears.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(db: &Db, system: &SystemScope) -> Result<usize> {
    let now = system.clock.now();
    let announced = WORK.announce_overdue(db, now).await?;
    let sql = "SELECT id FROM contact_jobs WHERE clear_at <= $1 ORDER BY clear_at LIMIT 10";
    let ended: Vec<ContactJobId> = db.read().column(sql, vals![now]).await?;
    let mut left = PIECES;
    for id in ended {
        while left > 0 && !clear(db, id).await? {
            left -= 1;
        }
    }
    Ok(announced)
}

/// Deletes a piece of what a job has left; true when nothing is left.
async fn clear(db: &Db, id: ContactJobId) -> Result<bool> {
    let tx = db.begin().await?;
    let mut went = 0_u64;
    let tallies = "DELETE FROM contact_job_tallies WHERE job_id = $1 AND contact_id IN \
        (SELECT contact_id FROM contact_job_tallies WHERE job_id = $1 ORDER BY contact_id LIMIT $2)";
    let keys = "DELETE FROM contact_job_keys WHERE job_id = $1 AND key IN \
        (SELECT key FROM contact_job_keys WHERE job_id = $1 ORDER BY key LIMIT $2)";
    for sql in [tallies, keys] {
        went = went.saturating_add(tx.run(sql, vals![id, PIECE]).await?);
    }
    if went == 0 {
        tx.run("UPDATE contact_jobs SET clear_at = NULL WHERE id = $1", vals![id]).await?;
    }
    tx.commit().await?;
    Ok(went == 0)
}
