//! The built-in columns of a contact, and how each reads its values.
//!
//! Pure. Invariant: what is accepted is stored whole; what is refused says why.

use std::borrow::Cow;

use super::profile::settled;
use crate::{contact_fields::Rejected, files::parse_date, phone::zone_named};

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
    /// The zone whose clock counts, where somebody has set one; else it is what the number tells.
    TimeZone,
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
    pub const ALL: [Self; 12] = [
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
        Self::TimeZone,
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
            Self::TimeZone => "time_zone",
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
            Self::TimeZone => 64,
            Self::ExternalId => 200,
        }
    }

    /// Reads a value; blank is none.
    ///
    /// # Errors
    /// When it is too long or not what the column holds.
    pub fn read(self, raw: &str, reading: Reading) -> Result<Option<String>, Rejected> {
        let text = match (self, reading) {
            (Self::Link, Reading::Lenient) => with_scheme(raw.trim()),
            _ => Cow::Borrowed(raw.trim()),
        };
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
            Self::BirthDate => birth_date(&text, reading),
            Self::Sex => return sex(&text, reading),
            Self::Email if !is_email(&text) => {
                Err(Rejected::new("invalid_email", "must be an e-mail address, such as anna@example.com"))
            }
            Self::Link if !is_link(&text) => {
                Err(Rejected::new("invalid_link", "must be a web address, such as https://example.com/anna"))
            }
            Self::Language => language(&text),
            Self::TimeZone => time_zone(&text, reading),
            _ => Ok(text.into_owned()),
        }
        .map(|text| Some(settled(self, text)))
    }
}

fn birth_date(text: &str, reading: Reading) -> Result<String, Rejected> {
    let strict = text.len() == 10 && text.get(4..5) == Some("-");
    match parse_date(text) {
        Some(day) if strict || reading == Reading::Lenient => Ok(day.to_string()),
        _ => Err(Rejected::new("invalid_date", "must be a date of the years 1900 to 2099, such as 1990-11-21")),
    }
}

/// Words, titles of address and abbreviations in English, Russian, Ukrainian, French, Spanish, Italian and German, in lower
/// case and without a final dot.
const MALE: &str = "m male man men mr mister masc h м муж мужск мужской мужчина г-н господин ч чол чоловік чоловіча чоловічий пан \
    homme masculin monsieur hombre masculino varón varon sr señor senor uomo maschio maschile sig signor signore herr hr \
    mann männlich maennlich mannlich";
const FEMALE: &str = "f female woman women w mrs ms miss fem ж жен женск женский женщина г-жа госпожа жін жінка жіноча жіночий \
    пані femme féminin feminin mme mlle madame mademoiselle mujer femenino sra srta señora senora señorita senorita donna \
    femmina femminile sig.ra signora signorina frau fr fräulein weiblich";
const NEITHER: &str = "unknown other none - – — ? n/a n.a na неизвестно невідомо inconnu autre desconocido otro sconosciuto altro \
    unbekannt andere divers";

fn sex(text: &str, reading: Reading) -> Result<Option<String>, Rejected> {
    let word = text.to_lowercase();
    let word = word.trim_end_matches('.');
    let among = |words: &str| words.split_whitespace().any(|known| known == word);
    match reading {
        Reading::Strict if matches!(text, "male" | "female") => Ok(Some(text.to_owned())),
        Reading::Lenient if among(MALE) => Ok(Some("male".to_owned())),
        Reading::Lenient if among(FEMALE) => Ok(Some("female".to_owned())),
        Reading::Lenient if among(NEITHER) => Ok(None),
        _ => Err(Rejected::new("invalid_sex", "must be male or female")),
    }
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

/// `www.example.com/anna` as `https://www.example.com/anna`, and the scheme in lower case; anything else as it is.
fn with_scheme(text: &str) -> Cow<'_, str> {
    for scheme in ["https://", "http://"] {
        if let Some((start, rest)) = text.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return Cow::Owned(format!("{scheme}{rest}"));
        }
    }
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let is_host = host.split('.').all(is_label) && host.rsplit_once('.').is_some_and(|(_, last)| is_top(last));
    if is_host { Cow::Owned(format!("https://{text}")) } else { Cow::Borrowed(text) }
}

