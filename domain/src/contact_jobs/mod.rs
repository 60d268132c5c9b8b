//! Contact jobs: work on many contacts in the background. A selection says which, an action says what becomes of them; a
//! dry run counts them and does nothing.
//!
//! States: `queued` → `running` → `completed`, `failed` or `cancelled`. A job goes in steps, each a short transaction with
//! its checkpoint (`phase`, `after_id`), so that a worker that dies is followed by another at the next row and nothing is
//! done or counted twice; between two steps others write. Who works on it holds a lease that each step renews.
//!
//! Invariants: every selection is walked in the order of an id, and each row once: who joins behind the checkpoint is not
//! met; a dry run changes no contact.

mod act;
mod create;
mod duplicates;
mod lease;
mod queries;
mod run;
mod select;
mod sweep;
mod tally;

#[cfg(test)]
mod tests;

use sea_orm::{FromQueryResult, QueryResult};
use serde::{Deserialize, Serialize};

pub use create::{Order, cancel, create};
pub use duplicates::{DuplicateSet, sets};
pub use queries::{get, list};
pub use run::{run, run_briefly};
pub use sweep::sweep;

use crate::{
    clock::Timestamp,
    contacts::ContactFilter,
    ids::{AccountId, CampaignId, ContactId, ContactJobId, GroupId},
    jobs::{Queue, runs::Work},
    messages::Status,
};

/// What a run of contact jobs takes its row from.
const WORK: Work = Work { table: "contact_jobs", queue: Queue::ContactJobs };

/// Contacts that one request may name.
pub const MAX_IDS: usize = 10_000;
/// Rows of one step.
const PIECE: usize = 2_000;
/// The most messages of each contact that a selection may ask about.
pub const MAX_LAST: u32 = 20;
/// The most days that it may look back.
pub const MAX_DAYS: u32 = 3_650;
/// Fields by which duplicates may be found together.
pub const MAX_BY: usize = 5;

crate::text_enum! {
    /// Where a contact job stands.
    pub enum JobStatus("ContactJobStatus") {
        /// Waits for a worker.
        Queued = "queued",
        /// Is being done.
        Running = "running",
        /// All is done.
        Completed = "completed",
        /// Ended before the last contact; the error tells why. What was done before stays done.
        Failed = "failed",
        /// Stopped by a request. What was done before stays done.
        Cancelled = "cancelled",
    }
}

impl JobStatus {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

crate::text_enum! {
    /// Which contact of a set of duplicates stays.
    pub enum Survivor("ContactSurvivor") {
        /// The one that was made first.
        Oldest = "oldest",
        /// The one that was made last.
        Newest = "newest",
        /// The one that was changed last.
        LastUpdated = "last_updated",
    }
}

/// Which contacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Those that match a filter, as of the moment of the request.
    Filter { filter: Box<ContactFilter> },
    /// These.
    Contacts { contact_ids: Vec<ContactId> },
    /// The members of a group; perhaps only those that are in no other.
    Group { group_id: GroupId, only_here: bool },
    /// The recipients of a campaign whose messages ended so.
    Campaign { campaign_id: CampaignId, statuses: Vec<Status> },
    /// Contacts whose last messages all ended so; perhaps only members of a group.
    Undelivered { last: u32, statuses: Vec<Status>, days: u32, group_id: Option<GroupId> },
    /// Contacts that have these fields in common; for `phone`, contacts whose values differ between groups. Perhaps only
    /// among members of a group, or among those that match a filter, as of the moment of the request.
    Duplicates {
        by: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_id: Option<GroupId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<Box<ContactFilter>>,
    },
}

/// What becomes of the contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// They go to the trash.
    Trash,
    /// They are deleted for good.
    Delete,
    /// They join a group; those that are in `from_group_id` with the values that they have there only.
    AddToGroup {
        group_id: GroupId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_group_id: Option<GroupId>,
    },
    /// Those that are in one group go to another, with the values that they have there only.
    MoveToGroup { from_group_id: GroupId, group_id: GroupId },
    /// They leave a group.
    RemoveFromGroup { group_id: GroupId },
    /// Their numbers go on the blacklist.
    Blacklist { reason: Option<String> },
    /// Each set of duplicates becomes one contact.
    Merge { survivor: Survivor },
    /// Of each set of duplicates all but one go to the trash.
    TrashOthers { survivor: Survivor },
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: ContactJobId,
    /// Whose it is.
    pub account: AccountId,
    /// Which contacts.
    pub selection: Selection,
    /// What becomes of them; none only in a dry run.
    pub action: Option<Action>,
    /// Whether it only counts.
    pub dry_run: bool,
    /// Where it stands.
    pub status: JobStatus,
    /// The walk it is at.
    pub(crate) phase: i64,
    /// The last row of that walk that is done.
    pub(crate) after: Option<uuid::Uuid>,
    /// Rows looked at.
    pub done: i64,
    /// Rows there are to look at, when that is known.
    pub total: Option<i64>,
    /// Contacts, numbers or sets that are meant.
    pub matched: i64,
    /// Those of them that were changed.
    pub changed: i64,
    /// Code and sentence of what ended a failed job.
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

impl FromQueryResult for Job {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let json = |e: serde_json::Error| sea_orm::DbErr::Json(e.to_string());
        let code: Option<String> = row.try_get(pre, "error_code")?;
        let detail: Option<String> = row.try_get(pre, "error_detail")?;
        Ok(Self {
            id: row.try_get(pre, "id")?,
            account: row.try_get(pre, "account_id")?,
            selection: serde_json::from_value(row.try_get(pre, "selection")?).map_err(json)?,
            action: serde_json::from_value(row.try_get(pre, "action")?).map_err(json)?,
            dry_run: row.try_get(pre, "dry_run")?,
            status: row.try_get(pre, "status")?,
            phase: row.try_get(pre, "phase")?,
            after: row.try_get(pre, "after_id")?,
            done: row.try_get(pre, "done")?,
            total: row.try_get(pre, "total")?,
            matched: row.try_get(pre, "matched")?,
            changed: row.try_get(pre, "changed")?,
            error: code.map(|code| (code, detail.unwrap_or_default())),
            created_at: row.try_get(pre, "created_at")?,
            started_at: row.try_get(pre, "started_at")?,
            finished_at: row.try_get(pre, "finished_at")?,
            version: row.try_get(pre, "version")?,
        })
    }
}

/// What one step did, and where the next one begins.
#[derive(Debug, Default)]
struct Outcome {
    /// Rows looked at.
    scanned: i64,
    /// Rows that are meant.
    matched: i64,
    /// What was changed.
    changed: i64,
    /// The walk and the row to go on after; `None`: all is done.
    next: Option<(i64, Option<uuid::Uuid>)>,
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
