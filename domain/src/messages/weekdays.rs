//! The day of the week of a moment in a time zone, as SQL. A database does not know every zone, and SQLite knows none, so
//! the changes of its clock (such as summer time) are written into the expression. Pure: no database, no clock.
//!
//! Invariant: within the period the expression gives the day that a calendar on the wall gave.

use chrono::Offset;
use chrono_tz::Tz;

use crate::clock::Timestamp;

/// 2020-01-01: no message is older.
const FIRST: i64 = 1_577_836_800_000_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Clocks are not changed twice within a week.
const WEEK: i64 = 7 * DAY;

/// An expression for the ISO weekday, 1 = Monday … 7 = Sunday, of a column of moments between `from` and `to`.
pub fn of(column: &str, zone: Tz, from: Option<Timestamp>, to: Timestamp) -> String {
    let from = from.map_or(FIRST, |at| at.0.max(FIRST));
    let changes = changes(zone, from, to.0);
    let mut ahead = offset(zone, from).to_string();
    if !changes.is_empty() {
        let cases: String = changes.iter().rev().map(|(at, o)| format!(" WHEN {column} >= {at} THEN {o}")).collect();
        ahead = format!("CASE{cases} ELSE {ahead} END");
    }
    // Day 0 of the epoch was a Thursday, the fourth day of the ISO week.
    format!("((({column} + ({ahead})) / {DAY} + 3) % 7 + 1)")
}

/// Every change of the clock in the period, in order: when, and how far it is ahead of UTC from then on.
fn changes(zone: Tz, from: i64, to: i64) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    let (mut at, mut ahead) = (from, offset(zone, from));
    while at < to {
        let next = at.saturating_add(WEEK).min(to);
        let then = offset(zone, next);
        if then != ahead {
            // Between the two, to the second.
            let (mut before, mut after) = (at, next);
            while after - before > SECOND {
                let middle = before + (after - before) / 2;
                if offset(zone, middle) == ahead { before = middle } else { after = middle }
            }
            found.push((after / SECOND * SECOND, then));
            ahead = then;
        }
        at = next;
    }
    found
}

/// How far the zone's clock is ahead of UTC at a moment, in microseconds.
fn offset(zone: Tz, at: i64) -> i64 {
    i64::from(Timestamp(at).utc().with_timezone(&zone).offset().fix().local_minus_utc()) * SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().0
    }

    #[test]
    fn changes_of_the_clock_are_found_to_the_second() {
        let london: Tz = "Europe/London".parse().unwrap();
        let all = changes(london, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let hour = 3600 * SECOND;
        assert_eq!(all, [(at("2026-03-29T01:00:00Z"), hour), (at("2026-10-25T01:00:00Z"), 0)]);
        assert_eq!(changes(Tz::UTC, 0, at("2027-01-01T00:00:00Z")), []);
        // twice within weeks: Ramadan
        let casablanca: Tz = "Africa/Casablanca".parse().unwrap();
        assert_eq!(changes(casablanca, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")).len(), 2);
    }
}
