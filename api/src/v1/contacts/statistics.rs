//! `POST /v1/contacts/statistics`: figures of the base, and charts of them.

use actix_web::{HttpResponse, post, web::Data};
use domain::{
    contacts::{
        ContactFilter,
        statistics::{self, GroupShare, OperatorShare, RegionShare, Share, Statistics as Row},
    },
    ids::GroupId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::search::tree;
use crate::{
    App,
    shared::{
        auth::Auth,
        json::Json,
        problem::Failure,
        reply::Reply,
        svg::{self, Bar},
    },
};

/// Of which contacts to give figures.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"field": "country", "equals": "GB"}}))]
pub struct ContactStatisticsRequest {
    /// Which contacts; all of them, if left out.
    pub filter: Option<ContactFilter>,
}

/// Of which contacts to draw what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"by": "operator", "filter": {"field": "country", "equals": "GB"}}))]
pub struct ContactChartRequest {
    /// What the bars are of.
    pub by: ContactTrait,
    /// Which contacts; all of them, if left out.
    pub filter: Option<ContactFilter>,
}

domain::text_enum! {
    /// What contacts are counted by.
    pub enum ContactTrait {
        /// The country of the number.
        Country = "country",
        /// The region of the number.
        Region = "region",
        /// The operator of the number's range.
        Operator = "operator",
        /// The kind of line.
        LineType = "line_type",
        /// The time zone.
        TimeZone = "time_zone",
        /// The language.
        Language = "language",
        /// The sex.
        Sex = "sex",
        /// The band of ages.
        Age = "age",
        /// The consent.
        Consent = "consent",
        /// The group.
        Group = "group",
    }
}

/// How many contacts have a value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"value": "GB", "count": 12}))]
pub struct ContactShare {
    /// The value; null: none is known.
    pub value: Option<String>,
    /// How many contacts have it.
    pub count: i64,
}

impl From<Share> for ContactShare {
    fn from(Share { value, count }: Share) -> Self {
        Self { value, count }
    }
}

/// How many contacts have a region.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"country": "US", "region": "New Jersey", "count": 7}))]
pub struct ContactRegionShare {
    /// The country of the numbers; null: none is known.
    pub country: Option<String>,
    /// The region; null: the numbers do not tell.
    pub region: Option<String>,
    /// How many contacts have it.
    pub count: i64,
}

impl From<RegionShare> for ContactRegionShare {
    fn from(RegionShare { country, region, count }: RegionShare) -> Self {
        Self { country, region, count }
    }
}

/// How many contacts have an operator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"country": "GB", "operator": "Three", "count": 7}))]
pub struct ContactOperatorShare {
    /// The country of the numbers; null: none is known.
    pub country: Option<String>,
    /// The operator; null: none is known.
    pub operator: Option<String>,
    /// How many contacts have it.
    pub count: i64,
}

impl From<OperatorShare> for ContactOperatorShare {
    fn from(OperatorShare { country, operator, count }: OperatorShare) -> Self {
        Self { country, operator, count }
    }
}

/// How many contacts are in a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "Regulars", "count": 5}))]
pub struct ContactGroupShare {
    /// The group.
    pub group_id: GroupId,
    /// Its name.
    pub name: String,
    /// How many of the contacts are in it.
    pub count: i64,
}

impl From<GroupShare> for ContactGroupShare {
    fn from(GroupShare { id, name, count }: GroupShare) -> Self {
        Self { group_id: id, name, count }
    }
}

/// Figures of contacts, each list from the most to the fewest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "total": 12,
    "by_country": [{"value": "GB", "count": 12}],
    "by_region": [{"country": "GB", "region": null, "count": 12}],
    "by_operator": [{"country": "GB", "operator": "Three", "count": 7}, {"country": "GB", "operator": null, "count": 5}],
    "by_line_type": [{"value": "mobile", "count": 12}],
    "by_time_zone": [{"value": "Europe/London", "count": 12}],
    "by_language": [{"value": null, "count": 12}],
    "by_sex": [{"value": "female", "count": 6}, {"value": null, "count": 6}],
    "by_age": [{"value": "25-34", "count": 4}, {"value": null, "count": 8}],
    "by_consent": [{"value": "given", "count": 12}],
    "by_group": [{"group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "Regulars", "count": 5}]
}))]
pub struct ContactStatistics {
    /// The contacts that were counted.
    pub total: i64,
    /// By country of the number.
    pub by_country: Vec<ContactShare>,
    /// By region of the number.
    pub by_region: Vec<ContactRegionShare>,
    /// By operator of the number's range.
    pub by_operator: Vec<ContactOperatorShare>,
    /// By kind of line.
    pub by_line_type: Vec<ContactShare>,
    /// By the time zone whose clock counts.
    pub by_time_zone: Vec<ContactShare>,
    /// By language.
    pub by_language: Vec<ContactShare>,
    /// By sex.
    pub by_sex: Vec<ContactShare>,
    /// By age in full years today: 0-17, 18-24, 25-34, 35-44, 45-54, 55-64, 65+, null; from the youngest.
    pub by_age: Vec<ContactShare>,
    /// By consent.
    pub by_consent: Vec<ContactShare>,
    /// By group, the 200 largest; a contact counts in each of its groups.
    pub by_group: Vec<ContactGroupShare>,
}

