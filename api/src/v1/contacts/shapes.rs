//! The requests and the response of contacts.

use std::collections::BTreeMap;

use domain::{
    clock::Timestamp,
    contacts::{self, Column, Consent, ConsentPatch, Contact as Row, NewConsent, Shown, Statement},
    ids::{ConsentId, ContactId, GroupId, TokenId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, schema::Type},
};

use crate::shared::json::{clearable, given};

/// A value of one of the account's own fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldValue(pub Value);

impl PartialSchema for FieldValue {
    fn schema() -> RefOr<Schema> {
        let one = |kind: Type| ObjectBuilder::new().schema_type(kind);
        OneOfBuilder::new()
            .description(Some("A value of the field's type: text, date and choice are strings; null is none."))
            .item(one(Type::String))
            .item(one(Type::Number))
            .item(one(Type::Boolean))
            .item(one(Type::Null))
            .into()
    }
}

impl ToSchema for FieldValue {}

/// What a contact has said to being written to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "given", "at": "2026-11-21T10:00:00.000000Z", "source": "web form"}))]
pub struct ContactConsent {
    /// Whether the person agreed.
    pub status: Consent,
    /// When that was said.
    pub at: Option<Timestamp>,
    /// Where it comes from: your own words, `api`, or the id of an import.
    pub source: Option<String>,
}

/// A statement of consent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "given", "source": "web form"}))]
pub struct NewContactConsent {
    /// Whether the person agreed.
    pub status: Consent,
    /// When that was said, not in the future; now, if left out. Not with `unknown`, which is no statement.
    pub at: Option<Timestamp>,
    /// Where it comes from, at most 200 characters; `api`, if left out. Not with `unknown`.
    pub source: Option<String>,
}

impl From<NewContactConsent> for NewConsent {
    fn from(new: NewContactConsent) -> Self {
        let NewContactConsent { status, at, source } = new;
        Self { status, at, source }
    }
}

/// What to change of a consent; what is left out stays. A `status` is a new statement: of now and from `api`, unless `at`
/// and `source` say otherwise. Without one, `at` and `source` correct the present statement; where that is `unknown`, they are
/// refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "refused", "source": "phone call"}))]
pub struct ContactConsentPatch {
    /// Whether the person agreed.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub status: Option<Consent>,
    /// When that was said, not in the future; null: not known.
    #[serde(default, deserialize_with = "clearable")]
    pub at: Option<Option<Timestamp>>,
    /// Where it comes from, at most 200 characters; null: not known.
    #[serde(default, deserialize_with = "clearable")]
    pub source: Option<Option<String>>,
}

impl From<ContactConsentPatch> for ConsentPatch {
    fn from(patch: ContactConsentPatch) -> Self {
        let ContactConsentPatch { status, at, source } = patch;
        Self { status, at, source }
    }
}

/// What a contact has said at one time to being written to: the proof behind its consent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "cns_01kazsw6e3f8e9xq2m4r7t5v0b",
    "status": "given",
    "at": "2026-11-21T10:00:00.000000Z",
    "source": "web form",
    "api_token_id": "tok_01kazsw6e3f8e9xq2m4r7t5v0b",
    "recorded_at": "2026-11-21T10:00:01.000000Z"
}))]
pub struct ContactStatement {
    /// Its id.
    pub id: ConsentId,
    /// Whether the person agreed.
    pub status: Consent,
    /// When that was said; null when it is not known.
    pub at: Option<Timestamp>,
    /// Where it comes from: your own words, `api`, or the id of an import.
    pub source: Option<String>,
    /// The API token by which it came; null for an import.
    pub api_token_id: Option<TokenId>,
    /// When it was written down.
    pub recorded_at: Timestamp,
}

impl From<Statement> for ContactStatement {
    fn from(row: Statement) -> Self {
        let Statement { id, status, stated_at, source, token_id, recorded_at } = row;
        Self { id, status, at: stated_at, source, api_token_id: token_id, recorded_at }
    }
}

