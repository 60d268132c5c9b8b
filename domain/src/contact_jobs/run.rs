//! Working on a job, a step after the other.

use std::time::Duration;

use super::{Job, JobStatus, Outcome, Selection, WORK, act, duplicates, lease, queries, select, tally};
use crate::{
    db::{Db, Sql, lies_in_the_data},
    error::{Code, Error, Result},
    ids::ContactJobId,
    jobs::runs,
    scope::{AccountScope, SystemScope},
    vals,
};

/// Tries of one step within a run: a deadlock, or a contact deleted meanwhile, goes away by itself.
const TRIES: u32 = 5;

/// How long the duplicates that were found can be looked at.
const KEEP_SETS: Duration = Duration::from_secs(7 * 86_400);

/// Works on a job until it is final. Does nothing when another holds its lease or it is final already. `owner` names the
/// worker, for people who look at the row.
///
/// # Errors
/// When the database cannot be reached or refuses: the lease is given back as far as possible, and a later run goes on.
pub async fn run(db: &Db, system: &SystemScope, id: ContactJobId, owner: &str) -> Result<()> {
    let lease = runs::name_of(owner);
    let Some(scope) = WORK.claim(db, system, id.0, &lease).await? else { return Ok(()) };
    work(db, &scope, id, &lease, usize::MAX).await
}

/// Works on a new job within the request that asked for it, for a few steps, and leaves the rest to the worker. Gives the
/// job as it is then; unless it is final, the caller nudges [`Queue::ContactJobs`](crate::jobs::Queue::ContactJobs).
///
/// # Errors
/// When the database refuses; the job is then done by the worker.
pub async fn run_briefly(db: &Db, scope: &AccountScope, id: ContactJobId, steps: usize) -> Result<Job> {
    let lease = runs::name_of("request");
    let tx = db.begin().await?;
    let taken = WORK.take(&tx, scope.clock().now(), id.0, &lease).await?;
    tx.commit().await?;
    if taken {
        work(db, scope, id, &lease, steps).await?;
    }
    queries::get(db.read(), scope, id).await
}

async fn work(db: &Db, scope: &AccountScope, id: ContactJobId, lease: &str, steps: usize) -> Result<()> {
    let mut outcome = Ok(true);
    for _ in 0..steps {
        outcome = patiently(db, scope, id, lease).await;
        if !matches!(outcome, Ok(true)) {
            break;
        }
    }
    match outcome {
        Ok(true) => lease::release(db, scope, id, lease).await,
        Ok(false) => Ok(()),
        Err(error) if lies_in_the_data(&error) => {
            let mine = error.code == Code::Internal;
            if mine {
                tracing::error!(job = %id, %error, "a contact job failed");
            }
            let detail = if mine { "Something went wrong on our side.".to_owned() } else { error.detail };
            fail(db, scope, id, lease, (error.code.as_str(), &detail)).await
        }
        Err(error) => {
            if let Err(e) = lease::release(db, scope, id, lease).await {
                tracing::warn!(job = %id, error = %e, "the lease of a contact job was not given back; it ends by itself");
            }
            Err(error)
        }
    }
}

/// One step, again after a deadlock or a lost race. False when the job is final, or not ours any more.
async fn patiently(db: &Db, scope: &AccountScope, id: ContactJobId, lease: &str) -> Result<bool> {
    let mut tried = 1;
    loop {
        match step(db, scope, id, lease).await {
            Err(error) if tried < TRIES && error.code == Code::Internal => {
                tracing::warn!(job = %id, %error, tried, "a step of a contact job is tried again");
                tokio::time::sleep(Duration::from_millis(100) * tried).await;
                tried += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn step(db: &Db, scope: &AccountScope, id: ContactJobId, lease: &str) -> Result<bool> {
    let tx = db.begin().await?;
    let Some(job) = lease::confirm(&tx, scope, id, lease).await? else { return Ok(false) };
    let outcome = match (&job.selection, job.phase) {
        (Selection::Duplicates { by, .. }, _) => duplicates::step(&tx, scope, &job, by).await?,
        (Selection::Undelivered { last, statuses, days, .. }, 0) => {
            tally::step(&tx, scope, &job, *last, statuses, *days).await?
        }
        _ => {
            let page = select::page(&tx, scope, &job).await?;
            let changed = match &job.action {
                Some(action) if !job.dry_run => act::apply(&tx, scope, &job, action, &page.picked).await?,
                _ => 0,
            };
            Outcome { scanned: page.scanned, matched: super::count(page.picked.len()), changed, next: page.next }
        }
    };
    let Outcome { scanned, matched, changed, next } = outcome;
    let goes_on = next.is_some();
    let (phase, after) = next.unwrap_or((job.phase, job.after));
    tx.run(
        "UPDATE contact_jobs SET phase = $3, after_id = $4, done = done + $5, matched = matched + $6, \
         changed = changed + $7, version = version + 1 WHERE account_id = $1 AND id = $2",
        vals![scope.account(), id, phase, after, scanned, matched, changed],
    )
    .await?;
    if !goes_on {
        end(&tx, scope, &job, JobStatus::Completed, None).await?;
    }
    tx.commit().await?;
    Ok(goes_on)
}

async fn end(
    tx: &sea_orm::DatabaseTransaction,
    scope: &AccountScope,
    job: &Job,
    status: JobStatus,
    error: Option<(&str, &str)>,
) -> Result<()> {
    let now = scope.clock().now();
    let clear_at = match job.selection {
        Selection::Duplicates { .. } => Some(now.plus(KEEP_SETS)),
        Selection::Undelivered { .. } => Some(now),
        Selection::Filter { .. }
        | Selection::Contacts { .. }
        | Selection::Group { .. }
        | Selection::Campaign { .. } => None,
    };
    let (code, detail) = error.unzip();
    let sql = "UPDATE contact_jobs SET status = $3, error_code = $4, error_detail = $5, finished_at = $6, clear_at = $7, \
        lease_owner = NULL, lease_until = NULL, total = CASE WHEN $3 = 'completed' THEN done ELSE total END, \
        version = version + 1 WHERE account_id = $1 AND id = $2";
    tx.run(sql, vals![scope.account(), job.id, status.as_str(), code, detail, now, clear_at]).await?;
    Ok(())
}

async fn fail(db: &Db, scope: &AccountScope, id: ContactJobId, lease: &str, error: (&str, &str)) -> Result<()> {
    let tx = db.begin().await?;
    let Some(job) = lease::confirm(&tx, scope, id, lease).await? else { return Ok(()) };
    end(&tx, scope, &job, JobStatus::Failed, Some(error)).await?;
    tx.commit().await?;
    Ok(())
}

/// What ends a job because of what it finds, such as a group that was deleted meanwhile.
pub(super) fn gone(what: &str) -> Error {
    Error::new(Code::Conflict, format!("The {what} was deleted meanwhile."))
}
