//! Birthdays and ages. Whoever was born on 29 February has their birthday on the 28th in a year without one.
//!
//! Pure. Dates are compared in SQL as texts (`2026-11-21`), and the part of the year as `11-21`.

use std::ops::Bound;

use chrono::{Datelike, Days, NaiveDate};

use super::tree::Span;

/// A part of the year, from one day to another, both included, as `MM-DD`; it may run over New Year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Season {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
}

impl Season {
    /// The days from `today` to `days` later; a year or more is every day.
    pub fn ahead(today: NaiveDate, days: u32) -> Self {
        let end = later(today, days);
        if days >= 365 {
            return Self { from: "01-01".into(), to: "12-31".into() };
        }
        let short = end.month() == 2 && end.day() == 28 && !end.leap_year();
        let to = if short { "02-29".into() } else { end.format("%m-%d").to_string() };
        Self { from: today.format("%m-%d").to_string(), to }
    }
    /// Whether it runs over New Year.
    pub fn wraps(&self) -> bool {
        self.from > self.to
    }
}

/// The day so many days after another; the last one that there is when that is too far.
pub fn later(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(u64::from(days))).unwrap_or(NaiveDate::MAX)
}

/// The day so many days before another.
pub fn earlier(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_sub_days(Days::new(u64::from(days))).unwrap_or(NaiveDate::MIN)
}

/// The latest date of birth of people who are `age` or older today.
pub fn latest_birth(today: NaiveDate, age: i64) -> NaiveDate {
    let year = i32::try_from(i64::from(today.year()).saturating_sub(age)).unwrap_or(i32::MIN);
    let (month, day) = (today.month(), today.day());
    if (month, day) == (2, 28)
        && !today.leap_year()
        && let Some(leap_day) = NaiveDate::from_ymd_opt(year, 2, 29)
    {
        return leap_day; // their birthday is today as well
    }
    NaiveDate::from_ymd_opt(year, month, day).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28)).unwrap_or(NaiveDate::MIN)
}

/// How old people of a date of birth are.
pub fn age(birth: NaiveDate, today: NaiveDate) -> i64 {
    let years = i64::from(today.year()).saturating_sub(i64::from(birth.year()));
    if birth > latest_birth(today, years) { years.saturating_sub(1) } else { years }
}

/// The dates of birth of people of these ages.
pub fn births(today: NaiveDate, ages: &Span<i64>) -> Span<NaiveDate> {
    let latest = |age: i64| latest_birth(today, age);
    Span {
        from: match ages.to {
            Bound::Unbounded => Bound::Unbounded,
            Bound::Included(oldest) => Bound::Excluded(latest(oldest + 1)),
            Bound::Excluded(age) => Bound::Excluded(latest(age)),
        },
        to: match ages.from {
            Bound::Unbounded => Bound::Unbounded,
            Bound::Included(youngest) => Bound::Included(latest(youngest)),
            Bound::Excluded(age) => Bound::Included(latest(age + 1)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// What people would say, day by day.
    fn birthday(birth: NaiveDate, year: i32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, birth.month(), birth.day())
            .unwrap_or_else(|| NaiveDate::from_ymd_opt(year, 2, 28).unwrap())
    }

    fn age(birth: NaiveDate, today: NaiveDate) -> i64 {
        i64::from(today.year() - birth.year()) - i64::from(birthday(birth, today.year()) > today)
    }

    fn within(birth: NaiveDate, today: NaiveDate, days: u32) -> bool {
        (0..=days).any(|n| {
            let day = later(today, n);
            birthday(birth, day.year()) == day
        })
    }

    fn holds(season: &Season, birth: NaiveDate) -> bool {
        let day = birth.format("%m-%d").to_string();
        if season.wraps() { day >= season.from || day <= season.to } else { day >= season.from && day <= season.to }
    }

    #[test]
    fn a_season_is_the_birthdays_of_its_days() {
        for today in ["2026-11-22", "2026-12-28", "2027-02-20", "2027-02-28", "2028-02-21", "2028-02-29", "2027-03-01"]
        {
            let today = day(today);
            for days in [0, 1, 7, 8, 60, 300, 363, 364, 365] {
                let season = Season::ahead(today, days);
                let mut birth = day("1999-12-30");
                while birth < day("2001-01-03") {
                    assert_eq!(holds(&season, birth), within(birth, today, days), "{birth} {today} {days}");
                    birth = later(birth, 1);
                }
            }
        }
    }

    #[test]
    fn ages_are_spans_of_births() {
        for today in ["2026-11-22", "2027-02-27", "2027-02-28", "2027-03-01", "2028-02-28", "2028-02-29"] {
            let today = day(today);
            let mut birth = day("1995-12-30");
            while birth < day("2005-03-03") {
                let is = age(birth, today);
                for other in 20..34 {
                    let held = |span: Span<i64>| {
                        let span = births(today, &span);
                        use std::ops::RangeBounds;
                        (span.from, span.to).contains(&birth)
                    };
                    assert_eq!(held(Span::one(other)), is == other, "{birth} {today} {is} {other}");
                    assert_eq!(held(Span::from(Bound::Included(other))), is >= other, "{birth} {today} {is} {other}");
                    assert_eq!(held(Span::from(Bound::Excluded(other))), is > other, "{birth} {today} {is} {other}");
                    assert_eq!(held(Span::to(Bound::Excluded(other))), is < other, "{birth} {today} {is} {other}");
                }
                birth = later(birth, 1);
            }
        }
    }
}
