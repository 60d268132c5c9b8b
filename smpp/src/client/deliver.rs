//! A deliver_sm or data_sm from the carrier (SMPP 3.4 §4.6.1, §4.7.1), read leniently.
//!
//! The codec is strict, and carriers are not: ids without their NUL, addresses over the limit, TLVs of the wrong length. A receipt lost for
//! that is a message whose end is never known, so this reader takes what it can.
//! Invariant: any octets give `Some` or `None`, never a panic; `None` only when the mandatory part is not all there.

use super::Sar;
use crate::session::take_c_string;
use crate::tlv::{
    MESSAGE_PAYLOAD, MESSAGE_STATE, NETWORK_ERROR_CODE, RECEIPTED_MESSAGE_ID, SAR_MSG_REF_NUM, SAR_SEGMENT_SEQNUM,
    SAR_TOTAL_SEGMENTS, Tlvs, USER_MESSAGE_REFERENCE,
};

/// `network_error_code` (SMPP 3.4 §5.3.2.31).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkError {
    /// See [`crate::tlv::network`].
    pub network: u8,
    pub code: u16,
}

/// A receipt, or a message from a subscriber.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deliver {
    /// Names this delivery in [`super::Client::ack`].
    pub sequence: u32,
    pub source: String,
    /// `source_addr_ton` (SMPP 3.4 §5.2.5): 1 international, 2 national.
    pub source_ton: u8,
    pub dest: String,
    pub esm_class: u8,
    pub data_coding: u8,
    /// `short_message`, or `message_payload` when there is one.
    pub message: Vec<u8>,
    /// TLV 0x001E, as it came.
    pub receipted_message_id: Option<String>,
    /// TLV 0x0427, as it came; see [`crate::receipt::MessageState::from_tlv`].
    pub message_state: Option<u8>,
    /// TLV 0x0423.
    pub network_error_code: Option<NetworkError>,
    /// TLV 0x0204.
    pub user_message_reference: Option<u16>,
    /// TLVs 0x020C, 0x020E and 0x020F, when all are there.
    pub sar: Option<Sar>,
    /// Told by `esm_class` (receipt or intermediate notification, SMPP 3.4 §5.2.12) or by `receipted_message_id`.
    pub is_receipt: bool,
}

struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn c_string(&mut self) -> String {
        let (text, rest) = take_c_string(self.0);
        self.0 = rest;
        text
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

fn number(octets: &[u8]) -> Option<u16> {
    octets.first_chunk::<2>().map(|octets| u16::from_be_bytes(*octets))
}

impl Deliver {
    /// Reads the body of a deliver_sm.
    pub(crate) fn from_deliver_sm(sequence: u32, body: &[u8]) -> Option<Self> {
        let mut octets = Octets(body);
        let Addresses { source, source_ton, dest } = addresses(&mut octets)?;
        let esm_class = octets.octet()?;
        octets.take(2)?; // protocol_id, priority_flag
        octets.c_string(); // schedule_delivery_time
        octets.c_string(); // validity_period
        octets.take(2)?; // registered_delivery, replace_if_present_flag
        let data_coding = octets.octet()?;
        octets.octet()?; // sm_default_msg_id
        let length = usize::from(octets.octet()?);
        let message = octets.take(length)?.to_vec();
        let mut deliver =
            Self { sequence, source, source_ton, dest, esm_class, data_coding, message, ..Self::default() };
        deliver.read_tlvs(&octets);
        Some(deliver)
    }

    /// Reads the body of a data_sm.
    pub(crate) fn from_data_sm(sequence: u32, body: &[u8]) -> Option<Self> {
        let mut octets = Octets(body);
        let Addresses { source, source_ton, dest } = addresses(&mut octets)?;
        let esm_class = octets.octet()?;
        octets.octet()?; // registered_delivery
        let data_coding = octets.octet()?;
        let mut deliver = Self { sequence, source, source_ton, dest, esm_class, data_coding, ..Self::default() };
        deliver.read_tlvs(&octets);
        Some(deliver)
    }

    /// Takes the TLVs that matter, up to the first that is cut short.
    fn read_tlvs(&mut self, octets: &Octets<'_>) {
        let (mut reference, mut total, mut sequence) = (None, None, None);
        for (tag, value) in Tlvs(octets.0) {
            match tag {
                RECEIPTED_MESSAGE_ID => self.receipted_message_id = Some(take_c_string(value).0),
                USER_MESSAGE_REFERENCE => self.user_message_reference = number(value),
                SAR_MSG_REF_NUM => reference = number(value),
                SAR_TOTAL_SEGMENTS => total = value.first().copied(),
                SAR_SEGMENT_SEQNUM => sequence = value.first().copied(),
                NETWORK_ERROR_CODE => {
                    self.network_error_code = value
                        .split_first()
                        .and_then(|(network, code)| Some(NetworkError { network: *network, code: number(code)? }));
                }
                MESSAGE_PAYLOAD => self.message = value.to_vec(),
                MESSAGE_STATE => self.message_state = value.first().copied(),
                _ => {}
            }
        }
        if let (Some(reference), Some(total), Some(sequence)) = (reference, total, sequence) {
            self.sar = Some(Sar { reference, total, sequence });
        }
        // Bits 5-2: 0001 receipt, 1000 intermediate notification.
        let kind = self.esm_class & 0b0011_1100;
        self.is_receipt = kind == 0x04 || kind == 0x20 || self.receipted_message_id.is_some();
    }
}

struct Addresses {
    source: String,
    source_ton: u8,
    dest: String,
}

/// service_type and the two addresses, which begin both PDUs.
fn addresses(octets: &mut Octets<'_>) -> Option<Addresses> {
    octets.c_string();
    let source_ton = octets.octet()?;
    octets.octet()?; // source_addr_npi
    let source = octets.c_string();
    octets.take(2)?;
    Some(Addresses { source, source_ton, dest: octets.c_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deliver_sm body: esm_class 4, "hi", and then `tlvs`.
    fn body(tlvs: &[u8]) -> Vec<u8> {
        let mut body = b"\0\x01\x01447700900001\0\x05\x00Carillon\0\x04\0\0\0\0\0\0\x03\0\x02hi".to_vec();
        body.extend_from_slice(tlvs);
        body
    }

    #[test]
    fn reads_fields_and_tlvs() {
        let tlvs = b"\x00\x1e\x00\x04abc\0\x04\x27\x00\x01\x02\x04\x23\x00\x03\x03\x00\x01\x02\x04\x00\x02\x12\x34";
        let deliver = Deliver::from_deliver_sm(9, &body(tlvs)).unwrap();
        assert_eq!((deliver.source.as_str(), deliver.dest.as_str()), ("447700900001", "Carillon"));
        assert_eq!(deliver.source_ton, 1);
        assert_eq!((deliver.esm_class, deliver.data_coding, deliver.message.as_slice()), (4, 3, &b"hi"[..]));
        assert_eq!(deliver.receipted_message_id.as_deref(), Some("abc"));
        assert_eq!(deliver.message_state, Some(2));
        assert_eq!(deliver.network_error_code, Some(NetworkError { network: 3, code: 1 }));
        assert_eq!(deliver.user_message_reference, Some(0x1234));
        assert!(deliver.is_receipt);
    }

    #[test]
    fn takes_what_carriers_get_wrong() {
        let without_nul = Deliver::from_deliver_sm(1, &body(b"\x00\x1e\x00\x03abc")).unwrap();
        assert_eq!(without_nul.receipted_message_id.as_deref(), Some("abc"));
        let cut_short = Deliver::from_deliver_sm(1, &body(b"\x04\x27\x00\x01\x05\x00\x1e\x00\x40abc")).unwrap();
        assert_eq!((cut_short.message_state, cut_short.receipted_message_id), (Some(5), None));
        let payload = Deliver::from_deliver_sm(1, &body(b"\x04\x24\x00\x05hello")).unwrap();
        assert_eq!(payload.message, b"hello");
    }

    #[test]
    fn reads_the_part_of_a_long_message() {
        let whole = b"\x02\x0c\x00\x02\x01\x02\x02\x0e\x00\x01\x03\x02\x0f\x00\x01\x02";
        let sar = Some(Sar { reference: 0x0102, total: 3, sequence: 2 });
        assert_eq!(Deliver::from_deliver_sm(1, &body(whole)).unwrap().sar, sar);
        assert_eq!(Deliver::from_deliver_sm(1, &body(&whole[..11])).unwrap().sar, None, "one is missing");
    }

    #[test]
    fn reads_a_data_sm() {
        let body = b"\0\x01\x01447700900001\0\x05\x00Carillon\0\x20\0\x08\x04\x24\x00\x02hi";
        let deliver = Deliver::from_data_sm(3, body).unwrap();
        assert_eq!((deliver.esm_class, deliver.data_coding, deliver.message.as_slice()), (0x20, 8, &b"hi"[..]));
        assert!(deliver.is_receipt, "an intermediate notification");
    }

    #[test]
    fn a_body_cut_anywhere_never_panics() {
        let whole = body(b"\x00\x1e\x00\x04abc\0");
        for end in 0..whole.len() {
            let _ = Deliver::from_deliver_sm(1, &whole[..end]);
            let _ = Deliver::from_data_sm(1, &whole[..end]);
        }
        assert!(Deliver::from_deliver_sm(1, b"").is_none());
    }
}
