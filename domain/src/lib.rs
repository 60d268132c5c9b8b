//! Every rule and every row of Carillon: pure value types and one folder per capability.
//!
//! Invariants: a read takes `&impl ConnectionTrait`, a write takes `&DatabaseTransaction`, so an unwrapped write does
//! not compile; no carrier or HTTP call happens inside a transaction; every query starts from a scope.

pub mod accounts;
pub mod balance;
pub mod blacklist;
pub mod campaigns;
pub mod carriers;
pub mod clock;
pub mod contact_fields;
pub mod contact_jobs;
pub mod contact_segments;
pub mod contacts;
pub mod db;
pub mod error;
pub mod events;
pub mod exports;
pub mod files;
pub mod groups;
pub mod hours;
pub mod housekeeping;
pub mod idempotency;
pub mod ids;
pub mod imports;
pub mod inbound_messages;
pub mod jobs;
pub mod leases;
pub mod message_filters;
pub mod messages;
pub mod money;
pub mod numbers;
pub mod operator_tokens;
pub mod phone;
pub mod ported_numbers;
pub mod rates;
pub mod reports;
pub mod routes;
pub mod schema;
pub mod scope;
pub mod secrets;
pub mod segments;
pub mod senders;
pub mod templates;
#[cfg(test)]
pub(crate) mod testing;
pub mod text_enum;
pub mod together;
pub mod tokens;
pub mod traces;
pub mod trash;
pub mod unsubscribes;
pub mod uploads;

pub use error::{Code, Error, Result};
