//! Exports: contacts, the blacklist or unsubscribes as a table for a spreadsheet, made by a job and kept as a file until
//! it expires.
//!
//! States: `queued` → `running` → `completed` or `failed`. Who runs it holds a lease that time renews; a killed run begins
//! anew, since nothing of its table is kept before all of it is there. A completed export has its file for
//! [`KEPT`]; then the row stays for a while, and at last goes too.
//!
//! Invariants: memory does not grow with the table; the rows are walked in the order of their ids, so that each that was
//! there all the time is in it once; the address of a file is signed, and of no use when the file is gone.

mod contacts;
mod create;
mod delete;
mod lists;
mod queries;
mod run;
mod sweep;

#[cfg(test)]
mod tests;

use std::time::Duration;

use sea_orm::{FromQueryResult, QueryResult};
use serde::{Deserialize, Serialize};

pub use contacts::FIELDS as CONTACT_FIELDS;
pub use create::{Order, create};
pub use delete::delete;
pub use lists::{BLACKLIST_FIELDS, UNSUBSCRIBE_FIELDS};
pub use queries::{by_address, get, list};
pub use run::run;
pub use sweep::sweep;

use crate::{
    clock::Timestamp,
    contacts::filter::ContactFilter,
    error::Result,
    ids::{AccountId, ContactId, ExportId, FileId, GroupId},
    jobs::{Queue, runs::Work},
    secrets::Keyring,
};

/// What a run of exports takes its row from.
const WORK: Work = Work { table: "exports", queue: Queue::ExportsRun };

/// How long the file of an export is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Groups that an export may be of.
pub const MAX_GROUPS: usize = 50;
/// Contacts that a request may name.
pub const MAX_CONTACTS: usize = 10_000;
/// Exports of an account that may wait or run at once.
pub const MAX_OPEN: i64 = 5;

crate::text_enum! {
    /// What an export is a table of.
    pub enum Kind("ExportKind") {
        /// Contacts.
        Contacts = "contacts",
        /// Numbers that are never sent to.
        Blacklist = "blacklist",
        /// Numbers that want nothing more from one sender.
        Unsubscribes = "unsubscribes",
    }
}

crate::text_enum! {
    /// How an export is written.
    pub enum Format("ExportFormat") {
        /// An Office Open XML workbook.
        Xlsx = "xlsx",
        /// Separated text in UTF-8 with a byte order mark.
        Csv = "csv",
    }
}

crate::text_enum! {
    /// Where an export stands.
    pub enum ExportStatus {
        /// Waits for a worker.
        Queued = "queued",
        /// Is being written.
        Running = "running",
        /// Its file is there until it expires.
        Completed = "completed",
        /// Ended without a file; the error tells why.
        Failed = "failed",
    }
}

/// What was asked for, settled when it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How it is written.
    pub format: Format,
    /// The ASCII character between the cells of text.
    pub separator: u8,
    /// Fields, in the order of the columns.
    pub fields: Vec<String>,
    /// Their titles.
    pub titles: Vec<String>,
    /// Only members of any of these groups; all contacts when empty.
    pub group_ids: Vec<GroupId>,
    /// Only these contacts.
    pub contact_ids: Option<Vec<ContactId>>,
    /// Only contacts that match, as of the moment the export was accepted.
    pub filter: Option<ContactFilter>,
}

/// An export as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is a table of.
    pub kind: Kind,
    /// Where it stands.
    pub status: ExportStatus,
    /// What was asked for.
    pub settings: Settings,
    /// The name under which it is saved.
    pub file_name: String,
    /// The finished table.
    pub file: Option<FileId>,
    /// Its size.
    pub bytes: Option<i64>,
    /// Rows that are written.
    pub done: i64,
    /// Rows that there were when it began.
    pub total: Option<i64>,
    /// Code and sentence of what ended a failed export.
    pub error: Option<(String, String)>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When its file goes.
    pub expires_at: Option<Timestamp>,
    /// Counts changes, for ETag.
    pub version: i64,
}

impl FromQueryResult for Export {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let json = |e: serde_json::Error| sea_orm::DbErr::Json(e.to_string());
        let code: Option<String> = row.try_get(pre, "error_code")?;
        let detail: Option<String> = row.try_get(pre, "error_detail")?;
        Ok(Self {
            id: row.try_get(pre, "id")?,
            account: row.try_get(pre, "account_id")?,
            kind: row.try_get(pre, "kind")?,
            status: row.try_get(pre, "status")?,
            settings: serde_json::from_value(row.try_get(pre, "settings")?).map_err(json)?,
            file_name: row.try_get(pre, "file_name")?,
            file: row.try_get(pre, "file_id")?,
            bytes: row.try_get(pre, "bytes")?,
            done: row.try_get(pre, "done")?,
            total: row.try_get(pre, "total")?,
            error: code.map(|code| (code, detail.unwrap_or_default())),
            created_at: row.try_get(pre, "created_at")?,
            started_at: row.try_get(pre, "started_at")?,
            finished_at: row.try_get(pre, "finished_at")?,
            expires_at: row.try_get(pre, "expires_at")?,
            version: row.try_get(pre, "version")?,
        })
    }
}

impl Export {
    /// The path of the finished table on this server, until it expires; signed, so that nobody can make it up. It is the
    /// whole right to the file: who has it needs no token.
    ///
    /// # Errors
    /// Internal without a key to sign with.
    pub fn address(&self, keys: &Keyring, now: Timestamp) -> Result<Option<String>> {
        let Self { id, file, expires_at, file_name, .. } = self;
        let there = file.is_some() && expires_at.is_some_and(|end| now < end);
        let signed = || Ok(format!("/v1/exports/{id}/{}/{file_name}", keys.sign(&signed(*id))?));
        there.then(signed).transpose()
    }
}

/// What the address of an export's file is signed over.
fn signed(id: ExportId) -> String {
    format!("export {id}")
}
