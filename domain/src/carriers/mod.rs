//! Carriers: the ways out, each a row with its settings, so that several processes see the same.
//!
//! Two kinds: SMPP ([`smpp`]) and HTTP ([`http`]). States: enabled or not. A change is seen by every worker within a second, which makes the connections anew. What a
//! worker last said of each connection is in `carrier_binds` ([`health`]).
//!
//! Invariants: settings are checked when written; a password is sealed at rest and never shown again; a carrier that is
//! off takes no new window, and what is under way on it comes to its end; a carrier is deleted only when nothing uses
//! it and no receipt of it is awaited.

mod bad_input;
mod create;
mod delete;
pub mod health;
pub mod http;
mod kinds;
mod queries;
mod seal;
pub mod smpp;
#[cfg(test)]
mod tests;
mod update;
mod upsert;

pub use bad_input::BadInput;
pub use create::{NewCarrier, create};
pub use delete::delete;
pub use http::HttpSettings;
pub use kinds::{Kind, Settings};
pub(crate) use queries::resends;
pub use queries::{Carrier, all, by_name, called, find, list};
pub use seal::{any_sealed, seal_all};
pub use smpp::{AddressType, AddressTypes, BindMode, Codec, SmppChange, SmppSettings, TlsSettings};
pub use update::{Change, update};
pub use upsert::upsert;
