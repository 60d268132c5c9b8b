//! Optional parameters (SMPP 3.4 §5.3, 5.0 §4.8.4) that we read, by name, and the reader of all of them.
//!
//! Invariant: any octets can be read; what is cut short ends the list and loses nothing before it.

/// The text that explains a refusal.
pub const ADDITIONAL_STATUS_INFO_TEXT: u16 = 0x001D;
/// The id that a receipt is of.
pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
/// A number of the sender's own, which comes back in receipts.
pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
/// What the parts of a long message have in common.
pub const SAR_MSG_REF_NUM: u16 = 0x020C;
/// How many parts there are.
pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
/// Which part this is.
pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
/// The version that the carrier speaks, in the answer to a bind.
pub const SC_INTERFACE_VERSION: u16 = 0x0210;
/// The network's own error.
pub const NETWORK_ERROR_CODE: u16 = 0x0423;
/// A text longer than short_message.
pub const MESSAGE_PAYLOAD: u16 = 0x0424;
/// Why a message could not be delivered; see [`delivery_failure`].
pub const DELIVERY_FAILURE_REASON: u16 = 0x0425;
/// The state that a receipt tells.
pub const MESSAGE_STATE: u16 = 0x0427;
/// How busy the carrier is, 0 to 100 (5.0 §4.8.4.18): from 90 on it nears congestion, at 100 it is congested.
pub const CONGESTION_STATE: u16 = 0x0428;

/// What the values of `delivery_failure_reason` mean (SMPP 3.4 §5.3.2.33).
pub fn delivery_failure(value: u8) -> &'static str {
    match value {
        0 => "destination unavailable",
        1 => "destination address invalid",
        2 => "permanent network error",
        3 => "temporary network error",
        _ => "unknown delivery failure",
    }
}

/// What the first octet of `network_error_code` means (SMPP 3.4 §5.3.2.31, 5.0 §4.8.4.42).
pub fn network(value: u8) -> &'static str {
    match value {
        1 => "ANSI-136",
        2 => "IS-95",
        3 => "GSM",
        4 => "ANSI-136 cause",
        5 => "IS-95 cause",
        6 => "ANSI-41",
        7 => "SMPP",
        8 => "message centre",
        _ => "network",
    }
}

/// Tag and value of each parameter, up to the first that is cut short.
#[derive(Debug, Clone)]
pub struct Tlvs<'a>(pub &'a [u8]);

impl<'a> Iterator for Tlvs<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        let (tag, length) = (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some((tag, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_short_ends_the_list() {
        let octets = b"\x02\x10\x00\x01\x50\x04\x28\x00\x01\x5f\x00\x1d\x00\x09few";
        let all: Vec<_> = Tlvs(octets).collect();
        assert_eq!(all, [(SC_INTERFACE_VERSION, &b"\x50"[..]), (CONGESTION_STATE, &b"\x5f"[..])]);
        for end in 0..octets.len() {
            assert!(Tlvs(&octets[..end]).count() <= 2);
        }
    }
}
