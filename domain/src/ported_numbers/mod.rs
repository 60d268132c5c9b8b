//! Ported numbers: those whose operator is another than the one to which their range was issued.
//!
//! That is a fact of the number and not of a contact, and it decides what a message costs and which way it takes; so it is
//! one table of the platform, by number, which the operator fills from the lists of a country, and which no account can
//! write. Whoever wants to know the operator of a number asks the table first and the prefixes then.
//!
//! Invariants: a number stands here once; a message keeps the operator that it was priced and routed by; a contact's own
//! column has the operator of the prefix, so that a number that is ported back needs no change there.

mod import;
mod queries;
#[cfg(test)]
mod tests;
mod write;

use sea_orm::{FromQueryResult, QueryResult};

pub use import::{Reader, forget_unseen};
pub use queries::{Filter, find, list};
pub(crate) use queries::{JOIN, any, fill, of};
pub use write::{MAX_OPERATOR, MAX_PUT, Put, put, remove};

use crate::{clock::Timestamp, phone::Msisdn};

/// A ported number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortedNumber {
    /// The number.
    pub phone: Msisdn,
    /// The operator that has it now.
    pub operator: String,
    /// When this was last said.
    pub updated_at: Timestamp,
}

impl FromQueryResult for PortedNumber {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let phone: i64 = row.try_get(pre, "phone")?;
        Ok(Self {
            phone: Msisdn::try_from(phone).map_err(|e| sea_orm::DbErr::Type(e.to_string()))?,
            operator: row.try_get(pre, "operator")?,
            updated_at: row.try_get(pre, "updated_at")?,
        })
    }
}
