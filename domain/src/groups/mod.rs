//! Groups of contacts. A contact may be in many; a group may be hidden from pickers, or be a stop list whose members are
//! never sent to.
//!
//! Invariants: a name is unique in its account; group and members belong to the same account; a group that is deleted
//! goes to the trash (see [`crate::trash`]) and leaves its contacts; values that hold in one group only go with the
//! membership.

mod elsewhere;
mod members;
mod overrides;
mod queries;
mod replace;
#[cfg(test)]
mod tests;
mod write;

use sea_orm::FromQueryResult;

pub use elsewhere::Elsewhere;
pub(crate) use elsewhere::{clear_overrides, overrides_of, unite, with_overrides};
pub use members::{Changed, MAX_IDS, add, add_members_of, copy, move_to, remove, remove_members_of};
pub(crate) use members::{copy_members, insert, insert_new, take_out};
pub use overrides::{Change, MAX_CHANGES, Member, members, set};
pub(crate) use overrides::{between, over};
pub(crate) use queries::stops;
pub use queries::{Filter, get, list, named};
pub(crate) use replace::{replace_overrides, replace_values};
pub use write::{New, Patch, create, ensure, update};

use crate::{clock::Timestamp, ids::GroupId};

/// Characters of a name.
pub const MAX_NAME: usize = 100;
/// Characters of a description.
pub const MAX_DESCRIPTION: usize = 1_000;

/// A group as stored, with the count of its members.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Unique in the account.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Not offered in pickers.
    pub hidden: bool,
    /// Members are never sent to.
    pub stop_list: bool,
    /// How many contacts are in it.
    pub contacts: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When name, description or flags last changed.
    pub updated_at: Timestamp,
    /// Counts changes, for ETag.
    pub version: i64,
}

/// A group's id and name.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Named {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}
