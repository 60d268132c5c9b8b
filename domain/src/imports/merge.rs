//! What an imported row does to a contact that exists.
//!
//! Pure. Invariants: only columns that the file maps are touched; consent moves only by a cell that says something, never
//! away from `refused`, and never to a statement older than the one that is known. A refusal that is not older is taken
//! whatever the merge type: who said no is not written to.

use super::rows::Prepared;
use crate::{
    clock::Timestamp,
    contacts::{Column, Consent, Contact, NewConsent},
};

crate::text_enum! {
    /// What an import does to contacts that exist.
    pub enum MergeType {
        /// They stay as they are, but for a refusal of consent.
        Skip = "skip",
        /// Cells with a value overwrite; empty cells change nothing.
        Update = "update",
        /// The mapped columns become what the file says: empty cells clear.
        Replace = "replace",
        /// Cells fill what the contact does not have yet; a refusal of consent is taken anyway.
        FillEmpty = "fill_empty",
    }
}

#[expect(clippy::derivable_impls, reason = "an enum of words has no place for #[default]")]
impl Default for MergeType {
    fn default() -> Self {
        Self::Update
    }
}

impl MergeType {
    /// The new value of a place, if it changes.
    fn decide<T: PartialEq + Clone>(self, old: Option<&T>, new: Option<&T>) -> Option<Option<T>> {
        let takes = match self {
            Self::Skip => false,
            Self::Update => new.is_some(),
            Self::Replace => true,
            Self::FillEmpty => old.is_none() && new.is_some(),
        };
        (takes && old != new).then(|| new.cloned())
    }
}

/// The contact as it will be, or `None` when the row changes nothing. A consent without a time was stated `now`, one
/// without a source comes from `source`. `told` is the time zone that the number tells.
pub(super) fn merged(
    contact: &Contact,
    row: &Prepared,
    merge: MergeType,
    now: Timestamp,
    source: &str,
    told: Option<&str>,
) -> Option<Contact> {
    let mut after: Option<Contact> = None;
    for (column, new) in &row.columns {
        let old = contact.profile.get(*column).map(str::to_owned);
        if let Some(value) = merge.decide(old.as_ref(), new.as_ref())
            && let value = set(*column, value, told)
            && value != old
        {
            after.get_or_insert_with(|| contact.clone()).profile.set(*column, value);
        }
    }
    for (key, new) in &row.fields {
        match merge.decide(contact.fields.get(key), new.as_ref()) {
            Some(Some(value)) => {
                after.get_or_insert_with(|| contact.clone()).fields.insert(key.clone(), value);
            }
            Some(None) => {
                after.get_or_insert_with(|| contact.clone()).fields.remove(key);
            }
            None => {}
        }
    }
    if let Some(stated) = row.consent.as_ref().filter(|stated| takes(contact, stated, merge, now)) {
        let after = after.get_or_insert_with(|| contact.clone());
        after.consent = stated.status;
        after.consent_at = Some(stated.at.unwrap_or(now));
        after.consent_source = Some(stated.source.clone().unwrap_or_else(|| source.to_owned()));
    }
    after
}

/// What a cell sets: a time zone that the number itself tells sets none, so that what is exported comes back as it was.
pub(super) fn set(column: Column, value: Option<String>, told: Option<&str>) -> Option<String> {
    value.filter(|value| column != Column::TimeZone || told != Some(value))
}

/// Whether what the row states replaces what is known.
fn takes(contact: &Contact, stated: &NewConsent, merge: MergeType, now: Timestamp) -> bool {
    let NewConsent { status, at, source: _ } = stated;
    if *status == Consent::Unknown || contact.consent == Consent::Refused {
        return false;
    }
    let refuses = *status == Consent::Refused;
    if merge == MergeType::Skip && !refuses {
        return false;
    }
    if contact.consent == Consent::Unknown {
        return true;
    }
    let newer = contact.consent_at.is_none_or(|known| known < at.unwrap_or(now));
    // The same said again is news only with a time of its own; else each import of a file would change everybody.
    newer && (refuses || (merge != MergeType::FillEmpty && at.is_some()))
}
