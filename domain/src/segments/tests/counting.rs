//! Limits, and the vectors of the fixture.

use super::*;

fn segments(text: &str, mode: SplitMode) -> u32 {
    measure(text, mode, None).segments
}

#[test]
fn all_vectors_agree() {
    let vectors = fixture("segments.jsonl");
    assert_eq!(vectors.lines().count(), 300);
    for line in vectors.lines() {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let measured = measure(vector["text"].as_str().unwrap(), SplitMode::Udh8, None);
        assert_eq!(serde_json::to_value(measured.encoding).unwrap(), vector["encoding"], "{line}");
        assert_eq!(u64::from(measured.segments), vector["segments"].as_u64().unwrap(), "{line}");
    }
}

#[test]
fn published_tables_hold() {
    // The tables published by operators are those of the 8-bit reference.
    let cases = [
        ("a", SplitMode::Udh8, [160, 306, 459, 612]),
        ("я", SplitMode::Udh8, [70, 134, 201, 268]),
        ("a", SplitMode::Sar, [160, 306, 459, 612]),
        ("я", SplitMode::Payload, [70, 134, 201, 268]),
        ("a", SplitMode::Udh16, [160, 304, 456, 608]),
        ("я", SplitMode::Udh16, [70, 132, 198, 264]),
    ];
    for (letter, mode, limits) in cases {
        for (limit, expected) in limits.into_iter().zip(1..) {
            assert_eq!(segments(&letter.repeat(limit), mode), expected, "{letter} {mode:?} {limit}");
            assert_eq!(segments(&letter.repeat(limit + 1), mode), expected + 1, "{letter} {mode:?} {limit} + 1");
        }
    }
}

#[test]
fn cut_is_one_segment_and_ends_before_a_pair() {
    let text = format!("{}€€", "a".repeat(159));
    let measured = measure(&text, SplitMode::Cut, None);
    assert_eq!((measured.segments, measured.units, measured.characters), (1, 163, 161));
    assert_eq!((measured.per_segment, measured.remaining_in_last), (vec![159], 1));
    let parts = split(&text, SplitMode::Cut, None).unwrap();
    assert_eq!((parts.len(), parts[0].total, parts[0].body.len()), (1, 1, 159));
    let emoji = format!("{}😀", "я".repeat(69));
    assert_eq!(split(&emoji, SplitMode::Cut, None).unwrap()[0].body, encode_ucs2(&"я".repeat(69)));
}

#[test]
fn pairs_stay_whole_and_shorten_their_part() {
    let measured = measure(&format!("{}€{}", "a".repeat(152), "b".repeat(160)), SplitMode::Udh8, None);
    assert_eq!((measured.units, measured.characters), (314, 313));
    assert_eq!(measured.per_segment, [152, 153, 9]);
    assert_eq!(measured.remaining_in_last, 144);
    let measured = measure(&format!("{}😀{}", "я".repeat(66), "я".repeat(10)), SplitMode::Udh8, None);
    assert_eq!(measured.per_segment, [66, 12]);
}

#[test]
fn the_live_counter() {
    let measured = measure("Hello [€]", SplitMode::default(), None);
    let expected =
        r#"{"encoding":"gsm7","units":12,"characters":9,"segments":1,"per_segment":[12],"remaining_in_last":148}"#;
    assert_eq!(serde_json::to_string(&measured).unwrap(), expected);
    let empty = measure("", SplitMode::Udh8, None);
    assert_eq!((empty.segments, empty.units, empty.remaining_in_last), (1, 0, 160));
}

#[test]
fn an_encoding_is_forced_only_where_it_can_be() {
    assert_eq!(measure("abc", SplitMode::Udh8, Some(Encoding::Ucs2)).remaining_in_last, 67);
    assert_eq!(measure("абв", SplitMode::Udh8, Some(Encoding::Gsm7)).encoding, Encoding::Ucs2);
    assert_eq!(split("ab", SplitMode::Udh8, Some(Encoding::Ucs2)).unwrap()[0].body, [0, b'a', 0, b'b']);
}

#[test]
fn payload_is_one_part_billed_by_segments() {
    let text = "a".repeat(400);
    assert_eq!(segments(&text, SplitMode::Payload), 3);
    let parts = split(&text, SplitMode::Payload, None).unwrap();
    assert_eq!((parts.len(), parts[0].total, parts[0].body.len()), (1, 1, 400));
}

#[test]
fn more_than_255_parts_are_refused() {
    assert_eq!(split(&"a".repeat(153 * 255), SplitMode::Udh8, None).unwrap().len(), 255);
    for mode in [SplitMode::Udh8, SplitMode::Udh16, SplitMode::Sar, SplitMode::Payload] {
        let error = split(&"a".repeat(153 * 255 + 1), mode, None).unwrap_err();
        assert!(error.segments > MAX_PARTS && error.to_string().starts_with("too_many_segments"));
    }
    assert_eq!(split(&"a".repeat(100_000), SplitMode::Cut, None).unwrap().len(), 1);
}

#[test]
fn headers_are_those_of_23_040() {
    assert_eq!(udh8(0xAB, 3, 2), [0x05, 0x00, 0x03, 0xAB, 3, 2]);
    assert_eq!(udh16(0x1234, 3, 2), [0x06, 0x08, 0x04, 0x12, 0x34, 3, 2]);
}

#[test]
fn modes_have_their_published_names() {
    let modes = [SplitMode::Cut, SplitMode::Udh8, SplitMode::Udh16, SplitMode::Payload, SplitMode::Sar];
    assert_eq!(serde_json::to_string(&modes).unwrap(), r#"["cut","udh","udh16","payload","sar"]"#);
    assert_eq!(SplitMode::default(), SplitMode::Udh8);
}

#[test]
fn septets_are_those_of_23_038() {
    assert_eq!(encode_gsm7("@£\n\r AZaz09_Ç").unwrap(), b"\x00\x01\x0A\x0D AZaz09\x11\x09");
    assert_eq!(
        encode_gsm7("€^{}\\[~]|\u{0C}").unwrap(),
        b"\x1B\x65\x1B\x14\x1B\x28\x1B\x29\x1B\x2F\x1B\x3C\x1B\x3D\x1B\x3E\x1B\x40\x1B\x0A"
    );
    for missing in ["ç", "я", "`", "\t", "\0", "\u{1B}", "😀"] {
        assert_eq!(encode_gsm7(missing), None, "{missing:?}");
    }
    // An unknown escape is read from the basic table; a dangling or double one is a space; eight bits are not septets.
    assert_eq!(decode_gsm7(b"\x1BA\x1B\x1Bb\x1B"), "A b ");
    assert_eq!(decode_gsm7(&[0x80, 0x00]), "\u{FFFD}@");
    assert_eq!(decode_ucs2(&[0x04, 0x10, 0xD8, 0x3D, 0x41]), "А\u{FFFD}\u{FFFD}");
}
