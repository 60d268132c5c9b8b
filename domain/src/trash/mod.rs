//! The trash: deleted contacts and groups, restorable until they are purged.
//!
//! States: live → in the trash → live again, or purged. What is in the trash is in tables of its own (`trashed_*`), the
//! row whole as JSON, so that no list, count, audience, filter or search needs to leave it out. A membership is in
//! `contact_groups` while both its group and its contact are live, else in `trashed_memberships`; it comes back with
//! the last of the two.
//!
//! Invariants: an id is live, in the trash, or gone, never two of these; a number in the trash may be made anew, and is
//! then restored no more while that contact lives; purging takes memberships and statements of consent along.

mod purge;
mod put;
mod queries;
mod replace;
mod restore;
mod shape;

#[cfg(test)]
mod tests;

pub use purge::{purge_contacts, purge_group, purge_live_group, purge_trashed, sweep};
pub use put::{contact, contacts, group, groups};
pub(crate) use queries::refusals;
pub use queries::{TrashedContact, TrashedGroup, get_contact, get_group, list_contacts, list_groups};
pub(crate) use replace::replace_values;
pub use restore::{Restored, restore_contact, restore_contacts, restore_group};

use std::time::Duration;

use sea_orm::DatabaseTransaction;

use crate::{accounts, clock::Timestamp, error::Result, scope::AccountScope};

/// Contacts that one request may name.
pub const MAX_IDS: usize = 10_000;

/// When what is deleted now is to be purged, by the account's setting.
async fn purge_at(tx: &DatabaseTransaction, scope: &AccountScope, now: Timestamp) -> Result<Timestamp> {
    let days = u64::try_from(accounts::find(tx, scope).await?.trash_days).unwrap_or(0);
    Ok(now.plus(Duration::from_secs(days.saturating_mul(86_400))))
}
