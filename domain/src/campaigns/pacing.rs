//! When the messages of a campaign may leave: spread over a period, inside allowed hours, outside the account's quiet
//! hours. Pure.
//!
//! A plan is made when the money is held: each chunk gets the moment from which it may leave, and the moment at which its
//! window closes. What has not left by then gets the next window. Invariants: nothing leaves before its moment nor after
//! its window has closed, but for what was marked before; the period counts open time only, so that a spread over four
//! hours that begins one hour before closing goes on for three on the next day; hours are local, across changes of the
//! clock; what never opens has no slot.

use std::time::Duration;

use chrono::{Datelike, Days};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::QuietHours,
    clock::Timestamp,
    error::Faults,
    hours::{Zone, minutes, moment},
};

/// The longest spread: four weeks.
const MAX_SPREAD_MINUTES: i64 = 28 * 24 * 60;
/// The shortest window.
const SHORTEST: Duration = Duration::from_secs(15 * 60);
/// How many windows and days are looked at for one that lies outside quiet hours: some weeks of them.
const LOOKED_AT: usize = 60;

/// When the messages of a campaign may leave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"spread_minutes": 240, "window": {"from": "09:00", "to": "20:00", "weekdays": [1, 2, 3, 4, 5], "zone": "recipient"}}))]
pub struct Pacing {
    /// 1 to 40320 (four weeks): messages leave in equal portions over so many minutes; null: as fast as the carrier takes
    /// them. With a window only its open minutes count.
    #[schema(minimum = 1, maximum = 40320)]
    pub spread_minutes: Option<i64>,
    /// The hours in which messages may leave; null: at any time.
    pub window: Option<Window>,
}

/// The hours in which messages may leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "09:00", "to": "20:00", "weekdays": [1, 2, 3, 4, 5], "zone": "recipient"}))]
pub struct Window {
    /// When it opens, `HH:MM`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub from: String,
    /// When it closes, `HH:MM`, at least 15 minutes later on the same day; `24:00` is midnight.
    #[schema(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
    pub to: String,
    /// The days on which it opens, 1 = Monday … 7 = Sunday; empty: every day.
    #[serde(default)]
    #[schema(max_items = 7)]
    pub weekdays: Vec<u32>,
    /// Whose clock counts.
    #[serde(default)]
    pub zone: Zone,
}

/// When a chunk may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub from: Timestamp,
    /// When its window closes; none: it does not.
    pub until: Option<Timestamp>,
}

impl Pacing {
    /// Whether there is nothing to keep to.
    pub fn is_none(&self) -> bool {
        self.spread_minutes.is_none() && self.window.is_none()
    }

    /// Notes what is wrong with it, under `/pacing`.
    pub fn check(&self, faults: &mut Faults) {
        let Self { spread_minutes, window } = self;
        if spread_minutes.is_some_and(|n| !(1..=MAX_SPREAD_MINUTES).contains(&n)) {
            faults.add("/pacing/spread_minutes", "out_of_range", format!("must be from 1 to {MAX_SPREAD_MINUTES}"));
        }
        let Some(Window { from, to, weekdays, zone: _ }) = window else { return };
        let (opens, closes) = (minutes(from).filter(|m| *m < 1440), minutes(to));
        if opens.is_none() {
            faults.add("/pacing/window/from", "invalid", "must be a time of day, such as 09:00");
        }
        if closes.is_none() {
            faults.add("/pacing/window/to", "invalid", "must be a time of day, such as 20:00 or 24:00");
        }
        if let (Some(opens), Some(closes)) = (opens, closes)
            && u64::from(closes.saturating_sub(opens)) * 60 < SHORTEST.as_secs()
        {
            faults.add("/pacing/window/to", "out_of_range", "must be at least 15 minutes after from, on the same day");
        }
        for (place, day) in weekdays.iter().enumerate().take(8) {
            if !(1..=7).contains(day) {
                faults.add(format!("/pacing/window/weekdays/{place}"), "out_of_range", "must be from 1 to 7");
            } else if weekdays.get(..place).is_some_and(|before| before.contains(day)) {
                faults.add(format!("/pacing/window/weekdays/{place}"), "duplicate", "is there already");
            }
        }
    }
}

