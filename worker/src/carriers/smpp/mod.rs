//! A pump: one SMPP bind of a carrier, kept connected, fed with windows of messages.
//!
//! States: disconnected (back-off) → bound → draining → ended. Four pieces: [`pump`] moves messages, [`flight`] knows
//! what was submitted and not yet answered, [`recorder`] writes answers and receipts, [`encode`] makes PDUs.
//!
//! Invariants: a part is submitted only after its message was marked `submitting` and committed; an answer that is lost
//! makes its message doubtful, never sent again; receipts are acknowledged after commit.

mod encode;
mod flight;
mod pump;
mod receipts;
mod recorder;

pub use pump::pump;