/// A contact: one person under one number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "phone": "+447400123456",
    "country": "GB",
    "region": null,
    "operator": "Three",
    "ported": false,
    "line_type": "mobile",
    "time_zone": "Europe/London",
    "time_zone_set": false,
    "first_name": "Anna",
    "last_name": "Smith",
    "patronymic": null,
    "birth_date": "1990-11-21",
    "sex": "female",
    "email": "anna@example.com",
    "company": null,
    "link": null,
    "comment": null,
    "language": "en",
    "external_id": "crm-17",
    "consent": {"status": "given", "at": "2026-11-21T10:00:00.000000Z", "source": "web form"},
    "fields": {"city": "Leeds"},
    "metadata": {"campaign": "autumn"},
    "group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"],
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The number, E.164; one contact per number.
    pub phone: String,
    /// The country of the number, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// The region of that country, such as a state or a province, in English. Most numbers do not tell: null.
    pub region: Option<String>,
    /// The operator that has the number: the one to which its range was issued, unless it is known to be ported.
    pub operator: Option<String>,
    /// Whether the number is known to be ported to another operator. The operator of the platform says so, no request of
    /// an account does.
    pub ported: bool,
    /// The kind of line, such as `mobile`.
    pub line_type: Option<String>,
    /// The IANA time zone whose clock counts for it: the one that was set, else what the number tells. Of several that the
    /// number may be in, the account's own if it is among them, else the one where by far the most people live, else the
    /// middle one. Null where the number tells nothing.
    pub time_zone: Option<String>,
    /// Whether somebody has set the time zone; false: it follows from the number.
    pub time_zone_set: bool,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Middle name after the father.
    pub patronymic: Option<String>,
    /// A date, such as `1990-11-21`.
    pub birth_date: Option<String>,
    /// `male` or `female`.
    pub sex: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// Where the person works.
    pub company: Option<String>,
    /// A web address.
    pub link: Option<String>,
    /// Free text.
    pub comment: Option<String>,
    /// A BCP 47 tag, such as `fr` or `pt-BR`.
    pub language: Option<String>,
    /// Your own id of the person, unique within the account.
    pub external_id: Option<String>,
    /// What the person has said to being written to.
    pub consent: ContactConsent,
    /// Values of the account's own fields.
    pub fields: BTreeMap<String, FieldValue>,
    /// Your own pairs of text.
    pub metadata: BTreeMap<String, String>,
    /// The groups it is in.
    pub group_ids: Vec<GroupId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<Shown> for Contact {
    fn from(Shown { contact, group_ids, time_zone, ported }: Shown) -> Self {
        let Row {
            id,
            phone,
            country,
            region,
            operator,
            line_type,
            number_zones: _,
            profile,
            consent,
            consent_at,
            consent_source,
            fields,
            metadata,
            created_at,
            updated_at,
            version: _,
        } = contact;
        let text = |column| profile.get(column).map(str::to_owned);
        Self {
            id,
            phone: phone.to_string(),
            country,
            region,
            operator,
            ported,
            line_type,
            time_zone,
            time_zone_set: profile.get(Column::TimeZone).is_some(),
            first_name: text(Column::FirstName),
            last_name: text(Column::LastName),
            patronymic: text(Column::Patronymic),
            birth_date: text(Column::BirthDate),
            sex: text(Column::Sex),
            email: text(Column::Email),
            company: text(Column::Company),
            link: text(Column::Link),
            comment: text(Column::Comment),
            language: text(Column::Language),
            external_id: text(Column::ExternalId),
            consent: ContactConsent { status: consent, at: consent_at, source: consent_source },
            fields: fields.into_iter().map(|(key, value)| (key, FieldValue(value))).collect(),
            metadata: metadata.into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned()))).collect(),
            group_ids,
            created_at,
            updated_at,
        }
    }
}

/// A contact to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "phone": "+447400123456",
    "first_name": "Anna",
    "fields": {"city": "Leeds"},
    "consent": {"status": "given", "source": "web form"},
    "group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"]
}))]
pub struct NewContact {
    /// The number. `+` and `00` are international; bare digits are read as international first, then as national of the
    /// account's default country.
    pub phone: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Middle name after the father.
    pub patronymic: Option<String>,
    /// A date, such as `1990-11-21`.
    pub birth_date: Option<String>,
    /// `male` or `female`.
    pub sex: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// Where the person works.
    pub company: Option<String>,
    /// A web address, `http://` or `https://`.
    pub link: Option<String>,
    /// Free text.
    pub comment: Option<String>,
    /// A BCP 47 tag, such as `fr` or `pt-BR`.
    pub language: Option<String>,
    /// The IANA time zone whose clock counts, such as `America/Denver`; left out, what the number tells.
    pub time_zone: Option<String>,
    /// Your own id of the person, unique within the account.
    pub external_id: Option<String>,
    /// Whether the person agreed to be written to. Left out, that is unknown; or `refused`, when a contact of this number
    /// that lies in the trash has refused.
    pub consent: Option<NewContactConsent>,
    /// Values of the account's own fields, by key.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldValue>,
    /// Your own pairs of text: at most 50, keys of 40 and values of 500 characters.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Up to 100 groups to put it into.
    #[serde(default)]
    pub group_ids: Vec<GroupId>,
}

pub(in crate::v1) fn object(fields: BTreeMap<String, FieldValue>) -> Map<String, Value> {
    fields.into_iter().map(|(key, FieldValue(value))| (key, value)).collect()
}

