//! The file as a stream of batches, read and parsed on a thread of its own while the database writes.
//!
//! Invariant: what a batch holds depends on the file and the settings alone, so a resumed run cuts the same rows; the
//! numbers seen before the checkpoint are read again to know the duplicates after it.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufReader, Seek},
};

use sea_orm::DbBackend;
use tokio::sync::mpsc;

use super::{
    RowError, Settings,
    rows::{self, Key, Prepared},
};
use crate::{
    clock::Timestamp,
    files::{FileError, Limits, Options, Table, open_source},
};

/// Rows of the file in one batch, and so in one transaction: more save commits, but on SQLite everybody else who writes waits
/// until the transaction ends.
pub(super) fn batch_of(backend: DbBackend) -> u64 {
    if backend == DbBackend::Postgres { 4_000 } else { 2_000 }
}

/// The rows of one transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub rows: Vec<Prepared>,
    pub errors: Vec<RowError>,
    /// Rows of the file that these are.
    pub read: u64,
    pub duplicates: i64,
    pub ambiguous: i64,
}

/// What a file may cost.
pub(super) const LIMITS: Limits = Limits::DEFAULT;

fn open(mut file: File, name: &str, options: &Options) -> Result<Table, FileError> {
    file.rewind()?;
    open_source(Box::new(BufReader::new(file)), name, &LIMITS, options)
}

/// How many data rows there are.
///
/// # Errors
/// What is wrong with the file as a whole, wherever in it: then no row of it is imported.
pub(super) fn count(file: File, name: &str, options: &Options) -> Result<u64, FileError> {
    let mut table = open(file, name, options)?;
    let mut rows = 0_u64;
    while let Some(row) = table.next_row() {
        if let Err(error) = row
            && error.fatal
        {
            return Err(error);
        }
        rows = rows.saturating_add(1);
    }
    Ok(rows)
}

/// Sends the batches, of `size` rows of the file, after the first `skip` rows (no consent in them is later than `latest`), and a fatal error of the file if there is one. Ends early when nobody
/// receives any more.
pub(super) fn read(
    file: File,
    name: &str,
    settings: &Settings,
    (skip, size): (u64, u64),
    latest: Timestamp,
    to: &mpsc::Sender<Result<Batch, FileError>>,
) {
    let mut table = match open(file, name, &settings.options()) {
        Ok(table) => table,
        Err(error) => {
            let _ = to.blocking_send(Err(error));
            return;
        }
    };
    let (plan, rule) = (settings.plan(), settings.rule());
    let mut seen = Seen::default();
    let (mut batch, mut place) = (Batch::default(), 0_u64);
    while let Some(row) = table.next_row() {
        match row {
            Err(error) if error.fatal => {
                if batch.read > 0 && to.blocking_send(Ok(batch)).is_err() {
                    return;
                }
                let _ = to.blocking_send(Err(error));
                return;
            }
            Err(error) => batch.errors.push(of_file(&error)),
            Ok(row) => match rows::read_key(&row, &plan, &rule) {
                Err(error) => batch.errors.push(error),
                Ok(key) if seen.has(&key) => batch.duplicates = batch.duplicates.saturating_add(1),
                Ok(key) => match rows::read(&row, &plan, key.clone(), latest) {
                    Err(error) => batch.errors.push(error),
                    Ok(row) => {
                        batch.ambiguous = batch.ambiguous.saturating_add(i64::from(key.ambiguous));
                        seen.insert(key);
                        batch.rows.push(row);
                    }
                },
            },
        }
        place = place.saturating_add(1);
        batch.read = batch.read.saturating_add(1);
        if place <= skip {
            batch = Batch::default(); // written before; only `seen` is kept
        } else if batch.read >= size && to.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
            return;
        }
    }
    if batch.read > 0 {
        let _ = to.blocking_send(Ok(batch));
    }
}

/// The numbers of accepted rows, by their sender; there are as many of these as the account has, or the one none.
#[derive(Default)]
struct Seen(HashMap<Option<String>, HashSet<u64>>);

impl Seen {
    fn has(&self, key: &Key) -> bool {
        self.0.get(&key.sender).is_some_and(|phones| phones.contains(&key.phone.as_u64()))
    }

    fn insert(&mut self, key: Key) {
        self.0.entry(key.sender).or_default().insert(key.phone.as_u64());
    }
}

fn of_file(error: &FileError) -> RowError {
    RowError {
        line: error.line.and_then(|line| i64::try_from(line).ok()).unwrap_or(0),
        code: error.code().to_owned(),
        detail: error.detail.clone(),
        field: None,
        value: None,
    }
}
