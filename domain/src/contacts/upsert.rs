//! Making or changing the contact of an integrator's own id, in one request that may be repeated.

use sea_orm::DatabaseTransaction;

use super::{Column, Consent, ConsentPatch, Contact, New, NewConsent, Patch, Reading, create, queries, update};
use crate::{
    contact_fields::composed,
    db::{Sql, expect_version},
    error::{Code, Error, Result},
    ids::ContactId,
    phone,
    scope::AccountScope,
    vals,
};

/// Changes the contact with this external id, read as everywhere without spaces around it, as [`update`] does. When there is none, the contact of the patch's phone
/// gets the id, unless it has another one; when there is none of that either, it is made. Tells whether it was made.
/// `expected` is the version the caller has read.
///
/// # Errors
/// `invalid_request`, also without a phone where the contact is to be made; `already_exists` when the phone belongs to a
/// contact with another external id; `version_mismatch`.
pub async fn upsert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    external_id: &str,
    mut patch: Patch,
    expected: Option<i64>,
) -> Result<(Contact, bool)> {
    let external_id = read_id(external_id)?;
    let by_id = "SELECT * FROM contacts WHERE account_id = $1 AND external_id = $2";
    let mut contact: Option<Contact> = tx.one(by_id, vals![scope.account(), external_id.as_str()]).await?;
    if contact.is_none() {
        contact = by_phone(tx, scope, patch.phone.as_deref()).await?;
        if let Some(id) = contact.as_ref().and_then(|other| other.profile.get(Column::ExternalId)) {
            let detail = format!("The contact with this phone has the external_id {:?}.", crate::ids::short(id));
            return Err(Error::new(Code::AlreadyExists, detail));
        }
    }
    patch.columns.retain(|(column, _)| *column != Column::ExternalId);
    patch.columns.push((Column::ExternalId, Some(external_id)));
    let Some(contact) = contact else {
        expect_version(0, expected)?;
        return Ok((create(tx, scope, new(patch)?).await?, true));
    };
    // The same statement once more is no new one: a repeated request changes nothing.
    if let Some(Some(stated)) = &patch.consent
        && stated.status == Some(contact.consent)
        && stated.at.is_none()
        && stated.source.as_ref().is_none_or(|source| *source == contact.consent_source)
    {
        patch.consent = None;
    }
    let id: ContactId = contact.id;
    Ok((update(tx, scope, id, patch, expected).await?, false))
}

/// The id as it is stored, so that the same address finds it again.
fn read_id(raw: &str) -> Result<String> {
    match Column::ExternalId.read(raw, Reading::Strict) {
        Ok(Some(id)) => Ok(composed(&id)),
        Ok(None) => Err(Error::field("/external_id", "required", "must not be blank")),
        Err(e) => Err(Error::field("/external_id", e.code, e.detail)),
    }
}

async fn by_phone(tx: &DatabaseTransaction, scope: &AccountScope, raw: Option<&str>) -> Result<Option<Contact>> {
    let rule = queries::rule(tx, scope).await?;
    let Some(parsed) = raw.and_then(|raw| phone::parse(raw, &rule).ok()) else { return Ok(None) };
    let sql = "SELECT * FROM contacts WHERE account_id = $1 AND phone = $2";
    Ok(tx.one(sql, vals![scope.account(), i64::from(parsed.number)]).await?)
}

/// What a patch of a contact that is not there yet says of consent. A time or a source without a status is refused with the
/// rest.
fn said(patch: ConsentPatch) -> Option<NewConsent> {
    let ConsentPatch { status, at, source } = patch;
    let (at, source) = (at.flatten(), source.flatten());
    let is_said = status.is_some() || at.is_some() || source.is_some();
    is_said.then_some(NewConsent { status: status.unwrap_or(Consent::Unknown), at, source })
}

/// A patch as what a new contact is made of: what it would clear is not there anyway.
fn new(patch: Patch) -> Result<New> {
    let Patch { phone, columns, fields, clear_fields: _, consent, metadata, clear_metadata: _ } = patch;
    let missing = || Error::field("/phone", "required", "is required: there is no contact with this external_id yet");
    Ok(New {
        phone: phone.ok_or_else(missing)?,
        columns: columns.into_iter().filter_map(|(column, value)| Some((column, value?))).collect(),
        fields,
        consent: consent.flatten().and_then(said),
        metadata: metadata.into_iter().filter_map(|(key, value)| Some((key, value?))).collect(),
        group_ids: Vec::new(),
    })
}
