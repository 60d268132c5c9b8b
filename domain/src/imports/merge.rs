//! What an imported row does to a contact that exists.
//!
//! Pure. Invariants: only columns that the file maps are touched; consent moves only by a cell that says something and
//! never away from `refused`.

use super::rows::Prepared;
use crate::contacts::{Consent, Contact};

crate::text_enum! {
    /// What an import does to contacts that exist.
    pub enum MergeType {
        /// They stay as they are.
        Skip = "skip",
        /// Cells with a value overwrite; empty cells change nothing.
        Update = "update",
        /// The mapped columns become what the file says: empty cells clear.
        Replace = "replace",
        /// Cells fill what the contact does not have yet.
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

/// The contact as it will be, or `None` when the row changes nothing.
pub(super) fn merged(contact: &Contact, row: &Prepared, merge: MergeType) -> Option<Contact> {
    if merge == MergeType::Skip {
        return None;
    }
    let mut after: Option<Contact> = None;
    for (column, new) in &row.columns {
        let old = contact.profile.get(*column).map(str::to_owned);
        if let Some(value) = merge.decide(old.as_ref(), new.as_ref()) {
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
    let old = (contact.consent != Consent::Unknown).then_some(contact.consent);
    let new = row.consent.filter(|c| *c != Consent::Unknown);
    if contact.consent != Consent::Refused
        && new.is_some()
        && let Some(Some(consent)) = merge.decide(old.as_ref(), new.as_ref())
    {
        let after = after.get_or_insert_with(|| contact.clone());
        after.consent = consent;
    }
    after
}
