//! API tokens: what a program shows to act for an account.
//!
//! States: valid, expired (`expires_at`), revoked (`revoked_at`); the last two answer 401 and never come back.
//!
//! Invariants: the secret is shown once and stored as SHA-256; authentication is that hash alone, the checksum inside a
//! secret serves secret scanners only; a token never grants a scope that its maker does not have.

mod authenticate;
mod create;
mod entity;
mod lookups;
mod permits;
mod queries;
mod revoke;
mod rotate;
mod secret;
mod update;

pub(crate) use authenticate::require_network;
pub use authenticate::{Authenticated, authenticate};
pub use create::{NewToken, create, seed};
pub(crate) use create::{check_networks, check_scopes};
pub use entity::{Entity, Model as Token};
pub use lookups::Lookups;
pub use permits::{lease, used};
pub use queries::{find, list};
pub use revoke::revoke;
pub use rotate::{MAX_GRACE, rotate};
pub use secret::Secret;
pub use update::{Change, update};
