//! The time zones of numbers: those a number may be in, and the one of them that counts.
//!
//! Most numbers tell one zone. Where a country has several and its numbers are tied to no place (mobile numbers of Russia,
//! Kazakhstan, Brazil, Australia and some more), a number may be in any of them.
//!
//! Pure. Invariant: a **key** tells the zones of a number whichever account asks and whenever: it is the zone's name, or,
//! where there are several, the first prefix of the table that has them (`7`: all of +7). Contacts store it, so a key keeps
//! its meaning.

use std::sync::LazyLock;

use chrono::Offset;
use chrono_tz::Tz;
use rlibphonenumber::{PhoneNumber, PhoneNumberType};

use super::{
    Msisdn,
    describe::{is_tied, kind_of, split},
    prefixes::PrefixTable,
};
use crate::clock::Timestamp;

const DATA: &str = include_str!("../../data/time_zones.tsv");

/// The zones of by far the most people in countries with several. Not of Russia and Kazakhstan (`7`) or North America (`1`).
const MAIN: [Tz; 18] = [
    Tz::America__Curacao,
    Tz::America__Godthab,
    Tz::America__Guayaquil,
    Tz::America__Mexico_City,
    Tz::America__Sao_Paulo,
    Tz::Asia__Jakarta,
    Tz::Asia__Ulaanbaatar,
    Tz::Australia__Sydney,
    Tz::Europe__Helsinki,
    Tz::Europe__Lisbon,
    Tz::Europe__London,
    Tz::Europe__Madrid,
    Tz::Europe__Oslo,
    Tz::Europe__Rome,
    Tz::Indian__Reunion,
    Tz::Pacific__Auckland,
    Tz::Pacific__Tahiti,
    Tz::Pacific__Tarawa,
];

static TIME_ZONES: LazyLock<PrefixTable> = LazyLock::new(|| PrefixTable::load(DATA));
/// The sets of several zones there are, by their keys.
static SETS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = DATA.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    let several = lines.filter(|(zones, _)| zones.contains('&'));
    several.map(|(zones, prefixes)| (prefixes.split(' ').next().unwrap_or_default(), zones)).collect()
});

/// The IANA time zones the number may be in, in alphabetical order; empty if nothing is known.
///
/// A number tied to a place gives that place's zones; a mobile number gives all zones of its calling code, as
/// libphonenumber does (a Russian mobile: all of +7): see [`zone_of`].
pub fn time_zones_of(number: Msisdn) -> Vec<&'static str> {
    let Some(phone) = split(number) else { return Vec::new() };
    zones(number, &phone, kind_of(&phone)).map(|zones| zones.split('&').collect()).unwrap_or_default()
}

/// The key of the zones of a number that has been taken apart.
pub(super) fn key_of(number: Msisdn, phone: &PhoneNumber, kind: PhoneNumberType) -> Option<&'static str> {
    let zones = zones(number, phone, kind)?;
    if !zones.contains('&') {
        return Some(zones);
    }
    SETS.iter().find(|(_, set)| *set == zones).map(|(key, _)| *key)
}

fn zones(number: Msisdn, phone: &PhoneNumber, kind: PhoneNumberType) -> Option<&'static str> {
    if kind == PhoneNumberType::Unknown {
        return None;
    }
    let key = if is_tied(phone, kind) { number.as_u64() } else { u64::try_from(phone.country_code).unwrap_or(0) };
    TIME_ZONES.find(key)
}

/// The zone that a key means for an account with this zone of its own.
pub fn zone_of_key(key: &str, account: Tz, now: Timestamp) -> Tz {
    match SETS.iter().find(|(known, _)| *known == key) {
        Some((_, zones)) => zone_of(&zones.split('&').collect::<Vec<_>>(), account, now),
        None => key.parse().unwrap_or(account),
    }
}

/// Whether it depends on the account which zone a key means.
pub fn is_of_several(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_digit())
}

/// The keys of several zones that mean one of these for an account with this zone of its own.
pub fn keys_of_several(wanted: &[Tz], account: Tz, now: Timestamp) -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|(key, _)| *key).filter(move |key| wanted.contains(&zone_of_key(key, account, now)))
}

/// The zone that counts for a number that may be in several: the account's own if it is among them, or if none is known;
/// else the one that most people with such numbers live in, where that is by far the most; else the middle one by its clock
/// at `now`.
pub fn zone_of(zones: &[&str], account: Tz, now: Timestamp) -> Tz {
    let mut known: Vec<Tz> = zones.iter().filter_map(|name| name.parse().ok()).collect();
    if known.is_empty() || known.contains(&account) {
        return account;
    }
    if let Some(main) = MAIN.into_iter().find(|main| known.contains(main)) {
        return main;
    }
    known.sort_by_key(|zone| now.utc().with_timezone(zone).offset().fix().local_minus_utc());
    known.get((known.len() - 1) / 2).copied().unwrap_or(account)
}

/// The zone of a name, as it is written in the database of IANA, whatever the case of its letters.
pub fn zone_named(name: &str) -> Option<Tz> {
    name.parse().ok().or_else(|| chrono_tz::TZ_VARIANTS.into_iter().find(|zone| zone.name().eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_the_zones_it_was_made_of() {
        let (own, now): (Tz, Timestamp) = (Tz::Europe__London, "2026-11-23T10:00:00Z".parse().unwrap());
        assert_eq!(SETS.len(), 43);
        let mut keys: Vec<&str> = SETS.iter().map(|(key, _)| *key).collect();
        assert!(keys.iter().all(|key| is_of_several(key)));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), SETS.len());
        for (zones, prefixes) in DATA.lines().skip(1).filter_map(|line| line.split_once('\t')) {
            let zones: Vec<&str> = zones.split('&').collect();
            let key = if zones.len() == 1 { zones[0] } else { prefixes.split(' ').next().unwrap() };
            assert_eq!(zone_of_key(key, own, now), zone_of(&zones, own, now), "{key}");
            assert_eq!(is_of_several(key), zones.len() > 1);
            assert!(zones.iter().all(|zone| zone.parse::<Tz>().is_ok()), "{zones:?}");
        }
        let of = |key: &str, account: Tz| zone_of_key(key, account, now);
        assert_eq!(
            [of("44", Tz::UTC), of("34", Tz::UTC), of("47", Tz::UTC)],
            [Tz::Europe__London, Tz::Europe__Madrid, Tz::Europe__Oslo]
        );
        assert_eq!(of("34", Tz::Atlantic__Canary), Tz::Atlantic__Canary, "the account's own goes before");
        assert!(["1", "7"].iter().all(|key| !MAIN.contains(&of(key, Tz::UTC))));
        let told = |number: &str| {
            let number: Msisdn = number.parse().unwrap();
            super::super::describe(number).zones
        };
        assert_eq!(told("+380501235821"), Some("Europe/Kyiv"));
        assert_eq!(told("+12015550123"), Some("America/New_York"));
        assert_eq!(told("+79123450689"), Some("7"));
        assert_eq!(told("+999123456789"), None);
        let keys: Vec<&str> = keys_of_several(&[Tz::Europe__Moscow], Tz::Europe__Moscow, now).collect();
        assert!(keys.contains(&"7") && !keys.contains(&"1"), "{keys:?}");
        assert!(!keys_of_several(&[Tz::Asia__Tokyo], own, now).any(|key| key == "7"));
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(zone_named("America/Denver"), Some(Tz::America__Denver));
        assert_eq!(zone_named("america/denver"), Some(Tz::America__Denver));
        assert_eq!(zone_named("Denver"), None);
    }
}
