//! Who works on a job: taken by a run, renewed by each step, given back when a run leaves it.

use std::time::Duration;

use sea_orm::DatabaseTransaction;

use super::{Job, queries};
use crate::{
    clock::Timestamp,
    db::{Db, Sql},
    error::Result,
    ids::{AccountId, ContactJobId},
    jobs::{self, Queue},
    scope::{AccountScope, SystemScope},
    vals,
};

/// How long a run that says nothing keeps its job.
pub(super) const LASTS: Duration = Duration::from_secs(15);

#[derive(sea_orm::FromQueryResult)]
struct Owner {
    account: AccountId,
    mode: String,
}

/// Takes a job that is not final and that nobody has; `None` when there is nothing to take.
pub(super) async fn claim(
    db: &Db,
    system: &SystemScope,
    id: ContactJobId,
    lease: &str,
) -> Result<Option<AccountScope>> {
    let tx = db.begin().await?;
    let claimed = take(&tx, system.clock.now(), id, lease).await?;
    let sql =
        "SELECT a.id AS account, a.mode FROM contact_jobs j JOIN accounts a ON a.id = j.account_id WHERE j.id = $1";
    let account: Option<Owner> = tx.one(sql, vals![id]).await?;
    tx.commit().await?;
    Ok(account.filter(|_| claimed).map(|a| system.of(a.account, a.mode == "live")))
}

/// Takes it in the caller's transaction.
pub(super) async fn take(tx: &DatabaseTransaction, now: Timestamp, id: ContactJobId, lease: &str) -> Result<bool> {
    let sql = "UPDATE contact_jobs SET status = 'running', lease_owner = $2, lease_until = $3, \
        started_at = COALESCE(started_at, $4), version = version + 1 \
        WHERE id = $1 AND status IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < $4)";
    Ok(tx.run(sql, vals![id, lease, now.plus(LASTS), now]).await? > 0)
}

/// Takes the row's lock, renews the lease and reads the job; `None` when it is not ours any more.
pub(super) async fn confirm(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactJobId,
    lease: &str,
) -> Result<Option<Job>> {
    let sql = "UPDATE contact_jobs SET lease_until = $4 \
        WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running'";
    let until = scope.clock().now().plus(LASTS);
    match tx.run(sql, vals![scope.account(), id, lease, until]).await? {
        0 => Ok(None),
        _ => Ok(Some(queries::get(tx, scope, id).await?)),
    }
}

/// Gives the job back, so that the next run need not wait for the lease to expire, and announces it to the worker.
pub(super) async fn release(db: &Db, scope: &AccountScope, id: ContactJobId, lease: &str) -> Result<()> {
    let tx = db.begin().await?;
    let sql = "UPDATE contact_jobs SET lease_owner = NULL, lease_until = NULL \
        WHERE account_id = $1 AND id = $2 AND lease_owner = $3";
    if tx.run(sql, vals![scope.account(), id, lease]).await? > 0 {
        jobs::enqueue(&tx, scope.clock().now(), Queue::ContactJobs, id.0).await?;
    }
    tx.commit().await?;
    Ok(())
}
