//! What is said about numbers.

use super::*;

#[test]
fn a_shared_calling_code_is_told_apart() {
    let cases = [
        ("+12015550123", "US"),
        ("+12423590842", "BS"),
        ("+15062342164", "CA"),
        ("+18092342301", "DO"),
        ("+79123450689", "RU"),
        ("+77012345678", "KZ"),
        ("+447400120966", "GB"),
        ("+447797712345", "JE"),
        ("+596696201234", "MQ"),
        ("+590690001234", "GP"),
        ("+38343203312", "XK"),
    ];
    for (text, expected) in cases {
        assert_eq!(country_of(number(text)), Some(country(expected)), "{text}");
    }
    assert_eq!(country_of(number("+999123456789")), None);
    assert_eq!(country_of(number("+882161234567")), None, "a satellite network is no country");
}

#[test]
fn line_types_and_who_may_receive() {
    assert_eq!(line_type(number("+74951234567")), LineType::FixedLine);
    assert_eq!(line_type(number("+79123450689")), LineType::Mobile);
    assert_eq!(line_type(number("+12015550123")), LineType::FixedLineOrMobile);
    assert_eq!(line_type(number("+88005553535")), LineType::Unknown);
    assert_eq!(line_type(number("+78005553535")), LineType::TollFree);
    assert!(!LineType::FixedLine.may_receive_sms() && LineType::Mobile.may_receive_sms());
}

#[test]
fn an_operator_has_one_name() {
    assert_eq!(operator_of(number("+79325000000")), Some("MegaFon"));
    let data = include_str!("../../../data/operators.tsv");
    let mut names: Vec<&str> = data.lines().filter_map(|line| line.split_once('\t')).map(|(name, _)| name).collect();
    names.sort_by_key(|name| name.to_lowercase());
    let twice: Vec<_> = names.windows(2).filter(|two| two[0].to_lowercase() == two[1].to_lowercase()).collect();
    assert!(names.len() > 1_000 && twice.is_empty(), "{twice:?}");
}

#[test]
fn operators_come_from_the_longest_prefix_and_may_be_unknown() {
    assert_eq!(operator_of(number("+380501235821")), Some("Vodafone"));
    assert_eq!(operator_of(number("+12423590842")), Some("BaTelCo"));
    assert_eq!(operator_of(number("+12015550123")), None);
    let info = describe(number("+380501235821"));
    assert_eq!(info.country, Some(country("UA")));
    assert_eq!((info.operator, info.line_type), (Some("Vodafone"), LineType::Mobile));
}

#[test]
fn regions_are_the_largest_part_that_a_number_tells() {
    let region = |text: &str| describe(number(text)).region;
    for (text, expected) in [
        ("+12015550123", "New Jersey"),
        ("+13125550123", "Illinois"),
        ("+12025550123", "Washington D.C."),
        ("+15062342164", "New Brunswick"),
        ("+8613800138000", "Beijing"),
        ("+5511961234567", "São Paulo"),
        ("+525512345678", "Mexico City"),
        ("+5491123456789", "Buenos Aires"),
    ] {
        assert_eq!(region(text), Some(expected), "{text}");
    }
    // A mobile number of most countries says nothing, nor does a name that is the country's.
    for text in ["+447400120966", "+79123450689", "+380501235821", "+13459161234", "+999123456789"] {
        assert_eq!(region(text), None, "{text}");
    }
}

#[test]
fn every_region_has_a_name_and_is_no_country() {
    let table = include_str!("../../../data/regions.tsv");
    let names: Vec<&str> = table.lines().skip(1).filter_map(|line| Some(line.split_once('\t')?.0)).collect();
    assert!(names.len() > 250 && names.is_sorted());
    assert!(
        names.iter().all(|name| name.len() > 2 && !["Canada", "China", "Cayman Islands"].contains(name)),
        "{names:?}"
    );
}

#[test]
fn time_zones_are_a_place_s_or_all_of_the_calling_code() {
    assert_eq!(time_zones_of(number("+12015550123")), ["America/New_York"]);
    assert_eq!(time_zones_of(number("+380501235821")), ["Europe/Kyiv"]);
    assert!(time_zones_of(number("+79123450689")).len() > 10);
    assert!(time_zones_of(number("+999123456789")).is_empty());
}

#[test]
fn countries_are_read_written_and_listed() {
    let all = Country::all();
    assert!(all.len() > 240 && all.is_sorted());
    assert!(all.iter().all(|c| c.dialling_code() > 0 && c.to_string().parse() == Ok(*c)));
    assert_eq!(country("fr").dialling_code(), 33);
    for wrong in ["", "F", "FRA", "ZZ", "AQ", "00", "Ф", "001"] {
        let refused = wrong.parse::<Country>().unwrap_err().to_string();
        assert_eq!(refused, "must be an ISO 3166 code of two letters, such as GB", "{wrong}");
    }
    let refused = "uk".parse::<Country>().unwrap_err().to_string();
    assert!(refused.ends_with("; the United Kingdom is GB"), "{refused}");
    assert_eq!(serde_json::to_string(&country("RU")).unwrap(), r#""RU""#);
    assert_eq!(serde_json::from_str::<Country>(r#""RU""#).unwrap(), country("RU"));
}

#[test]
fn an_msisdn_is_strict_masked_and_a_string_in_json() {
    let n = number("+447400120001");
    assert_eq!((n.as_u64(), i64::from(n)), (447_400_120_001, 447_400_120_001));
    assert_eq!(n.to_string(), "+447400120001");
    assert_eq!(n.masked(), "+4474***001");
    assert_eq!(format!("{n:?}"), "Msisdn(+4474***001)");
    assert_eq!(number("+6834567").masked(), "+6***567");
    assert_eq!(serde_json::to_string(&n).unwrap(), r#""+447400120001""#);
    assert_eq!(serde_json::from_str::<Msisdn>(r#""+447400120001""#).unwrap(), n);
    assert!(serde_json::from_str::<Msisdn>("447400120001").is_err());
    for (text, code) in [
        ("", "phone_empty"),
        ("447400120001", "phone_invalid"),
        ("+44 7400120001", "phone_invalid"),
        ("++447400120001", "phone_invalid"),
        ("+0447400120001", "phone_invalid"),
        ("+", "phone_invalid"),
        ("+123456", "phone_too_short"),
        ("+1234567890123456", "phone_too_long"),
        ("+99999999999999999999999999", "phone_too_long"),
    ] {
        assert_eq!(text.parse::<Msisdn>().unwrap_err().code, code, "{text}");
    }
    assert!(Msisdn::try_from(-1_i64).is_err() && Msisdn::from_u64(u64::MAX).is_err());
}
