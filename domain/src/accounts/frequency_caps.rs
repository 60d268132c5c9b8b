//! Frequency caps: how many messages of campaigns a number may get within some days. Pure; the sends that they look at
//! are kept by [`crate::messages::frequency`].

use std::collections::BTreeMap;

use chrono_tz::Tz;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, error::Faults, hours};

/// The most caps of an account.
pub const MAX_CAPS: usize = 5;
/// The longest period of a cap: for as long sends are kept.
pub const MAX_DAYS: i64 = 90;
/// The most messages that a cap may allow.
const MAX_MESSAGES: i64 = 1000;

/// How many messages of campaigns a number gets at most within some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"messages": 2, "days": 7}))]
pub struct FrequencyCap {
    /// So many messages at most.
    #[schema(minimum = 1, maximum = 1000)]
    pub messages: i64,
    /// Within so many whole days by the account's clock: today and the days before it.
    #[schema(minimum = 1, maximum = 90)]
    pub days: i64,
}

/// All caps of an account: a message must keep to each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct FrequencyCaps(pub Vec<FrequencyCap>);

/// How many messages a number was sent, by the number of the day.
pub type SentOn = BTreeMap<i64, i64>;

impl FrequencyCaps {
    /// Notes what is wrong with them, under `/frequency_caps`.
    pub fn check(&self, faults: &mut Faults) {
        if self.0.len() > MAX_CAPS {
            faults.add("/frequency_caps", "too_many", format!("must have at most {MAX_CAPS} caps"));
        }
        for (place, FrequencyCap { messages, days }) in self.0.iter().enumerate().take(MAX_CAPS) {
            let pointer = |name: &str| format!("/frequency_caps/{place}/{name}");
            if !(1..=MAX_MESSAGES).contains(messages) {
                faults.add(pointer("messages"), "out_of_range", format!("must be from 1 to {MAX_MESSAGES}"));
            }
            if !(1..=MAX_DAYS).contains(days) {
                faults.add(pointer("days"), "out_of_range", format!("must be from 1 to {MAX_DAYS}"));
            } else if self.0.iter().take(place).any(|before| before.days == *days) {
                faults.add(pointer("days"), "duplicate", "another cap has as many days");
            }
        }
    }

    /// The first day that some cap still looks at.
    pub fn oldest(&self, today: i64) -> i64 {
        self.0.iter().map(|cap| today - cap.days + 1).min().unwrap_or(today)
    }

    /// Whether one more today keeps to every cap.
    pub fn allow(&self, sent: &SentOn, today: i64) -> bool {
        self.0.iter().all(|cap| cap.allows(sent, today))
    }

    /// The day on which one more will keep to every cap; none: today does.
    pub fn until(&self, sent: &SentOn, today: i64) -> Option<i64> {
        (today..=today + MAX_DAYS).find(|day| self.allow(sent, *day)).filter(|day| *day > today)
    }

    /// When that day begins by the clock of a zone.
    pub fn over_until(&self, sent: &SentOn, now: Timestamp, zone: Tz) -> Option<Timestamp> {
        let day = self.until(sent, hours::number_of(hours::day_of(now, zone)))?;
        hours::moment(hours::day_numbered(day)?, 0, zone)
    }
}

impl FrequencyCap {
    fn allows(&self, sent: &SentOn, today: i64) -> bool {
        let first = today - self.days + 1;
        sent.range(first..).map(|(_, n)| *n).sum::<i64>() < self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(caps: &[(i64, i64)]) -> FrequencyCaps {
        FrequencyCaps(caps.iter().map(|(messages, days)| FrequencyCap { messages: *messages, days: *days }).collect())
    }

    #[test]
    fn every_cap_is_kept_and_days_roll() {
        let caps = caps(&[(1, 1), (3, 7)]);
        let sent = SentOn::from([(94, 1), (99, 1), (100, 1)]);
        assert!(!caps.allow(&sent, 100), "one today already");
        assert!(caps.allow(&sent, 101), "three in eight days are two in seven");
        assert_eq!(caps.until(&sent, 100), Some(101));
        assert_eq!((caps.until(&SentOn::new(), 100), caps.oldest(100)), (None, 94));
        let full = SentOn::from([(97, 3)]);
        assert_eq!(caps.until(&full, 100), Some(104), "the seventh day after");
        let more = SentOn::from([(97, 3), (100, 1)]);
        assert_eq!(caps.until(&more, 100), Some(104));
    }

    #[test]
    fn what_is_over_ends_with_a_day_of_the_account() {
        let now: Timestamp = "2026-11-22T23:30:00Z".parse().unwrap();
        let sent = SentOn::from([(hours::number_of(hours::day_of(now, Tz::Europe__Paris)), 1)]);
        let until = caps(&[(1, 1)]).over_until(&sent, now, Tz::Europe__Paris);
        assert_eq!(until, Some("2026-11-23T23:00:00Z".parse().unwrap()));
    }

    #[test]
    fn faults_are_named() {
        let wrong = |caps: FrequencyCaps| {
            let mut faults = Faults::default();
            caps.check(&mut faults);
            faults.check().err().map(|e| e.faults.iter().map(|f| f.pointer.clone()).collect::<Vec<_>>())
        };
        assert_eq!(wrong(caps(&[(1, 1), (1000, 90)])), None);
        let told = |pointer: &str| Some(vec![pointer.to_owned()]);
        assert_eq!(wrong(caps(&[(0, 1)])), told("/frequency_caps/0/messages"));
        assert_eq!(wrong(caps(&[(1, 1), (1001, 2)])), told("/frequency_caps/1/messages"));
        assert_eq!(wrong(caps(&[(1, 91)])), told("/frequency_caps/0/days"));
        assert_eq!(wrong(caps(&[(1, 7), (2, 7)])), told("/frequency_caps/1/days"));
        assert_eq!(wrong(caps(&[(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6)])), told("/frequency_caps"));
    }
}
