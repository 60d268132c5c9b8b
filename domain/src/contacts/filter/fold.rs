//! Texts that compare whatever their case. SQLite knows only the letters of ASCII and PostgreSQL those of its locale, so
//! the letters of a pattern are written out here: `[аА][нН]`, a GLOB on SQLite and a regular expression on PostgreSQL.
//!
//! Pure. Invariants: a pattern means the same to both; it has no repetition, so it costs a look at each character.

use std::{collections::HashMap, sync::LazyLock};

use sea_orm::DbBackend;

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

/// The letter that stands for all that differ only in case: `simple(a) == simple(b)` says that they are one letter. Never
/// more than one character (`ß` is not `ss`), so lengths stay.
pub fn simple(c: char) -> char {
    let one = |mut letters: Box<dyn Iterator<Item = char>>| match (letters.next(), letters.next()) {
        (Some(letter), None) => Some(letter),
        _ => None,
    };
    let upper = one(Box::new(c.to_uppercase())).unwrap_or(c);
    one(Box::new(upper.to_lowercase())).unwrap_or(upper)
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

/// One regular expression of PostgreSQL for any of these texts as a whole.
pub fn any_of(texts: &[String]) -> String {
    let bodies: Vec<String> = texts.iter().map(|text| text.chars().map(regex_letter).collect()).collect();
    format!("^(?:{})$", bodies.join("|"))
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
        assert_eq!(any_of(&["1".into(), "é".into()]), "^(?:1|[éÉ])$");
        assert_eq!(simple('ς'), simple('Σ'));
        assert!(FORMS.iter().all(|(letter, forms)| forms.iter().all(|form| simple(*form) == *letter)));
    }
}
