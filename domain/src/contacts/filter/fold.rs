//! Texts that compare whatever their case. SQLite knows only the letters of ASCII and PostgreSQL those of its locale, so
//! the letters of a pattern are written out here: `[аА][нН]`, a GLOB on SQLite and a regular expression on PostgreSQL.
//!
//! `ß` and `ss` are one too, which no pattern of single letters can say: a text with either is compared in both writings.
//!
//! Pure. Invariants: a pattern means the same to both; it has no repetition, so it costs a look at each character. Texts are
//! in the composed form of Unicode (NFC), as they are stored.

use std::{collections::HashMap, sync::LazyLock};

use sea_orm::DbBackend;

use crate::contact_fields::composed;

/// Where in a text the wanted one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is all of it.
    Whole,
    /// It begins it.
    Start,
    /// It is somewhere in it.
    Anywhere,
}

/// Places of `ss` or `ß` in a text that are compared in both writings; those after them as they are written.
const PLACES: usize = 3;

/// The letter that stands for all that differ only in case: `simple(a) == simple(b)` says that they are one letter. Never
/// more than one character (`ß` is not `ss`), so lengths stay.
pub fn simple(c: char) -> char {
    if c == 'İ' {
        return 'i'; // its small letter would be two characters
    }
    let one = |mut letters: Box<dyn Iterator<Item = char>>| match (letters.next(), letters.next()) {
        (Some(letter), None) => Some(letter),
        _ => None,
    };
    let upper = one(Box::new(c.to_uppercase())).unwrap_or(c);
    one(Box::new(upper.to_lowercase())).unwrap_or(upper)
}

/// The text with `ss` and `ß` in both writings, at most eight.
pub fn writings(text: &str) -> Vec<String> {
    let mut all = vec![String::with_capacity(text.len())];
    let mut places = 0;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let sharp = matches!(c, 'ß' | 'ẞ');
        let double = matches!(c, 's' | 'S') && letters.peek().is_some_and(|next| matches!(next, 's' | 'S'));
        if places == PLACES || !(sharp || double) {
            all.iter_mut().for_each(|writing| writing.push(c));
            continue;
        }
        if double {
            letters.next();
        }
        places += 1;
        all = all.into_iter().flat_map(|writing| [format!("{writing}ss"), format!("{writing}ß")]).collect();
    }
    all
}

/// The same text for all that differ only in case, in the writing of `ß`, or in outer and repeated spaces; `ё` is `е`. For
/// what is compared here and not by the database.
pub fn alike(text: &str) -> String {
    let letters: String = composed(text).chars().map(simple).collect();
    let letters = letters.replace('ß', "ss").replace('ё', "е");
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The other forms of each letter that has some.
static FORMS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut forms: HashMap<char, Vec<char>> = HashMap::new();
    // No letter above has a case.
    for c in '\0'..='\u{1ffff}' {
        if simple(c) != c {
            forms.entry(simple(c)).or_default().push(c);
        }
    }
    for (letter, others) in &mut forms {
        if simple(*letter) == *letter {
            others.insert(0, *letter);
        }
    }
    forms
});

/// The pattern of a text at this place.
pub fn pattern(backend: DbBackend, text: &str, place: Place) -> String {
    if backend == DbBackend::Postgres {
        let body: String = text.chars().map(regex_letter).collect();
        return match place {
            Place::Whole => format!("^{body}$"),
            Place::Start => format!("^{body}"),
            Place::Anywhere => body,
        };
    }
    let body: String = text.chars().map(glob_letter).collect();
    match place {
        Place::Whole => body,
        Place::Start => format!("{body}*"),
        Place::Anywhere => format!("*{body}*"),
    }
}

/// One regular expression of PostgreSQL for any of these texts at this place: it keeps only some expressions ready.
pub fn any_of(texts: &[String], place: Place) -> String {
    let bodies: Vec<String> = texts.iter().map(|text| text.chars().map(regex_letter).collect()).collect();
    let (begin, end) = match place {
        Place::Whole => ("^", "$"),
        Place::Start => ("^", ""),
        Place::Anywhere => ("", ""),
    };
    format!("{begin}(?:{}){end}", bodies.join("|"))
}

/// A text as it is, to be found by GLOB.
pub fn plain_glob(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '*' | '?' | '[') { format!("[{c}]") } else { c.to_string() }).collect()
}

fn forms(c: char) -> Option<String> {
    FORMS.get(&simple(c)).map(|forms| format!("[{}]", forms.iter().collect::<String>()))
}

fn regex_letter(c: char) -> String {
    match forms(c) {
        Some(forms) => forms,
        None if c.is_alphanumeric() || c.is_control() || !c.is_ascii() => c.to_string(),
        None => format!("\\{c}"),
    }
}

fn glob_letter(c: char) -> String {
    match c {
        '*' | '?' | '[' => format!("[{c}]"),
        _ => forms(c).unwrap_or_else(|| c.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_their_forms() {
        assert_eq!(pattern(DbBackend::Sqlite, "Ёж*", Place::Start), "[ёЁ][жЖ][*]*");
        assert_eq!(pattern(DbBackend::Postgres, "a.b", Place::Whole), "^[aA]\\.[bB]$");
        assert_eq!(pattern(DbBackend::Postgres, "ß", Place::Anywhere), "[ßẞ]");
        assert_eq!(any_of(&["1".into(), "é".into()], Place::Whole), "^(?:1|[éÉ])$");
        assert_eq!(simple('ς'), simple('Σ'));
        assert!("İIıi".chars().all(|c| simple(c) == 'i'));
        assert!(FORMS.iter().all(|(letter, forms)| forms.iter().all(|form| simple(*form) == *letter)));
    }

    #[test]
    fn a_sharp_s_has_two_writings() {
        assert_eq!(writings("Maus"), ["Maus"]);
        assert_eq!(writings("Straße"), ["Strasse", "Straße"]);
        assert_eq!(writings("STRASSE"), ["STRAssE", "STRAßE"]);
        assert_eq!(writings("sss"), ["sss", "ßs"]);
        assert_eq!(writings("ßßßßss").len(), 8);
        assert!(writings("ßßßßss").iter().all(|writing| writing.ends_with("ßss")));
    }

    #[test]
    fn texts_are_alike_whatever_their_writing() {
        for (one, other) in [
            ("ΣΊΣΥΦΟΣ", "Σίσυφος"),
            ("İSTANBUL", "ıstanbul"),
            ("STRASSE  7 ", "straße 7"),
            ("Jose\u{301}", "JOSÉ"),
            ("Алёна", "АЛЕНА"),
        ] {
            assert_eq!(alike(one), alike(other));
        }
        assert_ne!(alike("José"), alike("Jose"));
    }
}
