//! Message texts with markers: `Dear {{first_name|default:"friend"}}, your card {{fields.discount_card}} …`. Parsed
//! once, rendered for every recipient.
//!
//! Invariants: a [`Template`] holds known built-in markers and well-formed custom keys only; rendering cannot fail; a
//! value is inserted as it is and never parsed again, so a contact named `{{phone}}` stays that; a value brings no
//! control characters. Whether a custom key is defined for the account is for the caller to check, by
//! [`Template::markers`].

mod marker;

use std::{borrow::Cow, fmt};

pub use marker::{Field, Marker};

/// Longest body, in characters, markers included.
pub const MAX_CHARACTERS: usize = 5_000;
/// Most markers in a body.
pub const MAX_MARKERS: usize = 50;

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Stable code, one of [`TemplateError::CODES`].
    pub code: &'static str,
    /// English words for a person.
    pub detail: String,
    /// Where the offending marker begins, in characters from 0; for a text too long, its limit.
    pub position: usize,
}

impl TemplateError {
    /// Every code this module gives.
    pub const CODES: [&'static str; 7] = [
        "template_too_long",
        "too_many_markers",
        "unclosed_marker",
        "empty_marker",
        "unknown_marker",
        "bad_field_key",
        "bad_filter",
    ];
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}: {}", self.code, self.position, self.detail)
    }
}

impl std::error::Error for TemplateError {}

/// A code and its explanation; the position is added where it is known.
type Problem = (&'static str, String);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value { marker: Marker, default: String },
}

/// A parsed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Reads a text with markers. Single braces and `}}` without an opening are text.
    ///
    /// # Errors
    /// `template_too_long` (over 5,000 characters), `too_many_markers` (over 50), `unclosed_marker`, `empty_marker`,
    /// `unknown_marker` (the known ones are listed), `bad_field_key`, `bad_filter` (anything but `default:"…"`).
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let characters = text.chars().count();
        if characters > MAX_CHARACTERS {
            let detail = format!("{characters} characters, at most {MAX_CHARACTERS} are allowed");
            return Err(TemplateError { code: "template_too_long", detail, position: MAX_CHARACTERS });
        }
        let mut pieces = Vec::new();
        let mut markers = 0;
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once("{{") {
            if !literal.is_empty() {
                pieces.push(Piece::Text(literal.to_owned()));
            }
            let position = characters - after.chars().count() - 2;
            let at = |(code, detail): Problem| TemplateError { code, detail, position };
            let (inner, tail) = close(after).map_err(at)?;
            let (marker, default) = marker::read(inner).map_err(at)?;
            pieces.push(Piece::Value { marker, default });
            markers += 1;
            if markers > MAX_MARKERS {
                return Err(at(("too_many_markers", format!("at most {MAX_MARKERS} markers are allowed"))));
            }
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// The markers in order of appearance, repeated ones too. Empty if every recipient gets the same text.
    pub fn markers(&self) -> impl Iterator<Item = &Marker> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Value { marker, .. } => Some(marker),
        })
    }

    /// The text for one recipient. `lookup` gives the value of a marker; a missing or blank one is replaced by the
    /// marker's default, or by nothing. Control characters and line separators in a value become spaces, so that a
    /// contact's data cannot break the line structure of the message.
    pub fn render<'v>(&self, lookup: impl Fn(&Marker) -> Option<Cow<'v, str>>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Value { marker, default } => match lookup(marker) {
                    Some(value) if !is_blank(&value) => text.extend(value.chars().map(printable)),
                    _ => text.push_str(default),
                },
            }
        }
        text
    }
}

fn printable(c: char) -> char {
    if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }
}

fn is_blank(value: &str) -> bool {
    value.chars().all(|c| printable(c).is_whitespace())
}

/// Divides what follows `{{` at its `}}`; one inside a quoted default does not count.
fn close(after: &str) -> Result<(&str, &str), Problem> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in after.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => {
                let (inner, tail) = after.split_at(at);
                if let Some(tail) = tail.strip_prefix("}}") {
                    return Ok((inner, tail));
                }
            }
            _ => {}
        }
    }
    let detail = if quoted { "the quotation mark of the default is not closed" } else { "}} is missing" };
    Err(("unclosed_marker", detail.to_owned()))
}

#[cfg(test)]
mod tests;