/// Whether it can be what a host ends with: a price or a date is none.
fn is_top(label: &str) -> bool {
    label.chars().count() > 1 && label.starts_with(char::is_alphabetic)
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

/// A name of the IANA database, such as `America/Denver`.
fn time_zone(text: &str, reading: Reading) -> Result<String, Rejected> {
    let zone = zone_named(text).filter(|zone| reading == Reading::Lenient || zone.name() == text);
    zone.map(|zone| zone.name().to_owned())
        .ok_or_else(|| Rejected::new("invalid_time_zone", "must be an IANA time zone, such as America/Denver"))
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
        assert_eq!(read(Column::Language, "EN-gb"), Ok(Some("en-GB".into())));
        assert_eq!(read(Column::FirstName, "Jose\u{301}"), Ok(Some("José".into())));
        assert_eq!(read(Column::Language, "English"), Err("invalid_language"));
        assert_eq!(read(Column::FirstName, "  "), Ok(None));
        assert_eq!(read(Column::Comment, "bell\u{7}"), Err("control_character"));
    }

    #[test]
    fn sex_is_read_in_seven_languages() {
        let read = |text| Column::Sex.read(text, Reading::Lenient).map_err(|e| e.code);
        for text in [
            "Male",
            "M.",
            "Mr",
            "Муж.",
            "МУЖСКОЙ",
            "м",
            "ч",
            "Чол.",
            "Чоловік",
            "Masculino",
            "Varón",
            "Hombre",
            "Sr.",
            "Uomo",
            "Maschio",
            "Herr",
            "Mann",
            "männlich",
            "Homme",
            "Monsieur",
            "Masculin",
        ] {
            assert_eq!(read(text), Ok(Some("male".into())), "{text}");
        }
        for text in [
            "female",
            "F",
            "Mrs.",
            "жен",
            "Жен.",
            "Женщина",
            "Ж",
            "жін.",
            "Жінка",
            "Femenino",
            "Mujer",
            "Sra.",
            "Donna",
            "Femmina",
            "Frau",
            "weiblich",
            "Mme",
            "Mlle",
            "Femme",
            "Madame",
            "Féminin",
        ] {
            assert_eq!(read(text), Ok(Some("female".into())), "{text}");
        }
        for text in ["Unknown", "Other", "-", "n/a", "N.A.", "?", " "] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
        for text in ["d", "yes", "малый", "."] {
            assert_eq!(read(text), Err("invalid_sex"), "{text}");
        }
    }

    #[test]
    fn links_are_web_addresses() {
        let read = |text| Column::Link.read(text, Reading::Lenient).map_err(|e| e.code);
        for (text, link) in [
            ("https://example.com/anna", "https://example.com/anna"),
            ("HTTP://Example.com", "http://Example.com"),
            ("example.com", "https://example.com"),
            ("www.пример.рф/а?b#c", "https://www.пример.рф/а?b#c"),
        ] {
            assert_eq!(read(text), Ok(Some(link.into())), "{text}");
        }
        let text = [
            "javascript:alert(1)",
            "javascript://example.com/%0aalert(1)",
            "anna@example.com",
            "n/a",
            "12.50",
            "a b.com",
            "data:text/html,x",
        ];
        for text in text {
            assert_eq!(read(text), Err("invalid_link"), "{text}");
        }
        assert!(Column::Link.read("example.com", Reading::Strict).is_err());
        assert_eq!(read(&format!("example.com/{}", "x".repeat(1_985))), Err("too_long"), "with its scheme");
    }

    #[test]
    fn time_zones_are_those_of_iana() {
        let read = |text, reading| Column::TimeZone.read(text, reading).map_err(|e| e.code);
        assert_eq!(read("America/Denver", Reading::Strict), Ok(Some("America/Denver".into())));
        assert_eq!(read("america/denver", Reading::Lenient), Ok(Some("America/Denver".into())));
        assert_eq!(read(" ", Reading::Strict), Ok(None));
        for text in ["america/denver", "Denver", "GMT+25", "+02:00"] {
            assert_eq!(read(text, Reading::Strict), Err("invalid_time_zone"), "{text}");
        }
        assert_eq!(read("Denver", Reading::Lenient), Err("invalid_time_zone"));
    }

    #[test]
    fn requests_are_read_strictly() {
        assert!(Column::BirthDate.read("28.03.1991", Reading::Strict).is_err());
        assert!(Column::Sex.read("m", Reading::Strict).is_err());
    }
}
