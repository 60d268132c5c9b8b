//! From a filter as it is written to a [`Tree`]: every fault is told with its place, all at once.

use std::ops::Bound;

use chrono::NaiveDate;
use chrono_tz::Tz;
use sea_orm::ConnectionTrait;

use super::{
    MAX_CONDITIONS, MAX_DAYS, MAX_DEPTH, MAX_VALUES,
    asked::{Asked, comparisons},
    days::{Season, births, earlier, later},
    fields::{self, IN_GROUP, Kind},
    shape::{ContactFilter, FilterValue},
    tree::{Condition, Operand, Span, Test, Tree},
    values,
};
use crate::{
    accounts,
    clock::Timestamp,
    contact_fields::{self, ContactField, Rejected},
    error::{Faults, Result},
    groups, hours,
    ids::GroupId,
    phone, ported_numbers,
    scope::AccountScope,
};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The greatest age, and the most failures, that make sense.
const MAX_AGE: i64 = 150;
const MAX_COUNT: i64 = 1_000_000;

/// Checks a filter against the account's fields and groups, as of now. `pointer` is where it stands in the request.
///
/// # Errors
/// `invalid_request` with every fault.
pub async fn read(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &ContactFilter,
    pointer: &str,
) -> Result<Tree> {
    read_at(conn, scope, filter, pointer, scope.clock().now()).await
}

/// The same as of another moment, which a long job keeps from its beginning to its end.
///
/// # Errors
/// `invalid_request` with every fault.
pub async fn read_at(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &ContactFilter,
    pointer: &str,
    at: Timestamp,
) -> Result<Tree> {
    let own = contact_fields::all(conn, scope).await?;
    let mut reader = Reader::new(&own, at, zone(conn, scope).await?);
    let tree = reader.tree(filter, pointer, 1);
    let Reader { mut faults, groups, .. } = reader;
    if !groups.is_empty() {
        let ids: Vec<GroupId> = groups.iter().map(|(_, id)| *id).collect();
        let known = groups::named(conn, scope, &ids).await?;
        for (pointer, id) in groups {
            if !known.iter().any(|group| group.id == id) {
                faults.add(pointer, "not_found", "is not a group of this account");
            }
        }
    }
    faults.check()?;
    ported(conn, tree.unwrap_or_else(Tree::everything)).await
}

/// The tree as it is to be run: where numbers are ported, an operator is the one that has the number now. The column alone
/// is cheaper to compare.
///
/// # Errors
/// When the database refuses.
pub(in crate::contacts) async fn ported(conn: &impl ConnectionTrait, tree: Tree) -> Result<Tree> {
    let looks = tree.asks_operator() && ported_numbers::any(conn).await?;
    Ok(if looks { tree.with_ported() } else { tree })
}

/// The day that it is at a moment, in the account's time zone.
pub async fn today(conn: &impl ConnectionTrait, scope: &AccountScope, at: Timestamp) -> Result<NaiveDate> {
    Ok(hours::day_of(at, zone(conn, scope).await?))
}

