//! What the session tells its owner.
//!
//! Invariant: [`Event::Closed`] is the last; after it the receiver yields nothing.

use super::{BadInput, Deliver};
use tokio::sync::mpsc;

/// The carrier's word on one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// ESME_ROK. The id as it came; empty when the carrier gave none.
    Accepted { message_id: String },
    /// Any other `command_status` (SMPP 3.4 §5.1.3), or the status of the field that made the message unsendable: then no octet was written.
    /// `detail`: what the carrier added in words.
    Refused { status: u32, detail: Option<String> },
}

/// What happened on the session.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer to a message.
    Submitted { token: u64, outcome: SubmitOutcome },
    /// How busy the carrier says that it is (`congestion_state`, 0 to 100); told when it changes, and only by some of SMPP 5.0.
    Congestion { state: u8 },
    /// No answer within `response_timeout`. The message may have been accepted; its place in the window is free again.
    TimedOut { token: u64 },
    /// The answer came after [`Event::TimedOut`].
    Late { token: u64, outcome: SubmitOutcome },
    /// A receipt or a message from a subscriber; wants [`super::Client::ack`].
    Deliver(Deliver),
    /// The carrier sent what belongs to nothing. The session goes on where it can; this wants nothing.
    BadInput(BadInput),
    /// The session is over; always the last event.
    Closed {
        reason: String,
        /// Written or possibly written, not answered, not told as timed out: the carrier may have them.
        in_flight: Vec<u64>,
        /// Provably never written: not one octet of them was handed to the socket.
        not_written: Vec<u64>,
    },
}

/// The receiving end of a session's events. Dropping it closes the session.
#[derive(Debug)]
pub struct EventReceiver {
    events: mpsc::UnboundedReceiver<Event>,
}

impl EventReceiver {
    pub(super) fn new(events: mpsc::UnboundedReceiver<Event>) -> Self {
        Self { events }
    }

    /// The next event; `None` after [`Event::Closed`]. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Waits for at least one event and appends up to `limit` to `into`; 0 after [`Event::Closed`]. Cancel-safe.
    pub async fn recv_many(&mut self, into: &mut Vec<Event>, limit: usize) -> usize {
        self.events.recv_many(into, limit).await
    }

    /// The next event if there is one already.
    pub fn try_recv(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}
