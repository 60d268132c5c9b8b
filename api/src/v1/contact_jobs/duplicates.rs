//! The duplicates that a job has found.

use std::collections::BTreeMap;

use domain::{
    clock::Timestamp,
    contact_jobs::DuplicateSet as SetRow,
    groups::Elsewhere,
    ids::{ContactId, GroupId},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::{contacts::FieldValue, groups::GroupValues};

/// What a contact is in one group only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b", "values": {
    "first_name": "Ann", "last_name": null, "patronymic": null, "birth_date": null, "sex": null, "email": null,
    "company": null, "link": null, "comment": null, "fields": {}
}}))]
pub struct DuplicateInGroup {
    /// The group.
    pub group_id: GroupId,
    /// The values that hold there only.
    pub values: GroupValues,
}

impl From<Elsewhere> for DuplicateInGroup {
    fn from(row: Elsewhere) -> Self {
        let Elsewhere { group, overrides } = row;
        Self { group_id: group, values: overrides.into() }
    }
}

/// A contact of a set, with the fields that were compared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "phone": "+447400123456",
    "values": {"email": "anna@example.com"},
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct DuplicateContact {
    /// Its id.
    pub id: ContactId,
    /// Its number.
    pub phone: String,
    /// What it has in the compared fields, as it is written there.
    pub values: BTreeMap<String, FieldValue>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Contacts that are perhaps the same person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "found": 2,
    "contacts": [
        {"id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "phone": "+447400123456", "values": {"email": "anna@example.com"},
         "updated_at": "2026-11-21T10:00:00.000000Z"},
        {"id": "con_01kb0000000000000000000000", "phone": "+447400123457", "values": {"email": "Anna@example.com"},
         "updated_at": "2026-11-21T11:00:00.000000Z"}
    ],
    "in_groups": []
}))]
pub struct DuplicateSet {
    /// How many there were when they were found.
    pub found: i64,
    /// Those that are there now, in the order of their making; at most 100.
    pub contacts: Vec<DuplicateContact>,
    /// For `phone`: what the contact is in its groups only.
    pub in_groups: Vec<DuplicateInGroup>,
}

impl DuplicateSet {
    pub(super) fn new(row: SetRow, by: &[String]) -> Self {
        let SetRow { key: _, found, contacts, elsewhere } = row;
        let contacts = contacts.into_iter().map(|contact| {
            let value = |name: &String| match domain::contacts::Column::by_name(name) {
                Some(column) => contact.profile.get(column).map(serde_json::Value::from),
                None => name.strip_prefix("fields.").and_then(|key| contact.fields.get(key).cloned()),
            };
            DuplicateContact {
                id: contact.id,
                phone: contact.phone.to_string(),
                values: by.iter().filter_map(|name| Some((name.clone(), FieldValue(value(name)?)))).collect(),
                updated_at: contact.updated_at,
            }
        });
        Self {
            found,
            contacts: contacts.collect(),
            in_groups: elsewhere.into_iter().map(DuplicateInGroup::from).collect(),
        }
    }
}
