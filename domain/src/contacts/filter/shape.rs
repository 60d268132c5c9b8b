//! A filter as it is written: in requests, and as it is stored.

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, schema::Type},
};

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FilterValue {
    /// A text, a date, a moment, a word, an id.
    Text(String),
    /// True or false.
    Truth(bool),
    /// A number.
    Number(serde_json::Number),
}

impl PartialSchema for FilterValue {
    fn schema() -> RefOr<Schema> {
        let one = |kind: Type| ObjectBuilder::new().schema_type(kind);
        OneOfBuilder::new()
            .description(Some(
                "A value of the field's type: texts, words, dates (`2026-11-21`), moments (RFC 3339) and ids are strings.",
            ))
            .item(one(Type::String))
            .item(one(Type::Number))
            .item(one(Type::Boolean))
            .into()
    }
}

impl ToSchema for FilterValue {}

/// Which contacts are meant. Either one of `all`, `any` and `not`, or `field` with one comparison.
///
/// Fields are `phone`, `country`, `region`, `operator`, `line_type`, `time_zone`, `first_name`, `last_name`, `patronymic`,
/// `birth_date`, `age`, `sex`, `email`, `company`, `link`, `comment`, `language`, `external_id`, `consent`, `consent_at`, `consent_source`,
/// `created_at`, `updated_at`, `group`, `stop_list`, `hidden_group`, `blacklisted`, `unsubscribed_from`, `last_outcome`,
/// `last_outcome_at`, `failures_in_row`, `fields.<key>` for the account's own fields and `metadata.<key>`.
///
/// A comparison with what a contact does not have is false; `not` is the exact opposite. Texts compare whatever their
/// case. At most 32 comparisons, 5 levels of `all`, `any` and `not`, 200 values of `any_of`, 200 characters a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"all": [
    {"field": "country", "any_of": ["GB", "FR"]},
    {"field": "birth_date", "anniversary_within_days": 7},
    {"not": {"field": "fields.city", "equals": "Leeds"}}
]}))]
pub struct ContactFilter {
    /// Every one of these holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub all: Option<Vec<ContactFilter>>,
    /// At least one of these holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub any: Option<Vec<ContactFilter>>,
    /// This does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub not: Option<Box<ContactFilter>>,
    /// The field to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "country")]
    pub field: Option<String>,
    /// It is this. For `group`: is a member of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<FilterValue>,
    /// It is one of these; at most 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any_of: Option<Vec<FilterValue>>,
    /// The text has this in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The text begins with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
    /// True: it has a value; false: it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// Less than, or before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lt: Option<FilterValue>,
    /// At most, or not after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lte: Option<FilterValue>,
    /// More than, or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gt: Option<FilterValue>,
    /// At least, or not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gte: Option<FilterValue>,
    /// From the first to the second of these two, both included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 2, max_items = 2)]
    pub between: Option<Vec<FilterValue>>,
    /// A date from today (in the account's time zone) to so many days later, or a moment from now to so many times 24
    /// hours later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 36500)]
    pub within_next_days: Option<u32>,
    /// A date from so many days ago to today, or a moment from so many times 24 hours ago to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 36500)]
    pub within_last_days: Option<u32>,
    /// The day and month of a date come within so many days from today; 0 is today. 29 February counts as 28 February in
    /// a year that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 365)]
    pub anniversary_within_days: Option<u32>,
}
