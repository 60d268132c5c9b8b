//! Contacts: a person under one phone number, with built-in columns, the account's own fields, consent and metadata.
//!
//! Invariants: one contact per phone and account; country, region, operator and line type always follow from the phone, and so does the
//! time zone unless one was set; a
//! custom value has the type of its field; `version` grows with every change.

mod column;
mod consent;
mod create;
pub mod filter;
mod language;
mod merge;
pub mod outcomes;
pub mod places;
mod profile;
mod queries;
mod quick_add;
mod replace;
pub mod search;
mod shown;
pub mod statistics;
mod update;
mod upsert;
mod values;

#[cfg(test)]
mod tests;

use sea_orm::{FromQueryResult, QueryResult};
use serde_json::{Map, Value};

pub use column::{Column, Reading};
pub use consent::{Consent, ConsentPatch, NewConsent, Statement, consents};
pub(crate) use consent::{Said, note};
use create::check_groups;
pub use create::{New, create};
pub use filter::{ContactFilter, Listed, Tree};
pub use merge::{MAX_MERGED, Merge, merge};
pub use profile::Profile;
pub(crate) use queries::several;
pub use queries::{Filter, get, groups_of, list, memberships, rule, rule_of};
pub use quick_add::{Added, MAX_FOUND, MAX_TEXT, quick_add};
pub(crate) use replace::replace_values;
pub(crate) use shown::Clock;
pub use shown::{Shown, shown, shown_in};
pub use update::{Patch, update};
pub use upsert::upsert;

use crate::{
    clock::Timestamp,
    ids::ContactId,
    phone::{Msisdn, NumberInfo, describe},
};

/// Pairs that the metadata of a contact may have.
pub const MAX_METADATA: usize = 50;
/// Groups a new contact may be put into.
pub const MAX_GROUPS: usize = 100;

/// A contact as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Its number.
    pub phone: Msisdn,
    /// The country of the number.
    pub country: Option<String>,
    /// The region of the country, where the number tells.
    pub region: Option<String>,
    /// The operator to which the number's range was issued.
    pub operator: Option<String>,
    /// The kind of line.
    pub line_type: Option<String>,
    /// The key of the time zones that the number may be in; see [`crate::phone::zone_of_key`].
    pub number_zones: Option<String>,
    /// The built-in columns.
    pub profile: Profile,
    /// Whether the person agreed to be written to.
    pub consent: Consent,
    /// When consent was given or refused.
    pub consent_at: Option<Timestamp>,
    /// Where it comes from.
    pub consent_source: Option<String>,
    /// Values of the account's own fields.
    pub fields: Map<String, Value>,
    /// The integrator's own pairs of text.
    pub metadata: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts changes, for ETag.
    pub version: i64,
}

impl FromQueryResult for Contact {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let phone: i64 = row.try_get(pre, "phone")?;
        let mut profile = Profile::default();
        for column in Column::ALL {
            profile.set(column, row.try_get(pre, column.name())?);
        }
        Ok(Self {
            id: row.try_get(pre, "id")?,
            phone: Msisdn::try_from(phone).map_err(|e| sea_orm::DbErr::Type(e.to_string()))?,
            country: row.try_get(pre, "country")?,
            region: row.try_get(pre, "region")?,
            operator: row.try_get(pre, "operator")?,
            line_type: row.try_get(pre, "line_type")?,
            number_zones: row.try_get(pre, "number_zones")?,
            profile,
            consent: row.try_get(pre, "consent")?,
            consent_at: row.try_get(pre, "consent_at")?,
            consent_source: row.try_get(pre, "consent_source")?,
            fields: object(row.try_get(pre, "fields")?),
            metadata: object(row.try_get(pre, "metadata")?),
            created_at: row.try_get(pre, "created_at")?,
            updated_at: row.try_get(pre, "updated_at")?,
            version: row.try_get(pre, "version")?,
        })
    }
}

#[cfg(test)]
impl Contact {
    /// Somebody, for tests of pure rules.
    pub(crate) fn sample() -> Self {
        let at = Timestamp(1_700_000_000_000_000);
        Self {
            id: ContactId::new(at),
            phone: Msisdn::from_u64(447_400_100_001).unwrap(),
            country: None,
            region: None,
            operator: None,
            line_type: None,
            number_zones: None,
            profile: Profile::default(),
            consent: Consent::Unknown,
            consent_at: None,
            consent_source: None,
            fields: Map::new(),
            metadata: Map::new(),
            created_at: at,
            updated_at: at,
            version: 1,
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What the numbering plans say of a number, as the columns hold it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Described {
    pub country: Option<String>,
    pub region: Option<&'static str>,
    pub operator: Option<&'static str>,
    pub line_type: Option<String>,
    pub zones: Option<&'static str>,
}

/// Looks a number up.
pub(crate) fn described(phone: Msisdn) -> Described {
    let NumberInfo { country, region, operator, line_type, zones } = describe(phone);
    let line_type = serde_json::to_value(line_type).ok().and_then(|v| v.as_str().map(str::to_owned));
    Described { country: country.map(crate::phone::Country::code), region, operator, line_type, zones }
}
