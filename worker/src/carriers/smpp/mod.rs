//! A pump: one SMPP bind of a carrier, kept connected, fed with windows of messages.
//!
//! States: disconnected (back-off) → bound → draining → ended. The pieces: [`pump`] keeps the connection and [`serve`]
//! drives it, [`feed`] submits what [`super::claims`] marks, [`answers`] takes what comes back, [`flight`] knows what is
//! submitted and not yet answered, [`encode`] makes PDUs, whose parts [`references`] tie, [`receipts`] and [`inbound`] read
//! them, [`tls`] knows how the connection is encrypted.
//!
//! Invariants: a part is submitted only after its message was marked `submitting` and committed; an answer that is lost
//! makes its message doubtful, never sent again; receipts and messages from subscribers are acknowledged after commit; nothing is submitted that
//! cannot be recorded, so a pump ends with its recorder, and neither outlives the other.

mod answers;
mod encode;
mod feed;
mod flight;
mod inbound;
mod pump;
mod receipts;
mod references;
mod serve;
mod tls;

pub use pump::pump;
