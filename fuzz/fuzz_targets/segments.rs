//! Texts cut into parts: as many as are billed, none too long, and put together again they are the text.
#![no_main]

use domain::segments::{self, Encoding, SplitMode};
use libfuzzer_sys::fuzz_target;

const MODES: [SplitMode; 5] = [SplitMode::Cut, SplitMode::Udh8, SplitMode::Udh16, SplitMode::Payload, SplitMode::Sar];

/// Octets on the air: septets are packed, and a header takes its own.
fn octets(encoding: Encoding, body: usize, header: usize) -> usize {
    match encoding {
        Encoding::Gsm7 => (header * 8).div_ceil(7).saturating_add(body) * 7 / 8,
        Encoding::Ucs2 => header + body,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mode = MODES[usize::from(*choice) % MODES.len()];
    let wish = [None, Some(Encoding::Gsm7), Some(Encoding::Ucs2)][usize::from(*choice / 8) % 3];
    let _ = (segments::decode_gsm7(bytes), segments::decode_ucs2(bytes));
    // Half of the time a text of GSM-7's own characters, which random octets seldom are.
    let text = if *choice & 0x80 == 0 {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        segments::decode_gsm7(&bytes.iter().map(|octet| octet & 0x7F).collect::<Vec<_>>())
    };
    let measure = segments::measure(&text, mode, wish);
    assert_eq!(measure.per_segment.len(), measure.segments as usize);
    let parts = match segments::split(&text, mode, wish) {
        Ok(parts) => parts,
        Err(_) => return assert!(measure.segments as usize > segments::MAX_PARTS),
    };
    let header = match mode {
        SplitMode::Udh8 | SplitMode::Sar if parts.len() > 1 => 6,
        SplitMode::Udh16 if parts.len() > 1 => 7,
        _ => 0,
    };
    let encoding = measure.encoding;
    let mut together = Vec::new();
    for (part, sequence) in parts.iter().zip(1..) {
        assert_eq!((part.encoding, part.sequence, usize::from(part.total)), (encoding, sequence, parts.len()));
        assert!(
            mode == SplitMode::Payload || octets(encoding, part.body.len(), header) <= 140,
            "{mode:?} {}",
            part.body.len()
        );
        together.extend_from_slice(&part.body);
    }
    if mode != SplitMode::Payload {
        assert_eq!(parts.len(), measure.segments as usize);
    }
    let read = match encoding {
        Encoding::Gsm7 => segments::decode_gsm7(&together),
        Encoding::Ucs2 => segments::decode_ucs2(&together),
    };
    if mode == SplitMode::Cut { assert!(text.starts_with(&read)) } else { assert_eq!(read, text) }
});
