//! Receipt texts from the specification, from the field, and at random.

use super::*;

const SPEC: &str =
    "id:0123456789 sub:001 dlvrd:001 submit date:2611212156 done date:2611212157 stat:DELIVRD err:000 text:Hello";

#[test]
fn the_form_of_the_specification() {
    let receipt = ReceiptText::parse(SPEC.as_bytes());
    assert_eq!(receipt.id.as_deref(), Some("0123456789"));
    assert_eq!((receipt.submitted, receipt.delivered), (Some(1), Some(1)));
    assert_eq!(receipt.submit_date.as_deref(), Some("2611212156"));
    assert_eq!(receipt.done_date.as_deref(), Some("2611212157"));
    assert_eq!(receipt.state, Some(MessageState::Delivered));
    assert_eq!(receipt.error.as_deref(), Some("000"));
    assert_eq!(receipt.text.as_deref(), Some("Hello"));
    assert!(receipt.is_receipt());
}

#[test]
fn forms_from_the_field() {
    for (text, id, state) in [
        ("ID: ab-12  STAT : undeliv ERR:  21", "ab-12", MessageState::Undeliverable),
        ("stat:DELIVERED id:9 err:0", "9", MessageState::Delivered),
        ("id:1 submitdate:260101 donedate:260102 stat:EXPIRED", "1", MessageState::Expired),
        ("id:7\nsub:1\ndlvrd:0\nstat:REJECTED\nText:", "7", MessageState::Rejected),
        ("id:7 stat:ACCEPTED Text:id:8 stat:DELIVRD", "7", MessageState::Accepted),
        ("  id:550e8400-e29b:41 stat:UNKNOWN", "550e8400-e29b:41", MessageState::Unknown),
        ("id:3 stat:ENROUTE err:000 text:\0", "3", MessageState::Enroute),
        ("id:3 stat:UNDELIVERABLE", "3", MessageState::Undeliverable),
        ("id:3 stat:DELETED", "3", MessageState::Deleted),
    ] {
        let receipt = ReceiptText::parse(text.as_bytes());
        assert_eq!(receipt.id.as_deref(), Some(id), "{text}");
        assert_eq!(receipt.state, Some(state), "{text}");
    }
}

#[test]
fn what_is_missing_is_none() {
    assert_eq!(ReceiptText::parse(b""), ReceiptText::default());
    assert_eq!(ReceiptText::parse(b"Hello, see you at 10:30"), ReceiptText::default());
    let odd = ReceiptText::parse(b"id: stat:PERHAPS sub:many");
    assert_eq!((odd.id, odd.state, odd.submitted), (None, None, None));
    assert_eq!(odd.stat.as_deref(), Some("PERHAPS"));
}

#[test]
fn states_round_trip() {
    for value in 0..=9 {
        let state = MessageState::from_tlv(value).unwrap();
        assert_eq!(state.tlv(), value);
        assert_eq!(MessageState::from_text(state.text()), Some(state));
    }
    assert_eq!(MessageState::from_tlv(10), None);
    assert!(
        !MessageState::Enroute.is_final() && !MessageState::Accepted.is_final() && MessageState::Expired.is_final()
    );
}

/// A small generator, so that a failing case can be run again from its number.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

#[test]
fn what_is_formatted_is_parsed_back() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..5_000 {
        let id: String =
            (0..1 + random.below(40)).map(|_| char::from(b"0123456789abcdefABCDEF-_"[random.below(24)])).collect();
        let state = MessageState::from_tlv(u8::try_from(1 + random.below(8)).unwrap()).unwrap();
        let error = u16::try_from(random.below(1000)).unwrap();
        let parts = ReceiptParts {
            id: &id,
            state,
            error,
            submitted_at: 1_795_298_164_000_000,
            done_at: 1_795_298_264_000_000,
            text: "id:no stat:EXPIRED err:1",
        };
        let formatted = format_receipt(&parts);
        let plain = ReceiptText::parse(formatted.as_bytes());
        assert_eq!(plain.id.as_ref(), Some(&id));
        assert_eq!(plain.state, Some(state));
        assert_eq!(plain.error, Some(format!("{error:03}")));
        // Case, spacing and line ends of the keys do not matter.
        let shouted = formatted.replace("stat:", "  STAT : ").replace("err:", "\r\nErr:\t").replace("sub:", "Sub :");
        let odd = ReceiptText::parse(shouted.as_bytes());
        assert_eq!((odd.id, odd.state, odd.error, odd.submitted), (plain.id, plain.state, plain.error, Some(1)));
    }
}

#[test]
fn garbage_never_panics() {
    let mut random = Random(42);
    let pieces: [&[u8]; 12] = [
        b"id:",
        b"stat:",
        b"submit date:",
        b"::",
        b" ",
        b"text:",
        b"\xff\xfe",
        b"\0",
        "é€".as_bytes(),
        b"err",
        b":",
        b"DELIVRD",
    ];
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..random.below(12) {
            bytes.extend_from_slice(pieces[random.below(pieces.len())]);
            bytes.push(u8::try_from(random.below(256)).unwrap());
        }
        let receipt = ReceiptText::parse(&bytes);
        for codec in ReceiptIdCodec::ALL {
            codec.1.receipt(receipt.id.as_deref().unwrap_or_default());
        }
    }
}
