//! The language in which one says which contacts are meant: `all`, `any` and `not` over comparisons of fields.
//!
//! [`ContactFilter`] is a filter as it is written (JSON); [`read()`] checks it against the account's own fields and
//! groups and gives a [`Tree`], which is typed and knows what day it is; [`list`], [`ids`] and [`count`] run it.
//!
//! Invariants: a comparison with something that a contact does not have is false, and `not` is its exact opposite;
//! letters compare whatever their case, by one table for both databases; a tree means the same on SQLite and
//! PostgreSQL (`tests.rs` holds both against a plain reading of the same tree in Rust).

mod asked;
mod compile;
mod days;
mod driver;
mod fields;
mod fold;
mod leads;
mod queries;
mod read;
mod shape;
#[cfg(test)]
mod tests;
mod tree;
mod values;

pub(crate) use compile::Writer;
pub(crate) use days::age;
pub(super) use days::latest_birth;
pub(crate) use fold::alike;
pub use queries::{Listed, among, count, ids, list};
pub(super) use queries::{Sum, summed};
pub(super) use read::ported;
pub(crate) use read::today;
pub use read::{read, read_at};
pub use shape::{ContactFilter, FilterValue};
pub use tree::{Condition, Flag, Operand, Span, Test, Tree};

/// How deep `all`, `any` and `not` may stand in one another.
pub const MAX_DEPTH: usize = 5;
/// Comparisons of one filter. PostgreSQL keeps 32 patterns ready at a time; with more it would read them anew for every
/// contact.
pub const MAX_CONDITIONS: usize = 32;
/// Values of one `any_of`.
pub const MAX_VALUES: usize = 200;
/// Characters of a text that is compared with.
pub const MAX_TEXT: usize = 200;
/// Days that `within_next_days` and `within_last_days` may look.
pub const MAX_DAYS: u32 = 36_500;
