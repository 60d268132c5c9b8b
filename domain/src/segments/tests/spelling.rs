//! What forces UCS-2 and what is cheaper.

use super::*;

#[test]
fn the_characters_that_force_ucs2_come_in_order_with_replacements() {
    let text = "Don’t “stop” — naïve 😀 don’t";
    let expected = [
        ('’', 3, 2, Some("'")),
        ('“', 6, 1, Some("\"")),
        ('”', 11, 1, Some("\"")),
        ('—', 13, 1, Some("-")),
        ('ï', 17, 1, Some("i")),
        ('😀', 21, 1, None),
    ];
    let found: Vec<_> =
        ucs2_characters(text).into_iter().map(|c| (c.character, c.position, c.count, c.replacement)).collect();
    assert_eq!(found, expected);
    assert_eq!(ucs2_characters("plain [€] ß"), []);
    let json = serde_json::to_string(&ucs2_characters("…")).unwrap();
    assert_eq!(json, r#"[{"char":"…","position":0,"count":1,"replacement":"..."}]"#);
}

#[test]
fn the_saving_is_counted_in_segments() {
    let text = format!("{}’", "a".repeat(150));
    assert_eq!(saving(&text, SplitMode::Udh8), Saving { now: 3, after: 1 });
    assert_eq!(saving("я…", SplitMode::Udh8), Saving { now: 1, after: 1 });
    // Replacing would lengthen a text that stays UCS-2.
    let longer = format!("{}…", "я".repeat(69));
    assert_eq!(saving(&longer, SplitMode::Udh8), Saving { now: 1, after: 1 });
}

#[test]
fn every_replacement_is_gsm7_and_replaces_something_that_is_not() {
    for c in ('\0'..='\u{FFFF}').filter(|&c| encode_gsm7(&c.to_string()).is_none()) {
        for found in ucs2_characters(&c.to_string()) {
            if let Some(replacement) = found.replacement {
                assert!(encode_gsm7(replacement).is_some(), "{c}");
            }
        }
    }
}

#[test]
fn smart_encoding_is_done_only_where_it_helps() {
    assert_eq!(smart_encode("«Don’t»\u{a0}– now…"), "\"Don't\" - now...");
    for same in ["plain", "«Привет» — …", "naïve “x”", "😀 …"] {
        assert_eq!(smart_encode(same), same);
    }
}

#[test]
fn the_euro_is_replaced_only_when_the_message_would_spill() {
    let spills = format!("{}€", "a".repeat(159));
    assert_eq!(euro_to_e(&spills, SplitMode::Udh8), format!("{}E", "a".repeat(159)));
    assert_eq!(euro_to_e(&spills, SplitMode::Cut), format!("{}E", "a".repeat(159)));
    let fits = format!("{}€", "a".repeat(158));
    let hopeless = format!("{}€", "a".repeat(160));
    let cyrillic = format!("{}€", "я".repeat(70));
    for same in [fits, hopeless, cyrillic, "no sign".to_owned()] {
        assert_eq!(euro_to_e(&same, SplitMode::Udh8), same);
    }
}
