//! Reading the values of a comparison, each as its field wants it.
//!
//! Pure. A refusal is a stable word and a sentence without subject.

use std::ops::Bound;

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{MAX_TEXT, shape::FilterValue, tree::Span};
use crate::{
    clock::Timestamp,
    contact_fields::{FieldType, Rejected, Typed, composed},
    contacts::search,
    ids::GroupId,
    phone::{self, Country, Rule},
};

type Read<T> = Result<T, Rejected>;

fn string<'a>(value: &'a FilterValue, wanted: &str) -> Read<&'a str> {
    match value {
        FilterValue::Text(text) => Ok(text),
        _ => Err(Rejected::new("invalid_type", format!("must be a string: {wanted}"))),
    }
}

/// A text to compare with.
pub fn text(value: &FilterValue) -> Read<String> {
    plain(string(value, "a text")?)
}

/// The same, when it is known to be a string. Composed, as the texts are stored.
pub fn plain(text: &str) -> Read<String> {
    match text.chars().count() {
        0 => Err(Rejected::new("required", "must not be empty; use exists to find contacts without a value")),
        n if n > MAX_TEXT => Err(Rejected::new("too_long", format!("must have at most {MAX_TEXT} characters"))),
        _ if text.contains('\0') => Err(Rejected::new("control_character", "must not have the character U+0000")),
        _ => Ok(composed(text)),
    }
}

/// One of a field's words.
pub fn word(value: &FilterValue, words: &[&str]) -> Read<String> {
    let text = string(value, "a word")?;
    let found = words.iter().find(|word| **word == text).map(|word| (*word).to_owned());
    found.ok_or_else(|| Rejected::new("invalid_choice", format!("must be one of: {}", words.join(", "))))
}

/// A country code, in either case.
pub fn country(value: &FilterValue) -> Read<String> {
    let code = string(value, "a country code")?.to_ascii_uppercase();
    let known = code.parse::<Country>().map(Country::code);
    known.map_err(|_| Rejected::new("invalid_country", "must be a country code of ISO 3166, such as GB"))
}

/// A time zone of IANA, whatever the case of its letters.
pub fn time_zone(value: &FilterValue) -> Read<Tz> {
    let text = string(value, "a time zone such as America/Denver")?;
    let bad = || Rejected::new("invalid_time_zone", "must be an IANA time zone, such as America/Denver");
    phone::zone_named(text).ok_or_else(bad)
}

/// A whole phone number, international.
pub fn number_of_phone(value: &FilterValue) -> Read<i64> {
    let raw = string(value, "a number such as +447400123456")?;
    phone::parse(raw.trim(), &Rule::None)
        .map(|parsed| i64::from(parsed.number))
        .map_err(|e| Rejected::new(e.code, format!("cannot be read as an international number: {}", e.detail)))
}

/// Digits of a phone number, with or without `+`.
pub fn digits(text: &str) -> Read<String> {
    let digits = text.trim().strip_prefix('+').unwrap_or(text.trim());
    let good = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then(|| digits.to_owned()).ok_or_else(|| Rejected::new("invalid_digits", "must be 1 to 15 digits"))
}

/// The numbers that begin with these digits, as spans of integers: an index on the number then finds them. A number has 15
/// digits at most, and none begins with 0.
pub fn numbers_from(text: &str) -> Read<Vec<Span<i64>>> {
    let digits = digits(text)?;
    if digits.starts_with('0') {
        return Err(Rejected::new("invalid_digits", "must not begin with 0: numbers are international, without 00"));
    }
    let bad = || Rejected::new("invalid_digits", "must be 1 to 15 digits");
    let (mut from, mut to) = digits.parse::<i64>().map(|first| (first, first)).map_err(|_| bad())?;
    let mut spans = vec![Span::one(from)];
    for _ in digits.len()..15 {
        (from, to) = (from * 10, to * 10 + 9);
        spans.push(Span { from: Bound::Included(from), to: Bound::Included(to) });
    }
    Ok(spans)
}

/// A part of the texts that the search knows, folded as they are.
pub fn term(text: &str) -> Read<String> {
    let folded = search::sought(&plain(text)?);
    if folded.chars().count() < search::MIN_TERM {
        let detail = format!("must have at least {} letters or digits", search::MIN_TERM);
        return Err(Rejected::new("too_short", detail));
    }
    Ok(folded)
}

/// A decimal number of at most 15 digits.
pub fn number(value: &FilterValue) -> Read<Decimal> {
    let json = match value {
        FilterValue::Number(number) => Value::Number(number.clone()),
        FilterValue::Text(text) => Value::String(text.clone()),
        FilterValue::Truth(truth) => Value::Bool(*truth),
    };
    let read = Typed { kind: FieldType::Number, choices: Vec::new() }.from_json(&json)?;
    let bad = || Rejected::new("invalid_number", "must be a number of at most 15 digits, such as 12.5");
    read.to_string().parse().map_err(|_| bad())
}

/// A whole number from 0 to `max`.
pub fn count(value: &FilterValue, max: i64) -> Read<i64> {
    let read = match value {
        FilterValue::Number(number) => number.as_i64(),
        _ => None,
    };
    read.filter(|n| (0..=max).contains(n))
        .ok_or_else(|| Rejected::new("invalid_number", format!("must be a whole number from 0 to {max}")))
}

/// A date.
pub fn date(value: &FilterValue) -> Read<NaiveDate> {
    let text = string(value, "a date such as 2026-11-21")?;
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| text.len() == 10)
        .ok_or_else(|| Rejected::new("invalid_date", "must be a date, such as 2026-11-21"))
}

/// A moment, in microseconds.
pub fn moment(value: &FilterValue) -> Read<i64> {
    let text = string(value, "a moment such as 2026-11-21T10:00:00Z")?;
    text.parse::<Timestamp>()
        .map(|at| at.0)
        .map_err(|_| Rejected::new("invalid_moment", "must be RFC 3339 with an offset, such as 2026-11-21T10:00:00Z"))
}

/// True or false.
pub fn truth(value: &FilterValue) -> Read<bool> {
    match value {
        FilterValue::Truth(truth) => Ok(*truth),
        _ => Err(Rejected::new("invalid_boolean", "must be true or false")),
    }
}

/// The id of a group.
pub fn group(value: &FilterValue) -> Read<GroupId> {
    let text = string(value, "the id of a group")?;
    text.parse()
        .map_err(|_| Rejected::new("invalid_id", "must be the id of a group, such as grp_01kazsw6e3f8e9xq2m4r7t5v0b"))
}

#[cfg(test)]
mod tests {
    use std::ops::RangeBounds;

    use super::*;

    #[test]
    fn numbers_begin_with_digits() {
        for prefix in ["4", "48501", "+447400123456", "999999999999999"] {
            let spans = numbers_from(prefix).unwrap();
            for number in [4_i64, 48_501, 48_500, 485_019, 447_400_123_456, 44_740_012_345, 999_999_999_999_999, 5] {
                let begins = number.to_string().starts_with(prefix.trim_start_matches('+'));
                let held = spans.iter().filter(|span| (span.from, span.to).contains(&number)).count();
                assert_eq!(held, usize::from(begins), "{prefix} {number}");
            }
        }
        assert_eq!(numbers_from("0044").unwrap_err().code, "invalid_digits");
    }
}
