//! From a deliver_sm to a receipt. The TLVs rule where they are given, the text where they are not (SMPP 3.4 §5.3.2.12,
//! §5.2.28, Appendix B). A TLV of 0 tells nothing.
//!
//! Invariant: what a carrier wrote is cut to size and freed of control characters before it goes further: PostgreSQL
//! refuses a NUL in a text, and one such receipt would hold up all that come with it.

use domain::{
    carriers::Codec,
    messages::{MOST_RAW, Receipt, ReceiptState, Reference},
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

/// The longest id of a message (SMPP 3.4 §4.4.2, §5.3.2.12), error and address (§4.6.1), without their NUL.
const ID: usize = 64;
const ERROR: usize = 32;
pub(super) const ADDRESS: usize = 21;

/// A carrier's text without control characters, each shown by its picture so that different ids stay different.
pub(super) fn clean(text: &str, most: usize) -> String {
    let shown = |c: char| match u32::from(c) {
        low @ 0..=0x1F => char::from_u32(0x2400 + low).unwrap_or('\u{FFFD}'),
        0x7F => '\u{2421}',
        _ if c.is_control() => '\u{FFFD}',
        _ => c,
    };
    text.trim_matches('\0').chars().take(most).map(shown).collect()
}

/// The id that answered a submit.
pub fn answered(message_id: &str, codec: ReceiptIdCodec) -> Reference {
    let raw = clean(message_id, ID);
    Reference { canonical: clean(&codec.answer(&raw), ID), raw }
}

/// Reads a receipt; `None` when it names no message or no state, which is bad input, for the caller to tell.
pub fn read(deliver: &Deliver, codec: ReceiptIdCodec) -> Option<Receipt> {
    let text = ReceiptText::parse(&deliver.message);
    let as_it_came = as_it_came(deliver, text.id.as_deref());
    let mut ids = deliver.receipted_message_id.clone().into_iter().chain(text.id).map(|id| clean(&id, ID));
    let raw = ids.find(|id| !id.trim().is_empty())?;
    // 0 is SCHEDULED of SMPP 5.0, and what some carriers leave there: the text knows better.
    let told = deliver.message_state.filter(|state| *state != 0 || text.state.is_none());
    let state = told.and_then(MessageState::from_tlv).or(text.state)?;
    // 0 is no error, and what some carriers leave there too.
    let code = deliver.network_error_code.filter(|e| e.code != 0).map(|e| format!("{:03}", e.code));
    let error = code.or(text.error).map(|e| clean(&e, ERROR));
    Some(Receipt {
        reference: Reference { canonical: clean(&codec.receipt(&raw), ID), raw },
        state: translate(state),
        // Some carriers send err:000 with a success; it tells nothing.
        error: error.filter(|e| state != MessageState::Delivered && e.chars().any(|c| c != '0')),
        phone: deliver.source.trim_start_matches('+').parse().ok(),
        sender: Some(clean(&deliver.dest, ADDRESS)).filter(|d| !d.is_empty()),
        raw: Some(as_it_came),
    })
}

/// The text and, by their tags, the TLVs that tell more: one line of it is kept for each message, so it is short.
fn as_it_came(deliver: &Deliver, id: Option<&str>) -> String {
    let mut tlvs = Vec::new();
    if let Some(named) = deliver.receipted_message_id.as_deref().filter(|named| Some(*named) != id) {
        tlvs.push(format!("001E={}", clean(named, ID)));
    }
    tlvs.extend(deliver.message_state.map(|state| format!("0427={state}")));
    tlvs.extend(deliver.network_error_code.map(|e| format!("0423={}/{}", e.network, e.code)));
    let tlvs = if tlvs.is_empty() { String::new() } else { format!(" [{}]", tlvs.join(" ")) };
    let room = MOST_RAW.saturating_sub(tlvs.chars().count());
    format!("{}{tlvs}", clean(&String::from_utf8_lossy(&deliver.message), room)).trim_start().to_owned()
}

fn translate(state: MessageState) -> ReceiptState {
    match state {
        MessageState::Enroute | MessageState::Scheduled => ReceiptState::Enroute,
        MessageState::Delivered => ReceiptState::Delivered,
        MessageState::Expired => ReceiptState::Expired,
        MessageState::Deleted => ReceiptState::Deleted,
        MessageState::Undeliverable | MessageState::Skipped => ReceiptState::Undeliverable,
        MessageState::Accepted => ReceiptState::Accepted,
        MessageState::Unknown => ReceiptState::Unknown,
        MessageState::Rejected => ReceiptState::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use domain::messages::verdict;
    use smpp::{client::NetworkError, receipt::STATES};

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
        let coded = |code| Deliver { network_error_code: Some(NetworkError { network: 3, code }), ..deliver.clone() };
        let error = |deliver: &Deliver| read(deliver, ReceiptIdCodec::AsIs).unwrap().error;
        assert_eq!(error(&coded(0)).as_deref(), Some("021"), "the TLV tells nothing: the text does");
        assert_eq!(error(&coded(9)).as_deref(), Some("009"), "the TLV rules");
        let with_tlvs = Deliver { receipted_message_id: Some("9".into()), message_state: Some(2), ..deliver };
        let receipt = read(&with_tlvs, ReceiptIdCodec::AsIs).unwrap();
        assert_eq!(
            (receipt.reference.raw.as_str(), receipt.state, receipt.error),
            ("9", ReceiptState::Delivered, None)
        );
        assert!(read(&Deliver::default(), ReceiptIdCodec::AsIs).is_none());
    }

    #[test]
    fn it_is_kept_as_it_came_within_bounds() {
        let text = b"id:7 stat:DELIVRD err:000 text:Hel\x00lo\xFF".to_vec();
        let plain = Deliver { message: text, ..Deliver::default() };
        let raw = |deliver: &Deliver| read(deliver, ReceiptIdCodec::AsIs).unwrap().raw.unwrap();
        assert_eq!(raw(&plain), "id:7 stat:DELIVRD err:000 text:Hel\u{2400}lo\u{FFFD}");
        let tlvs = |id: &str| Deliver {
            receipted_message_id: Some(id.into()),
            message_state: Some(2),
            network_error_code: Some(NetworkError { network: 3, code: 9 }),
            ..plain.clone()
        };
        assert!(raw(&tlvs("7")).ends_with(" [0427=2 0423=3/9]"), "an id that the text has is told once");
        assert!(raw(&tlvs("07")).ends_with(" [001E=07 0427=2 0423=3/9]"));
        assert_eq!(raw(&Deliver { message: Vec::new(), ..tlvs("7") }), "[001E=7 0427=2 0423=3/9]");
        let long = Deliver { message: [b"id:7 ".to_vec(), vec![b'x'; 9000]].concat(), ..tlvs("7") };
        let kept = raw(&long);
        assert_eq!(kept.chars().count(), MOST_RAW);
        assert!(kept.ends_with("x [001E=7 0427=2 0423=3/9]"), "the TLVs are not cut: {kept}");
    }

    #[test]
    fn the_manual_tells_what_a_message_becomes() {
        let page = include_str!("../../../../docs/smpp-carriers.md");
        for (state, value, text, _) in STATES {
            let becomes = match verdict(1, &[(1, translate(state))]) {
                None => "nothing yet".to_owned(),
                Some((status, None)) => format!("`{status}`"),
                Some((status, Some(reason))) => format!("`{status}`, reason `{reason}`"),
            };
            let name = format!("{state:?}").to_uppercase();
            let line = format!("| {value} {name} | `{text}` | {becomes} |");
            assert!(page.contains(&line), "docs/smpp-carriers.md lacks the line:\n{line}");
        }
    }

    #[test]
    fn what_a_database_would_refuse_is_cleaned() {
        let text = b"id:a\x00b sub:001 dlvrd:000 stat:UNDELIV err:0\x012 text:".to_vec();
        let deliver = Deliver { dest: format!("CARI\0\u{85}{}", "9".repeat(40)), message: text, ..Deliver::default() };
        let with_tlv = Deliver { receipted_message_id: Some(format!("a\0b{}", "c".repeat(99))), ..deliver };
        let receipt = read(&with_tlv, ReceiptIdCodec::AsIs).unwrap();
        let Reference { canonical, raw } = &receipt.reference;
        let sender = receipt.sender.as_deref().unwrap();
        let texts = [canonical, raw, receipt.error.as_deref().unwrap(), sender];
        assert!(texts.iter().all(|t| !t.chars().any(char::is_control)), "{texts:?}");
        assert_eq!((canonical.chars().count(), raw.chars().count(), sender.chars().count()), (64, 64, 21));
        assert_eq!(receipt.error.as_deref(), Some("0\u{2401}2"));
        let answer = answered(&format!("a\0b{}", "c".repeat(99)), ReceiptIdCodec::AsIs);
        assert_eq!(answer, receipt.reference, "both sides are cleaned alike");
        assert_ne!(answered("a\u{1}", ReceiptIdCodec::AsIs), answered("a\u{2}", ReceiptIdCodec::AsIs));
    }
}