async fn zone(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Tz> {
    Ok(accounts::find(conn, scope).await?.time_zone.parse().unwrap_or(Tz::UTC))
}

/// Reads one filter, noting what is wrong.
pub(super) struct Reader<'a> {
    own: &'a [ContactField],
    now: i64,
    /// The account's.
    zone: Tz,
    today: NaiveDate,
    pub(super) faults: Faults,
    conditions: usize,
    /// Groups that were named, to be looked for.
    groups: Vec<(String, GroupId)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(own: &'a [ContactField], now: Timestamp, zone: Tz) -> Self {
        let today = hours::day_of(now, zone);
        Self { own, now: now.0, zone, today, faults: Faults::default(), conditions: 0, groups: Vec::new() }
    }

    pub(super) fn tree(&mut self, filter: &ContactFilter, pointer: &str, depth: usize) -> Option<Tree> {
        let ContactFilter { all, any, not, field, .. } = filter;
        let given = [all.is_some(), any.is_some(), not.is_some(), field.is_some()];
        let asked = comparisons(filter);
        match given.iter().filter(|given| **given).count() {
            1 if field.is_none() && !asked.is_empty() => {
                self.faults.add(pointer, "exclusive", "must have no comparison beside all, any or not");
                return None;
            }
            1 => {}
            0 => {
                self.faults.add(pointer, "required", "must have one of all, any, not and field");
                return None;
            }
            _ => {
                self.faults.add(pointer, "exclusive", "must have only one of all, any, not and field");
                return None;
            }
        }
        if let Some(field) = field {
            return self.condition(field, &asked, pointer).map(Tree::Is);
        }
        if depth > MAX_DEPTH {
            let detail = format!("must have at most {MAX_DEPTH} levels of all, any and not");
            self.faults.add(pointer, "too_deep", detail);
            return None;
        }
        if let Some(inner) = not {
            return Some(Tree::Not(Box::new(self.tree(inner, &format!("{pointer}/not"), depth + 1)?)));
        }
        let (name, parts) = all.as_ref().map(|parts| ("all", parts)).or(any.as_ref().map(|parts| ("any", parts)))?;
        let pointer = format!("{pointer}/{name}");
        if parts.is_empty() {
            self.faults.add(pointer, "required", "must not be empty");
            return None;
        }
        // Every part is read, so that every fault is told.
        let read: Vec<Option<Tree>> =
            parts.iter().enumerate().map(|(n, part)| self.tree(part, &format!("{pointer}/{n}"), depth + 1)).collect();
        let parts = read.into_iter().collect::<Option<Vec<Tree>>>()?;
        Some(if name == "all" { Tree::All(parts) } else { Tree::Any(parts) })
    }

    fn condition(&mut self, name: &str, asked: &[(&'static str, Asked<'_>)], pointer: &str) -> Option<Condition> {
        self.conditions += 1;
        if self.conditions == MAX_CONDITIONS + 1 {
            self.faults.add(pointer, "too_many", format!("must be one of at most {MAX_CONDITIONS} comparisons"));
        }
        if self.conditions > MAX_CONDITIONS {
            return None;
        }
        let Some((operand, kind)) = fields::find(name, self.own) else {
            let detail = if name.starts_with(IN_GROUP) {
                "is not a value in a group: that is groups.<id>. and first_name, last_name, patronymic, birth_date, age, sex, \
                 email, company, link, comment or fields.<key>"
            } else if name.starts_with("fields.") {
                "is not a contact field of this account; define it under /v1/contact-fields first"
            } else {
                "is not a field of contacts; the account's own fields are named fields.<key>"
            };
            self.faults.add(format!("{pointer}/field"), "unknown_field", detail);
            return None;
        };
        if let Operand::InGroup(group, _) = &operand {
            self.groups.push((format!("{pointer}/field"), *group));
        }
        let takes = kind.comparisons().join(", ");
        let [(word, asked)] = asked else {
            let detail = format!("must have exactly one comparison; {name} takes {takes}");
            self.faults.add(pointer, "invalid_comparison", detail);
            return None;
        };
        if !kind.comparisons().contains(word) {
            let detail = format!("does not go with {name}, which is {}; it takes {takes}", kind.name());
            self.faults.add(format!("{pointer}/{word}"), "invalid_comparison", detail);
            return None;
        }
        let test = self.test(kind, asked, &format!("{pointer}/{word}"))?;
        if let Test::Members(ids) = &test {
            for (n, id) in ids.iter().enumerate() {
                let place =
                    if *word == "equals" { format!("{pointer}/equals") } else { format!("{pointer}/any_of/{n}") };
                self.groups.push((place, *id));
            }
        }
        Some(Condition { operand, test })
    }

    fn test(&mut self, kind: Kind, asked: &Asked<'_>, pointer: &str) -> Option<Test> {
        match (kind, asked) {
            (_, Asked::Exists(yes)) => Some(Test::Exists(*yes)),
            (_, Asked::Contains(text)) => self.one(pointer, part(kind, text)).map(Test::Contains),
            (Kind::Phone, Asked::StartsWith(text)) => self.one(pointer, values::numbers_from(text)).map(Test::Integers),
            (_, Asked::StartsWith(text)) => self.one(pointer, part(kind, text)).map(Test::StartsWith),
            (_, Asked::Anniversary(days)) => {
                self.days(*days, 365, pointer).map(|days| Test::Season(Season::ahead(self.today, days)))
            }
            (Kind::Text, Asked::Values(all)) => self.values(all, pointer, values::text).map(Test::Texts),
            (Kind::Exact, Asked::Values(all)) => self.values(all, pointer, values::text).map(Test::Words),
            (Kind::Word(words), Asked::Values(all)) => {
                self.values(all, pointer, |value| values::word(value, words)).map(Test::Words)
            }
            (Kind::Country, Asked::Values(all)) => self.values(all, pointer, values::country).map(Test::Words),
            (Kind::TimeZone, Asked::Values(all)) => {
                let zones = self.values(all, pointer, values::time_zone)?;
                let keys = phone::keys_of_several(&zones, self.zone, Timestamp(self.now)).collect();
                Some(Test::Zones(zones.iter().map(|zone| zone.name().to_owned()).collect(), keys))
            }
            (Kind::Groups, Asked::Values(all)) => self.values(all, pointer, values::group).map(Test::Members),
            (Kind::Truth | Kind::Flag, Asked::Values(all)) => {
                self.values(all, pointer, values::truth)?.first().map(|truth| Test::Truth(*truth))
            }
            (Kind::Phone, asked) => self.spans(asked, pointer, values::number_of_phone).map(Test::Integers),
            (Kind::Number, asked) => self.spans(asked, pointer, values::number).map(Test::Numbers),
            (Kind::Count, asked) => {
                self.spans(asked, pointer, |value| values::count(value, MAX_COUNT)).map(Test::Integers)
            }
            (Kind::Age, asked) => {
                let ages = self.spans(asked, pointer, |value| values::count(value, MAX_AGE))?;
                Some(Test::Days(ages.iter().map(|age| births(self.today, age)).collect()))
            }
            (Kind::Date, Asked::NextDays(days)) => {
                let days = self.days(*days, MAX_DAYS, pointer)?;
                Some(Test::Days(vec![included(self.today, later(self.today, days))]))
            }
            (Kind::Date, Asked::LastDays(days)) => {
                let days = self.days(*days, MAX_DAYS, pointer)?;
                Some(Test::Days(vec![included(earlier(self.today, days), self.today)]))
            }
            (Kind::Date, asked) => self.spans(asked, pointer, values::date).map(Test::Days),
            (Kind::Moment, Asked::NextDays(days)) => {
                let days = self.days(*days, MAX_DAYS, pointer)?;
                Some(Test::Integers(vec![included(self.now, self.now.saturating_add(i64::from(days) * DAY))]))
            }
            (Kind::Moment, Asked::LastDays(days)) => {
                let days = self.days(*days, MAX_DAYS, pointer)?;
                Some(Test::Integers(vec![included(self.now.saturating_sub(i64::from(days) * DAY), self.now)]))
            }
            (Kind::Moment, asked) => self.spans(asked, pointer, values::moment).map(Test::Integers),
            // `comparisons` has refused every other pair.
            _ => None,
        }
    }

    fn one<T>(&mut self, pointer: &str, read: Result<T, Rejected>) -> Option<T> {
        read.map_err(|e| self.faults.add(pointer, e.code, e.detail)).ok()
    }

    fn days(&mut self, days: u32, max: u32, pointer: &str) -> Option<u32> {
        if days > max {
            self.faults.add(pointer, "invalid_number", format!("must be from 0 to {max}"));
            return None;
        }
        Some(days)
    }

    fn values<T>(
        &mut self,
        all: &[FilterValue],
        pointer: &str,
        read: impl Fn(&FilterValue) -> Result<T, Rejected>,
    ) -> Option<Vec<T>> {
        if all.is_empty() || all.len() > MAX_VALUES {
            self.faults.add(pointer, "invalid_count", format!("must have 1 to {MAX_VALUES} values"));
            return None;
        }
        let listed = pointer.ends_with("/any_of");
        let place = |n: usize| if listed { format!("{pointer}/{n}") } else { pointer.to_owned() };
        let read: Vec<Option<T>> = all.iter().enumerate().map(|(n, value)| self.one(&place(n), read(value))).collect();
        read.into_iter().collect()
    }

    fn spans<T: Clone + PartialOrd>(
        &mut self,
        asked: &Asked<'_>,
        pointer: &str,
        read: impl Fn(&FilterValue) -> Result<T, Rejected>,
    ) -> Option<Vec<Span<T>>> {
        Some(vec![match asked {
            Asked::Values(all) => return Some(self.values(all, pointer, read)?.into_iter().map(Span::one).collect()),
            Asked::Lt(value) => Span::to(Bound::Excluded(self.one(pointer, read(value))?)),
            Asked::Lte(value) => Span::to(Bound::Included(self.one(pointer, read(value))?)),
            Asked::Gt(value) => Span::from(Bound::Excluded(self.one(pointer, read(value))?)),
            Asked::Gte(value) => Span::from(Bound::Included(self.one(pointer, read(value))?)),
            Asked::Between(two) => {
                let [from, to] = two else {
                    self.faults.add(pointer, "invalid_count", "must have two values");
                    return None;
                };
                let from = self.one(&format!("{pointer}/0"), read(from));
                let to = self.one(&format!("{pointer}/1"), read(to));
                let (from, to) = (from?, to?);
                if from > to {
                    self.faults.add(pointer, "invalid_range", "must be from the lesser to the greater");
                    return None;
                }
                included(from, to)
            }
            _ => return None,
        }])
    }
}

fn included<T>(from: T, to: T) -> Span<T> {
    Span { from: Bound::Included(from), to: Bound::Included(to) }
}

fn part(kind: Kind, text: &str) -> Result<String, Rejected> {
    match kind {
        Kind::Phone => values::digits(text),
        Kind::Search => values::term(text),
        _ => values::plain(text),
    }
}
