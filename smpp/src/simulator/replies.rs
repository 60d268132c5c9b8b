//! What subscribers write back: the replies of the numbers that answer, and the one queue that they share with receipts.
//!
//! Invariant: a sender with letters gets no reply, since no handset could send one.

use super::log::{Line, SarLine, hex};
use super::magic::Reply;
use super::message::Message;
use super::receipts::Receipt;
use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Tlv;
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, MessagePayload, Npi, RegisteredDelivery, Ton};
use std::sync::Arc;

/// UDHI of esm_class (SMPP 3.4 §5.2.12).
const UDH_INDICATOR: u8 = 0x40;
/// The longest short_message.
const MAX_SHORT_MESSAGE: usize = 254;
/// What the parts of the long reply have in common.
const REFERENCE: u8 = 0x2A;
/// UTF-16 units of a part with an 8-bit reference.
const UNITS: usize = 67;

/// One deliver_sm from a subscriber.
#[derive(Debug)]
pub(super) struct Written {
    pub system_id: Arc<str>,
    /// The message that is answered: source and destination change places.
    pub message: Arc<Message>,
    data_coding: u8,
    udh: Option<Vec<u8>>,
    sar: Option<SarLine>,
    text: Vec<u8>,
}

/// What waits to be delivered.
#[derive(Debug)]
pub(super) enum Parcel {
    Receipt(Receipt),
    Reply(Written),
}

impl Written {
    /// What a message is answered with, in the order in which it comes.
    pub(super) fn of(reply: Reply, system_id: &Arc<str>, message: &Arc<Message>) -> Vec<Self> {
        let answerable = message.source.bytes().all(|b| b.is_ascii_digit() || b == b'+');
        if !answerable || (reply != Reply::Echo && message.part() != 1) {
            return Vec::new();
        }
        let written = |data_coding, udh, sar, text| Self {
            system_id: Arc::clone(system_id),
            message: Arc::clone(message),
            data_coding,
            udh,
            sar,
            text,
        };
        let plain = |text: &str| written(0, None, None, text.as_bytes().to_vec());
        match reply {
            Reply::None => Vec::new(),
            Reply::Echo => vec![written(message.data_coding, message.udh.clone(), message.sar, message.text.clone())],
            Reply::Text(text) => vec![plain(text)],
            Reply::Twice(text) => vec![plain(text), plain(text)],
            Reply::LongLastFirst(text) => {
                let units: Vec<u16> = text.encode_utf16().collect();
                let parts: Vec<&[u16]> = units.chunks(UNITS).collect();
                let total = u8::try_from(parts.len()).unwrap_or(u8::MAX);
                let part = |(units, n): (&&[u16], u8)| {
                    let octets = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
                    written(8, Some(vec![5, 0, 3, REFERENCE, total, n]), None, octets)
                };
                let mut all: Vec<Self> = parts.iter().zip(1..).map(part).collect();
                all.reverse();
                all
            }
        }
    }

    fn pdu(&self) -> DeliverSm {
        let Self { system_id: _, message, data_coding, udh, sar, text } = self;
        let mut pdu = DeliverSm::default();
        pdu.source_addr_ton = Ton::from(message.dest_ton);
        pdu.source_addr_npi = Npi::from(message.dest_npi);
        pdu.source_addr = COctetString::from_string(message.dest.clone()).unwrap_or_default();
        pdu.dest_addr_ton = Ton::from(message.source_ton);
        pdu.dest_addr_npi = Npi::from(message.source_npi);
        pdu.destination_addr = COctetString::from_string(message.source.clone()).unwrap_or_default();
        pdu.esm_class = EsmClass::from(if udh.is_some() { UDH_INDICATOR } else { 0 });
        pdu.data_coding = DataCoding::from(*data_coding);
        pdu.registered_delivery = RegisteredDelivery::from(0);
        let body = [udh.as_deref().unwrap_or_default(), text].concat();
        if body.len() > MAX_SHORT_MESSAGE {
            pdu.push_tlv(Tlv::MessagePayload(MessagePayload::new(AnyOctetString::from_vec(body))));
        } else {
            pdu.set_short_message(OctetString::from_vec(body).unwrap_or_default());
        }
        if let Some(SarLine { reference, total, sequence }) = *sar {
            pdu.push_tlv(Tlv::SarMsgRefNum(reference));
            pdu.push_tlv(Tlv::SarTotalSegments(total));
            pdu.push_tlv(Tlv::SarSegmentSeqnum(sequence));
        }
        pdu
    }
}

impl Parcel {
    pub(super) fn system_id(&self) -> &Arc<str> {
        match self {
            Self::Receipt(receipt) => &receipt.system_id,
            Self::Reply(reply) => &reply.system_id,
        }
    }

    pub(super) fn pdu(&self, at: i64) -> DeliverSm {
        match self {
            Self::Receipt(receipt) => receipt.pdu(at),
            Self::Reply(reply) => reply.pdu(),
        }
    }

    /// The line that it is about to be sent.
    pub(super) fn sent(&self, bind: u64, at: i64) -> Line {
        match self {
            Self::Receipt(receipt) => receipt.line(bind, at),
            Self::Reply(Written { message, data_coding, udh, sar, text, .. }) => Line::Reply {
                at,
                bind,
                source: message.dest.clone(),
                dest: message.source.clone(),
                data_coding: *data_coding,
                udh: udh.as_deref().map(hex),
                sar: *sar,
                text_hex: hex(text),
            },
        }
    }

    /// The line that it was answered, or not in time.
    pub(super) fn answered(&self, bind: u64, at: i64, status: Option<u32>) -> Line {
        match self {
            Self::Receipt(receipt) => Line::ReceiptAck {
                at,
                bind,
                message_id: receipt.message_id.clone(),
                stat: receipt.state.text().to_owned(),
                status,
            },
            Self::Reply(Written { message, .. }) => {
                Line::ReplyAck { at, bind, source: message.dest.clone(), dest: message.source.clone(), status }
            }
        }
    }
}
