//! Reading numbers by the rules of CON-04.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{super::clean::*, *};
use crate::phone::describe::split;

fn rule(text: &str) -> Rule {
    match text.split_once(':') {
        Some(("import", code)) => Rule::ImportCountry(country(code)),
        Some(("account", code)) => Rule::AccountCountry(country(code)),
        _ => Rule::None,
    }
}

/// The number or the error code, as text.
fn read(raw: &str, rule: &Rule) -> String {
    parse(raw, rule).map_or_else(|e| e.code.to_owned(), |p| p.number.to_string())
}

#[test]
fn every_row_of_the_fixture_gives_what_the_reference_gives() {
    let mut unique = std::collections::BTreeMap::<String, BTreeSet<String>>::new();
    for line in fixture("phones.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| row[name].as_str().unwrap().to_owned();
        let got = read(&field("raw"), &rule(&field("rule")));
        assert_eq!(got, field("expected"), "{line}");
        if got.starts_with('+') {
            unique.entry(field("rule")).or_default().insert(got);
        }
    }
    assert_eq!(unique["none"].len(), 975);
    assert_eq!(unique["import:RU"].len(), 300);
}

/// A list from all over the world, half of it bare digits: with the account's country tried last nothing is misread.
#[test]
fn an_account_s_country_does_not_spoil_a_world_wide_list() {
    for line in fixture("phones.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let (raw, expected) = (row["raw"].as_str().unwrap(), row["expected"].as_str().unwrap());
        if row["rule"] == "none" && expected.starts_with('+') {
            for home in ["UA", "FR", "RU", "US", "DE", "GB", "IT", "KZ"] {
                assert_eq!(read(raw, &rule(&format!("account:{home}"))), expected, "{raw} {home}");
            }
        }
    }
}

#[test]
fn the_readings_of_bare_digits_follow_the_rule() {
    let cases = [
        // (raw, rule, expected, ambiguous)
        ("89167281722", "import:RU", "+79167281722", false),
        ("9815338952", "import:RU", "+79815338952", false),
        ("79031444842", "import:RU", "+79031444842", false),
        ("79031444842", "account:RU", "+79031444842", false),
        ("84951234567", "import:RU", "phone_not_mobile", false),
        // A landline of Moscow in a Russian file; the account's rule reads Vietnam first.
        ("84991234567", "import:RU", "phone_not_mobile", false),
        ("84912342024", "import:RU", "phone_not_mobile", false),
        ("84912342024", "account:RU", "+84912342024", true),
        ("380501235821", "import:RU", "+380501235821", false),
        ("0501235821", "account:UA", "+380501235821", false),
        ("612345678", "import:FR", "+33612345678", false),
        ("61234567890", "account:AU", "phone_not_mobile", false),
        // 7 916 728 17 22 as a number of the USA: +1 791… does not exist, +7 does.
        ("79167281722", "import:US", "+79167281722", false),
        // New Jersey for an American file, a landline in Cairo otherwise; the account's rule takes the one that can be
        // reached.
        ("2015553211", "import:US", "+12015553211", true),
        ("2015553211", "account:US", "+12015553211", true),
        ("2015553211", "none", "phone_not_mobile", false),
        ("01144 7400 120966", "import:US", "+447400120966", false),
        ("810 380 50 1235821", "import:RU", "+380501235821", false),
        ("0044 7400 120966", "import:US", "+447400120966", false),
        ("0501235821", "none", "phone_no_country", false),
        ("380501235821", "none", "+380501235821", false),
    ];
    for (raw, by, expected, ambiguous) in cases {
        assert_eq!(read(raw, &rule(by)), expected, "{raw} {by}");
        if let Ok(parsed) = parse(raw, &rule(by)) {
            assert_eq!(parsed.ambiguous, ambiguous, "{raw} {by}");
        }
    }
}

#[test]
fn two_valid_readings_are_ambiguous_and_the_source_of_the_country_decides() {
    let (digits, home) = ambiguous_example();
    let import = parse(&digits, &Rule::ImportCountry(home)).unwrap();
    let account = parse(&digits, &Rule::AccountCountry(home)).unwrap();
    assert!(import.ambiguous && account.ambiguous);
    assert_eq!(country_of(import.number), Some(home));
    assert_eq!(account.number.to_string(), format!("+{digits}"));
}

/// Russian mobiles begin with 9, as the calling codes of Pakistan, Myanmar, Iran … do.
fn ambiguous_example() -> (String, Country) {
    let home = country("RU");
    let both = |n: &u64| {
        let national = parse(&format!("+7{n}"), &Rule::None).is_ok();
        national && parse(&format!("+{n}"), &Rule::None).is_ok()
    };
    ((9_000_000_000..9_999_999_999).step_by(1_234_567).find(both).unwrap().to_string(), home)
}

