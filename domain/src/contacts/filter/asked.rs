//! The comparisons that stand in a filter, by their words.
//!
//! Pure.

use super::shape::{ContactFilter, FilterValue};

/// The comparison that stands beside a field.
pub(super) enum Asked<'a> {
    Values(&'a [FilterValue]),
    Contains(&'a str),
    StartsWith(&'a str),
    Exists(bool),
    Lt(&'a FilterValue),
    Lte(&'a FilterValue),
    Gt(&'a FilterValue),
    Gte(&'a FilterValue),
    Between(&'a [FilterValue]),
    NextDays(u32),
    LastDays(u32),
    Anniversary(u32),
}

/// Every comparison that is written, by its word.
pub(super) fn comparisons(filter: &ContactFilter) -> Vec<(&'static str, Asked<'_>)> {
    let ContactFilter {
        all: _,
        any: _,
        not: _,
        field: _,
        equals,
        any_of,
        contains,
        starts_with,
        exists,
        lt,
        lte,
        gt,
        gte,
        between,
        within_next_days,
        within_last_days,
        anniversary_within_days,
    } = filter;
    let asked = [
        ("equals", equals.as_ref().map(|value| Asked::Values(std::slice::from_ref(value)))),
        ("any_of", any_of.as_deref().map(Asked::Values)),
        ("contains", contains.as_deref().map(Asked::Contains)),
        ("starts_with", starts_with.as_deref().map(Asked::StartsWith)),
        ("exists", exists.map(Asked::Exists)),
        ("lt", lt.as_ref().map(Asked::Lt)),
        ("lte", lte.as_ref().map(Asked::Lte)),
        ("gt", gt.as_ref().map(Asked::Gt)),
        ("gte", gte.as_ref().map(Asked::Gte)),
        ("between", between.as_deref().map(Asked::Between)),
        ("within_next_days", within_next_days.map(Asked::NextDays)),
        ("within_last_days", within_last_days.map(Asked::LastDays)),
        ("anniversary_within_days", anniversary_within_days.map(Asked::Anniversary)),
    ];
    asked.into_iter().filter_map(|(word, asked)| Some((word, asked?))).collect()
}
