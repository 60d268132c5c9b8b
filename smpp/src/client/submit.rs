//! A message to submit, and its submit_sm (SMPP 3.4 §4.4.1).
//!
//! Invariant: what cannot be encoded is refused here with the status a carrier would give for the same fault, and not one octet of it is written.

use crate::status::{ESME_RINVDSTADR, ESME_RINVEXPIRY, ESME_RINVMSGLEN, ESME_RINVSERTYP, ESME_RINVSRCADR};
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::MessageSubmissionRequestTlvValue as Tlv;
use rusmpp::types::{AnyOctetString, COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{
    DataCoding, EsmClass, MessagePayload, Npi, PriorityFlag, RegisteredDelivery, ServiceType, Ton, UserMessageReference,
};

/// A sender or a destination (SMPP 3.4 §5.2.5 – §5.2.9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// At most 20 ASCII characters.
    pub addr: String,
    /// Type of number: 1 international, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan: 1 ISDN (E.164), 0 unknown.
    pub npi: u8,
}

/// Where the text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The `short_message` field, UDH included: at most 254 octets (SMPP 3.4 §5.2.22).
    ShortMessage(Vec<u8>),
    /// The `message_payload` TLV: at most 65,535 octets (SMPP 3.4 §5.3.2.32).
    Payload(Vec<u8>),
}

impl Default for Body {
    fn default() -> Self {
        Self::ShortMessage(Vec::new())
    }
}

/// The part of a long message, in TLVs (SMPP 3.4 §5.3.2.22 – §5.3.2.24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sar {
    pub reference: u16,
    /// 1 ..= 255.
    pub total: u8,
    /// 1 ..= `total`.
    pub sequence: u8,
}

/// One message, or one part of a long one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Submit {
    pub source: Address,
    pub dest: Address,
    /// At most 5 ASCII characters; usually empty.
    pub service_type: String,
    /// As sent; the caller sets 0x40 when the body begins with a UDH (SMPP 3.4 §5.2.12).
    pub esm_class: u8,
    /// SMPP 3.4 §5.2.19; 0 default alphabet, 8 UCS-2.
    pub data_coding: u8,
    /// 0, the lowest, to 3 (SMPP 3.4 §5.2.14).
    pub priority_flag: u8,
    /// 1 asks for a receipt (SMPP 3.4 §5.2.17).
    pub registered_delivery: u8,
    /// Sixteen characters, relative (`000000010000000R`) or absolute (SMPP 3.4 §7.1.1).
    pub validity_period: Option<String>,
    pub body: Body,
    pub sar: Option<Sar>,
    /// Comes back in the receipt where the carrier supports it (SMPP 3.4 §5.3.2.17).
    pub user_message_reference: Option<u16>,
}

/// The longest `short_message` SMPP 3.4 allows, in octets (§5.2.22).
const MAX_SHORT_MESSAGE: usize = 254;

fn c_string<const MAX: usize>(text: String, status: u32) -> Result<COctetString<1, MAX>, u32> {
    COctetString::from_string(text).map_err(|_| status)
}

impl Submit {
    /// The PDU, or the status of the field that cannot be sent.
    pub(crate) fn into_pdu(self) -> Result<SubmitSm, u32> {
        let mut pdu = SubmitSm::default();
        pdu.service_type = ServiceType::new(c_string(self.service_type, ESME_RINVSERTYP)?);
        pdu.source_addr_ton = Ton::from(self.source.ton);
        pdu.source_addr_npi = Npi::from(self.source.npi);
        pdu.source_addr = c_string(self.source.addr, ESME_RINVSRCADR)?;
        pdu.dest_addr_ton = Ton::from(self.dest.ton);
        pdu.dest_addr_npi = Npi::from(self.dest.npi);
        pdu.destination_addr = c_string(self.dest.addr, ESME_RINVDSTADR)?;
        // Always from the octet: the codec's own default is not zero.
        pdu.esm_class = EsmClass::from(self.esm_class);
        pdu.registered_delivery = RegisteredDelivery::from(self.registered_delivery);
        pdu.data_coding = DataCoding::from(self.data_coding);
        pdu.priority_flag = PriorityFlag::new(self.priority_flag);
        if let Some(validity) = self.validity_period {
            pdu.validity_period = EmptyOrFullCOctetString::from_string(validity).map_err(|_| ESME_RINVEXPIRY)?;
        }
        match self.body {
            Body::ShortMessage(octets) if octets.len() > MAX_SHORT_MESSAGE => return Err(ESME_RINVMSGLEN),
            Body::ShortMessage(octets) => {
                pdu.set_short_message(OctetString::from_vec(octets).map_err(|_| ESME_RINVMSGLEN)?);
            }
            Body::Payload(octets) if u16::try_from(octets.len()).is_err() => return Err(ESME_RINVMSGLEN),
            Body::Payload(octets) => {
                pdu.push_tlv(Tlv::MessagePayload(MessagePayload::new(AnyOctetString::from_vec(octets))));
            }
        }
        if let Some(Sar { reference, total, sequence }) = self.sar {
            pdu.push_tlv(Tlv::SarMsgRefNum(reference));
            pdu.push_tlv(Tlv::SarTotalSegments(total));
            pdu.push_tlv(Tlv::SarSegmentSeqnum(sequence));
        }
        if let Some(reference) = self.user_message_reference {
            pdu.push_tlv(Tlv::UserMessageReference(UserMessageReference::new(reference)));
        }
        Ok(pdu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_go_out_as_given() {
        for octet in 0..=255 {
            let pdu = Submit { esm_class: octet, data_coding: octet, ..Submit::default() }.into_pdu().unwrap();
            assert_eq!((u8::from(pdu.esm_class), u8::from(pdu.data_coding)), (octet, octet));
        }
        for octet in 0..=0x1f {
            let pdu = Submit { registered_delivery: octet, ..Submit::default() }.into_pdu().unwrap();
            assert_eq!(u8::from(pdu.registered_delivery), octet);
        }
    }

    #[test]
    fn what_cannot_be_sent_names_its_field() {
        let long = "1".repeat(21);
        let address = |addr: &str| Address { addr: addr.to_owned(), ton: 1, npi: 1 };
        let status = |submit: Submit| submit.into_pdu().unwrap_err();
        assert_eq!(status(Submit { source: address(&long), ..Submit::default() }), ESME_RINVSRCADR);
        assert_eq!(status(Submit { source: address("Köln"), ..Submit::default() }), ESME_RINVSRCADR);
        assert_eq!(status(Submit { dest: address(&long), ..Submit::default() }), ESME_RINVDSTADR);
        assert_eq!(status(Submit { body: Body::ShortMessage(vec![0; 255]), ..Submit::default() }), ESME_RINVMSGLEN);
        assert_eq!(status(Submit { body: Body::Payload(vec![0; 65_536]), ..Submit::default() }), ESME_RINVMSGLEN);
        assert_eq!(status(Submit { validity_period: Some("soon".to_owned()), ..Submit::default() }), ESME_RINVEXPIRY);
        assert_eq!(status(Submit { service_type: "TOOLONG".to_owned(), ..Submit::default() }), ESME_RINVSERTYP);
    }
}
