//! A contact as a batch writes it, and many of them as columns of one statement.

use serde_json::Value;

use super::{merge::set, rows::Prepared};
use crate::{
    clock::Timestamp,
    contacts::{Column, Consent, Contact, NewConsent, Profile, Said},
    db::Columns,
    ids::ContactId,
    phone::Msisdn,
};

/// What of a contact an import writes.
pub(super) struct Record {
    pub id: ContactId,
    pub phone: i64,
    profile: Profile,
    consent: Consent,
    consent_at: Option<i64>,
    consent_source: Option<String>,
    fields: Value,
}

impl Record {
    /// A contact that a row makes, with the consent `stated`. One without a time was stated `now`, one without a source
    /// comes from `source`. `told` is the time zone that the number tells.
    pub fn new(
        row: &Prepared,
        id: ContactId,
        stated: Option<NewConsent>,
        (now, source): (Timestamp, &str),
        told: Option<&str>,
    ) -> Self {
        let mut profile = Profile::default();
        for (column, value) in &row.columns {
            profile.set(*column, set(*column, value.clone(), told));
        }
        let stated = stated.filter(|stated| stated.status != Consent::Unknown);
        let consent = stated.as_ref().map_or(Consent::Unknown, |stated| stated.status);
        let (consent_at, consent_source) = match stated {
            None => (None, None),
            Some(NewConsent { status: _, at, source: given }) => {
                (Some(at.unwrap_or(now).0), Some(given.unwrap_or_else(|| source.to_owned())))
            }
        };
        let fields = row.fields.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let fields = Value::Object(fields.collect());
        Self { id, phone: i64::from(row.phone), profile, consent, consent_at, consent_source, fields }
    }

    /// What it says of consent, if anything.
    pub fn said(&self) -> Option<Said> {
        let phone = Msisdn::try_from(self.phone).ok()?;
        let (at, source) = (self.consent_at.map(Timestamp), self.consent_source.clone());
        (self.consent != Consent::Unknown).then_some(Said { contact: self.id, phone, status: self.consent, at, source })
    }

    /// Whether it says something of consent that the contact did not say before.
    pub fn restates(&self, before: &Contact) -> bool {
        let known = (before.consent, before.consent_at.map(|at| at.0), before.consent_source.as_deref());
        known != (self.consent, self.consent_at, self.consent_source.as_deref())
    }
}

impl From<Contact> for Record {
    fn from(contact: Contact) -> Self {
        let Contact { id, phone, profile, consent, consent_at, consent_source, fields, .. } = contact;
        let (phone, consent_at, fields) = (i64::from(phone), consent_at.map(|at| at.0), Value::Object(fields));
        Self { id, phone, profile, consent, consent_at, consent_source, fields }
    }
}

/// The columns that an import may change.
pub(super) fn changed() -> impl Iterator<Item = &'static str> {
    Column::ALL.into_iter().map(Column::name).chain(["consent", "consent_at", "consent_source", "fields"])
}

/// The ids and [`changed`] columns of these contacts.
pub(super) fn columns(records: &[Record]) -> Columns<'_> {
    let ids = Columns::new().ids("id", records.iter().map(|record| record.id.0));
    let profile = Column::ALL.into_iter().fold(ids, |columns, column| {
        columns.some_texts(column.name(), records.iter().map(|record| record.profile.get(column)))
    });
    profile
        .texts("consent", records.iter().map(|record| record.consent.as_str()))
        .ints("consent_at", records.iter().map(|record| record.consent_at))
        .some_texts("consent_source", records.iter().map(|record| record.consent_source.as_deref()))
        .json("fields", records.iter().map(|record| &record.fields))
}
