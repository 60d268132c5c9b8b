//! Inbound messages: any user data header, any data coding. Whatever comes is read as a part of a message or as a whole one,
//! and as a text that a database takes; and what we cut into parts is read as just these parts.
#![no_main]

use domain::{
    clock::Timestamp,
    inbound_messages::{Delivery, Encoding, Sar},
    segments::{self, SplitMode},
};
use libfuzzer_sys::fuzz_target;

fn delivery(data_coding: u8, has_header: bool, sar: Option<Sar>, body: &[u8]) -> Delivery {
    Delivery {
        source: "+447400100001".into(),
        national: false,
        recipient: "4444".into(),
        data_coding,
        has_header,
        body: body.to_vec(),
        sar,
        received_at: Timestamp(0),
    }
}

/// Reads octets as they may come from a carrier.
fn any([choice, data_coding, reference, total, sequence]: [u8; 5], octets: &[u8]) {
    let sar = Sar { reference: u16::from(reference), total, sequence };
    let has_header = choice & 1 != 0;
    let came = delivery(data_coding, has_header, (choice & 2 != 0).then_some(sar), octets);
    let (tie, body) = came.read();
    assert!(octets.ends_with(body) && (has_header || body == octets));
    if let Some(tie) = tie {
        assert!(tie.total > 1 && (1..=tie.total).contains(&tie.part), "{tie:?}");
    }
    let text = Encoding::of(data_coding, body).text(body);
    assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')));
}

/// Cuts a text as a sender does, and reads the parts.
fn own(reference: u16, wide: bool, text: &str) {
    let mode = if wide { SplitMode::Udh16 } else { SplitMode::Udh8 };
    let Ok(parts) = segments::split(text, mode, None) else { return };
    for part in parts.iter().filter(|part| part.total > 1) {
        let (low, total, sequence) = (reference.to_be_bytes()[1], part.total, part.sequence);
        let (header, key) = if wide {
            (segments::udh16(reference, total, sequence).to_vec(), format!("udh16/{reference}/{total}"))
        } else {
            (segments::udh8(low, total, sequence).to_vec(), format!("udh8/{low}/{total}"))
        };
        let sent = delivery(0, true, None, &[header.as_slice(), &part.body].concat());
        let (tie, body) = sent.read();
        let tie = tie.expect("a part");
        assert_eq!((tie.key, tie.total, tie.part, body), (key, total, sequence, part.body.as_slice()));
    }
}

fuzz_target!(|octets: &[u8]| {
    let Some((head, rest)) = octets.split_first_chunk::<5>() else { return };
    any(*head, rest);
    own(u16::from_be_bytes([head[1], head[2]]), head[0] & 4 != 0, &String::from_utf8_lossy(rest));
});
