//! One PDU cut out of the stream: header read, body still raw.
//!
//! Invariant: cutting depends on `command_length` alone (SMPP 3.4 §3.2), so a body that cannot be decoded leaves the next PDU whole.

use rusmpp::decode::{DecodeError, DecodeWithKeyOptional};
use rusmpp::{CommandId, Pdu};
use tokio_util::bytes::{Buf, BytesMut};

/// Octets of a PDU header: length, id, status, sequence number (SMPP 3.4 §3.2).
pub const HEADER_LENGTH: usize = 16;

/// One PDU as it came, its body not yet decoded.
#[derive(Debug)]
pub struct Frame {
    pub id: CommandId,
    /// `command_status`; 0 in requests (SMPP 3.4 §3.2.3).
    pub status: u32,
    pub sequence: u32,
    body: BytesMut,
}

/// The stream cannot be cut any further; the connection must end.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    #[error("a PDU of {length} octets is shorter than its header")]
    TooShort { length: usize },
    #[error("a PDU of {length} octets exceeds the limit of {limit}")]
    TooLong { length: usize, limit: usize },
}

impl Frame {
    /// Cuts the next PDU off the front of `buffer`; `None` while it is not all there.
    pub fn cut(buffer: &mut BytesMut, limit: usize) -> Result<Option<Self>, FrameError> {
        let Some(first) = buffer.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*first)).unwrap_or(usize::MAX);
        // Told from the first four octets already: a peer that claims 4 GiB must not make us wait for them.
        if length < HEADER_LENGTH {
            return Err(FrameError::TooShort { length });
        }
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        if buffer.len() < length {
            return Ok(None);
        }
        let mut body = buffer.split_to(length);
        body.advance(4);
        let id = CommandId::from(body.get_u32());
        let status = body.get_u32();
        let sequence = body.get_u32();
        Ok(Some(Self { id, status, sequence, body }))
    }

    /// The octets after the header.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether this answers a request of ours (SMPP 3.4 §5.1.2.1, bit 31).
    pub fn is_response(&self) -> bool {
        self.id.is_response()
    }

    /// The body decoded strictly by the codec; `None` for a body that is absent.
    pub fn decode(mut self) -> Result<Option<Pdu>, DecodeError> {
        let length = self.body.len();
        Ok(Pdu::decode(self.id, &mut self.body, length)?.map(|(pdu, _)| pdu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusmpp::Command;
    use rusmpp::tokio_codec::CommandCodec;
    use tokio_util::codec::Encoder;

    fn wire(command: Command) -> BytesMut {
        let mut out = BytesMut::new();
        CommandCodec::new().encode(&command, &mut out).unwrap();
        out
    }

    #[test]
    fn a_pdu_is_cut_once_it_is_whole() {
        let whole = wire(super::super::ok(7, Pdu::EnquireLink));
        for split in 0..whole.len() {
            let mut buffer = BytesMut::from(&whole[..split]);
            assert!(Frame::cut(&mut buffer, 100).unwrap().is_none(), "{split} octets are not a PDU");
            buffer.extend_from_slice(&whole[split..]);
            let frame = Frame::cut(&mut buffer, 100).unwrap().unwrap();
            assert_eq!((frame.id, frame.sequence), (CommandId::EnquireLink, 7));
            assert!(matches!(frame.decode(), Ok(Some(Pdu::EnquireLink))));
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn lengths_out_of_range_end_the_stream_at_the_fourth_octet() {
        let mut short = BytesMut::from(&[0, 0, 0, 15][..]);
        assert_eq!(Frame::cut(&mut short, 100).unwrap_err(), FrameError::TooShort { length: 15 });
        let mut long = BytesMut::from(&[0, 0, 0, 101][..]);
        assert_eq!(Frame::cut(&mut long, 100).unwrap_err(), FrameError::TooLong { length: 101, limit: 100 });
    }

    #[test]
    fn a_bad_body_leaves_the_next_pdu_whole() {
        let mut buffer = BytesMut::new();
        // A submit_sm whose body is three octets of nothing.
        buffer.extend_from_slice(&[0, 0, 0, 19, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff]);
        buffer.extend_from_slice(&wire(super::super::ok(2, Pdu::EnquireLink)));
        let bad = Frame::cut(&mut buffer, 100).unwrap().unwrap();
        assert_eq!(bad.sequence, 1);
        assert!(bad.decode().is_err());
        assert_eq!(Frame::cut(&mut buffer, 100).unwrap().unwrap().sequence, 2);
    }
}
