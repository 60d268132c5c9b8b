//! Changing a contact.

use std::collections::BTreeMap;

use sea_orm::DatabaseTransaction;
use serde_json::{Map, Value};

use super::{Column, Consent, ConsentPatch, Contact, Described, Said, consent, described, queries, search, values};
use crate::{
    contact_fields,
    db::{Sql, expect_version, or_exists},
    error::{Code, Error, Faults, Result},
    ids::ContactId,
    scope::AccountScope,
    vals,
};

/// What to change: a merge patch. What is `None` or not named stays.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// A new number.
    pub phone: Option<String>,
    /// Built-in columns to set, or to clear.
    pub columns: Vec<(Column, Option<String>)>,
    /// Custom values to set; null clears one.
    pub fields: Map<String, Value>,
    /// Clears every custom value before.
    pub clear_fields: bool,
    /// What to change of the consent; the inner `None` makes it unknown.
    pub consent: Option<Option<ConsentPatch>>,
    /// Pairs to set; `None` clears one.
    pub metadata: BTreeMap<String, Option<String>>,
    /// Clears every pair before.
    pub clear_metadata: bool,
}

/// Changes a contact. `expected` is the version the caller has read.
///
/// # Errors
/// `not_found`, `invalid_request`, `already_exists`, `version_mismatch`.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactId,
    patch: Patch,
    expected: Option<i64>,
) -> Result<Contact> {
    let before = queries::lock(tx, scope, id).await?;
    expect_version(before.version, expected)?;
    let after = apply(tx, scope, before.clone(), patch).await?;
    if after == before {
        return Ok(before); // nothing to say: the version stays
    }
    values::refuse_taken(tx, scope, Some(id), after.phone, after.profile.get(Column::ExternalId)).await?;
    if stated(&after) != stated(&before) {
        let (status, at, source) = stated(&after);
        consent::note(tx, scope, &[Said { contact: id, phone: after.phone, status, at, source }]).await?;
    }
    store(tx, scope, after).await?;
    let contact = queries::get(tx, scope, id).await?;
    search::write(tx, scope, &contact).await?;
    Ok(contact)
}

fn stated(contact: &Contact) -> consent::Stated {
    (contact.consent, contact.consent_at, contact.consent_source.clone())
}

fn changed_meanwhile() -> Error {
    Error::new(Code::VersionMismatch, "The contact has changed since it was read.")
}

async fn apply(tx: &DatabaseTransaction, scope: &AccountScope, mut contact: Contact, patch: Patch) -> Result<Contact> {
    let Patch { phone, columns, fields, clear_fields, consent, metadata, clear_metadata } = patch;
    let mut faults = Faults::default();
    if let Some(raw) = phone
        && let Some(phone) = values::read_phone(tx, scope, &raw, &mut faults).await?
        && phone != contact.phone
    {
        let Described { country, region, operator, line_type, zones } = described(phone);
        contact.phone = phone;
        (contact.country, contact.line_type) = (country, line_type);
        (contact.region, contact.operator) = (region.map(str::to_owned), operator.map(str::to_owned));
        contact.number_zones = zones.map(str::to_owned);
    }
    for (column, raw) in &columns {
        values::read_column(&mut contact.profile, *column, raw.as_deref(), scope.clock().now(), &mut faults);
    }
    if clear_fields {
        contact.fields.clear();
    }
    if !fields.is_empty() {
        let defined = contact_fields::all(tx, scope).await?;
        values::read_fields(&mut contact.fields, fields, &defined, &mut faults);
    }
    if clear_metadata {
        contact.metadata.clear();
    }
    values::read_metadata(&mut contact.metadata, metadata, &mut faults);
    if let Some(patch) = consent {
        let now = scope.clock().now();
        let after = patch.map_or((Consent::Unknown, None, None), |patch| patch.over(stated(&contact), now));
        values::check_consent(after.1, after.2.as_deref(), now, &mut faults);
        (contact.consent, contact.consent_at, contact.consent_source) = after;
    }
    faults.check()?;
    Ok(contact)
}

pub(super) async fn store(tx: &DatabaseTransaction, scope: &AccountScope, contact: Contact) -> Result<()> {
    let mut values = vals![
        scope.account(),
        contact.id,
        contact.version,
        i64::from(contact.phone),
        contact.country,
        contact.region,
        contact.operator,
        contact.line_type,
        contact.number_zones,
        contact.consent.as_str(),
        contact.consent_at,
        contact.consent_source,
        Value::Object(contact.fields),
        Value::Object(contact.metadata),
        scope.clock().now()
    ];
    let mut set = String::new();
    for (column, value) in contact.profile.iter() {
        values.push(value.into());
        set.push_str(&format!(", {} = ${}", column.name(), values.len()));
    }
    let sql = format!(
        "UPDATE contacts SET phone = $4, country = $5, region = $6, operator = $7, line_type = $8, number_zones = $9, consent = $10, \
         consent_at = $11, consent_source = $12, fields = $13, metadata = $14, updated_at = $15, version = version + 1{set} \
         WHERE account_id = $1 AND id = $2 AND version = $3"
    );
    let taken = "Another contact has this phone or external_id already.";
    match tx.run(&sql, values).await.map_err(|e| or_exists(e, taken))? {
        0 => Err(changed_meanwhile()),
        _ => Ok(()),
    }
}
