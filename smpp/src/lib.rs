//! SMPP 3.4 and 5.0 over TCP or TLS: the session, its client and server ends, and a simulator of a carrier.
//!
//! | module | what it is |
//! |---|---|
//! | [`session`] | framing, batched writes, sequence numbers, deadlines, keep-alive: shared by both ends |
//! | [`client`] | binds to a carrier; submits with a window; tells everything as events, in batches |
//! | [`server`] | accepts binds and hands requests to a handler, one read burst at a time |
//! | [`simulator`] | a carrier with documented magic numbers and a log that can be the judge of a kill test |
//! | [`receipt`] | the text of delivery receipts and the forms of message ids |
//! | [`status`] | `command_status` codes by name and by what to do about them |
//! | [`tlv`] | optional parameters by name |
//!
//! Invariants: the crate knows no database and no clock of business; bytes from the other end never panic; every token given to
//! [`client::Client::submit`] comes back exactly once before the end (see [`client::Event`]).

pub mod client;
pub mod receipt;
pub mod server;
pub mod session;
pub mod simulator;
pub mod status;
pub mod tlv;