impl From<Row> for ContactStatistics {
    fn from(row: Row) -> Self {
        let Row {
            total,
            countries,
            regions,
            operators,
            line_types,
            time_zones,
            languages,
            sexes,
            ages,
            consents,
            groups,
        } = row;
        let shares = |all: Vec<Share>| all.into_iter().map(Into::into).collect();
        Self {
            total,
            by_country: shares(countries),
            by_region: regions.into_iter().map(Into::into).collect(),
            by_operator: operators.into_iter().map(Into::into).collect(),
            by_line_type: shares(line_types),
            by_time_zone: shares(time_zones),
            by_language: shares(languages),
            by_sex: shares(sexes),
            by_age: shares(ages),
            by_consent: shares(consents),
            by_group: groups.into_iter().map(Into::into).collect(),
        }
    }
}

/// Get figures of the contacts
///
/// How many contacts there are by country, region, operator, kind of line, time zone, language, sex, age, consent and group; of all, or of those
/// that a filter picks. Counted when asked: a million contacts take some seconds. For example,
/// `{"filter": {"field": "group", "equals": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}}`.
#[utoipa::path(
    operation_id = "contacts.statistics",
    tag = "Contacts",
    security(("bearer" = ["contacts:read"])),
    responses((status = OK, description = "The figures.", body = ContactStatistics)),
)]
#[post("/contacts/statistics")]
pub(super) async fn figures(
    app: Data<App>,
    Auth(scope): Auth,
    Json(ContactStatisticsRequest { filter }): Json<ContactStatisticsRequest>,
) -> Result<Reply<ContactStatistics>, Failure> {
    let conn = app.db.read();
    let tree = tree(conn, &scope, filter.as_ref()).await?;
    let row = statistics::statistics(conn, &scope, &tree, scope.clock().now()).await?;
    Ok(Reply::ok(row.into()))
}

/// Draw a chart of the contacts
///
/// Bars of one of the figures as SVG, with a title and a description that can be read aloud: the 20 longest, and one for all others.
/// For example, `{"by": "country"}`.
#[utoipa::path(
    operation_id = "contacts.chart",
    tag = "Contacts",
    security(("bearer" = ["contacts:read"])),
    responses((status = OK, description = "The chart.", body = String, content_type = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\">…</svg>")),
)]
#[post("/contacts/statistics/chart")]
pub(super) async fn chart(
    app: Data<App>,
    Auth(scope): Auth,
    Json(ContactChartRequest { by, filter }): Json<ContactChartRequest>,
) -> Result<HttpResponse, Failure> {
    let conn = app.db.read();
    let tree = tree(conn, &scope, filter.as_ref()).await?;
    let row = statistics::statistics(conn, &scope, &tree, scope.clock().now()).await?;
    let title = format!("{} contacts by {}", row.total, by.as_str().replace('_', " "));
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(svg::bars(&title, &bars_of(by, row))))
}

fn bars_of(by: ContactTrait, row: Row) -> Vec<Bar> {
    let named = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    let within = |country: Option<String>, value, count| Bar {
        name: format!("{} {}", country.unwrap_or_default(), named(value)).trim().to_owned(),
        count,
    };
    let shares = |all: Vec<Share>| {
        all.into_iter().map(|Share { value, count }| Bar { name: named(value), count }).collect::<Vec<Bar>>()
    };
    let Row {
        total: _,
        countries,
        regions,
        operators,
        line_types,
        time_zones,
        languages,
        sexes,
        ages,
        consents,
        groups,
    } = row;
    match by {
        ContactTrait::Country => shares(countries),
        ContactTrait::LineType => shares(line_types),
        ContactTrait::TimeZone => shares(time_zones),
        ContactTrait::Language => shares(languages),
        ContactTrait::Sex => shares(sexes),
        ContactTrait::Age => shares(ages),
        ContactTrait::Consent => shares(consents),
        ContactTrait::Region => {
            regions.into_iter().map(|RegionShare { country, region, count }| within(country, region, count)).collect()
        }
        ContactTrait::Operator => {
            let bar = |OperatorShare { country, operator, count }| within(country, operator, count);
            operators.into_iter().map(bar).collect()
        }
        ContactTrait::Group => {
            groups.into_iter().map(|GroupShare { id: _, name, count }| Bar { name, count }).collect()
        }
    }
}
