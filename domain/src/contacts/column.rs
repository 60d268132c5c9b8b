//! The built-in columns of a contact, and how each reads its values.
//!
//! Pure. Invariant: what is accepted is stored whole; what is refused says why.

use crate::{contact_fields::Rejected, files::parse_date};

/// A built-in text column. The phone and the consent are not among them: they have rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Middle name after the father.
    Patronymic,
    /// An ISO date.
    BirthDate,
    /// `male` or `female`.
    Sex,
    /// An e-mail address.
    Email,
    /// Where the person works.
    Company,
    /// A web address.
    Link,
    /// Free text.
    Comment,
    /// A BCP 47 tag.
    Language,
    /// The integrator's own id, unique in the account.
    ExternalId,
}

/// How strictly a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As the API documents it.
    Strict,
    /// As people write it in files: `21.11.2026`, `m`, `жен`.
    Lenient,
}

impl Column {
    /// Every column.
    pub const ALL: [Self; 11] = [
        Self::FirstName,
        Self::LastName,
        Self::Patronymic,
        Self::BirthDate,
        Self::Sex,
        Self::Email,
        Self::Company,
        Self::Link,
        Self::Comment,
        Self::Language,
        Self::ExternalId,
    ];

    /// Its name in the database and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Patronymic => "patronymic",
            Self::BirthDate => "birth_date",
            Self::Sex => "sex",
            Self::Email => "email",
            Self::Company => "company",
            Self::Link => "link",
            Self::Comment => "comment",
            Self::Language => "language",
            Self::ExternalId => "external_id",
        }
    }

    /// The column of a name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }

    fn max(self) -> usize {
        match self {
            Self::FirstName | Self::LastName | Self::Patronymic => 100,
            Self::BirthDate | Self::Sex => 40,
            Self::Email => 254,
            Self::Company => 200,
            Self::Link | Self::Comment => 2_000,
            Self::Language => 35,
            Self::ExternalId => 200,
        }
    }

    /// Reads a value; blank is none.
    ///
    /// # Errors
    /// When it is too long or not what the column holds.
    pub fn read(self, raw: &str, reading: Reading) -> Result<Option<String>, Rejected> {
        let text = raw.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.chars().count() > self.max() {
            return Err(Rejected::new("too_long", format!("must have at most {} characters", self.max())));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(Rejected::new("control_character", "must not have control characters"));
        }
        match self {
            Self::BirthDate => birth_date(text, reading),
            Self::Sex => sex(text, reading),
            Self::Email if !is_email(text) => {
                Err(Rejected::new("invalid_email", "must be an e-mail address, such as anna@example.com"))
            }
            Self::Link if reading == Reading::Strict && !is_link(text) => {
                Err(Rejected::new("invalid_link", "must be a web address, such as https://example.com/anna"))
            }
            Self::Language => language(text),
            _ => Ok(text.to_owned()),
        }
        .map(Some)
    }
}

fn birth_date(text: &str, reading: Reading) -> Result<String, Rejected> {
    let strict = text.len() == 10 && text.get(4..5) == Some("-");
    match parse_date(text) {
        Some(day) if strict || reading == Reading::Lenient => Ok(day.to_string()),
        _ => Err(Rejected::new("invalid_date", "must be a date of the years 1900 to 2099, such as 1990-11-21")),
    }
}

fn sex(text: &str, reading: Reading) -> Result<String, Rejected> {
    let word = text.to_lowercase();
    let found = match (word.as_str(), reading) {
        ("male" | "female", _) => Some(word.as_str()),
        (_, Reading::Strict) => None,
        (
            "m" | "man" | "mr" | "м" | "муж" | "муж." | "мужской" | "мужчина" | "ч" | "чол" | "чоловік" | "чоловіча"
            | "h" | "homme" | "hombre" | "masculin" | "männlich" | "maschio",
            _,
        ) => Some("male"),
        (
            "f" | "w" | "woman" | "mrs" | "ms" | "ж" | "жен" | "жен." | "женский" | "женщина" | "жін" | "жінка"
            | "жіноча" | "femme" | "mujer" | "féminin" | "weiblich" | "femmina",
            _,
        ) => Some("female"),
        _ => None,
    };
    found.map(str::to_owned).ok_or_else(|| Rejected::new("invalid_sex", "must be male or female"))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let printable = !text.chars().any(|c| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>'));
    let dotted = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    printable && !local.is_empty() && !local.contains('@') && local.len() <= 64 && dotted
}

/// `http://` or `https://`, and a host without spaces after it.
fn is_link(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty()) && !text.chars().any(char::is_whitespace)
}

/// The shape of BCP 47: subtags of 1 to 8 letters and digits, the first of 2 or 3 letters.
fn language(text: &str) -> Result<String, Rejected> {
    let mut tags = text.split('-');
    let first = tags.next().is_some_and(|t| (2..=3).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest = tags.all(|t| (1..=8).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric()));
    let ok = first && rest;
    ok.then(|| text.to_owned())
        .ok_or_else(|| Rejected::new("invalid_language", "must be a BCP 47 tag, such as fr or pt-BR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let read = |column: Column, text| column.read(text, Reading::Lenient).map_err(|e| e.code);
        assert_eq!(read(Column::BirthDate, "28.03.1991"), Ok(Some("1991-03-28".into())));
        assert_eq!(read(Column::BirthDate, "31.02.1991"), Err("invalid_date"));
        assert_eq!(read(Column::Sex, "Ж"), Ok(Some("female".into())));
        assert_eq!(read(Column::Email, "anna@example.com"), Ok(Some("anna@example.com".into())));
        assert_eq!(read(Column::Email, "anna at example.com"), Err("invalid_email"));
        assert_eq!(read(Column::Email, "a@b@example.com"), Err("invalid_email"));
        assert_eq!(read(Column::Language, "pt-BR"), Ok(Some("pt-BR".into())));
        assert_eq!(read(Column::Language, "English"), Err("invalid_language"));
        assert_eq!(read(Column::FirstName, "  "), Ok(None));
        assert_eq!(read(Column::Comment, "bell\u{7}"), Err("control_character"));
    }

    #[test]
    fn requests_are_read_strictly() {
        assert!(Column::BirthDate.read("28.03.1991", Reading::Strict).is_err());
        assert!(Column::Sex.read("m", Reading::Strict).is_err());
    }
}
