//! The job: reads the file in batches and commits each with the checkpoint.
//!
//! Killed at any point, the next run goes on after the last committed batch. Two runs of one import cannot both commit
//! a batch: each batch first takes the row's lock and checks the lease, and moves the checkpoint from where it began. Only
//! what lies in the file fails an import; while the database is away or busy it waits for a later run.

use std::{fs::File, time::Duration};

use tokio::{sync::mpsc, task::JoinError};

use super::{
    Counts, Import, RowError, WORK, bulk, finish, queries,
    reader::{self, Batch},
};
use crate::{
    db::{Db, Sql, lies_in_the_data},
    error::{Code, Error, Result},
    files::FileError,
    ids::ImportId,
    jobs::runs,
    scope::{AccountScope, SystemScope},
    uploads, vals,
};

/// Tries of one batch within a run: a deadlock or a race for an external id goes away by itself.
const TRIES: u32 = 5;
/// How far the clock of whoever noted a consent may be ahead, also by its time zone.
const CLOCKS_APART: Duration = Duration::from_secs(24 * 3600);

/// Works on an import until it is final. Does nothing when another holds its lease or it is final already. `owner`
/// names the worker, for people who look at the row.
///
/// # Errors
/// When the database cannot be reached or refuses: the lease is given back as far as possible, and a later run goes on.
pub async fn run(db: &Db, system: &SystemScope, id: ImportId, owner: &str) -> Result<()> {
    let lease = runs::name_of(owner);
    let Some(scope) = WORK.claim(db, system, id.0, &lease).await? else { return Ok(()) };
    let outcome = tokio::select! {
        biased;
        outcome = work(db, &scope, id, &lease) => outcome,
        () = WORK.keep(db, &scope, id.0, &lease, runs::LASTS / 3) => return Ok(()), // somebody else has taken over
    };
    let Err(error) = outcome else { return Ok(()) };
    if lies_in_the_data(&error) {
        tracing::error!(import = %id, %error, "an import failed");
        let detail = "Something went wrong on our side; rows counted before are imported.";
        return finish::failed(db, &scope, id, &lease, Code::Internal.as_str(), detail).await;
    }
    if let Err(e) = finish::release(db, &scope, id, &lease).await {
        tracing::warn!(import = %id, error = %e, "the lease of an import was not given back; it ends by itself");
    }
    Err(error)
}

/// Reading on its thread broke down: the file did it, and would do it again, unless the worker is ending.
fn broke(error: JoinError) -> Error {
    let code = if error.is_cancelled() { Code::Unavailable } else { Code::Internal };
    Error { source: Some(error.into()), ..Error::new(code, "The import cannot be read.") }
}

/// What holds the file for a while has failed, not the file.
fn for_now(error: std::io::Error) -> Error {
    Error { source: Some(error.into()), ..Error::new(Code::Unavailable, "The import cannot be read just now.") }
}

async fn work(db: &Db, scope: &AccountScope, id: ImportId, lease: &str) -> Result<()> {
    let mut import = queries::get(db.read(), scope, id).await?;
    let file = match uploads::fetch(db.read(), scope, import.file).await {
        Ok(file) => file,
        Err(error) if error.code == Code::NotFound => {
            let detail = "The uploaded file is not there any more; upload it again.";
            return finish::failed(db, scope, id, lease, "file_gone", detail).await;
        }
        // A full disk, for one, is not the file's fault.
        Err(error) => return Err(Error { code: Code::Unavailable, ..error }),
    };
    if import.total.is_none() {
        match count(db, scope, &import, &file).await? {
            Ok(total) => import.total = Some(total),
            Err(error) => return unreadable(db, scope, &import, lease, &error).await,
        }
    }
    let (to, mut batches) = mpsc::channel(1);
    let place = (u64::try_from(import.counts.done).unwrap_or(0), reader::batch_of(db.backend()));
    let (name, settings) = (import.file_name.clone(), import.settings.clone());
    let latest = import.created_at.plus(CLOCKS_APART);
    // Dropping this future drops the receiver, which ends the thread at its next batch.
    let thread = tokio::task::spawn_blocking(move || reader::read(file, &name, &settings, place, latest, &to));
    while let Some(batch) = batches.recv().await {
        match batch {
            Ok(batch) => {
                let Some(counts) = patiently(db, scope, &import, &batch, lease).await? else {
                    return Ok(()); // somebody else has taken over
                };
                import.counts = counts;
            }
            Err(error) => return unreadable(db, scope, &import, lease, &error).await,
        }
    }
    thread.await.map_err(broke)?;
    finish::completed(db, scope, id, lease).await
}

