//! Figures of the base: how many contacts there are by country, region, operator, kind of line, time zone, language, sex, age, consent and
//! group, of all or of those that a filter picks.
//!
//! One pass over the contacts gives all figures but those of groups: it counts by all the traits together, some thousands
//! of combinations at most, and they are summed up here.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{
    Clock, Tree,
    filter::{self, Sum, today},
    language,
};
use crate::{clock::Timestamp, error::Result, ids::GroupId, phone, ported_numbers, scope::AccountScope};

/// Groups that are told; the largest ones.
pub const MAX_GROUPS: usize = 200;

/// Where the bands of ages begin, in full years, and their names.
const BANDS: [(i32, &str); 7] =
    [(0, "0-17"), (18, "18-24"), (25, "25-34"), (35, "35-44"), (45, "45-54"), (55, "55-64"), (65, "65+")];

/// How many contacts have a value; `None`: none is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The value.
    pub value: Option<String>,
    /// How many have it.
    pub count: i64,
}

/// The same of operators, whose names repeat from country to country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorShare {
    /// The country of the numbers.
    pub country: Option<String>,
    /// The operator.
    pub operator: Option<String>,
    /// How many have it.
    pub count: i64,
}

/// The same of regions, whose names may repeat, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionShare {
    /// The country of the numbers.
    pub country: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// How many have it.
    pub count: i64,
}

/// The same of groups; a contact counts in each of its groups.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct GroupShare {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// How many of the contacts are in it.
    pub count: i64,
}

/// The figures, each list from the most to the fewest; ages from the youngest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// The contacts that were counted.
    pub total: i64,
    /// By country of the number.
    pub countries: Vec<Share>,
    /// By region.
    pub regions: Vec<RegionShare>,
    /// By operator.
    pub operators: Vec<OperatorShare>,
    /// By kind of line.
    pub line_types: Vec<Share>,
    /// By time zone.
    pub time_zones: Vec<Share>,
    /// By language.
    pub languages: Vec<Share>,
    /// By sex.
    pub sexes: Vec<Share>,
    /// By band of ages.
    pub ages: Vec<Share>,
    /// By consent.
    pub consents: Vec<Share>,
    /// By group, at most [`MAX_GROUPS`].
    pub groups: Vec<GroupShare>,
}

#[derive(FromQueryResult)]
struct Cell {
    country: Option<String>,
    region: Option<String>,
    operator: Option<String>,
    line_type: Option<String>,
    zone: Option<String>,
    language: Option<String>,
    sex: Option<String>,
    consent: String,
    band: Option<i64>,
    n: i64,
}

/// Counts the contacts that match, now.
///
/// # Errors
/// When the database refuses.
pub async fn statistics(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &Tree,
    at: Timestamp,
) -> Result<Statistics> {
    let today = today(conn, scope, at).await?;
    let ported = ported_numbers::any(conn).await?;
    let mut cells: Vec<Cell> = filter::summed(conn, scope, tree, |writer| {
        let (operator, join) =
            if ported { ("COALESCE(pn.operator, c.operator)", ported_numbers::JOIN) } else { ("c.operator", "") };
        let zone = "COALESCE(c.time_zone, c.number_zones)";
        let by = "c.country, c.region, c.line_type, c.language, c.sex, c.consent";
        // A band begins with those who were born on its day or before: the oldest first.
        let mut bands: Vec<String> = (0_i64..)
            .zip(BANDS)
            .map(|(place, (age, _))| {
                format!("WHEN {} <= {} THEN {place}", writer.by_bytes("c.birth_date"), writer.bind(born(today, age)))
            })
            .collect();
        bands.reverse();
        let band = format!("CAST(CASE {} END AS BIGINT)", bands.join(" "));
        Sum {
            columns: format!("{by}, {operator} AS operator, {zone} AS zone, {band} AS band, COUNT(*) AS n"),
            join,
            tail: format!("GROUP BY {by}, 7, 8, 9"),
        }
    })
    .await?;
    if cells.iter().any(|cell| cell.zone.as_deref().is_some_and(phone::is_of_several)) {
        let clock = Clock::read(conn, scope, at).await?;
        for zone in cells.iter_mut().filter_map(|cell| cell.zone.as_mut()) {
            *zone = clock.told(zone).to_owned();
        }
    }
    // Contacts that an earlier version has written may have a tag in other letters.
    for cell in &mut cells {
        cell.language = cell.language.as_deref().map(language::canonical);
    }
    let groups = filter::summed(conn, scope, tree, |_| Sum {
        columns: "g.id, g.name, COUNT(*) AS count".into(),
        join: "JOIN contact_groups cg ON cg.contact_id = c.id JOIN groups g ON g.id = cg.group_id",
        tail: format!("GROUP BY g.id, g.name ORDER BY 3 DESC, g.id LIMIT {MAX_GROUPS}"),
    })
    .await?;
    let regions = within(&cells, |cell| &cell.region);
    let operators = within(&cells, |cell| &cell.operator);
    let ages = (0_i64..).zip(BANDS).map(|(place, (_, name))| (Some(place), Some(name.to_owned())));
    let ages = ages.chain([(None, None)]).map(|(place, value)| Share {
        value,
        count: cells.iter().filter(|cell| cell.band == place).map(|cell| cell.n).sum(),
    });
    Ok(Statistics {
        total: cells.iter().map(|cell| cell.n).sum(),
        countries: shares(&cells, |cell| cell.country.as_deref()),
        regions: regions.map(|(country, region, count)| RegionShare { country, region, count }).collect(),
        operators: operators.map(|(country, operator, count)| OperatorShare { country, operator, count }).collect(),
        line_types: shares(&cells, |cell| cell.line_type.as_deref()),
        time_zones: shares(&cells, |cell| cell.zone.as_deref()),
        languages: shares(&cells, |cell| cell.language.as_deref()),
        sexes: shares(&cells, |cell| cell.sex.as_deref()),
        ages: ages.filter(|share| share.count > 0).collect(),
        consents: shares(&cells, |cell| Some(&cell.consent)),
        groups,
    })
}

/// Counts by a value whose names repeat from country to country.
fn within(
    cells: &[Cell],
    value: impl Fn(&Cell) -> &Option<String>,
) -> impl Iterator<Item = (Option<String>, Option<String>, i64)> {
    let mut counts: BTreeMap<(&Option<String>, &Option<String>), i64> = BTreeMap::new();
    for cell in cells {
        *counts.entry((&cell.country, value(cell))).or_default() += cell.n;
    }
    let mut counts: Vec<_> =
        counts.into_iter().map(|((country, value), n)| (country.clone(), value.clone(), n)).collect();
    counts.sort_by_key(|(.., n)| std::cmp::Reverse(*n));
    counts.into_iter()
}

fn shares(cells: &[Cell], value: impl Fn(&Cell) -> Option<&str>) -> Vec<Share> {
    let mut counts: BTreeMap<Option<&str>, i64> = BTreeMap::new();
    for cell in cells {
        *counts.entry(value(cell)).or_default() += cell.n;
    }
    let mut shares: Vec<Share> =
        counts.into_iter().map(|(value, count)| Share { value: value.map(str::to_owned), count }).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.count));
    shares
}

/// The latest date of birth of those who are so old today, as it is stored.
fn born(today: NaiveDate, age: i32) -> String {
    filter::latest_birth(today, i64::from(age)).to_string()
}
