//! Uploaded files, kept in the database in pieces until their job has read them: the worker may run on another host.
//!
//! Invariants: a file is never in memory as a whole; what nobody deletes expires; a file is read and deleted only
//! through the account it belongs to.

mod read;
mod store;

pub use read::{exists, fetch};
pub use store::{delete, store, sweep};

/// Largest upload, in bytes.
pub const MAX_BYTES: u64 = 64 << 20;
/// Bytes of one piece.
pub const PIECE: usize = 256 << 10;