/// All that says when the messages of a campaign may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// What the campaign says.
    pub pacing: Pacing,
    /// What its account says.
    pub quiet: Option<QuietHours>,
    /// The account's zone.
    pub own: Tz,
}

impl Hours {
    /// Whether there is nothing to keep to.
    pub fn is_none(&self) -> bool {
        self.pacing.is_none() && self.quiet.is_none()
    }

    /// Whether the clock of each recipient counts for something.
    pub fn by_recipient(&self) -> bool {
        let window = self.pacing.window.as_ref().map(|window| window.zone);
        let quiet = self.quiet.as_ref().map(|quiet| quiet.clock);
        [window, quiet].contains(&Some(Zone::Recipient))
    }

    /// Whether they are open to any recipient, wherever on earth, within the next weeks.
    pub fn open_to_somebody(&self, from: Timestamp) -> bool {
        let mut zones = (-14..=12).filter_map(|west| format!("Etc/GMT{west:+}").parse().ok());
        zones.any(|zone: Tz| self.after(from, Duration::ZERO, Some(zone)).is_some())
    }

    /// When the messages at a place of the whole may leave: `before` of `total` leave before them. `theirs` is the zone of
    /// their recipients, where it is known.
    pub fn slot(&self, start: Timestamp, (before, total): (i64, i64), theirs: Option<Tz>) -> Option<Slot> {
        let spread = self.pacing.spread_minutes.unwrap_or(0).saturating_mul(60_000_000);
        let offset = i128::from(spread) * i128::from(before.max(0)) / i128::from(total.max(1));
        self.after(start, Duration::from_micros(u64::try_from(offset).unwrap_or(0)), theirs)
    }

    /// The slot after so much open time from `start`; none: they do not open in the next weeks.
    pub fn after(&self, start: Timestamp, open: Duration, theirs: Option<Tz>) -> Option<Slot> {
        if self.pacing.window.is_none() && self.quiet.is_none() {
            return Some(Slot { from: start.plus(open), until: None });
        }
        let (mut at, mut left) = (start, open);
        // A week has at least one window of 15 minutes; the longest spread ends within its number of weeks.
        for _ in 0..20_000 {
            let (opens, closes) = self.next(at, theirs)?;
            let begin = at.max(opens);
            let room = begin.until(closes);
            if left < room {
                return Some(Slot { from: begin.plus(left), until: Some(closes) });
            }
            left -= room;
            at = closes;
        }
        None
    }

    /// The time that is open at `at`, or the next: in the window and outside the quiet hours.
    fn next(&self, mut at: Timestamp, theirs: Option<Tz>) -> Option<(Timestamp, Timestamp)> {
        let zone = |clock: Zone| theirs.filter(|_| clock == Zone::Recipient).unwrap_or(self.own);
        for _ in 0..LOOKED_AT {
            let mut open: Option<(Timestamp, Timestamp)> = None;
            if let Some(window) = &self.pacing.window {
                open = Some(window.next(at, zone(window.zone))?);
            }
            if let Some(quiet) = &self.quiet {
                let (opens, closes) = quiet.open(at, zone(quiet.clock))?;
                open = Some(open.map_or((opens, closes), |(from, until)| (from.max(opens), until.min(closes))));
            }
            let (opens, closes) = open?;
            if opens < closes {
                return Some((opens, closes));
            }
            at = closes; // whichever of the two ends first is passed
        }
        None
    }
}