#[test]
fn what_people_and_spreadsheets_write() {
    let cases = [
        ("\u{feff}+380 50\u{a0}123-58.21\t", "+380501235821"),
        ("(+380) 50/123 58 21", "+380501235821"),
        ("tel:+380-50-123-5821", "+380501235821"),
        ("'380501235821", "+380501235821"),
        ("=\"380501235821\"", "+380501235821"),
        ("380501235821.0", "+380501235821"),
        ("380501235821,00", "+380501235821"),
        ("3.80501235821E+11", "+380501235821"),
        ("3,80501235821e11", "+380501235821"),
        ("3.805012358210E+11", "+380501235821"),
        // Rounded by the spreadsheet: a digit is lost for ever.
        ("3.8050123582E+11", "phone_invalid"),
        ("3.80501E+11", "phone_invalid"),
        ("3.805012358215E+11", "phone_invalid"),
        ("+٣٨٠ ٥٠ ١٢٣ ٥٨ ٢١", "+380501235821"),
        ("＋３８０５０１２３５８２１", "+380501235821"),
        ("+44 (0) 7400 120966", "+447400120966"),
        (" ", "phone_empty"),
        ("\u{a0}\t\n", "phone_empty"),
        ("''", "phone_empty"),
        ("+1 800 FLOWERS", "phone_invalid"),
        ("+380501235821 ext 5", "phone_invalid"),
        ("+380501235821, +380501235822", "phone_invalid"),
        ("+380501235821+380501235822", "phone_invalid"),
        ("-", "phone_invalid"),
        ("12345678901234567890123", "phone_too_long"),
        ("+4474001209661", "phone_too_long"),
        ("+44740012", "phone_too_short"),
        ("+74951234567", "phone_not_mobile"),
        ("+78005553535", "phone_not_mobile"),
        ("+12015550100", "+12015550100"),
        ("+1 (201) 555-0199", "+12015550199"),
        ("+999123456789", "phone_invalid"),
    ];
    for (raw, expected) in cases {
        assert_eq!(read(raw, &Rule::None), expected, "{raw}");
    }
    assert!(SIMULATOR_NUMBERS.clone().all(|n| read(&format!("+{n}"), &Rule::None) == format!("+{n}")));
    assert_eq!(parse(&"1".repeat(200), &Rule::None).unwrap_err().code, "phone_too_long");
}

#[test]
fn codes_are_those_that_are_published() {
    for raw in ["", "+1", "1234567890123456789012", "x", "+74951234567", "0501234567"] {
        assert!(PhoneError::CODES.contains(&parse(raw, &Rule::None).unwrap_err().code));
    }
}

/// The library's example numbers of every country and type.
fn examples() -> Vec<rlibphonenumber::PhoneNumber> {
    use rlibphonenumber::{PHONE_NUMBER_UTIL as UTIL, PhoneNumberType::*};
    let kinds = [Mobile, FixedLine, FixedLineOrMobile, TollFree, PremiumRate, VoIP, PersonalNumber, Pager, UAN];
    let by_kind = |kind| {
        UTIL.get_supported_regions()
            .filter_map(move |region| UTIL.get_example_number_for_type_and_region(region, kind).ok())
    };
    kinds.into_iter().flat_map(by_kind).collect()
}

#[test]
fn splitting_and_describing_agree_with_the_library_for_every_country() {
    let all = examples();
    assert!(all.len() > 900);
    for phone in all {
        let Ok(n) = phone.to_string().parse::<Msisdn>() else {
            assert!(!LineType::from(phone.get_type()).may_receive_sms(), "{phone} is too short to be kept");
            continue;
        };
        let info = describe(n);
        let fast = split(n).unwrap();
        assert_eq!((fast.country_code, fast.national_number), (phone.country_code, phone.national_number), "{n}");
        assert_eq!(fast.to_string(), n.to_string());
        assert_eq!(info.line_type, phone.get_type().into(), "{n}");
        assert_eq!(info.country, phone.get_region_code().and_then(Country::from_region), "{n}");
        // Whatever may receive SMS is accepted, the rest is refused with its own code; nothing else happens to a valid
        // number.
        let expected = if info.line_type.may_receive_sms() { n.to_string() } else { "phone_not_mobile".into() };
        assert_eq!(read(&n.to_string(), &Rule::None), expected, "{n}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_is_stable(raw in "[+0-9 ().-]{6,18}") {
        for by in [Rule::None, Rule::ImportCountry(country("RU")), Rule::AccountCountry(country("UA"))] {
            if let Ok(Parsed { number, .. }) = parse(&raw, &by) {
                prop_assert_eq!(parse(&number.to_string(), &by), Ok(Parsed { number, ambiguous: false }));
                prop_assert!(line_type(number).may_receive_sms());
            }
        }
    }

    #[test]
    fn any_text_is_survived(raw in "\\PC{0,40}", digits in "[0-9eE.,+]{0,24}") {
        for text in [raw, digits] {
            let _ = parse(&text, &Rule::ImportCountry(country("FR")));
            let _ = clean(&text);
        }
    }
}
