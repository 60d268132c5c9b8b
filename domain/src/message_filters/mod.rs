//! Message filters: conditions of the list of messages, kept under a name of the account's own (REP-01).
//!
//! The conditions are the API's query parameters, by name, and opaque here: the list reads and checks them, when they are
//! kept just as when they are sent.
//!
//! Invariants: a name is unique within its account; conditions are a JSON object with at least one member; an account has
//! at most [`LIMIT`].

mod create;
mod delete;
mod entity;
mod queries;
mod update;

pub use create::{NewMessageFilter, create};
pub use delete::delete;
pub use entity::{Entity, Model as MessageFilter};
pub use queries::{find, list};
pub use update::{Change, update};

/// How many filters an account may have.
pub const LIMIT: u64 = 200;
