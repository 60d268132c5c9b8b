//! Quiet hours: the time of day in which no campaign's message leaves. Pure.
//!
//! They hold for campaigns, not for single sends: a code that somebody asked for at night is wanted at night. Invariant:
//! each day has [`OPEN`] minutes or more outside of them, so that whoever waits for their end does not wait for ever.

use chrono::Days;
use chrono_tz::Tz;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    error::Faults,
    hours::{self, Zone},
};

/// The minutes of a day that stay open at least.
const OPEN: u32 = 60;

/// The time of day in which no campaign's message leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "21:00", "to": "08:00", "clock": "recipient"}))]
pub struct QuietHours {
    /// When they begin, `HH:MM`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub from: String,
    /// When they end, `HH:MM`; before `from` they end on the next day. At least an hour of the day stays outside of them.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub to: String,
    /// Whose clock counts.
    pub clock: Zone,
}

impl QuietHours {
    /// Notes what is wrong with them, under `/quiet_hours`.
    pub fn check(&self, faults: &mut Faults) {
        let Self { from, to, clock: _ } = self;
        let [begin, end] = [from, to].map(|text| hours::minutes(text).filter(|m| *m < 1440));
        for (name, time, example) in [("from", begin, "21:00"), ("to", end, "08:00")] {
            if time.is_none() {
                faults.add(
                    format!("/quiet_hours/{name}"),
                    "invalid",
                    format!("must be a time of day, such as {example}"),
                );
            }
        }
        if let (Some(begin), Some(end)) = (begin, end)
            && (1440 + begin - end) % 1440 < OPEN
        {
            faults.add("/quiet_hours/to", "out_of_range", "must leave at least 60 minutes of the day outside");
        }
    }

    /// The time outside of them that it is at `at`, or the next: when it begins and ends. None beyond what dates can be.
    pub fn open(&self, at: Timestamp, zone: Tz) -> Option<(Timestamp, Timestamp)> {
        let (from, to) = (hours::minutes(&self.from)?, hours::minutes(&self.to)?);
        let first = hours::day_of(at, zone).pred_opt()?;
        (0..=3).filter_map(|days| first.checked_add_days(Days::new(days))).find_map(|day| {
            let last = if from > to { day } else { day.succ_opt()? };
            let (opens, closes) = (hours::moment(day, to, zone)?, hours::moment(last, from, zone)?);
            (closes > at && closes > opens).then_some((opens, closes))
        })
    }

    /// When they end, if it is in them at `at`.
    pub fn until(&self, at: Timestamp, zone: Tz) -> Option<Timestamp> {
        self.open(at, zone).map(|(opens, _)| opens).filter(|opens| *opens > at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    fn quiet(from: &str, to: &str) -> QuietHours {
        QuietHours { from: from.into(), to: to.into(), clock: Zone::Account }
    }

    #[test]
    fn a_night_crosses_midnight() {
        let night = quiet("21:00", "08:00");
        let until = |text| night.until(at(text), Tz::UTC);
        assert_eq!(until("2026-11-22T20:59:59Z"), None);
        assert_eq!(until("2026-11-22T21:00:00Z"), Some(at("2026-11-23T08:00:00Z")));
        assert_eq!(until("2026-11-23T07:59:59Z"), Some(at("2026-11-23T08:00:00Z")));
        assert_eq!(until("2026-11-23T08:00:00Z"), None);
        let open = night.open(at("2026-11-22T23:00:00Z"), Tz::UTC);
        assert_eq!(open, Some((at("2026-11-23T08:00:00Z"), at("2026-11-23T21:00:00Z"))));
        assert_eq!(night.until(at("2026-11-22T20:30:00Z"), Tz::Europe__Paris), Some(at("2026-11-23T07:00:00Z")));
    }

    #[test]
    fn a_rest_at_noon_lies_in_one_day() {
        let noon = quiet("13:00", "15:00");
        let open = |text| noon.open(at(text), Tz::UTC).unwrap();
        assert_eq!(open("2026-11-22T12:00:00Z"), (at("2026-11-21T15:00:00Z"), at("2026-11-22T13:00:00Z")));
        assert_eq!(open("2026-11-22T14:00:00Z"), (at("2026-11-22T15:00:00Z"), at("2026-11-23T13:00:00Z")));
        assert_eq!(open("2026-11-22T23:59:00Z"), (at("2026-11-22T15:00:00Z"), at("2026-11-23T13:00:00Z")));
    }

    #[test]
    fn the_clock_may_change_within_them() {
        // In Paris the clock goes back on 25 October 2026: the night is an hour longer.
        let night = quiet("22:00", "07:00");
        let open = night.open(at("2026-10-24T21:00:00Z"), Tz::Europe__Paris);
        assert_eq!(open, Some((at("2026-10-25T06:00:00Z"), at("2026-10-25T21:00:00Z"))));
    }

    #[test]
    fn faults_are_named() {
        let wrong = |quiet: QuietHours| {
            let mut faults = Faults::default();
            quiet.check(&mut faults);
            faults.check().err().map(|e| e.faults.iter().map(|f| f.pointer.clone()).collect::<Vec<_>>())
        };
        assert_eq!(wrong(quiet("21:00", "08:00")), None);
        assert_eq!(wrong(quiet("00:00", "23:00")), None, "an hour is left");
        assert_eq!(wrong(quiet("00:00", "23:01")), Some(vec!["/quiet_hours/to".to_owned()]));
        assert_eq!(wrong(quiet("09:00", "09:00")), Some(vec!["/quiet_hours/to".to_owned()]));
        assert_eq!(
            wrong(quiet("24:00", "8")),
            Some(vec!["/quiet_hours/from".to_owned(), "/quiet_hours/to".to_owned()])
        );
    }
}
