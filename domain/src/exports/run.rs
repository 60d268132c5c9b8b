//! The job: walks the rows a page at a time, writes them to a temporary file, and stores that when all are there.
//!
//! A killed run leaves nothing but a temporary file that has no name. Two runs of one export cannot both end it: the
//! last step checks the lease.

use std::{fs::File, io::BufWriter};

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::{
    Export, Format, KEPT, Kind, WORK,
    contacts::{self, Beside},
    lists, queries,
};
use crate::{
    blacklist,
    contacts::{Contact, filter::Tree},
    db::{Db, Sql, Window, lies_in_the_data},
    error::{Code, Error, Result},
    files::output::{Cell, Form, Output},
    ids::{BlacklistId, ContactId, ExportId, UnsubscribeId},
    jobs::runs,
    ported_numbers,
    scope::{AccountScope, SystemScope},
    unsubscribes::{self, Unsubscribe},
    uploads, vals,
};

/// Rows of one page.
const PAGE: usize = 2_000;

/// Works on an export until it is final. Does nothing when another holds its lease or it is final already. `owner` names
/// the worker, for people who look at the row.
///
/// # Errors
/// When the database cannot be reached or refuses: the lease ends by itself, and a later run begins anew.
pub async fn run(db: &Db, system: &SystemScope, id: ExportId, owner: &str) -> Result<()> {
    let lease = runs::name_of(owner);
    let Some(scope) = WORK.claim(db, system, id.0, &lease).await? else { return Ok(()) };
    let outcome = tokio::select! {
        biased;
        outcome = work(db, &scope, id, &lease) => outcome,
        () = WORK.keep(db, &scope, id.0, &lease, runs::LASTS / 3) => return Ok(()), // somebody else has taken over, or it was deleted
    };
    match outcome {
        Err(error) if lies_in_the_data(&error) => {
            tracing::error!(export = %id, %error, "an export failed");
            failed(db, &scope, id, &lease).await
        }
        outcome => outcome,
    }
}

/// Renews the lease and tells how far the export is: rows that are written, and that there are. False when it is not ours.
async fn progress(db: &Db, scope: &AccountScope, id: ExportId, lease: &str, rows: Option<(i64, i64)>) -> Result<bool> {
    let until = scope.clock().now().plus(runs::LASTS);
    let (done, total) = rows.unzip();
    let tx = db.begin().await?;
    let sql = "UPDATE exports SET lease_until = $4, done = COALESCE($5, done), total = COALESCE($6, total), \
        version = version + 1 WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running'";
    let renewed = tx.run(sql, vals![scope.account(), id, lease, until, done, total]).await?;
    tx.commit().await?;
    Ok(renewed > 0)
}

async fn work(db: &Db, scope: &AccountScope, id: ExportId, lease: &str) -> Result<()> {
    let export = queries::get(db.read(), scope, id).await?;
    let tree = contacts::tree(db.read(), scope, &export).await?;
    let total = count(db, scope, &export, tree.as_ref()).await?;
    if !progress(db, scope, id, lease, Some((0, total))).await? {
        return Ok(());
    }
    let form = match export.settings.format {
        Format::Xlsx => Form::Xlsx,
        Format::Csv => Form::Csv { separator: export.settings.separator },
    };
    let file = tempfile::tempfile().map_err(full)?;
    let titles = export.settings.titles.clone();
    let mut output = packed(move || Output::new(BufWriter::new(file), form, &titles)).await?;
    let (mut after, mut done) = (Uuid::nil(), 0_i64);
    loop {
        let page = page(db, scope, &export, tree.as_ref(), after).await?;
        let Some(last) = page.last() else { break };
        after = last;
        done = done.saturating_add(i64::try_from(page.len()).unwrap_or(0));
        let fields = export.settings.fields.clone();
        output = packed(move || {
            page.write(&mut output, &fields)?;
            Ok(output)
        })
        .await?;
        // Contacts that came meanwhile are written too.
        if !progress(db, scope, id, lease, Some((done, total.max(done)))).await? {
            return Ok(()); // somebody else has taken over
        }
    }
    let file = packed(move || {
        let mut file = output.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        std::io::Seek::rewind(&mut file)?;
        Ok(file)
    })
    .await?;
    complete(db, scope, &export, lease, file, done).await
}

/// Stores the file and ends the export, if it is still ours.
async fn complete(db: &Db, scope: &AccountScope, export: &Export, lease: &str, file: File, done: i64) -> Result<()> {
    let source = tokio::fs::File::from_std(file);
    let file = uploads::store(db, scope, &export.file_name, source, KEPT).await?;
    let stored = uploads::get(db.read(), scope, file).await?;
    let tx = db.begin().await?;
    let sql = "UPDATE exports SET status = 'completed', file_id = $4, bytes = $5, expires_at = $6, done = $7, total = $7, \
        finished_at = $8, lease_owner = NULL, lease_until = NULL, version = version + 1 \
        WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running'";
    let now = scope.clock().now();
    let values = vals![scope.account(), export.id, lease, file, stored.bytes, stored.expires_at, done, now];
    if tx.run(sql, values).await? == 0 {
        uploads::delete(&tx, scope, file).await?; // somebody else has taken over, or it was deleted
    }
    tx.commit().await?;
    Ok(())
}

