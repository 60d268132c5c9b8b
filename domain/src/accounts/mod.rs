//! Accounts: whose rows everything is, and the settings that rule how they send.
//!
//! States: `test` (new, restricted), `active`, `suspended` (reads only), `closed` (nothing). A test environment is an
//! account of its own beside the live one (`mode`, `live_account_id`).
//!
//! Whom campaigns leave alone, and when, are settings too: [`QuietHours`] and [`FrequencyCaps`].
//!
//! Invariants: `currency` is fixed at the first posting; `countries` is what may be sent to.

mod create;
mod entity;
mod frequency_caps;
mod queries;
mod quiet_hours;
mod update;

pub use create::{NewAccount, create};
pub use entity::{Column, Countries, Entity, Mode, Model as Account, Status, Words};
pub use frequency_caps::{FrequencyCap, FrequencyCaps, MAX_DAYS, SentOn};
pub use queries::{by_id, find};
pub use quiet_hours::QuietHours;
pub use update::{Change, fix_currency, set_status, update};
