//! The blacklist: numbers that are never sent to, whatever group or request they come from.
//!
//! Invariants: a number stands once in an account's list; an import of contacts never takes one off; a number may be
//! listed without being a contact; one that is listed already keeps its reason and source, whatever lists it again.

mod queries;
mod write;

use sea_orm::{FromQueryResult, QueryResult};

pub(crate) use queries::has;
pub use queries::{blacklisted, get, list};
pub(crate) use write::{MAX_REASON, carry_over, insert, outlive, start, stop};
pub use write::{add, remove};

use crate::{clock::Timestamp, ids::BlacklistId, phone::Msisdn};

crate::text_enum! {
    /// How a number came to the blacklist.
    pub enum Source("BlacklistSource") {
        /// By a request for this number.
        Api = "api",
        /// By an import of a file.
        Import = "import",
        /// As a member of a group.
        Group = "group",
        /// As a recipient of a campaign.
        Campaign = "campaign",
        /// By a reply of the subscriber that is for the whole account, such as `STOP ALL`.
        StopReply = "stop_reply",
        /// By a clean-up of contacts.
        CleanUp = "clean_up",
        /// With a contact that was merged into the one with this number.
        Merge = "merge",
        /// With a contact that had refused and was deleted for good.
        Refusal = "refusal",
    }
}

/// How numbers come to the list together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub source: Source,
    /// The public id of the import, group, campaign, inbound message, contact job or merged contact.
    pub id: Option<String>,
}

/// A number to be put on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub phone: Msisdn,
    pub reason: Option<String>,
}

/// One number of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: BlacklistId,
    /// The number.
    pub phone: Msisdn,
    /// Why, in people's words.
    pub reason: Option<String>,
    /// How it came here.
    pub source: Source,
    /// The public id of the import, group, campaign, inbound message, contact job or merged contact it came from.
    pub source_id: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

impl FromQueryResult for Entry {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let phone: i64 = row.try_get(pre, "phone")?;
        Ok(Self {
            id: row.try_get(pre, "id")?,
            phone: Msisdn::try_from(phone).map_err(|e| sea_orm::DbErr::Type(e.to_string()))?,
            reason: row.try_get(pre, "reason")?,
            source: row.try_get(pre, "source")?,
            source_id: row.try_get(pre, "source_id")?,
            created_at: row.try_get(pre, "created_at")?,
        })
    }
}