impl Window {
    /// The window that is open at `at`, or the next one: when it opens and closes. None beyond what dates can be.
    fn next(&self, at: Timestamp, zone: Tz) -> Option<(Timestamp, Timestamp)> {
        let (from, to) = (minutes(&self.from)?, minutes(&self.to)?);
        let local = at.utc().with_timezone(&zone);
        (0..=8).filter_map(|days| local.date_naive().checked_add_days(Days::new(days))).find_map(|day| {
            let open_day = self.weekdays.is_empty() || self.weekdays.contains(&day.weekday().number_from_monday());
            let (opens, closes) = (moment(day, from, zone)?, moment(day, to, zone)?);
            (open_day && closes > at && closes > opens).then_some((opens, closes))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    fn hours(pacing: Pacing, own: Tz) -> Hours {
        Hours { pacing, quiet: None, own }
    }
    fn quiet(from: &str, to: &str, clock: Zone) -> Option<QuietHours> {
        Some(QuietHours { from: from.into(), to: to.into(), clock })
    }
    fn pacing(spread: Option<i64>, window: Option<(&str, &str, &[u32])>) -> Pacing {
        let window = window.map(|(from, to, weekdays)| Window {
            from: from.into(),
            to: to.into(),
            weekdays: weekdays.to_vec(),
            zone: Zone::Account,
        });
        Pacing { spread_minutes: spread, window }
    }
    fn slot(from: &str, until: Option<&str>) -> Slot {
        Slot { from: at(from), until: until.map(at) }
    }
    const LONDON: Tz = Tz::Europe__London;

    #[test]
    fn a_spread_is_even() {
        let hours = hours(pacing(Some(60), None), LONDON);
        let start = at("2026-11-23T10:00:00Z");
        let starts: Vec<Timestamp> = (0..4).map(|n| hours.slot(start, (n * 25, 100), None).unwrap().from).collect();
        let quarter = |n: u64| start.plus(Duration::from_secs(900 * n));
        assert_eq!(starts, [quarter(0), quarter(1), quarter(2), quarter(3)]);
    }

    #[test]
    fn what_comes_outside_the_hours_waits_for_them() {
        let hours = hours(pacing(None, Some(("09:00", "20:00", &[]))), LONDON);
        let after = |text| hours.after(at(text), Duration::ZERO, None).unwrap();
        assert_eq!(after("2026-11-23T10:00:00Z"), slot("2026-11-23T10:00:00Z", Some("2026-11-23T20:00:00Z")));
        assert_eq!(after("2026-11-23T08:59:59Z"), slot("2026-11-23T09:00:00Z", Some("2026-11-23T20:00:00Z")));
        assert_eq!(after("2026-11-23T20:00:00Z"), slot("2026-11-24T09:00:00Z", Some("2026-11-24T20:00:00Z")));
    }

    #[test]
    fn a_spread_counts_open_time_over_nights_and_weekends() {
        let hours = hours(pacing(Some(240), Some(("09:00", "20:00", &[1, 5]))), LONDON);
        let start = at("2026-11-20T19:00:00Z"); // a Friday
        let slots: Vec<Slot> = (0..4).map(|n| hours.slot(start, (n, 4), None).unwrap()).collect();
        let monday = Some("2026-11-23T20:00:00Z");
        assert_eq!(
            slots,
            [
                slot("2026-11-20T19:00:00Z", Some("2026-11-20T20:00:00Z")),
                slot("2026-11-23T09:00:00Z", monday),
                slot("2026-11-23T10:00:00Z", monday),
                slot("2026-11-23T11:00:00Z", monday),
            ]
        );
    }

    #[test]
    fn hours_are_local_when_the_clock_changes() {
        // In Paris the clock goes back on 25 October 2026 and forward on 29 March 2026, from 02:00 to 03:00.
        let paris = |window| hours(pacing(None, Some(window)), Tz::Europe__Paris);
        let late = paris(("09:00", "24:00", &[]));
        let after = |text| late.after(at(text), Duration::ZERO, None).unwrap();
        assert_eq!(after("2026-10-24T23:00:00Z"), slot("2026-10-25T08:00:00Z", Some("2026-10-25T23:00:00Z")));
        assert_eq!(after("2026-03-28T23:30:00Z"), slot("2026-03-29T07:00:00Z", Some("2026-03-29T22:00:00Z")));
        let jumped = paris(("02:30", "04:00", &[])).after(at("2026-03-29T00:00:00Z"), Duration::ZERO, None).unwrap();
        assert_eq!(jumped, slot("2026-03-29T01:00:00Z", Some("2026-03-29T02:00:00Z")));
    }

    #[test]
    fn quiet_hours_and_windows_are_kept_together() {
        let night = quiet("21:00", "08:00", Zone::Account);
        let alone = Hours { quiet: night.clone(), ..hours(pacing(Some(120), None), LONDON) };
        let start = at("2026-11-23T20:00:00Z");
        let slots: Vec<Slot> = (0..2).map(|n| alone.slot(start, (n, 2), None).unwrap()).collect();
        let tonight = slot("2026-11-23T20:00:00Z", Some("2026-11-23T21:00:00Z"));
        let tomorrow = slot("2026-11-24T08:00:00Z", Some("2026-11-24T21:00:00Z"));
        assert_eq!(slots, [tonight, tomorrow], "a spread goes on after the night");
        let both = Hours { quiet: night, ..hours(pacing(None, Some(("06:00", "12:00", &[2]))), LONDON) };
        let after = both.after(start, Duration::ZERO, None);
        assert_eq!(after, Some(slot("2026-11-24T08:00:00Z", Some("2026-11-24T12:00:00Z"))));
        let noon = Hours {
            quiet: quiet("12:00", "14:00", Zone::Account),
            ..hours(pacing(None, Some(("11:00", "15:00", &[]))), LONDON)
        };
        let after = |text| noon.after(at(text), Duration::ZERO, None).unwrap();
        assert_eq!(after("2026-11-23T12:30:00Z"), slot("2026-11-23T14:00:00Z", Some("2026-11-23T15:00:00Z")));
        assert_eq!(after("2026-11-23T10:00:00Z"), slot("2026-11-23T11:00:00Z", Some("2026-11-23T12:00:00Z")));
    }

    #[test]
    fn each_clock_is_the_one_that_was_asked_for() {
        let theirs = Hours { quiet: quiet("21:00", "08:00", Zone::Recipient), ..hours(pacing(None, None), LONDON) };
        let start = at("2026-11-23T10:00:00Z");
        let after = |hours: &Hours, zone| hours.after(start, Duration::ZERO, zone);
        assert_eq!(after(&theirs, None), Some(slot("2026-11-23T10:00:00Z", Some("2026-11-23T21:00:00Z"))));
        let in_new_york = Some(slot("2026-11-23T13:00:00Z", Some("2026-11-24T02:00:00Z")));
        assert_eq!(after(&theirs, Some(Tz::America__New_York)), in_new_york);
        // The window by the account's clock, the night by the recipient's.
        let mixed = Hours { pacing: pacing(None, Some(("09:00", "10:00", &[]))), ..theirs.clone() };
        assert!(after(&mixed, None).is_some() && mixed.open_to_somebody(start));
        assert_eq!(after(&mixed, Some(Tz::America__Los_Angeles)), None, "one at night there");
        assert!(mixed.by_recipient() && theirs.by_recipient() && theirs.open_to_somebody(start));
    }

    #[test]
    fn what_never_opens_has_no_slot() {
        let never = Hours {
            quiet: quiet("21:00", "10:00", Zone::Account),
            ..hours(pacing(None, Some(("08:00", "09:30", &[1]))), LONDON)
        };
        assert_eq!(never.after(at("2026-11-23T10:00:00Z"), Duration::ZERO, None), None);
        assert!(!never.open_to_somebody(at("2026-11-23T10:00:00Z")) && !never.by_recipient());
    }

    #[test]
    fn faults_are_named() {
        let wrong = |pacing: Pacing| {
            let mut faults = Faults::default();
            pacing.check(&mut faults);
            faults.check().err().map(|e| format!("{e:?}"))
        };
        assert_eq!(wrong(pacing(Some(240), Some(("09:00", "24:00", &[1])))), None);
        for (bad, pointer) in [
            (pacing(Some(0), None), "/pacing/spread_minutes"),
            (pacing(None, Some(("9:00", "20:00", &[]))), "/pacing/window/from"),
            (pacing(None, Some(("24:00", "24:00", &[]))), "/pacing/window/from"),
            (pacing(None, Some(("09:00", "24:01", &[]))), "/pacing/window/to"),
            (pacing(None, Some(("09:00", "09:14", &[]))), "/pacing/window/to"),
            (pacing(None, Some(("20:00", "09:00", &[]))), "/pacing/window/to"),
            (pacing(None, Some(("09:00", "20:00", &[1, 1]))), "/pacing/window/weekdays/1"),
            (pacing(None, Some(("09:00", "20:00", &[0]))), "/pacing/window/weekdays/0"),
        ] {
            assert!(wrong(bad.clone()).is_some_and(|told| told.contains(pointer)), "{bad:?}");
        }
    }
}
