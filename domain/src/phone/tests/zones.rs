//! The zone that counts for a number of several.

use chrono_tz::Tz;

use crate::{clock::Timestamp, phone::zone_of};

#[test]
fn a_number_of_several_zones_has_one_that_counts() {
    let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    assert_eq!(zone_of(&["America/New_York"], Tz::Europe__London, now), Tz::America__New_York);
    assert_eq!(zone_of(&[], Tz::Europe__London, now), Tz::Europe__London);
    let russia = ["Asia/Kamchatka", "Asia/Krasnoyarsk", "Europe/Kaliningrad", "Europe/Moscow"];
    assert_eq!(zone_of(&russia, Tz::Europe__Moscow, now), Tz::Europe__Moscow, "the account's own");
    assert_eq!(zone_of(&russia, Tz::Europe__London, now), Tz::Europe__Moscow, "the middle, the earlier of two");
}
