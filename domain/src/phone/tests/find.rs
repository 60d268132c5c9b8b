//! Picking numbers out of texts.

use proptest::prelude::*;

use super::*;

fn found(text: &str, default: Option<&str>) -> Vec<String> {
    find_in_text(text, default.map(country)).iter().map(|found| found.number.to_string()).collect()
}

#[test]
fn the_quick_add_fixture_gives_its_forty_numbers_whatever_the_default_country() {
    let text = fixture("contacts/quick_add.txt");
    let mut expected: Vec<_> = fixture("contacts/quick_add_expected.txt").lines().map(str::to_owned).collect();
    expected.sort();
    for default in [None, Some("RU"), Some("FR"), Some("DE"), Some("US"), Some("UA"), Some("IT"), Some("CI")] {
        let mut numbers = found(&text, default);
        numbers.sort();
        assert_eq!(numbers, expected, "{default:?}");
    }
}

#[test]
fn national_and_bare_forms_are_found() {
    let cases = [
        ("050 123 58 21\n067 123 45 67", Some("UA"), vec!["+380501235821", "+380671234567"]),
        ("0501235821 0671234567", Some("UA"), vec!["+380501235821", "+380671234567"]),
        ("Anna 8 (912) 345-06-89, Ivan 89123454994.", Some("RU"), vec!["+79123450689", "+79123454994"]),
        ("06.12.34.69.70 / 06 12 34 70 00", Some("FR"), vec!["+33612346970", "+33612347000"]),
        ("380501235821;380501235822", None, vec!["+380501235821", "+380501235822"]),
        ("00380501235821", None, vec!["+380501235821"]),
        ("(+44) 7400 120966 <+447400123982>", None, vec!["+447400120966", "+447400123982"]),
        ("+447400120966 +44 7400 120966", None, vec!["+447400120966"]),
        ("+380501235821+380501235822", None, vec!["+380501235821", "+380501235822"]),
        ("call +44\u{a0}7400\u{a0}120966 at 10", Some("GB"), vec!["+447400120966"]),
        ("٠٥٠ ١٢٣ ٥٨ ٢١", Some("UA"), vec!["+380501235821"]),
        ("Prix 25 EUR 0612346970", Some("FR"), vec!["+33612346970"]),
        ("Commande reçue, appelez le 0612346970", Some("FR"), vec!["+33612346970"]),
        ("N° de téléphone : 0612346970", Some("FR"), vec!["+33612346970"]),
        ("Mon n° 0612346970", Some("FR"), vec!["+33612346970"]),
        ("Handynummer: 015123450814", Some("DE"), vec!["+4915123450814"]),
        ("Tel.-Nr. 015123450814", Some("DE"), vec!["+4915123450814"]),
        ("Meine Nummer ist 015123450814", Some("DE"), vec!["+4915123450814"]),
        ("phone no. 07400 120966", Some("GB"), vec!["+447400120966"]),
        ("номер телефона 89123450689", Some("RU"), vec!["+79123450689"]),
        ("Tel+447400123982", None, vec!["+447400123982"]),
        ("+447400123982, a@x.com", None, vec!["+447400123982"]),
    ];
    for (text, default, expected) in cases {
        assert_eq!(found(text, default), expected, "{text}");
    }
}

#[test]
fn dates_prices_orders_and_landlines_are_not_phones() {
    let cases = [
        ("21.11.2026 10:30", Some("RU")),
        ("2026-11-21 10:30:00", Some("DE")),
        ("from 01.02.2026 to 03.04.2026", Some("FR")),
        ("order 380501235821", None),
        ("Заказ № 79123450689", Some("RU")),
        ("#79123450689", Some("RU")),
        ("total 612 345 678,00 EUR", Some("ES")),
        ("612345678 EUR", Some("ES")),
        ("ABC380501235821", None),
        ("user380501235821@example.org", None),
        ("+7 495 123-45-67", Some("RU")),
        ("12345", Some("RU")),
        ("Commande n° 0612346970", Some("FR")),
        ("Votre commande client Nº : 06 12 34 69 70", Some("FR")),
        ("N° de suivi 0612346970", Some("FR")),
        ("Pedido 612340921", Some("ES")),
        ("Número de pedido: 612 34 09 21", Some("ES")),
        ("Ordine n. 3123450226", Some("IT")),
        ("P. IVA 3123450226", Some("IT")),
        ("Rechnung Nr. 015123450814", Some("DE")),
        ("Sendungsnummer 015123450814", Some("DE")),
        ("Kundennummer: 015123450814", Some("DE")),
        ("EUR 0612346970", Some("FR")),
        ("€ 0612346970", Some("FR")),
        ("a+447400123456@x.com", None),
        ("anna.b+447400123456.shop@x.com", Some("GB")),
        ("ИНН 7707083893", Some("GB")),
        ("ЄДРПОУ 0501235821", Some("UA")),
        ("", None),
    ];
    for (text, default) in cases {
        assert_eq!(found(text, default), Vec::<String>::new(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_survived_and_every_number_is_acceptable(text in "[0-9+() .,:/\\-№a-zа-я\u{a0}\n]{0,200}") {
        for Found { number, start, end } in find_in_text(&text, Some(country("RU"))) {
            prop_assert!(text.get(start..end).is_some_and(|place| place.ends_with(|c: char| c.is_numeric())));
            prop_assert_eq!(parse(&number.to_string(), &Rule::None).map(|p| p.number), Ok(number));
        }
    }
}

#[test]
fn places_are_those_of_the_text() {
    let text = "Café: +44 7400 100001; then (0)7400-100002 and 21.11.2026";
    let found = find_in_text(text, Some(country("GB")));
    let places: Vec<&str> = found.iter().map(|found| &text[found.start..found.end]).collect();
    assert_eq!(places, ["+44 7400 100001", "0)7400-100002"]);
}