async fn failed(db: &Db, scope: &AccountScope, id: ExportId, lease: &str) -> Result<()> {
    let tx: DatabaseTransaction = db.begin().await?;
    let sql = "UPDATE exports SET status = 'failed', error_code = $4, error_detail = $5, finished_at = $6, \
        lease_owner = NULL, lease_until = NULL, version = version + 1 \
        WHERE account_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'running'";
    let detail = "Something went wrong on our side; ask for the export again.";
    let now = scope.clock().now();
    tx.run(sql, vals![scope.account(), id, lease, Code::Internal.as_str(), detail, now]).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes on a thread where that may block: a workbook is packed while it is written.
async fn packed<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let unavailable = Error::new(Code::Unavailable, "The export cannot be written just now.");
    done.map_err(|e| Error { source: Some(e.into()), ..unavailable })?.map_err(full)
}

/// The disk is full, for one: that passes.
fn full(error: std::io::Error) -> Error {
    Error { source: Some(error.into()), ..Error::new(Code::Unavailable, "The export cannot be written just now.") }
}

/// Rows of one page.
enum Page {
    Contacts(Vec<Contact>, Beside),
    Blacklist(Vec<blacklist::Entry>),
    Unsubscribes(Vec<Unsubscribe>),
}

impl Page {
    fn len(&self) -> usize {
        match self {
            Self::Contacts(rows, ..) => rows.len(),
            Self::Blacklist(rows) => rows.len(),
            Self::Unsubscribes(rows) => rows.len(),
        }
    }

    /// The id after which the next page begins.
    fn last(&self) -> Option<Uuid> {
        match self {
            Self::Contacts(rows, ..) => rows.last().map(|row| row.id.0),
            Self::Blacklist(rows) => rows.last().map(|row| row.id.0),
            Self::Unsubscribes(rows) => rows.last().map(|row| row.id.0),
        }
    }

    fn write(&self, output: &mut Output<BufWriter<File>>, fields: &[String]) -> std::io::Result<()> {
        fn each<'a, T>(
            output: &mut Output<BufWriter<File>>,
            fields: &[String],
            rows: &'a [T],
            cell: impl Fn(&'a T, &str) -> Cell<'a>,
        ) -> std::io::Result<()> {
            for row in rows {
                let cells: Vec<Cell<'_>> = fields.iter().map(|field| cell(row, field)).collect();
                output.row(&cells)?;
            }
            Ok(())
        }
        match self {
            Self::Contacts(rows, beside) => each(output, fields, rows, |row, field| contacts::cell(row, field, beside)),
            Self::Blacklist(rows) => each(output, fields, rows, lists::listed),
            Self::Unsubscribes(rows) => each(output, fields, rows, lists::unsubscribed),
        }
    }
}

async fn page(db: &Db, scope: &AccountScope, export: &Export, tree: Option<&Tree>, after: Uuid) -> Result<Page> {
    let conn = db.read();
    Ok(match export.kind {
        Kind::Contacts => {
            let window = Window { limit: PAGE, after: Some(ContactId(after)) };
            let mut rows = contacts::page(conn, scope, &export.settings, tree, window).await?;
            if export.settings.fields.iter().any(|field| field == "operator") {
                ported_numbers::fill(conn, rows.iter_mut()).await?;
            }
            let beside = contacts::beside(conn, scope, export, &rows).await?;
            Page::Contacts(rows, beside)
        }
        Kind::Blacklist => {
            let window = Window { limit: PAGE, after: Some(BlacklistId(after)) };
            Page::Blacklist(blacklist::list(conn, scope, None, None, window).await?.0)
        }
        Kind::Unsubscribes => {
            let window = Window { limit: PAGE, after: Some(UnsubscribeId(after)) };
            Page::Unsubscribes(unsubscribes::list(conn, scope, None, None, None, window).await?.0)
        }
    })
}

async fn count(db: &Db, scope: &AccountScope, export: &Export, tree: Option<&Tree>) -> Result<i64> {
    let sql = match export.kind {
        Kind::Contacts => return contacts::count(db.read(), scope, &export.settings, tree).await,
        Kind::Blacklist => "SELECT COUNT(*) FROM blacklist WHERE account_id = $1",
        Kind::Unsubscribes => "SELECT COUNT(*) FROM unsubscribes WHERE account_id = $1",
    };
    Ok(db.read().scalar(sql, vals![scope.account()]).await?.unwrap_or(0))
}
