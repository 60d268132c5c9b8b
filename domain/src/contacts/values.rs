//! Checks that making and changing a contact share.

use std::time::Duration;

use sea_orm::DatabaseTransaction;
use serde_json::{Map, Value};

use super::{Column, MAX_METADATA, Profile, Reading, queries};
use crate::{
    clock::Timestamp,
    contact_fields::{ContactField, composed},
    db::Sql,
    error::{Code, Error, Faults, Result},
    ids::ContactId,
    phone::{self, Msisdn},
    scope::AccountScope,
    vals,
};

/// How far ahead of UTC the day begins somewhere.
const HOURS_14: Duration = Duration::from_secs(14 * 3600);

/// Reads the phone of a request by the account's rule: international first, then its default country.
pub(super) async fn read_phone(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    raw: &str,
    faults: &mut Faults,
) -> Result<Option<Msisdn>> {
    match phone::parse(raw, &queries::rule(tx, scope).await?) {
        Ok(parsed) => Ok(Some(parsed.number)),
        Err(e) => {
            faults.add("/phone", e.code, format!("cannot be used: {}", e.detail));
            Ok(None)
        }
    }
}

pub(super) fn read_column(
    profile: &mut Profile,
    column: Column,
    raw: Option<&str>,
    now: Timestamp,
    faults: &mut Faults,
) {
    match raw.map(|raw| column.read(raw, Reading::Strict)) {
        None | Some(Ok(None)) => profile.set(column, None),
        // The day begins fourteen hours earlier in the east: ISO dates compare as texts.
        Some(Ok(Some(day))) if column == Column::BirthDate && day > now.plus(HOURS_14).to_string() => {
            faults.add("/birth_date", "in_future", "must not lie in the future");
        }
        Some(Ok(value)) => profile.set(column, value),
        Some(Err(e)) => faults.add(format!("/{}", column.name()), e.code, e.detail),
    }
}

/// Puts `given` over `fields`; null takes a value away.
pub(super) fn read_fields(
    fields: &mut Map<String, Value>,
    given: Map<String, Value>,
    defined: &[ContactField],
    faults: &mut Faults,
) {
    for (key, value) in given {
        let pointer = format!("/fields/{}", key.replace('~', "~0").replace('/', "~1"));
        let Some(field) = defined.iter().find(|f| f.key == key) else {
            let detail = "is not a contact field of this account; define it under /v1/contact-fields first";
            faults.add(pointer, "unknown_field", detail);
            continue;
        };
        match field.typed().from_json(&value) {
            Ok(Value::Null) => {
                fields.remove(&key);
            }
            Ok(value) => {
                fields.insert(key, value);
            }
            Err(e) => faults.add(pointer, e.code, e.detail),
        }
    }
}

/// Characters of the key of a pair.
const MAX_KEY: usize = 40;

/// Whether a pair of `metadata` can have this key.
pub(crate) fn can_be_pair(key: &str) -> bool {
    let mut faults = Faults::default();
    faults.text("", key, MAX_KEY);
    faults.is_empty()
}

/// Puts `given` over `metadata`; null takes a pair away.
pub(super) fn read_metadata(
    metadata: &mut Map<String, Value>,
    given: impl IntoIterator<Item = (String, Option<String>)>,
    faults: &mut Faults,
) {
    for (key, value) in given {
        let pointer = format!("/metadata/{}", key.replace('~', "~0").replace('/', "~1"));
        faults.text(&pointer, &key, MAX_KEY);
        match value {
            None => {
                metadata.remove(&key);
            }
            Some(value) => {
                faults.optional_text(&pointer, Some(&value), 500);
                metadata.insert(key, composed(&value).into());
            }
        }
    }
    if metadata.len() > MAX_METADATA {
        faults.add("/metadata", "too_many", format!("must have at most {MAX_METADATA} pairs"));
    }
}

pub(super) fn check_consent(at: Option<Timestamp>, source: Option<&str>, now: Timestamp, faults: &mut Faults) {
    faults.optional_text("/consent/source", source, 200);
    // An hour for clocks that differ.
    if at.is_some_and(|at| at > now.plus(Duration::from_secs(3600))) {
        faults.add("/consent/at", "in_future", "must not lie in the future");
    }
}

/// A time or a source without a statement would be lost.
pub(super) fn check_unstated(at: Option<Timestamp>, source: Option<&str>, faults: &mut Faults) {
    for (name, is_given) in [("at", at.is_some()), ("source", source.is_some())] {
        if is_given {
            let detail = "must not come without a status of given or refused: unknown is no statement";
            faults.add(format!("/consent/{name}"), "not_allowed", detail);
        }
    }
}

/// Refuses a phone or an external id that another contact has, naming that contact.
pub(super) async fn refuse_taken(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    own: Option<ContactId>,
    phone: Msisdn,
    external_id: Option<&str>,
) -> Result<()> {
    let by_phone = "SELECT id FROM contacts WHERE account_id = $1 AND phone = $2";
    let other: Option<ContactId> = tx.scalar(by_phone, vals![scope.account(), i64::from(phone)]).await?;
    if let Some(other) = other.filter(|other| own != Some(*other)) {
        return Err(Error::new(Code::AlreadyExists, format!("The contact {other} has this phone already.")));
    }
    let Some(external_id) = external_id else { return Ok(()) };
    let by_external = "SELECT id FROM contacts WHERE account_id = $1 AND external_id = $2";
    let other: Option<ContactId> = tx.scalar(by_external, vals![scope.account(), external_id]).await?;
    match other.filter(|other| own != Some(*other)) {
        Some(other) => {
            Err(Error::new(Code::AlreadyExists, format!("The contact {other} has this external_id already.")))
        }
        None => Ok(()),
    }
}
