//! Inbound messages: what subscribers send to senders that can be answered.
//!
//! A delivery of a carrier is a whole message or a part of one. Parts wait for each other ([`parts`]) for [`WAIT`]; then
//! what is there is kept as an incomplete message. A whole one is attributed ([`receive`]): to the account whose approved
//! sender it was sent to, when one account alone has it; else to the account that sent to this subscriber last from that
//! sender over that carrier; else to nobody, for the operator to see.
//!
//! Invariants: a delivery is acknowledged after its commit; what was acknowledged is never lost, complete or not; the
//! same delivery within [`REPEAT`] of the one before is counted on the first and makes no second message.

mod decode;
mod delivery;
mod keyword;
mod obey;
mod parts;
mod queries;
mod receive;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use decode::Encoding;
pub use delivery::{Delivery, Sar, Tie};
pub use keyword::{Keyword, START, STOP, STOP_ALL};
pub use queries::{Filter, InboundMessage, get, list, unattributed};
pub use receive::{Received, end_incomplete, receive};

/// How long the parts of a long message wait for the others, and are remembered after.
pub const WAIT: Duration = Duration::from_secs(600);

/// Within which the same octets from the same subscriber to the same sender are the same message: a carrier that did not
/// hear our acknowledgement delivers again. SMPP gives these deliveries nothing else to be known by.
pub const REPEAT: Duration = Duration::from_secs(120);

/// The most parts that wait or are remembered for one carrier; beyond it the oldest do not wait any longer.
pub const MOST_PARTS: i64 = 10_000;
