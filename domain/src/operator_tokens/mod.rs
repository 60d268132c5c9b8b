//! Operator tokens: what whoever runs the platform shows to `/v1/admin`. Made, listed and revoked by `carillon admin`
//! only, so that a stolen token makes no other.
//!
//! States: valid, expired (`expires_at`), revoked (`revoked_at`); the last two answer 401 and never come back.
//!
//! Invariants: the secret is shown once and stored as SHA-256; it is of another form (`crl_op_…`) and in another table
//! than an account's token, so that neither ever passes for the other.

mod authenticate;
mod create;
mod queries;
mod revoke;

pub use authenticate::{Authenticated, authenticate, used};
pub use create::{NewToken, create};
pub use queries::{Token, list};
pub use revoke::revoke;
