//! A pump: one SMPP bind of a carrier, kept connected, fed with windows of messages.
//!
//! States: disconnected (back-off) → bound → draining → ended. The pieces: [`pump`] keeps the connection and [`serve`]
//! drives it, [`feed`] claims and marks what it submits, [`answers`] takes what comes back, [`chunks`] knows what is
//! claimed and [`flight`] what is submitted and not yet answered, [`recorder`] and [`store`] write answers and receipts,
//! [`encode`] makes PDUs, [`receipts`] and [`inbound`] read them.
//!
//! Invariants: a part is submitted only after its message was marked `submitting` and committed; an answer that is lost
//! makes its message doubtful, never sent again; receipts and messages from subscribers are acknowledged after commit; nothing is submitted that
//! cannot be recorded, so a pump ends with its recorder, and neither outlives the other.

mod answers;
pub(super) mod chunks;
mod encode;
mod feed;
mod flight;
mod inbound;
pub(super) mod pace;
mod pump;
mod receipts;
pub(super) mod recorder;
mod serve;
mod store;

pub use pump::{Companion, heartbeat, pump};
