//! Imports: an uploaded table read by a job, into contacts, the blacklist or the unsubscribes.
//!
//! States: `queued` → `running` → `completed`, `failed` or `cancelled`. Who runs it holds a lease that each batch and time renew; `done`, the
//! checkpoint, is committed with what its rows became, so a killed run goes on where the last batch ended and
//! nothing is counted twice.
//!
//! A file is read through before its first row is imported: one that is broken or too large anywhere changes nothing.
//!
//! Invariants: rows done = created + updated + unchanged + duplicates + invalid; within a file the first row of a number
//! (of unsubscribes: of a number and a sender) wins; a row with a value that cannot be read is refused whole, told by line and field; an import never turns a
//! refused consent into anything else, nor a consent into an older one; one of contacts touches neither blacklist nor unsubscribes, and one of
//! either touches nothing else. Every accepted row's contact joins the import's
//! groups, whatever the merge type.

mod bulk;
mod cancel;
mod cells;
mod create;
mod finish;
mod look;
mod merge;
mod names;
mod plan;
mod preview;
mod purge;
mod queries;
mod reader;
mod record;
mod rows;
mod run;
mod senders;
mod suggest;
mod sweep;

#[cfg(test)]
mod tests;

use std::time::Duration;

use sea_orm::{FromQueryResult, QueryResult};

pub use cancel::cancel;
pub use create::{Order, Upload, create};
pub use merge::MergeType;
pub use plan::{Settings, TARGETS};
pub use preview::{Preview, PreviewRow, preview};
pub use purge::purge;
pub use queries::{errors, find, get, list};
pub use run::run;
pub use suggest::{By, Suggestion};
pub use sweep::sweep;

use crate::{
    clock::Timestamp,
    ids::{AccountId, FileId, GroupId, ImportId},
    jobs::{Queue, runs::Work},
};

/// What a run of imports takes its row from.
const WORK: Work = Work { table: "imports", queue: Queue::ContactsImport };

/// How long the refused rows of an import are kept after its end; their count stays.
pub const ERRORS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Groups that one import may fill.
pub const MAX_GROUPS: usize = 20;

crate::text_enum! {
    /// What the rows of an import become.
    pub enum Kind("ImportKind") {
        /// Contacts.
        Contacts = "contacts",
        /// Numbers of the blacklist.
        Blacklist = "blacklist",
        /// Numbers that want nothing from one sender.
        Unsubscribes = "unsubscribes",
    }
}

crate::text_enum! {
    /// Where an import stands.
    pub enum ImportStatus {
        /// Waits for a worker.
        Queued = "queued",
        /// Is being read.
        Running = "running",
        /// Every row has been read.
        Completed = "completed",
        /// Ended before the last row; the error tells why. Rows counted before stay imported.
        Failed = "failed",
        /// Stopped on request. Rows counted before stay imported.
        Cancelled = "cancelled",
    }
}

impl ImportStatus {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What became of the rows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromQueryResult)]
pub struct Counts {
    /// Rows of the file that are done: the checkpoint and the sum of the five below.
    pub done: i64,
    /// Contacts made, or numbers new on the list.
    pub created: i64,
    /// Contacts changed.
    pub updated: i64,
    /// Contacts that had the same values, or that the merge type leaves alone; numbers that were on the list.
    pub unchanged: i64,
    /// Rows whose number stands in the file before.
    pub duplicates: i64,
    /// Rows refused.
    pub invalid: i64,
    /// Accepted rows whose digits had two valid readings.
    pub ambiguous: i64,
}

/// An import as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Whose it is.
    pub account: AccountId,
    /// What its rows become.
    pub kind: Kind,
    /// The upload; deleted when the import ends, unless a request of its own stored it.
    pub file: FileId,
    /// The name it was uploaded under.
    pub file_name: String,
    /// Where it stands.
    pub status: ImportStatus,
    /// What happens to contacts that exist.
    pub merge: MergeType,
    /// Field to column, as asked for or suggested.
    pub mapping: serde_json::Value,
    /// How the file is read, settled when it was accepted.
    pub settings: Settings,
    /// The groups it fills.
    pub group_ids: Vec<GroupId>,
    /// Rows in the file, once they have been counted.
    pub total: Option<i64>,
    /// What became of the rows so far.
    pub counts: Counts,
    /// Code and sentence of what ended a failed import.
    pub error: Option<(String, String)>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Counts changes, for ETag.
    pub version: i64,
}

impl FromQueryResult for Import {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let json = |e: serde_json::Error| sea_orm::DbErr::Json(e.to_string());
        let code: Option<String> = row.try_get(pre, "error_code")?;
        let detail: Option<String> = row.try_get(pre, "error_detail")?;
        Ok(Self {
            id: row.try_get(pre, "id")?,
            account: row.try_get(pre, "account_id")?,
            kind: row.try_get(pre, "kind")?,
            file: row.try_get(pre, "file_id")?,
            file_name: row.try_get(pre, "file_name")?,
            status: row.try_get(pre, "status")?,
            merge: row.try_get(pre, "merge")?,
            mapping: row.try_get(pre, "mapping")?,
            settings: serde_json::from_value(row.try_get(pre, "options")?).map_err(json)?,
            group_ids: serde_json::from_value(row.try_get(pre, "group_ids")?).map_err(json)?,
            total: row.try_get(pre, "total")?,
            counts: Counts::from_query_result(row, pre)?,
            error: code.map(|code| (code, detail.unwrap_or_default())),
            created_at: row.try_get(pre, "created_at")?,
            started_at: row.try_get(pre, "started_at")?,
            finished_at: row.try_get(pre, "finished_at")?,
            version: row.try_get(pre, "version")?,
        })
    }
}

impl Import {
    /// The column of the file that feeds a field: its title, or its number.
    pub fn column_of(&self, field: &str) -> Option<&str> {
        self.mapping.get(field).and_then(serde_json::Value::as_str)
    }
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct RowError {
    /// The line of the text file, the row of the sheet, or the place in a list of numbers.
    pub line: i64,
    /// A stable word, such as `phone_invalid`.
    pub code: String,
    /// A sentence.
    pub detail: String,
    /// The contact field, or none when it is about the whole row.
    pub field: Option<String>,
    /// What stood there, cut to 100 characters.
    pub value: Option<String>,
}
