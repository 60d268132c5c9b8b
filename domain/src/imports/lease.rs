//! Who works on an import: taken by a run, confirmed by each batch, and renewed by time while the run only reads.

use std::time::Duration;

use sea_orm::DatabaseTransaction;

use super::Import;
use crate::{
    db::{Db, Sql},
    error::Result,
    ids::{AccountId, ImportId},
    scope::{AccountScope, SystemScope},
    vals,
};

/// How long a run that says nothing keeps its import.
pub(super) const LASTS: Duration = Duration::from_secs(15);

#[derive(sea_orm::FromQueryResult)]
struct Owner {
    account: AccountId,
    mode: String,
}

/// Takes an import that is not final and that nobody has; `None` when there is nothing to take.
pub(super) async fn claim(db: &Db, system: &SystemScope, id: ImportId, lease: &str) -> Result<Option<AccountScope>> {
    let now = system.clock.now();
    let tx = db.begin().await?;
    let claimed = tx
        .run(
            "UPDATE imports SET status = 'running', lease_owner = $2, lease_until = $3, \
             started_at = COALESCE(started_at, $4), version = version + 1 \
             WHERE id = $1 AND status IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < $4)",
            vals![id, lease, now.plus(LASTS), now],
        )
        .await?;
    let sql = "SELECT a.id AS account, a.mode FROM imports i JOIN accounts a ON a.id = i.account_id WHERE i.id = $1";
    let account: Option<Owner> = tx.one(sql, vals![id]).await?;
    tx.commit().await?;
    Ok(account.filter(|_| claimed > 0).map(|a| system.of(a.account, a.mode == "live")))
}

/// Takes the row's lock and renews the lease; false when it, or the checkpoint, is not ours any more.
pub(super) async fn confirm(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    import: &Import,
    lease: &str,
) -> Result<bool> {
    let until = scope.clock().now().plus(LASTS);
    let renewed = tx
        .run(
            "UPDATE imports SET lease_until = $4 \
             WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running' AND done = $5",
            vals![scope.account(), import.id, lease, until, import.counts.done],
        )
        .await?;
    Ok(renewed > 0)
}

/// Renews the lease at intervals until it is somebody else's: counting a large file, or reading again what is done of
/// it, may take longer than the lease lasts.
pub(super) async fn keep(db: &Db, scope: &AccountScope, id: ImportId, lease: &str, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match renew(db, scope, id, lease).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(e) => tracing::warn!(import = %id, error = %e, "the lease of an import was not renewed"),
        }
    }
}

async fn renew(db: &Db, scope: &AccountScope, id: ImportId, lease: &str) -> Result<bool> {
    let tx = db.begin().await?;
    let sql = "UPDATE imports SET lease_until = $4 WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running'";
    let until = scope.clock().now().plus(LASTS);
    let renewed = tx.run(sql, vals![scope.account(), id, lease, until]).await?;
    tx.commit().await?;
    Ok(renewed > 0)
}
