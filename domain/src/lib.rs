//! Every rule and every row of Carillon: pure value types and one folder per capability.
//!
//! Invariants: a read takes `&impl ConnectionTrait`, a write takes `&DatabaseTransaction`, so an unwrapped write does
//! not compile; no carrier or HTTP call happens inside a transaction; every query starts from a scope.

pub mod balance;
pub mod accounts;
pub mod clock;
pub mod db;
pub mod error;
pub mod events;
pub mod files;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod messages;
pub mod money;
pub mod phone;
pub mod rates;
pub mod scope;
pub mod segments;
pub mod templates;
pub mod schema;
pub mod scope;
pub mod senders;
pub mod templates;
pub mod text_enum;
pub mod tokens;

pub use error::{Code, Error, Result};