impl From<NewContact> for contacts::New {
    fn from(new: NewContact) -> Self {
        let NewContact {
            phone,
            first_name,
            last_name,
            patronymic,
            birth_date,
            sex,
            email,
            company,
            link,
            comment,
            language,
            time_zone,
            external_id,
            consent,
            fields,
            metadata,
            group_ids,
        } = new;
        let columns = [
            (Column::FirstName, first_name),
            (Column::LastName, last_name),
            (Column::Patronymic, patronymic),
            (Column::BirthDate, birth_date),
            (Column::Sex, sex),
            (Column::Email, email),
            (Column::Company, company),
            (Column::Link, link),
            (Column::Comment, comment),
            (Column::Language, language),
            (Column::TimeZone, time_zone),
            (Column::ExternalId, external_id),
        ];
        Self {
            phone,
            columns: columns.into_iter().filter_map(|(column, value)| Some((column, value?))).collect(),
            fields: object(fields),
            consent: consent.map(Into::into),
            metadata,
            group_ids,
        }
    }
}

/// What to change of a contact; what is left out stays, null clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"first_name": "Anne", "company": null, "time_zone": "America/Denver", "fields": {"city": null}}))]
pub struct ContactPatch {
    /// A new number.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub phone: Option<String>,
    /// Given name.
    #[serde(default, deserialize_with = "clearable")]
    pub first_name: Option<Option<String>>,
    /// Family name.
    #[serde(default, deserialize_with = "clearable")]
    pub last_name: Option<Option<String>>,
    /// Middle name after the father.
    #[serde(default, deserialize_with = "clearable")]
    pub patronymic: Option<Option<String>>,
    /// A date, such as `1990-11-21`.
    #[serde(default, deserialize_with = "clearable")]
    pub birth_date: Option<Option<String>>,
    /// `male` or `female`.
    #[serde(default, deserialize_with = "clearable")]
    pub sex: Option<Option<String>>,
    /// An e-mail address.
    #[serde(default, deserialize_with = "clearable")]
    pub email: Option<Option<String>>,
    /// Where the person works.
    #[serde(default, deserialize_with = "clearable")]
    pub company: Option<Option<String>>,
    /// A web address.
    #[serde(default, deserialize_with = "clearable")]
    pub link: Option<Option<String>>,
    /// Free text.
    #[serde(default, deserialize_with = "clearable")]
    pub comment: Option<Option<String>>,
    /// A BCP 47 tag, such as `fr` or `pt-BR`.
    #[serde(default, deserialize_with = "clearable")]
    pub language: Option<Option<String>>,
    /// The IANA time zone whose clock counts, such as `America/Denver`; null: again what the number tells.
    #[serde(default, deserialize_with = "clearable")]
    pub time_zone: Option<Option<String>>,
    /// Your own id of the person, unique within the account.
    #[serde(default, deserialize_with = "clearable")]
    pub external_id: Option<Option<String>>,
    /// What to change of the consent; null makes it unknown.
    #[serde(default, deserialize_with = "clearable")]
    pub consent: Option<Option<ContactConsentPatch>>,
    /// Values to set, by key; null for a key takes its value away, null for all takes all away.
    #[serde(default, deserialize_with = "clearable")]
    pub fields: Option<Option<BTreeMap<String, FieldValue>>>,
    /// Pairs to set; null for a key takes the pair away, null for all takes all away.
    #[serde(default, deserialize_with = "clearable")]
    pub metadata: Option<Option<BTreeMap<String, Option<String>>>>,
}

impl From<ContactPatch> for contacts::Patch {
    fn from(patch: ContactPatch) -> Self {
        let ContactPatch {
            phone,
            first_name,
            last_name,
            patronymic,
            birth_date,
            sex,
            email,
            company,
            link,
            comment,
            language,
            time_zone,
            external_id,
            consent,
            fields,
            metadata,
        } = patch;
        let columns = [
            (Column::FirstName, first_name),
            (Column::LastName, last_name),
            (Column::Patronymic, patronymic),
            (Column::BirthDate, birth_date),
            (Column::Sex, sex),
            (Column::Email, email),
            (Column::Company, company),
            (Column::Link, link),
            (Column::Comment, comment),
            (Column::Language, language),
            (Column::TimeZone, time_zone),
            (Column::ExternalId, external_id),
        ];
        Self {
            phone,
            columns: columns.into_iter().filter_map(|(column, value)| Some((column, value?))).collect(),
            clear_fields: matches!(fields, Some(None)),
            fields: fields.flatten().map(object).unwrap_or_default(),
            consent: consent.map(|consent| consent.map(Into::into)),
            clear_metadata: matches!(metadata, Some(None)),
            metadata: metadata.flatten().unwrap_or_default(),
        }
    }
}
