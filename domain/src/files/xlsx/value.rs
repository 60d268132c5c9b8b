//! The text of a cell from its stored value: what the person typed, not how the workbook keeps it.

use chrono::{Days, NaiveDate};

use super::styles::Style;

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// The text of a number. Integers stay digits of any length (`380501234567`, never `3.8E+11` or `.0`); fractions are
/// rounded to the 15 digits that spreadsheets show; dates become `YYYY-MM-DD`, moments `YYYY-MM-DD HH:MM:SS`.
pub(in crate::files) fn number(stored: &str, style: Style, date1904: bool) -> String {
    let stored = stored.trim();
    let Some(value) = stored.parse::<f64>().ok().filter(|value| value.is_finite()) else {
        return stored.to_owned();
    };
    let moment = match style {
        Style::Date | Style::DateTime | Style::Time => moment(value, style, date1904),
        Style::Zeros(width) if value >= 0.0 && value.fract() == 0.0 => {
            return format!("{:0>width$}", plain(stored, value), width = usize::from(width));
        }
        Style::Plain | Style::Zeros(_) => None,
    };
    moment.unwrap_or_else(|| plain(stored, value))
}

fn plain(stored: &str, value: f64) -> String {
    if stored.strip_prefix('-').unwrap_or(stored).bytes().all(|byte| byte.is_ascii_digit()) {
        return stored.to_owned();
    }
    let shown = if value.fract() == 0.0 { value } else { format!("{value:.14e}").parse().unwrap_or(value) };
    // Rust prints floats in full, without an exponent.
    if shown == 0.0 { "0".to_owned() } else { shown.to_string() }
}

fn moment(value: f64, style: Style, date1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&value) {
        return None;
    }
    let seconds = (value.fract() * DAY).round();
    let (days, seconds) = if seconds >= DAY { (value.floor() + 1.0, 0) } else { (value.floor(), whole(seconds)?) };
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let date = || date(whole(days)?, date1904);
    match style {
        Style::Time => (days < 1.0).then_some(time),
        Style::DateTime if seconds > 0 => date().map(|date| format!("{date} {time}")),
        _ => date().map(|date| date.to_string()),
    }
}

/// The day with this serial number. Serials below 61 are shifted: the calendar of workbooks has a 29 February 1900.
fn date(serial: u64, date1904: bool) -> Option<NaiveDate> {
    let (year, month, day) = match (date1904, serial) {
        (true, _) => (1904, 1, 1),
        (false, 0 | 60) => return None,
        (false, 1..60) => (1899, 12, 31),
        (false, _) => (1899, 12, 30),
    };
    NaiveDate::from_ymd_opt(year, month, day)?.checked_add_days(Days::new(serial))
}

/// A float without a fraction as an integer; there is no lossless conversion to write it with.
fn whole(value: f64) -> Option<u64> {
    format!("{value:.0}").parse().ok()
}

/// An ISO date cell (`t="d"`) without an empty time of day.
pub(super) fn iso_date(stored: &str) -> String {
    let stored = stored.trim();
    match stored.split_once('T') {
        Some((date, time)) if time.bytes().all(|byte| b"0:.Z".contains(&byte)) => date.to_owned(),
        Some((date, time)) => format!("{date} {time}"),
        None => stored.to_owned(),
    }
}

/// Text with `_x000D_` escapes resolved, as far as they are characters that a cell may hold.
pub(super) fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        result.push_str(before);
        let digits = escape.get(2..6).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let found = digits
            .filter(|_| escape.as_bytes().get(6) == Some(&b'_'))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32)
            .filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
        let length = match found {
            Some(c) => {
                result.push(c);
                7
            }
            None => {
                result.push_str("_x");
                2
            }
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}