/// Ends an import whose file cannot be read to its end.
async fn unreadable(db: &Db, scope: &AccountScope, import: &Import, lease: &str, error: &FileError) -> Result<()> {
    let place = error.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    let rows = match import.counts.done {
        0 => "Nothing is imported.".to_owned(),
        done => format!("The {done} rows before it are imported."),
    };
    let detail = format!("{}{place}. {rows}", error.detail.trim_end_matches('.'));
    finish::failed(db, scope, import.id, lease, error.code(), &detail).await
}

/// Counts the rows, so that progress has an end, and stores the number; or tells what is wrong with the file.
async fn count(
    db: &Db,
    scope: &AccountScope,
    import: &Import,
    file: &File,
) -> Result<std::result::Result<i64, FileError>> {
    let copy = file.try_clone().map_err(for_now)?;
    let (name, options) = (import.file_name.clone(), import.settings.options());
    let counted = tokio::task::spawn_blocking(move || reader::count(copy, &name, &options)).await.map_err(broke)?;
    let total = match counted {
        Ok(rows) => i64::try_from(rows).unwrap_or(i64::MAX),
        Err(error) => return Ok(Err(error)),
    };
    let tx = db.begin().await?;
    let sql = "UPDATE imports SET total = $3, version = version + 1 WHERE account_id = $1 AND id = $2";
    tx.run(sql, vals![scope.account(), import.id, total]).await?;
    tx.commit().await?;
    Ok(Ok(total))
}

/// Writes a batch, again after a deadlock or a lost race. `None` when the lease is lost.
async fn patiently(
    db: &Db,
    scope: &AccountScope,
    import: &Import,
    batch: &Batch,
    lease: &str,
) -> Result<Option<Counts>> {
    let mut tried = 1;
    loop {
        match commit(db, scope, import, batch, lease).await {
            Err(error) if tried < TRIES && error.code != Code::Unavailable => {
                tracing::warn!(import = %import.id, %error, tried, "a batch of an import is tried again");
                tokio::time::sleep(Duration::from_millis(100) * tried).await;
                tried += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn commit(db: &Db, scope: &AccountScope, import: &Import, batch: &Batch, lease: &str) -> Result<Option<Counts>> {
    let tx = db.begin().await?;
    if !WORK.renew(&tx, scope, import.id.0, lease).await? {
        return Ok(None);
    }
    let written = bulk::write(&tx, scope, import, &batch.rows).await?;
    let errors: Vec<RowError> = batch.errors.iter().chain(&written.errors).cloned().collect();
    let refused = i64::try_from(errors.len()).unwrap_or(i64::MAX);
    bulk::write_errors(&tx, import, &errors).await?;
    let before = import.counts;
    let counts = Counts {
        done: before.done.saturating_add(i64::try_from(batch.read).unwrap_or(i64::MAX)),
        created: before.created.saturating_add(written.created),
        updated: before.updated.saturating_add(written.updated),
        unchanged: before.unchanged.saturating_add(written.unchanged),
        duplicates: before.duplicates.saturating_add(batch.duplicates),
        invalid: before.invalid.saturating_add(refused),
        ambiguous: before.ambiguous.saturating_add(batch.ambiguous),
    };
    let Counts { done, created, updated, unchanged, duplicates, invalid, ambiguous } = counts;
    let sql = "UPDATE imports SET done = $3, created = $4, updated = $5, unchanged = $6, duplicates = $7, invalid = $8, \
        ambiguous = $9, version = version + 1 WHERE account_id = $1 AND id = $2 AND done = $10";
    let values = vals![
        scope.account(),
        import.id,
        done,
        created,
        updated,
        unchanged,
        duplicates,
        invalid,
        ambiguous,
        before.done
    ];
    if tx.run(sql, values).await? == 0 {
        return Ok(None); // the checkpoint is another one
    }
    tx.commit().await?;
    Ok(Some(counts))
}
