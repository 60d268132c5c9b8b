//! What of a contact can be found, folded: small letters, without accents.
//!
//! Pure.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::contacts::{Column, Contact};

/// Characters of a text that are kept to be found.
pub const MAX_TEXT: usize = 2_000;
/// Letters that are needed to look for something: an index of trigrams knows nothing shorter.
pub const MIN_TERM: usize = 3;

/// Small letters without accents: `Ёлка` is `елка`, `José` is `jose`, `Straße` is `strasse`. Of Cyrillic letters only `ё`
/// loses its marks: `й` and `ї` are letters of their own. Runs of white space are one space.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc().flat_map(char::to_lowercase) {
        match c {
            'ё' => out.push('е'),
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
    lines.extend(contact.fields.values().filter_map(|value| value.as_str()).map(str::to_owned));
    let lines: Vec<String> = lines.iter().map(|line| folded(line)).filter(|line| !line.is_empty()).collect();
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
            ("+447400123456", "+447400123456"),
        ] {
            assert_eq!(folded(text), wanted);
            assert_eq!(folded(wanted), wanted, "folding twice is folding once");
        }
    }
}
