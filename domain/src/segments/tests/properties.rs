//! Properties of any text.

use proptest::prelude::*;

use super::*;

const MODES: [SplitMode; 5] = [SplitMode::Cut, SplitMode::Udh8, SplitMode::Udh16, SplitMode::Payload, SplitMode::Sar];

/// Every character of both tables, as a pattern.
const ALPHABET: &str = concat!(
    "[@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,./",
    "0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\\\\\[~\\]|€\n\r\u{0C}-]{0,200}",
);

/// Texts with many pairs and lengths around the limits.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z€\\[{|^]{0,700}", "[яa😀€👍]{0,300}", "\\PC{0,200}", "[a-z€]{150,165}", "[я😀]{60,75}"]
}

fn decode(part: &Part) -> String {
    match part.encoding {
        Encoding::Gsm7 => decode_gsm7(&part.body),
        Encoding::Ucs2 => decode_ucs2(&part.body),
    }
}

proptest! {
    #[test]
    fn gsm7_comes_back(text in ALPHABET) {
        let septets = encode_gsm7(&text).unwrap();
        prop_assert!(septets.iter().all(|&octet| octet < 0x80));
        prop_assert_eq!(decode_gsm7(&septets), text);
    }

    #[test]
    fn any_octets_are_decoded(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_gsm7(&octets);
        let _ = decode_ucs2(&octets);
    }

    #[test]
    fn parts_are_whole_characters_and_join_to_the_text(text in text(), wide in any::<bool>()) {
        let wish = wide.then_some(Encoding::Ucs2);
        for mode in MODES {
            let measured = measure(&text, mode, wish);
            let parts = split(&text, mode, wish).unwrap();
            let joined: String = parts.iter().map(decode).collect();
            if mode == SplitMode::Cut {
                prop_assert!(text.starts_with(&joined));
                prop_assert_eq!(measured.segments, 1);
            } else {
                prop_assert_eq!(&joined, &text);
            }
            if mode != SplitMode::Payload {
                prop_assert_eq!(usize::try_from(measured.segments).unwrap(), parts.len());
            }
            let (single, several) = (measured.encoding.single_limit(), mode.part_limit(measured.encoding));
            let limit = if measured.segments == 1 { single } else { several };
            for (part, sequence) in parts.iter().zip(1..) {
                prop_assert_eq!((part.sequence, usize::from(part.total)), (sequence, parts.len()));
                let octets_a_unit = if part.encoding == Encoding::Ucs2 { 2 } else { 1 };
                prop_assert!(mode == SplitMode::Payload || part.body.len() <= limit * octets_a_unit);
                if part.encoding == Encoding::Gsm7 {
                    prop_assert_ne!(part.body.last(), Some(&0x1B), "dangling escape");
                } else {
                    let unit = |pair: &[u8]| u16::from_be_bytes([pair[0], pair[1]]);
                    let units: Vec<_> = part.body.chunks(2).map(unit).collect();
                    prop_assert!(String::from_utf16(&units).is_ok(), "lone surrogate");
                }
            }
        }
    }

    #[test]
    fn counters_add_up(text in text()) {
        for mode in MODES {
            let measured = measure(&text, mode, None);
            prop_assert_eq!(measured.per_segment.len(), usize::try_from(measured.segments).unwrap());
            let sum: u32 = measured.per_segment.iter().sum();
            prop_assert!(sum == measured.units || (mode == SplitMode::Cut && sum < measured.units));
            // As many units as remain fit, and one more begins a new segment.
            if mode != SplitMode::Cut && measured.segments > 0 {
                let filler = if measured.encoding == Encoding::Gsm7 { "a" } else { "я" };
                let full = format!("{text}{}", filler.repeat(usize::try_from(measured.remaining_in_last).unwrap()));
                prop_assert_eq!(measure(&full, mode, None).segments, measured.segments);
                let over = full + filler;
                prop_assert!(measure(&over, mode, None).segments > measured.segments);
            }
        }
    }

    #[test]
    fn cheaper_spelling_is_never_dearer(text in text()) {
        let now = measure(&text, SplitMode::Udh8, None).segments;
        prop_assert!(measure(&smart_encode(&text), SplitMode::Udh8, None).segments <= now);
        prop_assert!(measure(&euro_to_e(&text, SplitMode::Udh8), SplitMode::Udh8, None).segments <= now);
        prop_assert_eq!(ucs2_characters(&text).is_empty(), Encoding::of(&text) == Encoding::Gsm7);
    }
}
