//! What of a contact can be found, folded: small letters, without accents; and what is looked for, folded alike.
//!
//! Numbers are found however they are written: digits that stand apart in a text are in it once more together, and what is
//! looked for loses its spaces, hyphens and brackets, and the zeros before a national or international number.
//!
//! Pure.

use serde_json::Value;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::contacts::{Column, Contact};

/// Characters of a text that are kept to be found.
pub const MAX_TEXT: usize = 4_000;
/// Letters that are needed to look for something: an index of trigrams knows nothing shorter.
pub const MIN_TERM: usize = 3;

/// Small letters without accents: `Ёлка` is `елка`, `José` is `jose`, `Straße` is `strasse`. Of Cyrillic letters only `ё`
/// loses its marks: `й` and `ї` are letters of their own. Runs of white space are one space.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc().flat_map(char::to_lowercase) {
        match c {
            'ё' => out.push('е'),
            'ς' => out.push('σ'), // at the end of a word only, where capital letters do not tell it
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' => out.push('d'),
            'ı' => out.push('i'),
            '\u{400}'..='\u{52f}' => out.push(c),
            c if c.is_whitespace() || c.is_control() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.extend(std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c))),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// What is looked for, as it stands in the texts. A term of digits and of what people put between them is a number; its zeros
/// in front go only where enough is left, and a part of a longer number is found as well without them.
pub fn sought(text: &str) -> String {
    let term = folded(text);
    if !term.chars().all(|c| c.is_ascii_digit() || c == '+' || is_between(c)) {
        return term;
    }
    let digits = digits_of(&term);
    let number = digits.strip_prefix("00").or_else(|| digits.strip_prefix('0')).unwrap_or(&digits);
    let enough = |term: &&str| term.len() >= MIN_TERM;
    [number, &digits].into_iter().find(enough).map_or(term.clone(), str::to_owned)
}

/// What people put between the digits of a number.
fn is_between(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{2010}'..='\u{2013}')
}

/// The digits of a number, with a plus if it begins with one, and without the zero of `+49 (0)151`.
fn digits_of(number: &str) -> String {
    let plus = number.trim_start().starts_with('+');
    let digits = number.replace("(0)", "");
    plus.then_some('+').into_iter().chain(digits.chars().filter(char::is_ascii_digit)).collect()
}

/// Numbers in a text whose digits stand apart, each with its digits together.
fn together(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_ascii_digit() && c != '+' && !is_between(c));
    let runs = runs.map(|run| run.trim_matches(is_between)).filter(|run| run.contains(is_between));
    runs.map(digits_of).filter(|digits| digits.len() >= MIN_TERM).collect()
}

/// A date also as it is written with the day first.
fn dated(value: &str) -> String {
    match chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d") {
        Ok(day) => format!("{value} {}", day.format("%d.%m.%Y")),
        Err(_) => value.to_owned(),
    }
}

/// All that can be found of a contact, in lines: a term never reaches from one into the next.
pub fn text_of(contact: &Contact) -> String {
    let column = |column| contact.profile.get(column).unwrap_or_default();
    let (first, last) = (column(Column::FirstName), column(Column::LastName));
    let mut lines = vec![
        format!("{last} {first} {}", column(Column::Patronymic)),
        contact.phone.to_string(),
        column(Column::Email).to_owned(),
        column(Column::Company).to_owned(),
        column(Column::ExternalId).to_owned(),
    ];
    if !first.is_empty() && !last.is_empty() {
        lines.push(format!("{first} {last}"));
    }
    lines.extend(contact.fields.values().filter_map(|value| match value {
        Value::String(text) => Some(dated(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }));
    lines.push(column(Column::Comment).to_owned());
    let lines = lines.iter().flat_map(|line| std::iter::once(folded(line)).chain(together(line)));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n").chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_folded() {
        for (text, wanted) in [
            ("  Ёлка\t и \n ЙОД ", "елка и йод"),
            ("José Ångström", "jose angstrom"),
            ("Straße ŁÓDŹ Ørsted", "strasse lodz orsted"),
            ("e\u{301}te\u{301}", "ete"),
            ("їжак", "їжак"),
            ("İstanbul", "istanbul"),
            ("Σίσυφος", "σισυφοσ"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("+447400123456", "+447400123456"),
        ] {
            assert_eq!(folded(text), wanted);
            assert_eq!(folded(wanted), wanted, "folding twice is folding once");
        }
    }

    #[test]
    fn numbers_are_sought_by_their_digits() {
        for (text, wanted) in [
            ("+49 1512 34", "+49151234"),
            ("+49 (0)1512 34", "+49151234"),
            ("0049 1512/34", "49151234"),
            ("0151-234.56", "15123456"),
            ("1512345-00", "151234500"),
            ("100", "100"),
            ("007", "007"),
            ("0-1", "0-1"),
            ("0 1 2", "012"),
            ("21.11.2026", "21112026"),
            ("Main St. 12-34", "main st. 12-34"),
            ("()-", "()-"),
        ] {
            assert_eq!(sought(text), wanted, "{text}");
        }
        assert_eq!(together("call 0151-234 56 or +44 (0)7400 100, not 12 or A1-B2"), ["015123456", "+447400100"]);
    }

    #[test]
    fn own_fields_and_the_comment_are_found() {
        let mut contact = Contact::sample();
        contact.profile.set(Column::Comment, Some("Likes Ёлки, c/o 12-34-56".to_owned()));
        for (key, value) in [
            ("card", serde_json::json!(100)),
            ("size", serde_json::json!(12.5)),
            ("since", "2026-11-21".into()),
            ("vip", true.into()),
        ] {
            contact.fields.insert(key.to_owned(), value);
        }
        let text = text_of(&contact);
        for term in ["100", "12.5", "2026-11-21", "21.11.2026", "21/11/2026", "елки", "12-34", "123456"] {
            assert!(text.contains(&sought(term)), "{term} in {text}");
        }
        assert!(!text.contains("true"), "{text}");
    }
}
