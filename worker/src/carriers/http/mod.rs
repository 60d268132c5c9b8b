//! The requests of an HTTP carrier: one pump makes them all, at most `concurrency` at once, over all workers.
//!
//! States: open, or waiting (the provider asked for it, or cannot be reached). The pieces: [`pump`] keeps it going
//! and sends what [`super::claims`] marks, [`client`] makes one request. Receipts come through the API.
//!
//! Invariants: a request is made only after its message was marked `submitting` and committed; what may have reached the
//! provider and has no clear answer is in doubt, never sent again; no more than `concurrency` messages are marked and not
//! recorded; no request goes to a private address unless the operator allows it.

mod client;
mod pump;

pub use pump::pump;
