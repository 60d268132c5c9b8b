//! The end of an import: its state, its file and the event that tells of it, in one transaction.

use super::{Counts, ERRORS_KEPT, WORK, queries};
use crate::{
    db::{Db, Sql},
    error::Result,
    events::{self, ImportEventData, ImportEventError, Kind},
    ids::ImportId,
    scope::AccountScope,
    uploads, vals,
};

/// Every row has been read.
pub(super) async fn completed(db: &Db, scope: &AccountScope, id: ImportId, lease: &str) -> Result<()> {
    end(db, scope, id, lease, "completed", None).await
}

/// Ended before the last row.
pub(super) async fn failed(
    db: &Db,
    scope: &AccountScope,
    id: ImportId,
    lease: &str,
    code: &str,
    detail: &str,
) -> Result<()> {
    end(db, scope, id, lease, "failed", Some((code, detail))).await
}

async fn end(
    db: &Db,
    scope: &AccountScope,
    id: ImportId,
    lease: &str,
    status: &str,
    error: Option<(&str, &str)>,
) -> Result<()> {
    let now = scope.clock().now();
    let (code, detail) = error.unzip();
    let tx = db.begin().await?;
    let ended = tx
        .run(
            "UPDATE imports SET status = $4, error_code = $5, error_detail = $6, finished_at = $7, lease_owner = NULL, \
             lease_until = NULL, version = version + 1, \
             errors_until = CASE WHEN invalid > 0 THEN $8 END \
             WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running'",
            vals![scope.account(), id, lease, status, code, detail, now, now.plus(ERRORS_KEPT)],
        )
        .await?;
    if ended == 0 {
        return Ok(()); // somebody else has taken over
    }
    let import = queries::get(&tx, scope, id).await?;
    if !import.settings.keep_file {
        uploads::delete(&tx, scope, import.file).await?;
    }
    let Counts { done, created, updated, unchanged, duplicates, invalid, ambiguous } = import.counts;
    let error = error.map(|(code, detail)| ImportEventError { code: code.to_owned(), detail: detail.to_owned() });
    let event = if error.is_none() { Kind::ImportCompleted } else { Kind::ImportFailed };
    let data = ImportEventData {
        id,
        kind: import.kind,
        rows: done,
        created,
        updated,
        unchanged,
        duplicates,
        invalid,
        ambiguous,
        error,
    };
    events::record(&tx, now, scope.account(), event, &id.to_string(), data).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives the lease back, so that the next run need not wait for it to expire.
pub(super) async fn release(db: &Db, scope: &AccountScope, id: ImportId, lease: &str) -> Result<()> {
    let tx = db.begin().await?;
    WORK.release(&tx, scope, id.0, lease).await?;
    tx.commit().await?;
    Ok(())
}
