//! Accounts: whose rows everything is, and the settings that rule how they send.
//!
//! States: `test` (new, restricted), `active`, `suspended` (reads only), `closed` (nothing). A test environment is an
//! account of its own beside the live one (`mode`, `live_account_id`).
//!
//! Invariants: `currency` is fixed at the first posting; `countries` is what may be sent to.

mod create;
mod entity;
mod queries;
mod update;

pub use create::{NewAccount, create};
pub use entity::{Column, Countries, Entity, Mode, Model as Account, Status, Words};
pub use queries::{by_id, find};
pub use update::{Change, fix_currency, set_status, update};
