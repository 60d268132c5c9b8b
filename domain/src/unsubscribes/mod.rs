//! Unsubscribes: numbers that want nothing more from one sender, and may be sent to from the others.
//!
//! Invariants: a number stands once for a sender; what a stop by reply has put here a start by reply takes away, and
//! nothing else; a pair that is here already keeps its reason and source, whatever notes it again.

mod queries;
mod write;

use sea_orm::{FromQueryResult, QueryResult};

pub(crate) use queries::has;
pub use queries::{get, list};
pub(crate) use write::{Wanted, carry_over, insert, start, stop};
pub use write::{add, remove};

use crate::{clock::Timestamp, ids::UnsubscribeId, phone::Msisdn};

crate::text_enum! {
    /// How an unsubscribe came.
    pub enum Source("UnsubscribeSource") {
        /// By a request.
        Api = "api",
        /// By an import of a file.
        Import = "import",
        /// By a reply of the subscriber, such as `STOP`.
        StopReply = "stop_reply",
        /// With a contact that was merged into the one with this number.
        Merge = "merge",
    }
}

/// One number and the sender that it wants nothing from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    pub id: UnsubscribeId,
    pub phone: Msisdn,
    pub sender: String,
    /// Why, in people's words.
    pub reason: Option<String>,
    pub source: Source,
    /// The public id of the import, inbound message or merged contact that it came by.
    pub source_id: Option<String>,
    pub created_at: Timestamp,
}

impl FromQueryResult for Unsubscribe {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let phone: i64 = row.try_get(pre, "phone")?;
        Ok(Self {
            id: row.try_get(pre, "id")?,
            phone: Msisdn::try_from(phone).map_err(|e| sea_orm::DbErr::Type(e.to_string()))?,
            sender: row.try_get(pre, "sender")?,
            reason: row.try_get(pre, "reason")?,
            source: row.try_get(pre, "source")?,
            source_id: row.try_get(pre, "source_id")?,
            created_at: row.try_get(pre, "created_at")?,
        })
    }
}
