//! [`Marker`]: what stands between `{{` and `}}`, and reading it.
//!
//! Invariants: a built-in marker is one of [`Field::ALL`]; a custom key is 1 to 64 of `a-z A-Z 0-9 _ -`.

use std::fmt;

use super::Problem;

/// Longest key of a custom field, in characters.
const MAX_KEY: usize = 64;
/// How much of a wrong name an error repeats, in characters.
const SHOWN: usize = 40;

/// The fields every contact has, by the names that markers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `phone`, in E.164 form.
    Phone,
    /// `first_name`.
    FirstName,
    /// `last_name`.
    LastName,
    /// `patronymic`.
    Patronymic,
    /// `birth_date`.
    BirthDate,
    /// `sex`.
    Sex,
    /// `email`.
    Email,
    /// `company`.
    Company,
    /// `link`.
    Link,
    /// `comment`.
    Comment,
    /// `country`, derived from the number.
    Country,
    /// `operator`, derived from the number.
    Operator,
}

impl Field {
    /// All built-in fields, in the order they are listed to people.
    pub const ALL: [Self; 12] = [
        Self::Phone,
        Self::FirstName,
        Self::LastName,
        Self::Patronymic,
        Self::BirthDate,
        Self::Sex,
        Self::Email,
        Self::Company,
        Self::Link,
        Self::Comment,
        Self::Country,
        Self::Operator,
    ];

    /// The name in markers and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Patronymic => "patronymic",
            Self::BirthDate => "birth_date",
            Self::Sex => "sex",
            Self::Email => "email",
            Self::Company => "company",
            Self::Link => "link",
            Self::Comment => "comment",
            Self::Country => "country",
            Self::Operator => "operator",
        }
    }
}

/// What a marker stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Marker {
    /// A field of every contact.
    Builtin(Field),
    /// `{{fields.key}}`, a field the account defined: 1 to 64 of `a-z A-Z 0-9 _ -`.
    Custom(String),
}

/// The marker's name as it is written between the braces.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(field) => f.write_str(field.name()),
            Self::Custom(key) => write!(f, "fields.{key}"),
        }
    }
}

/// Reads what stands between the braces: the marker and its default, empty if none is given.
pub(super) fn read(inner: &str) -> Result<(Marker, String), Problem> {
    let (name, filter) = match inner.split_once('|') {
        Some((name, filter)) => (name.trim(), Some(filter.trim())),
        None => (inner.trim(), None),
    };
    if name.is_empty() {
        return Err(("empty_marker", "a field name is missing between {{ and }}".to_owned()));
    }
    let marker = match name.strip_prefix("fields.") {
        Some(key) => custom(key)?,
        None => builtin(name)?,
    };
    let default = filter.map(default_text).transpose()?.unwrap_or_default();
    Ok((marker, default))
}

fn builtin(name: &str) -> Result<Marker, Problem> {
    Field::ALL.into_iter().find(|field| field.name() == name).map(Marker::Builtin).ok_or_else(|| {
        let shown: String = name.chars().take(SHOWN).collect();
        let known = Field::ALL.map(Field::name).join(", ");
        ("unknown_marker", format!("`{shown}` is not a field; known are {known} and fields.<key>"))
    })
}

fn custom(key: &str) -> Result<Marker, Problem> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if key.is_empty() || key.len() > MAX_KEY || !key.chars().all(is_key) {
        return Err(("bad_field_key", format!("a key is 1 to {MAX_KEY} of the characters a-z, A-Z, 0-9, _ and -")));
    }
    Ok(Marker::Custom(key.to_owned()))
}

/// Reads `default:"…"`, where `\"` and `\\` stand for the quotation mark and the backslash.
fn default_text(filter: &str) -> Result<String, Problem> {
    let problem = || ("bad_filter", "the one filter is default:\"text\", in straight quotation marks".to_owned());
    let quoted = filter.strip_prefix("default").and_then(|rest| rest.trim_start().strip_prefix(':'));
    let mut characters = quoted.and_then(|rest| rest.trim_start().strip_prefix('"')).ok_or_else(problem)?.chars();
    let mut text = String::new();
    loop {
        match characters.next().ok_or_else(problem)? {
            '"' => break,
            '\\' => match characters.next() {
                Some(c @ ('"' | '\\')) => text.push(c),
                _ => return Err(problem()),
            },
            c => text.push(c),
        }
    }
    if characters.as_str().trim().is_empty() { Ok(text) } else { Err(problem()) }
}
