//! Making a contact.

use std::collections::BTreeMap;

use sea_orm::DatabaseTransaction;
use serde_json::{Map, Value};

use super::{
    Column, Consent, Contact, Described, MAX_GROUPS, NewConsent, Profile, Said, consent, described, queries, search,
    values,
};
use crate::{
    contact_fields,
    db::{Sql, or_exists},
    error::{Error, Faults, Result},
    groups,
    ids::{ContactId, GroupId},
    phone::Msisdn,
    scope::AccountScope,
    trash, vals,
};

/// What a new contact is made of, as a request gives it.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// In any form; bare digits are read as international first, then by the account's default country.
    pub phone: String,
    /// The built-in columns that were given.
    pub columns: Vec<(Column, String)>,
    /// Values of the account's own fields.
    pub fields: Map<String, Value>,
    /// A statement of consent; left out, nothing is known, unless a contact of this number in the trash has refused.
    pub consent: Option<NewConsent>,
    /// The integrator's own pairs of text.
    pub metadata: BTreeMap<String, String>,
    /// Groups to put it into.
    pub group_ids: Vec<GroupId>,
}

/// Makes a contact.
///
/// # Errors
/// `invalid_request` with every fault; `already_exists`, naming the contact that has the phone or the external id.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, new: New) -> Result<Contact> {
    let New { phone, columns, fields: given, consent, metadata: pairs, group_ids } = new;
    let mut faults = Faults::default();
    let (mut profile, mut fields, mut metadata) = (Profile::default(), Map::new(), Map::new());
    let phone = values::read_phone(tx, scope, &phone, &mut faults).await?;
    for (column, raw) in &columns {
        values::read_column(&mut profile, *column, Some(raw), scope.clock().now(), &mut faults);
    }
    let defined = if given.is_empty() { Vec::new() } else { contact_fields::all(tx, scope).await? };
    values::read_fields(&mut fields, given, &defined, &mut faults);
    values::read_metadata(&mut metadata, pairs.into_iter().map(|(k, v)| (k, Some(v))), &mut faults);
    let (at, source) = consent.as_ref().map_or((None, None), |c| (c.at, c.source.as_deref()));
    values::check_consent(at, source, scope.clock().now(), &mut faults);
    check_groups(tx, scope, &group_ids, &mut faults).await?;
    faults.check()?;
    let phone = phone.ok_or_else(|| Error::internal("a phone without fault is missing"))?;
    values::refuse_taken(tx, scope, None, phone, profile.get(Column::ExternalId)).await?;
    let consent = match consent {
        Some(said) => Some(said).filter(|said| said.status != Consent::Unknown),
        // What the person refused before the contact was deleted is not forgotten by making it anew.
        None => trash::refusals(tx, scope, &[phone]).await?.remove(&phone),
    };
    let id = insert(tx, scope, phone, &profile, fields, consent, metadata).await?;
    for group in group_ids {
        groups::insert(tx, scope, group, &[id]).await?;
    }
    let contact = queries::get(tx, scope, id).await?;
    search::write(tx, scope, &contact).await?;
    Ok(contact)
}

pub(super) async fn check_groups(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    ids: &[GroupId],
    faults: &mut Faults,
) -> Result<()> {
    if ids.len() > MAX_GROUPS {
        faults.add("/group_ids", "too_many", format!("must have at most {MAX_GROUPS} groups"));
        return Ok(());
    }
    if ids.is_empty() {
        return Ok(());
    }
    let known = groups::named(tx, scope, ids).await?;
    for (i, id) in ids.iter().enumerate() {
        if !known.iter().any(|g| g.id == *id) {
            faults.add(format!("/group_ids/{i}"), "not_found", "is not a group of this account");
        }
    }
    Ok(())
}

async fn insert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    phone: Msisdn,
    profile: &Profile,
    fields: Map<String, Value>,
    consent: Option<NewConsent>,
    metadata: Map<String, Value>,
) -> Result<ContactId> {
    let now = scope.clock().now();
    let id = ContactId::new(now);
    let Described { country, region, operator, line_type, zones } = described(phone);
    let said = consent.map(|NewConsent { status, at, source }| {
        (status, Some(at.unwrap_or(now)), Some(source.unwrap_or_else(|| "api".to_owned())))
    });
    if let Some((status, at, source)) = said.clone() {
        consent::note(tx, scope, &[Said { contact: id, phone, status, at, source }]).await?;
    }
    let (status, at, source) = said.unwrap_or((Consent::Unknown, None, None));
    let mut values = vals![
        id,
        scope.account(),
        i64::from(phone),
        country,
        region,
        operator,
        line_type,
        zones,
        status.as_str(),
        at,
        source,
        Value::Object(fields),
        Value::Object(metadata),
        now
    ];
    let names: Vec<&str> = Column::ALL.into_iter().map(Column::name).collect();
    let places: Vec<String> = (1..=names.len()).map(|n| format!("${}", n + values.len())).collect();
    values.extend(profile.iter().map(|(_, value)| value.into()));
    let sql = format!(
        "INSERT INTO contacts (id, account_id, phone, country, region, operator, line_type, number_zones, consent, consent_at, \
         consent_source, fields, metadata, created_at, updated_at, version, {}) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, 1, {})",
        names.join(", "),
        places.join(", ")
    );
    tx.run(&sql, values).await.map_err(|e| or_exists(e, "A contact has this phone or external_id already."))?;
    Ok(id)
}
