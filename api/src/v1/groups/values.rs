//! Values of a contact that hold in one group only.

use std::collections::BTreeMap;

use actix_web::{post, web::Data};
use domain::{
    contacts::Column,
    groups::{self, Change},
    ids::{ContactId, GroupId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::GroupMember;
use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        json::{Json, clearable},
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
    v1::contacts::{FieldValue, object},
};

/// Values of a contact that hold in one group only; what is not here is as the contact has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "first_name": "Ann",
    "last_name": null,
    "patronymic": null,
    "birth_date": null,
    "sex": null,
    "email": null,
    "company": null,
    "link": null,
    "comment": null,
    "fields": {"city": "Leeds"}
}))]
pub struct GroupValues {
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
    /// Values of the account's own fields.
    pub fields: BTreeMap<String, FieldValue>,
}

impl From<serde_json::Map<String, serde_json::Value>> for GroupValues {
    fn from(overrides: serde_json::Map<String, serde_json::Value>) -> Self {
        let text = |column: Column| overrides.get(column.name()).and_then(|v| v.as_str()).map(str::to_owned);
        let own = |(key, value): (&String, &serde_json::Value)| {
            Some((key.strip_prefix("fields.")?.to_owned(), FieldValue(value.clone())))
        };
        Self {
            first_name: text(Column::FirstName),
            last_name: text(Column::LastName),
            patronymic: text(Column::Patronymic),
            birth_date: text(Column::BirthDate),
            sex: text(Column::Sex),
            email: text(Column::Email),
            company: text(Column::Company),
            link: text(Column::Link),
            comment: text(Column::Comment),
            fields: overrides.iter().filter_map(own).collect(),
        }
    }
}

/// What to change of the values that hold in the group only; what is left out stays, null takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"first_name": "Ann", "fields": {"city": null}}))]
pub struct GroupValuesPatch {
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
    /// A web address, `http://` or `https://`.
    #[serde(default, deserialize_with = "clearable")]
    pub link: Option<Option<String>>,
    /// Free text.
    #[serde(default, deserialize_with = "clearable")]
    pub comment: Option<Option<String>>,
    /// Values of the account's own fields, by key; null for a key takes its value away, null for all takes all away.
    #[serde(default, deserialize_with = "clearable")]
    pub fields: Option<Option<BTreeMap<String, FieldValue>>>,
}

/// A member and what to change of its values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "values": {"first_name": "Ann"}}))]
pub struct GroupMemberPatch {
    /// The member.
    pub contact_id: ContactId,
    /// What to change; null takes every value away, so that all is as the contact has it.
    pub values: Option<GroupValuesPatch>,
}

impl From<GroupMemberPatch> for Change {
    fn from(patch: GroupMemberPatch) -> Self {
        let GroupMemberPatch { contact_id, values } = patch;
        let contact = Some(contact_id);
        let Some(values) = values else { return Self { contact, clear: true, ..Self::default() } };
        let GroupValuesPatch {
            first_name,
            last_name,
            patronymic,
            birth_date,
            sex,
            email,
            company,
            link,
            comment,
            fields,
        } = values;
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
        ];
        Self {
            contact,
            columns: columns.into_iter().filter_map(|(column, value)| Some((column, value?))).collect(),
            clear_fields: matches!(fields, Some(None)),
            fields: fields.flatten().map(object).unwrap_or_default(),
            clear: false,
        }
    }
}

/// Members and what to change of their values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "contacts": [{"contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "values": {"first_name": "Ann"}}]
}))]
pub struct GroupMembersPatch {
    /// 1 to 1,000 members.
    pub contacts: Vec<GroupMemberPatch>,
}

/// Members with their values as they are now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"contacts": [{
    "contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "phone": "+447400123456",
    "added_at": "2026-11-21T10:00:00.000000Z",
    "values": {
        "first_name": "Ann", "last_name": null, "patronymic": null, "birth_date": null, "sex": null, "email": null,
        "company": null, "link": null, "comment": null, "fields": {}
    }
}]}))]
pub struct GroupMembersValues {
    /// In the order of the request.
    pub contacts: Vec<GroupMember>,
}

/// Change values in one group only
///
/// A campaign to this group writes these values instead of the contact's own; of several groups of a campaign, the one
/// that `audience.group_ids` names first goes before the others, value by value. Everywhere else the contact's own hold.
/// Each is a merge patch: what is left out stays, null takes away. All or nothing. For example,
/// `{"contacts": [{"contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "values": {"first_name": "Ann"}}]}`.
#[utoipa::path(
    operation_id = "groups.set_values",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), Key),
    responses((status = OK, description = "The values as they are now.", body = GroupMembersValues)),
)]
#[post("/groups/{id}/contacts/values")]
pub(super) async fn set_values(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    key: Key,
    Json(GroupMembersPatch { contacts }): Json<GroupMembersPatch>,
) -> Result<Answer, Failure> {
    let changes = contacts.into_iter().map(Change::from).collect();
    key.run(&app, &scope, async |tx| {
        let members = groups::set(tx, &scope, id, changes).await?;
        Ok(Reply::ok(GroupMembersValues { contacts: members.into_iter().map(GroupMember::from).collect() }))
    })
    .await
}
