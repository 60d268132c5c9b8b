//! What both ends of an SMPP session share, over any `AsyncRead` and `AsyncWrite`.
//!
//! States: none of its own; [`Link`] moves bytes, [`Pending`] knows what is unanswered, [`KeepAlive`] knows whether the peer lives.
//! Invariants: a PDU is cut out of the stream by its length before anything looks inside, so a bad body costs one PDU and never
//! the stream; a length outside 16..=limit ends the stream, for nothing after it can be trusted; no timer per PDU.

mod frame;
mod keepalive;
mod link;
mod pending;
mod sequence;

pub use frame::{Frame, FrameError, HEADER_LENGTH};
pub use keepalive::{KeepAlive, Pulse};
pub use link::{Link, LinkLimits, Turn};
pub use pending::{Expired, Pending};
pub use sequence::{MAX_SEQUENCE, Sequence};

use rusmpp::{Command, CommandStatus, Pdu};

/// The largest PDU accepted unless told otherwise, in octets: a 64 KiB `message_payload` (SMPP 3.4 §5.3.2.32) and its headers.
pub const DEFAULT_MAX_PDU: usize = 70_000;

/// A `generic_nack` (SMPP 3.4 §4.3) answering `sequence` with `status`.
pub fn generic_nack(sequence: u32, status: u32) -> Command {
    Command::new(CommandStatus::from(status), sequence, Pdu::GenericNack)
}

/// An empty answer (`enquire_link_resp`, `unbind_resp`) with ESME_ROK.
pub fn ok(sequence: u32, pdu: Pdu) -> Command {
    Command::new(CommandStatus::EsmeRok, sequence, pdu)
}

/// Reads a C-Octet String (SMPP 3.4 §3.1) off the front of `bytes`: the text without its NUL, and what follows it.
///
/// A missing NUL ends the text at the end of the bytes, and octets beyond ASCII are kept as far as they can be read: carriers send both.
pub(crate) fn take_c_string(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.iter().position(|octet| *octet == 0);
    let (text, rest) = match end {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &bytes[bytes.len()..]),
    };
    (String::from_utf8_lossy(text).into_owned(), rest)
}
