//! What people write in the cells of a table for numbers, yes and no, and consent, in English, Russian, Ukrainian, French,
//! Spanish, Italian and German.
//!
//! Pure. Invariant: only what has one reading is read; `1,250` is refused, since it may be 1250 or 1.25. A single point is
//! always a decimal point, as exports and workbooks write it.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    contact_fields::{FieldType, Rejected, Typed, boolean_word},
    contacts::Consent,
};

const YES: &str = "vrai wahr verdadero verdadera vero истина істина ✓ ✔ ☑";
const NO: &str = "faux falsch falso falsa ложь хибність";
const GIVEN: &str = "x х subscribed agreed accepted granted opt-in optin согласен согласна согласие подписан подписана згоден згодна \
    підписаний підписана accepté acceptée inscrit inscrite acepto acepta aceptado aceptada suscrito suscrita accetto accetta \
    accettato iscritto iscritta einverstanden zugestimmt abonniert";
const REFUSED: &str = "stop unsubscribed unsubscribe refuse declined revoked withdrawn opt-out optout отказ отказался отказалась \
    отписан отписана отписался отписалась відмова відмовився відмовилась відмовилася відписаний відписана відписався refusé \
    refusée refus désinscrit désinscrite désabonné désabonnée rechazado rechazada rechazo rechaza baja rifiutato rifiuto rifiuta \
    disiscritto disiscritta abgelehnt widerrufen abgemeldet";
const NOTHING: &str = "- – — ? n/a n.a na";

fn among(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

/// A word of a list: in lower case, without outer space and final dots.
fn word(cell: &str) -> String {
    cell.trim().trim_end_matches('.').to_lowercase()
}

/// The value of a field of the account.
pub(super) fn own(typed: &Typed, cell: &str) -> Result<Value, Rejected> {
    match typed.kind {
        FieldType::Number => typed.from_cell(&number(cell)?),
        FieldType::Boolean => yes_or_no(cell).map_or_else(|| typed.from_cell(cell), |yes| Ok(Value::Bool(yes))),
        FieldType::Text | FieldType::Date | FieldType::Choice => typed.from_cell(cell),
    }
}

fn yes_or_no(cell: &str) -> Option<bool> {
    let word = word(cell);
    let known = if among(YES, &word) { Some(true) } else { among(NO, &word).then_some(false) };
    known.or_else(|| boolean_word(&word))
}

/// What a cell says of consent; the inner none is a mark for nothing, such as `n/a`.
pub(super) fn consent(cell: &str) -> Option<Option<Consent>> {
    let word = word(cell);
    let negated = word.strip_prefix("не ").or_else(|| word.strip_prefix("no ")).unwrap_or_default();
    if among(NOTHING, &word) {
        Some(None)
    } else if among(GIVEN, &word) {
        Some(Some(Consent::Given))
    } else if among(REFUSED, &word) || among(GIVEN, negated) {
        Some(Some(Consent::Refused))
    } else {
        let said = yes_or_no(&word).map(|yes| if yes { Consent::Given } else { Consent::Refused });
        said.or_else(|| Consent::from_cell(&word)).map(Some)
    }
}

/// A number as a machine writes it: `1.250,50`, `1,250.50`, `1 250,50` and `1'250.50` are `1250.50`.
fn number(cell: &str) -> Result<Cow<'_, str>, Rejected> {
    let bad = |detail: &str| Rejected::new("invalid_number", detail);
    let text = cell.trim();
    if text.contains(['e', 'E']) {
        // As spreadsheets and JSON write what is very small.
        let read = Decimal::from_scientific(text).map_err(|_| bad("must be a number, such as 12.5"))?;
        return Ok(Cow::Owned(read.to_string()));
    }
    let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let marks: Vec<(usize, char)> = digits.char_indices().filter(|(_, c)| !c.is_ascii_digit()).collect();
    let (whole, group, fraction) = match marks.as_slice() {
        [] => (digits, None, None),
        [(at, mark @ (',' | '.'))] => {
            let (whole, fraction) = split(digits, *at, *mark);
            if *mark == ',' && fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0') {
                let detail =
                    format!("may be {whole}{fraction} or {whole}.{fraction}: must be written in one of these ways");
                return Err(bad(&detail));
            }
            (whole, None, Some(fraction))
        }
        [(_, group), rest @ ..] if rest.iter().all(|(_, mark)| mark == group) => (digits, Some(*group), None),
        [(_, group), middle @ .., (at, mark @ (',' | '.'))] if middle.iter().all(|(_, c)| c == group) => {
            let (whole, fraction) = split(digits, *at, *mark);
            (whole, Some(*group), Some(fraction))
        }
        _ => return Err(bad("must be a number of at most 15 digits, such as 12.5")),
    };
    let is_grouped = group.is_none_or(|group| {
        let mut groups = whole.split(group);
        is_group_mark(group)
            && groups.next().is_some_and(|first| (1..=3).contains(&first.len()))
            && groups.all(|group| group.len() == 3)
    });
    let no_digits = fraction.map_or(whole.is_empty(), str::is_empty);
    if !is_grouped || no_digits {
        return Err(bad("must be a number of at most 15 digits, such as 12.5"));
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole = if whole.is_empty() { "0" } else { &whole };
    Ok(Cow::Owned(fraction.map_or_else(|| format!("{sign}{whole}"), |fraction| format!("{sign}{whole}.{fraction}"))))
}

