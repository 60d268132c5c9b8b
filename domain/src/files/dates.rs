//! Dates as people write them in tables.
//!
//! Invariant: nothing is guessed. Day comes before month where the year is last, two-digit years and years outside
//! 1900–2099 are not dates.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Years that a date in a contact base can have.
const YEARS: std::ops::Range<i32> = 1900..2100;

/// Reads `2002-02-22`, `22.02.2002`, `22/02/2002`, `2-2-2002` or `2002/02/22`; white space around is ignored and a time
/// of day after an ISO date is dropped. `None` for anything else.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '-' | '.' | '/'))?;
    let mut parts = text.splitn(3, separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = if first.len() == 4 && separator != '.' {
        (first, second, without_time(third))
    } else {
        (third, second, first)
    };
    let number = |part: &str, longest: usize| {
        let digits = !part.is_empty() && part.len() <= longest && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok()).flatten()
    };
    if year.len() != 4 {
        return None;
    }
    let year = i32::try_from(number(year, 4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(month, 2)?, number(day, 2)?).filter(|date| YEARS.contains(&date.year()))
}

/// The day of `22T00:00:00`, `22 00:00` or `22`; only a real time may follow.
fn without_time(day: &str) -> &str {
    match day.split_once(['T', ' ']) {
        Some((day, time)) if time.contains(':') && time.bytes().all(|byte| b"0123456789:.+-Z".contains(&byte)) => day,
        _ => day,
    }
}

/// Reads a day as [`parse_date`] does, perhaps with a time of day after a space or a `T` (`22.02.2002 10:15`), or a moment
/// of RFC 3339 with an offset. Without an offset it is UTC, a day is its beginning. `None` for anything else.
pub fn parse_moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return YEARS.contains(&moment.year()).then(|| moment.with_timezone(&Utc));
    }
    let (day, time) = text.split_once(['T', ' ']).map_or((text, None), |(day, time)| (day, Some(time.trim())));
    let time = match time {
        None => NaiveTime::MIN,
        Some(time) => {
            ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f"].iter().find_map(|f| NaiveTime::parse_from_str(time, f).ok())?
        }
    };
    Some(NaiveDateTime::new(parse_date(day)?, time).and_utc())
}
