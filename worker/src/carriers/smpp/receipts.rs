//! From a deliver_sm to a receipt. The TLVs rule where they are given, the text where they are not (SMPP 3.4 §5.3.2.12,
//! §5.2.28, Appendix B).

use domain::{
    carriers::Codec,
    messages::{Receipt, ReceiptState, Reference},
};
use smpp::{
    client::Deliver,
    receipt::{MessageState, ReceiptIdCodec, ReceiptText},
};

/// The codec of the smpp crate for a setting.
pub fn codec(codec: Codec) -> ReceiptIdCodec {
    match codec {
        Codec::AsIs => ReceiptIdCodec::AsIs,
        Codec::TrimZeros => ReceiptIdCodec::TrimZeros,
        Codec::FoldCase => ReceiptIdCodec::FoldCase,
        Codec::TrimZerosFoldCase => ReceiptIdCodec::TrimZerosFoldCase,
        Codec::HexToDecimal => ReceiptIdCodec::HexToDecimal,
        Codec::DecimalToHex => ReceiptIdCodec::DecimalToHex,
    }
}

/// Reads a receipt; `None` when it names no message or no state, which is logged and counted by the caller.
pub fn read(deliver: &Deliver, codec: ReceiptIdCodec) -> Option<Receipt> {
    let text = ReceiptText::parse(&deliver.message);
    let raw = deliver.receipted_message_id.clone().or(text.id)?;
    let state = deliver.message_state.and_then(MessageState::from_tlv).or(text.state)?;
    let error = deliver.network_error_code.map(|e| format!("{:03}", e.code)).or(text.error);
    Some(Receipt {
        reference: Reference { canonical: codec.receipt(&raw).to_string(), raw },
        state: translate(state),
        // Some carriers send err:000 with a success; it tells nothing.
        error: error.filter(|e| state != MessageState::Delivered && e.chars().any(|c| c != '0')),
        phone: deliver.source.trim_start_matches('+').parse().ok(),
        sender: Some(deliver.dest.clone()).filter(|d| !d.is_empty()),
    })
}

fn translate(state: MessageState) -> ReceiptState {
    match state {
        MessageState::Enroute => ReceiptState::Enroute,
        MessageState::Delivered => ReceiptState::Delivered,
        MessageState::Expired => ReceiptState::Expired,
        MessageState::Deleted => ReceiptState::Deleted,
        MessageState::Undeliverable => ReceiptState::Undeliverable,
        MessageState::Accepted => ReceiptState::Accepted,
        MessageState::Unknown => ReceiptState::Unknown,
        MessageState::Rejected => ReceiptState::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tlvs_rule_and_text_fills_in() {
        let text =
            b"id:7 sub:001 dlvrd:000 submit date:2611211000 done date:2611211001 stat:UNDELIV err:021 text:".to_vec();
        let deliver =
            Deliver { source: "447400123456".into(), dest: "CARILLON".into(), message: text, ..Deliver::default() };
        let receipt = read(&deliver, ReceiptIdCodec::AsIs).unwrap();
        assert_eq!(
            (receipt.reference.raw.as_str(), receipt.state, receipt.error.as_deref()),
            ("7", ReceiptState::Undeliverable, Some("021"))
        );
        assert_eq!((receipt.phone, receipt.sender.as_deref()), (Some(447_400_123_456), Some("CARILLON")));
        let with_tlvs = Deliver { receipted_message_id: Some("9".into()), message_state: Some(2), ..deliver };
        let receipt = read(&with_tlvs, ReceiptIdCodec::AsIs).unwrap();
        assert_eq!(
            (receipt.reference.raw.as_str(), receipt.state, receipt.error),
            ("9", ReceiptState::Delivered, None)
        );
        assert!(read(&Deliver::default(), ReceiptIdCodec::AsIs).is_none());
    }
}
