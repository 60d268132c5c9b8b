//! Carriers: the ways out, each a row with its settings, so that several processes see the same.
//!
//! Invariants: settings are checked when written; a password is never shown again; a carrier that is off takes no new
//! window, and what is under way on it comes to its end.

mod queries;
mod settings;
mod upsert;

pub use queries::{Carrier, all, by_name};
pub use settings::{Codec, SmppSettings};
pub use upsert::upsert;
