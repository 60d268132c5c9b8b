//! Times of day by a clock on a wall: when one comes in a zone, across changes of that clock. Pure.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Whose clock counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// The account's.
    #[default]
    Account,
    /// Each recipient's: the `time_zone` that was set for the contact, else what the number tells. Where a number may be in
    /// several zones, as most mobile numbers of large countries may, it is the account's zone if that is among them, else
    /// the one where by far the most people live, else the middle one.
    Recipient,
}

/// Minutes of a day; `24:00` is 1440.
pub fn minutes(text: &str) -> Option<u32> {
    let (hours, rest) = text.split_once(':')?;
    let two =
        |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse::<u32>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(rest)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= 1440).then_some(all)
}

/// A time of a day in a zone. One that the clock jumps over is the first after it; one that comes twice is the first.
pub fn moment(day: NaiveDate, minutes: u32, zone: Tz) -> Option<Timestamp> {
    let day = if minutes == 1440 { day.succ_opt()? } else { day };
    let minutes = minutes % 1440;
    (0..=4).find_map(|quarter| {
        let local =
            day.and_time(NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0)?) + TimeDelta::minutes(30 * quarter);
        zone.from_local_datetime(&local).earliest().map(|at| Timestamp(at.timestamp_micros()))
    })
}

/// The day that it is in a zone.
pub fn day_of(at: Timestamp, zone: Tz) -> NaiveDate {
    at.utc().with_timezone(&zone).date_naive()
}

/// A day as a number that days can be counted by: how many there were since 1970-01-01.
pub fn number_of(day: NaiveDate) -> i64 {
    day.signed_duration_since(NaiveDate::default()).num_days()
}

/// The day with this number.
pub fn day_numbered(number: i64) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_days(Days::new(u64::try_from(number).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_numbered_by_the_clock_of_their_zone() {
        let at: Timestamp = "2026-11-22T23:30:00Z".parse().unwrap();
        let [london, paris] = [Tz::Europe__London, Tz::Europe__Paris].map(|zone| number_of(day_of(at, zone)));
        assert_eq!((london, paris), (20_779, 20_780));
        assert_eq!(day_numbered(paris), NaiveDate::from_ymd_opt(2026, 11, 23));
        assert_eq!((number_of(NaiveDate::default()), day_numbered(-1)), (0, None));
    }
}
