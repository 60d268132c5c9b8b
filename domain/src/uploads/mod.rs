//! Files that people upload, or that jobs make for them, kept in the database in pieces: the worker may run on another
//! host, and any process of the API can give a file out.
//!
//! Invariants: a file is never in memory as a whole; what nobody deletes expires; a file is read and deleted only
//! through the account it belongs to.

mod read;
mod store;

use sea_orm::FromQueryResult;

pub use read::{fetch, get, piece};
pub use store::{KEPT, delete, remove, store, sweep};

use crate::{clock::Timestamp, ids::FileId};

/// Largest upload, in bytes.
pub const MAX_BYTES: u64 = 64 << 20;
/// Bytes of one piece.
pub const PIECE: usize = 256 << 10;

/// A file that is all there.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Upload {
    /// Its id.
    pub id: FileId,
    /// The name it was uploaded under.
    pub name: String,
    /// Its size.
    pub bytes: i64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it is deleted by itself.
    pub expires_at: Timestamp,
}
