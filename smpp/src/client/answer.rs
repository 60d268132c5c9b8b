//! The body of a submit_sm_resp (SMPP 3.4 §4.4.2, 5.0 §4.2.1.2), read leniently: the id, and what a carrier may add.
//!
//! Invariant: any octets can be read; what is missing is empty.

use crate::session::take_c_string;
use crate::tlv::{
    ADDITIONAL_STATUS_INFO_TEXT, CONGESTION_STATE, DELIVERY_FAILURE_REASON, NETWORK_ERROR_CODE, Tlvs, delivery_failure,
    network,
};

/// The longest explanation that is kept, in characters.
const MOST: usize = 200;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// As it came.
    pub message_id: String,
    /// Why it was refused, in words: `delivery_failure_reason`, `network_error_code`, `additional_status_info_text`.
    pub detail: Option<String>,
    pub congestion: Option<u8>,
}

impl Answer {
    pub(super) fn read(body: &[u8]) -> Self {
        let (message_id, rest) = take_c_string(body);
        let (mut reason, mut error, mut text, mut congestion) = (None, None, None, None);
        for (tag, value) in Tlvs(rest) {
            match (tag, value) {
                (DELIVERY_FAILURE_REASON, [value, ..]) => reason = Some(delivery_failure(*value).to_owned()),
                (NETWORK_ERROR_CODE, [kind, high, low, ..]) => {
                    error = Some(format!("{} error {:03}", network(*kind), u16::from_be_bytes([*high, *low])));
                }
                (ADDITIONAL_STATUS_INFO_TEXT, value) => {
                    text = Some(take_c_string(value).0).filter(|text| !text.trim().is_empty());
                }
                (CONGESTION_STATE, [state, ..]) => congestion = Some(*state),
                _ => {}
            }
        }
        let told: Vec<String> = [reason, error, text].into_iter().flatten().collect();
        let detail = (!told.is_empty()).then(|| told.join("; ").chars().take(MOST).collect());
        Self { message_id, detail, congestion }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_carrier_adds_is_read() {
        let body =
            b"abc\0\x04\x25\x00\x01\x02\x04\x23\x00\x03\x03\x00\x15\x00\x1d\x00\x08blocked\0\x04\x28\x00\x01\x5f";
        let answer = Answer::read(body);
        assert_eq!((answer.message_id.as_str(), answer.congestion), ("abc", Some(95)));
        assert_eq!(answer.detail.as_deref(), Some("permanent network error; GSM error 021; blocked"));
        assert_eq!(Answer::read(b"abc\0"), Answer { message_id: "abc".to_owned(), ..Answer::default() });
        for end in 0..body.len() {
            let _ = Answer::read(&body[..end]);
        }
    }
}
