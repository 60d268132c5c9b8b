//! A submit_sm as the simulator sees it: copied out of the PDU, its UDH cut off.
//!
//! Invariant: holds no slice of the read buffer, which would keep 64 KiB alive per waiting receipt.

use super::log::SarLine;
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::TlvValue;

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub source: String,
    pub source_ton: u8,
    pub source_npi: u8,
    pub dest: String,
    pub dest_ton: u8,
    pub dest_npi: u8,
    pub service_type: String,
    pub priority_flag: u8,
    pub esm_class: u8,
    pub data_coding: u8,
    pub registered_delivery: u8,
    pub validity_period: String,
    /// With its length octet.
    pub udh: Option<Vec<u8>>,
    pub sar: Option<SarLine>,
    /// Whether the text came in message_payload.
    pub payload: bool,
    pub umr: Option<u16>,
    pub text: Vec<u8>,
}

impl Message {
    pub(super) fn read(pdu: &SubmitSm) -> Self {
        let mut body: &[u8] = pdu.short_message().as_ref();
        let mut is_payload = false;
        let (mut reference, mut total, mut sequence, mut umr) = (None, None, None, None);
        for tlv in pdu.tlvs() {
            match tlv.value() {
                Some(TlvValue::MessagePayload(payload)) => (body, is_payload) = (payload.value.as_ref(), true),
                Some(TlvValue::SarMsgRefNum(value)) => reference = Some(*value),
                Some(TlvValue::SarTotalSegments(value)) => total = Some(*value),
                Some(TlvValue::SarSegmentSeqnum(value)) => sequence = Some(*value),
                Some(TlvValue::UserMessageReference(value)) => umr = Some(value.value),
                _ => {}
            }
        }
        let esm_class = u8::from(pdu.esm_class);
        let header = (esm_class & 0x40 != 0).then(|| body.first().map(|length| usize::from(*length) + 1)).flatten();
        let split = header.and_then(|length| body.split_at_checked(length));
        let (udh, text) = split.map_or((None, body), |(udh, text)| (Some(udh.to_vec()), text));
        let sar = match (reference, total, sequence) {
            (Some(reference), Some(total), Some(sequence)) => Some(SarLine { reference, total, sequence }),
            _ => None,
        };
        Self {
            source: pdu.source_addr.as_str().to_owned(),
            source_ton: u8::from(pdu.source_addr_ton),
            source_npi: u8::from(pdu.source_addr_npi),
            dest: pdu.destination_addr.as_str().to_owned(),
            dest_ton: u8::from(pdu.dest_addr_ton),
            dest_npi: u8::from(pdu.dest_addr_npi),
            service_type: pdu.service_type.value().as_str().to_owned(),
            priority_flag: pdu.priority_flag.value,
            esm_class,
            data_coding: u8::from(pdu.data_coding),
            registered_delivery: u8::from(pdu.registered_delivery),
            validity_period: pdu.validity_period.as_str().to_owned(),
            text: text.to_vec(),
            udh,
            sar,
            payload: is_payload,
            umr,
        }
    }

    /// Which part of a long message this is, 1 for a message of one part.
    pub(super) fn part(&self) -> u8 {
        self.sar.map(|sar| sar.sequence).or_else(|| self.udh.as_deref().and_then(part_of_udh)).unwrap_or(1)
    }

    /// The start of the text for the receipt, where it is readable as ASCII.
    pub(super) fn receipt_text(&self) -> String {
        if !matches!(self.data_coding, 0 | 1 | 3) {
            return String::new();
        }
        self.text.iter().take(20).map(|octet| char::from(*octet)).filter(|c| (' '..='~').contains(c)).collect()
    }
}

/// The part number in the concatenation element (3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8).
fn part_of_udh(udh: &[u8]) -> Option<u8> {
    let mut elements = udh.get(1..)?;
    while let Some(([id, length], rest)) = elements.split_first_chunk::<2>() {
        let (data, rest) = rest.split_at_checked(usize::from(*length))?;
        if matches!((id, length), (0x00, 3) | (0x08, 4)) {
            return data.last().copied();
        }
        elements = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers() {
        assert_eq!(part_of_udh(&[5, 0, 3, 0xAA, 3, 2]), Some(2));
        assert_eq!(part_of_udh(&[6, 8, 4, 0xAA, 0xBB, 3, 3]), Some(3));
        // Another element first.
        assert_eq!(part_of_udh(&[9, 0x24, 2, 1, 1, 0, 3, 7, 2, 1]), Some(1));
        assert_eq!(part_of_udh(&[5, 0, 3, 0xAA]), None);
        assert_eq!(part_of_udh(&[]), None);
    }
}
