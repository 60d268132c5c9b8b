//! What a carrier sends that belongs to nothing, told as [`super::Event::BadInput`] so that the owner can log and count it.
//!
//! Invariant: only [`BadInput::Length`] ends the session, since the next PDU cannot be found.

use crate::session::FrameError;
use std::fmt;

/// A PDU that could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadInput {
    /// A request that nobody knows, or that a carrier has no business sending (submit_sm, a bind); it was nacked.
    Request { id: u32 },
    /// A delivery whose body is cut short or shorter than its own lengths say; it was nacked.
    Body { id: u32, octets: usize },
    /// A response, or a generic_nack, to nothing that is in flight; it is never answered.
    Answer { id: u32, status: u32, sequence: u32 },
    /// A `command_length` that no PDU has.
    Length(FrameError),
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { id } => write!(f, "a request 0x{id:08X}"),
            Self::Body { id, octets } => {
                write!(f, "a delivery 0x{id:08X} with a body of {octets} octets that ends too early")
            }
            Self::Answer { id, status, sequence } => {
                write!(
                    f,
                    "an answer 0x{id:08X} with the status 0x{status:08X} to {sequence}, which nothing in flight has"
                )
            }
            Self::Length(error) => error.fmt(f),
        }
    }
}
