//! The blacklist: numbers that are never sent to, whatever group or request they come from.
//!
//! Invariants: a number stands once in an account's list; an import of contacts never takes one off; a number may be
//! listed without being a contact.

mod queries;
mod write;

use sea_orm::{FromQueryResult, QueryResult};

pub(crate) use queries::has;
pub use queries::{blacklisted, get, list};
pub use write::{Source, add, remove};

use crate::{clock::Timestamp, ids::BlacklistId, phone::Msisdn};

/// One number of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: BlacklistId,
    /// The number.
    pub phone: Msisdn,
    /// Why, in people's words.
    pub reason: Option<String>,
    /// How it came here, such as `api` or `stop_reply`.
    pub source: String,
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
            created_at: row.try_get(pre, "created_at")?,
        })
    }
}