/// What stands before and after a mark.
fn split(digits: &str, at: usize, mark: char) -> (&str, &str) {
    let after = at.saturating_add(mark.len_utf8());
    (digits.get(..at).unwrap_or_default(), digits.get(after..).unwrap_or_default())
}

/// A point, a comma, a space of any width or an apostrophe.
fn is_group_mark(mark: char) -> bool {
    matches!(mark, '.' | ',' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '\u{2019}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: FieldType, cell: &str) -> Result<Value, &'static str> {
        own(&Typed { kind, choices: Vec::new() }, cell).map_err(|e| e.code)
    }

    #[test]
    fn numbers_with_one_reading_are_read() {
        for (cell, value) in [
            ("1250.5", json!(1250.5)),
            ("1.250,50", json!(1250.5)),
            ("1,250.50", json!(1250.5)),
            ("1 250,50", json!(1250.5)),
            ("1\u{a0}250,50", json!(1250.5)),
            ("1'250.50", json!(1250.5)),
            ("1.234.567,8", json!(1234567.8)),
            ("1,234,567", json!(1234567)),
            ("1 234 567", json!(1234567)),
            ("-12,5", json!(-12.5)),
            ("\u{2212}12,5", json!(-12.5)),
            ("+7", json!(7)),
            ("007", json!(7)),
            ("0,250", json!(0.25)),
            ("1234,567", json!(1234.567)),
            ("1.125", json!(1.125)),
            (".5", json!(0.5)),
            ("1e-7", json!(1e-7)),
            ("2.5E3", json!(2500)),
        ] {
            assert_eq!(read(FieldType::Number, cell), Ok(value), "{cell}");
        }
        for cell in [
            "1,250",
            "12,345",
            "1,2.3.4",
            "1.250 50",
            "1 2345",
            "12 34",
            "1,23,456",
            "5.",
            "5,",
            "",
            "-",
            "1 .5",
            "many",
            "١",
            "1e99",
            "1.2,3.4",
            "1234567890123456",
            "1-2",
            "e",
            "1 250.50,5",
        ] {
            assert_eq!(read(FieldType::Number, cell), Err("invalid_number"), "{cell}");
        }
    }

    #[test]
    fn yes_and_no_are_read_in_seven_languages() {
        for cell in
            ["Yes", "да", "так", "VRAI", "oui", "wahr", "ja", "verdadero", "sí", "si", "vero", "ИСТИНА", "✓", "1"]
        {
            assert_eq!(read(FieldType::Boolean, cell), Ok(json!(true)), "{cell}");
        }
        for cell in ["No", "нет", "ні", "faux", "non", "FALSCH", "nein", "falso", "ложь", "0"] {
            assert_eq!(read(FieldType::Boolean, cell), Ok(json!(false)), "{cell}");
        }
        assert_eq!(read(FieldType::Boolean, "maybe"), Err("invalid_boolean"));
    }

    #[test]
    fn consent_is_what_people_call_it() {
        for cell in ["given", "Yes", "Согласен", "да", "x", "✓", "Opt-in", "einverstanden", "accepté", "+"]
        {
            assert_eq!(consent(cell), Some(Some(Consent::Given)), "{cell}");
        }
        for cell in
            ["refused", "no", "Отказ", "STOP", "отписан", "unsubscribed", "не согласна", "no acepto", "нет", "refusé"]
        {
            assert_eq!(consent(cell), Some(Some(Consent::Refused)), "{cell}");
        }
        for cell in ["n/a", "N/A", "-", "?"] {
            assert_eq!(consent(cell), Some(None), "{cell}");
        }
        assert_eq!(consent("unknown"), Some(Some(Consent::Unknown)));
        assert_eq!(consent("perhaps"), None);
    }
}
