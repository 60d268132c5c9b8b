//! Dates as people write them in tables.
//!
//! Invariant: nothing is guessed. Day comes before month where the year is last, unless a table is told or proved to have the
//! month first, and then only with slashes; two-digit years and years outside 1900–2099 are not dates.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Years that a date in a contact base can have.
const YEARS: std::ops::Range<i32> = 1900..2100;

crate::text_enum! {
    /// What comes first in dates with slashes whose year is last.
    pub enum DateOrder {
        /// `22/02/2002`.
        DayFirst = "day_first",
        /// `02/22/2002`.
        MonthFirst = "month_first",
    }
}

impl DateOrder {
    /// A cell as [`parse_date`] and [`parse_moment`] read it: the day before the month.
    pub fn day_first(self, cell: &str) -> Cow<'_, str> {
        match (self, slashed(cell)) {
            (Self::MonthFirst, Some((month, day, rest))) => Cow::Owned(format!("{day}/{month}/{rest}")),
            _ => Cow::Borrowed(cell),
        }
    }

    /// The order that dates with slashes prove: one of them makes sense in one order only, and none in the other only.
    pub fn proved<'a>(cells: impl Iterator<Item = &'a str>) -> Option<Self> {
        let (mut day, mut month) = (false, false);
        for cell in cells {
            let is_date = |order: Self| parse_moment(&order.day_first(cell)).is_some();
            if slashed(cell).is_some() {
                match (is_date(Self::DayFirst), is_date(Self::MonthFirst)) {
                    (true, false) => day = true,
                    (false, true) => month = true,
                    _ => {}
                }
            }
        }
        match (day, month) {
            (true, false) => Some(Self::DayFirst),
            (false, true) => Some(Self::MonthFirst),
            _ => None,
        }
    }
}

/// The parts of `1/2/2003`, the last with whatever follows.
fn slashed(cell: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = cell.trim().split_once('/')?;
    let (second, rest) = rest.split_once('/')?;
    let short = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (short(first) && short(second)).then_some((first, second, rest))
}

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
