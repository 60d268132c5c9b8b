//! From what people and spreadsheets write to digits: trims, drops punctuation, undoes what spreadsheets do to long
//! numbers.
//!
//! Invariant: a [`Cleaned`] holds ASCII digits only, at least one.

use super::PhoneError;

/// Longest text looked at, in characters; a cell with more is not a phone number.
const MAX_RAW: usize = 100;

/// The digits of a text and whether they are in international form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cleaned {
    /// Written with `+` or `00`, which is not among the digits.
    pub international: bool,
    /// ASCII digits.
    pub digits: String,
}

/// Reads a raw text.
///
/// # Errors
/// `phone_empty` for blank, `phone_too_long` for more than [`MAX_RAW`] characters, `phone_invalid` for anything that is
/// not a number with punctuation.
pub(super) fn clean(raw: &str) -> Result<Cleaned, PhoneError> {
    // `'380…` and `="380…"` are how people keep a spreadsheet from turning a number into a float.
    let text = raw.trim_matches(|c: char| is_gap(c) || matches!(c, '\'' | '"' | '=' | '`'));
    if text.is_empty() {
        return Err(PhoneError::empty());
    }
    if text.chars().count() > MAX_RAW {
        return Err(PhoneError::too_long(format!("more than {MAX_RAW} characters")));
    }
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..).unwrap_or_default(),
        _ => text,
    };
    if let Some(digits) = spreadsheet_float(text)? {
        return Ok(Cleaned { international: false, digits });
    }
    let mut plus = false;
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            digits.push(digit);
        } else if matches!(c, '+' | '\u{FF0B}') && digits.is_empty() && !plus {
            plus = true;
        } else if !is_gap(c) && !is_punctuation(c) {
            return Err(PhoneError::invalid("contains characters that are not part of a phone number".into()));
        }
    }
    if digits.is_empty() {
        return Err(PhoneError::invalid("contains no digits".into()));
    }
    match digits.strip_prefix("00") {
        Some(rest) if !plus && !rest.is_empty() => Ok(Cleaned { international: true, digits: rest.to_owned() }),
        _ => Ok(Cleaned { international: plus, digits }),
    }
}

/// The ASCII form of a decimal digit of the scripts phone numbers are written in (Arabic, Persian, Devanagari, full
/// width).
pub(super) fn digit(c: char) -> Option<char> {
    if c.is_ascii_digit() {
        return Some(c);
    }
    [0x0660_u32, 0x06F0, 0x0966, 0xFF10].into_iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(zero)?;
        char::from_digit(value, 10)
    })
}

/// White space of any kind and the invisible marks that come with copied text.
pub(super) fn is_gap(c: char) -> bool {
    let is_mark = |c| matches!(c, '\u{00AD}' | '\u{FEFF}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}');
    c.is_whitespace() || is_mark(c)
}

/// What numbers are grouped with.
pub(super) fn is_punctuation(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')' | '/' | '[' | ']' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}')
}

/// `380501235821.0` and `3.80501235821E+11`, with a point or a comma: how spreadsheets and their exporters write a
/// number cell.
/// `Ok(None)` if the text is neither. A mantissa with fewer digits than the exponent asks for was rounded for display:
/// filling it up with zeros would give the number of somebody else, so it is refused.
fn spreadsheet_float(text: &str) -> Result<Option<String>, PhoneError> {
    let Some((whole, rest)) = text.split_once(['.', ',']) else { return Ok(None) };
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let Some((fraction, exponent)) = rest.split_once(['e', 'E']) else {
        // Seven digits before the point: `75.80.60` and `044.00` are grouping, not floats.
        let is_float = whole.len() >= 7 && (1..=2).contains(&rest.len()) && rest.bytes().all(|b| b == b'0');
        return Ok(is_float.then(|| whole.to_owned()));
    };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent).parse::<usize>().ok();
    let (Some(exponent), true) = (exponent, fraction.bytes().all(|b| b.is_ascii_digit())) else { return Ok(None) };
    if exponent > fraction.len() {
        return Err(PhoneError::invalid("rounded by a spreadsheet: format the column as text and export again".into()));
    }
    let (kept, cents) = fraction.split_at(exponent);
    if cents.bytes().any(|b| b != b'0') {
        return Err(PhoneError::invalid("a number with a fraction".into()));
    }
    Ok(Some(format!("{whole}{kept}")))
}
