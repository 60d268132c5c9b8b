//! The outbox. A change writes its event in its own transaction; afterwards one leased sequencer gives each event its
//! place (`seq`), so that a reader who has seen place n never misses one below it.
//!
//! Invariants: `seq` is given only to committed rows and never changes; a batch of message transitions is one row,
//! expanded on read into one event per message with the stable id `evt_…_<n>`.

mod data;
mod kind;
mod queries;
mod record;
mod sequence;
#[cfg(test)]
mod tests;

pub use data::{
    CampaignEventData, CampaignFailedEventData, CampaignStartedEventData, ImportEventData, ImportEventError,
    InboundMessageEventData, MessageEventData, SenderEventData,
};
pub use kind::{Kind, TOLD, message_kind, public_kinds};
pub use queries::{Event, Place, Told, list, of_message};
pub use record::{add, record};
pub use sequence::sequence;

/// The type of a row that tells of a batch of messages.
pub const MESSAGES_MOVED: Kind = Kind::MessagesMoved;
