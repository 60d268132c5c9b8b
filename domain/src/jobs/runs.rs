//! Runs: who works on a row that jobs announce, of imports, exports and contact jobs alike. Their tables have the same
//! columns for it: `status`, `lease_owner`, `lease_until`, `started_at`, `created_at`, `version`.
//!
//! A run takes the row, renews its lease while it works, and leaves the row final or gives it back. A run that dies lets
//! its lease expire; a sweep announces the row again.
//!
//! Invariant: a row has one run at a time.

use std::time::Duration;

use sea_orm::{DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::{Queue, enqueue};
use crate::{
    clock::Timestamp,
    db::{Db, Sql},
    error::Result,
    ids::{AccountId, fill_random},
    scope::{AccountScope, SystemScope},
    vals,
};

/// How long a run that says nothing keeps its row.
pub(crate) const LASTS: Duration = Duration::from_secs(15);
/// How long a queued row may wait before its job is taken for lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows that are worked on.
pub(crate) struct Work {
    pub table: &'static str,
    pub queue: Queue,
}

/// The name of a run of `owner`, unique: even the same worker must not take its own stalled run for this one.
pub(crate) fn name_of(owner: &str) -> String {
    let mut random = [0_u8; 8];
    fill_random(&mut random);
    format!("{owner}/{:016x}", u64::from_be_bytes(random))
}

impl Work {
    /// Takes a row that is not final and that nobody has; `None` when there is nothing to take.
    pub async fn claim(&self, db: &Db, system: &SystemScope, id: Uuid, run: &str) -> Result<Option<AccountScope>> {
        #[derive(FromQueryResult)]
        struct Owner {
            account: AccountId,
            mode: String,
        }
        let tx = db.begin().await?;
        let taken = self.take(&tx, system.clock.now(), id, run).await?;
        let sql = format!(
            "SELECT a.id AS account, a.mode FROM {} w JOIN accounts a ON a.id = w.account_id WHERE w.id = $1",
            self.table
        );
        let owner: Option<Owner> = tx.one(&sql, vals![id]).await?;
        tx.commit().await?;
        Ok(owner.filter(|_| taken).map(|owner| system.of(owner.account, owner.mode == "live")))
    }

    /// Takes it in the caller's transaction.
    pub async fn take(&self, tx: &DatabaseTransaction, now: Timestamp, id: Uuid, run: &str) -> Result<bool> {
        let sql = format!(
            "UPDATE {} SET status = 'running', lease_owner = $2, lease_until = $3, \
             started_at = COALESCE(started_at, $4), version = version + 1 \
             WHERE id = $1 AND status IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < $4)",
            self.table
        );
        Ok(tx.run(&sql, vals![id, run, now.plus(LASTS), now]).await? > 0)
    }

    /// Takes the row's lock and renews the lease; false when it is not ours any more.
    pub async fn renew(&self, tx: &DatabaseTransaction, scope: &AccountScope, id: Uuid, run: &str) -> Result<bool> {
        let sql = format!(
            "UPDATE {} SET lease_until = $4 WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running'",
            self.table
        );
        let until = scope.clock().now().plus(LASTS);
        Ok(tx.run(&sql, vals![scope.account(), id, run, until]).await? > 0)
    }

    /// Renews the lease at intervals until it is somebody else's: what a run does between two writes may take longer than
    /// the lease lasts.
    pub async fn keep(&self, db: &Db, scope: &AccountScope, id: Uuid, run: &str, every: Duration) {
        let renewed = async || {
            let tx = db.begin().await?;
            let renewed = self.renew(&tx, scope, id, run).await?;
            tx.commit().await?;
            Ok::<bool, crate::Error>(renewed)
        };
        loop {
            tokio::time::sleep(every).await;
            match renewed().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(table = self.table, %id, %error, "a lease was not renewed"),
            }
        }
    }

    /// Gives the row back, so that the next run need not wait for the lease to expire; false when it was not ours.
    pub async fn release(&self, tx: &DatabaseTransaction, scope: &AccountScope, id: Uuid, run: &str) -> Result<bool> {
        let sql = format!(
            "UPDATE {} SET lease_owner = NULL, lease_until = NULL WHERE account_id = $1 AND id = $2 AND lease_owner = $3",
            self.table
        );
        Ok(tx.run(&sql, vals![scope.account(), id, run]).await? > 0)
    }

    /// Announces again the rows whose run has died or whose job was lost, and tells how many. A row that is announced twice
    /// takes no harm: the lease lets one run work.
    pub async fn announce_overdue(&self, db: &Db, now: Timestamp) -> Result<usize> {
        let sql = format!(
            "SELECT id FROM {} WHERE status IN ('queued', 'running') \
             AND ((lease_until IS NULL AND created_at < $2) OR lease_until < $1) ORDER BY id LIMIT 100",
            self.table
        );
        let overdue: Vec<Uuid> = db.read().column(&sql, vals![now, now.minus(PATIENCE)]).await?;
        if overdue.is_empty() {
            return Ok(0);
        }
        let tx = db.begin().await?;
        for id in &overdue {
            enqueue(&tx, now, self.queue, *id).await?;
        }
        tx.commit().await?;
        Ok(overdue.len())
    }
}
