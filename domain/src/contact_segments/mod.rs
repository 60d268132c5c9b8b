//! Segments: filters over contacts that the account keeps under a name (CON-07). A group has members; a segment has none
//! of its own, and is asked anew each time: for a list, a count, or the audience of a campaign when it is prepared.
//!
//! Invariants: a name is unique in its account; a filter was valid when it was stored. A group or field that it names
//! may be gone since: it is then refused wherever it is used, with the place in its filter.

mod queries;
mod write;

use sea_orm::{FromQueryResult, QueryResult};

pub use queries::{get, list, named, tree};
pub use write::{New, Patch, create, delete, update};

use crate::{clock::Timestamp, contacts::ContactFilter, ids::SegmentId};

/// How many segments an account may have.
pub const LIMIT: i64 = 500;
/// Characters of a name.
pub const MAX_NAME: usize = 100;
/// Characters of a description.
pub const MAX_DESCRIPTION: usize = 1_000;

/// A segment as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// Unique in the account.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Which contacts.
    pub filter: ContactFilter,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts changes, for ETag.
    pub version: i64,
}

impl FromQueryResult for Segment {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let filter: serde_json::Value = row.try_get(pre, "filter")?;
        Ok(Self {
            id: row.try_get(pre, "id")?,
            name: row.try_get(pre, "name")?,
            description: row.try_get(pre, "description")?,
            filter: serde_json::from_value(filter).map_err(|e| sea_orm::DbErr::Json(e.to_string()))?,
            created_at: row.try_get(pre, "created_at")?,
            updated_at: row.try_get(pre, "updated_at")?,
            version: row.try_get(pre, "version")?,
        })
    }
}
