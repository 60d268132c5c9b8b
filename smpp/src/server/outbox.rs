//! The way out of a server connection, for its handler and for anybody else who has something to send.
//!
//! Invariant: what is sent leaves in the order of the calls; a send on a connection that is over returns false and does nothing.

use rusmpp::pdus::DeliverSm;
use rusmpp::{Command, CommandStatus, Pdu};
use tokio::sync::mpsc;

#[derive(Debug)]
pub(super) enum Outgoing {
    Reply(Box<Command>),
    Deliver { token: u64, pdu: Box<DeliverSm> },
    Close { reset: bool },
}

/// Sends on one connection; clones share it.
#[derive(Debug, Clone)]
pub struct Outbox {
    sender: mpsc::UnboundedSender<Outgoing>,
}

impl Outbox {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Outgoing>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { sender }, receiver)
    }

    /// Answers the request `sequence`.
    pub fn reply(&self, sequence: u32, status: u32, pdu: impl Into<Pdu>) -> bool {
        let command = Command::new(CommandStatus::from(status), sequence, pdu);
        self.sender.send(Outgoing::Reply(Box::new(command))).is_ok()
    }

    /// Sends a deliver_sm; what becomes of it comes back to the handler under `token`.
    pub fn deliver(&self, token: u64, pdu: DeliverSm) -> bool {
        self.sender.send(Outgoing::Deliver { token, pdu: Box::new(pdu) }).is_ok()
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Ends the connection after what was sent before.
    pub fn close(&self) -> bool {
        self.sender.send(Outgoing::Close { reset: false }).is_ok()
    }

    /// Ends the connection with a TCP reset: the peer may lose even what was sent before.
    pub fn reset(&self) -> bool {
        self.sender.send(Outgoing::Close { reset: true }).is_ok()
    }
}
