//! Who works on a job: renewed by each step, and given back when a run leaves it.

use sea_orm::DatabaseTransaction;

use super::{Job, WORK, queries};
use crate::{
    db::Db,
    error::Result,
    ids::ContactJobId,
    jobs::{self, Queue},
    scope::AccountScope,
};

/// Takes the row's lock, renews the lease and reads the job; `None` when it is not ours any more.
pub(super) async fn confirm(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactJobId,
    lease: &str,
) -> Result<Option<Job>> {
    match WORK.renew(tx, scope, id.0, lease).await? {
        true => Ok(Some(queries::get(tx, scope, id).await?)),
        false => Ok(None),
    }
}

/// Gives the job back, so that the next run need not wait for the lease to expire, and announces it to the worker.
pub(super) async fn release(db: &Db, scope: &AccountScope, id: ContactJobId, lease: &str) -> Result<()> {
    let tx = db.begin().await?;
    if WORK.release(&tx, scope, id.0, lease).await? {
        jobs::enqueue(&tx, scope.clock().now(), Queue::ContactJobs, id.0).await?;
    }
    tx.commit().await?;
    Ok(())
}
