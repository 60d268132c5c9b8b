//! Who is in a group.

use actix_web::{get, post, web::Data};
use domain::{
    clock::Timestamp,
    groups::{self, Changed, Member},
    ids::{ContactId, GroupId},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::values::GroupValues;
use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        json::Json,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The routes of members.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list).service(add).service(remove).service(copy).service(move_to);
}

/// Contacts to add or to remove: either `contact_ids` or `group_id`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}))]
pub struct GroupMembers {
    /// 1 to 10,000 contacts.
    pub contact_ids: Option<Vec<ContactId>>,
    /// The members of this group, however many.
    pub group_id: Option<GroupId>,
}

/// Which contacts a request means.
enum Which {
    Named(Vec<ContactId>),
    MembersOf(GroupId),
}

impl TryFrom<GroupMembers> for Which {
    type Error = domain::Error;

    fn try_from(asked: GroupMembers) -> Result<Self, domain::Error> {
        match (asked.contact_ids, asked.group_id) {
            (Some(ids), None) => Ok(Self::Named(ids)),
            (None, Some(group)) => Ok(Self::MembersOf(group)),
            _ => Err(domain::Error::field("", "invalid_count", "must have either contact_ids or group_id")),
        }
    }
}

/// Contacts to copy or move to another group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to_group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}))]
pub struct GroupTransfer {
    /// The other group.
    pub to_group_id: GroupId,
    /// Up to 10,000 members of this group; left out, all of them.
    pub contact_ids: Option<Vec<ContactId>>,
}

/// What a change of members did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"changed": 2, "unchanged": 1, "not_found": []}))]
pub struct GroupMembersChanged {
    /// Contacts for which something changed.
    pub changed: u64,
    /// Contacts for which it was so already, or that are not in the group at all.
    pub unchanged: u64,
    /// Ids that are no contacts of the account.
    pub not_found: Vec<ContactId>,
}

impl From<Changed> for GroupMembersChanged {
    fn from(row: Changed) -> Self {
        let Changed { changed, unchanged, not_found } = row;
        Self { changed, unchanged, not_found }
    }
}

/// A contact in a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "phone": "+447400123456",
    "added_at": "2026-11-21T10:00:00.000000Z",
    "values": {
        "first_name": "Ann", "last_name": null, "patronymic": null, "birth_date": null, "sex": null, "email": null,
        "company": null, "link": null, "comment": null, "fields": {"city": "Leeds"}
    }
}))]
pub struct GroupMember {
    /// The contact.
    pub contact_id: ContactId,
    /// Its number.
    pub phone: String,
    /// Since when it is in the group.
    pub added_at: Timestamp,
    /// The values that hold in this group only.
    pub values: GroupValues,
}

impl From<Member> for GroupMember {
    fn from(row: Member) -> Self {
        let Member { contact, phone, added_at, overrides } = row;
        Self { contact_id: contact, phone: phone.to_string(), added_at, values: overrides.into() }
    }
}

/// Which members to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListGroupMembers {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
    /// Only members with values that hold in this group only.
    #[param(default = false)]
    pub with_values: Option<bool>,
}

/// List the members of a group
///
/// With the values that hold in this group only, in the order in which the contacts were made. The contacts themselves
/// are at `GET /v1/contacts?group_id=…`. For example,
/// `GET /v1/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b/contacts?with_values=true`.
#[utoipa::path(
    operation_id = "groups.list_contacts",
    tag = "Groups",
    security(("bearer" = ["contacts:read"])),
    params(("id" = GroupId, Path), ListGroupMembers),
    responses((status = OK, description = "A page of members.", body = Page<GroupMember>)),
)]
#[get("/groups/{id}/contacts")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    Query(asked): Query<ListGroupMembers>,
) -> Result<Reply<Page<GroupMember>>, Failure> {
    let ListGroupMembers { limit, after, with_values } = asked;
    let window = window::<ContactId>(limit, after.as_deref())?;
    let rows = groups::members(app.db.read(), &scope, id, with_values.unwrap_or(false), window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Member| row.contact)))
}

/// Add contacts to a group
///
/// By their ids, or all members of another group. Contacts that are in it already count as `unchanged`; unknown ids are
/// listed and sink nothing. For example, `{"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}`.
#[utoipa::path(
    operation_id = "groups.add_contacts",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), Key),
    responses((status = OK, description = "What changed.", body = GroupMembersChanged)),
)]
#[post("/groups/{id}/contacts")]
async fn add(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    key: Key,
    Json(asked): Json<GroupMembers>,
) -> Result<Answer, Failure> {
    let which = Which::try_from(asked)?;
    key.run(&app, &scope, async |tx| {
        let changed = match which {
            Which::Named(ids) => groups::add(tx, &scope, id, &ids).await?,
            Which::MembersOf(other) => groups::add_members_of(tx, &scope, id, other).await?,
        };
        Ok(Reply::ok(GroupMembersChanged::from(changed)))
    })
    .await
}

/// Remove contacts from a group
///
/// The contacts themselves stay. By their ids, or who is in another group too; with the group's own id everybody. For
/// example, `{"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}`.
#[utoipa::path(
    operation_id = "groups.remove_contacts",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), Key),
    responses((status = OK, description = "What changed.", body = GroupMembersChanged)),
)]
#[post("/groups/{id}/contacts/remove")]
async fn remove(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    key: Key,
    Json(asked): Json<GroupMembers>,
) -> Result<Answer, Failure> {
    let which = Which::try_from(asked)?;
    key.run(&app, &scope, async |tx| {
        let changed = match which {
            Which::Named(ids) => groups::remove(tx, &scope, id, &ids).await?,
            Which::MembersOf(other) => groups::remove_members_of(tx, &scope, id, other).await?,
        };
        Ok(Reply::ok(GroupMembersChanged::from(changed)))
    })
    .await
}

/// Copy contacts to another group
///
/// They are then in both, with the values that they have in this group only; who is in the other already keeps its values
/// there. Without `contact_ids`, all members: `{"to_group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}`.
#[utoipa::path(
    operation_id = "groups.copy_contacts",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), Key),
    responses((status = OK, description = "What changed in the other group.", body = GroupMembersChanged)),
)]
#[post("/groups/{id}/contacts/copy")]
async fn copy(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    key: Key,
    Json(GroupTransfer { to_group_id, contact_ids }): Json<GroupTransfer>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let changed = groups::copy(tx, &scope, id, to_group_id, contact_ids.as_deref()).await?;
        Ok(Reply::ok(GroupMembersChanged::from(changed)))
    })
    .await
}

/// Move contacts to another group
///
/// They leave this one, and take the values along that they have in it only. Without `contact_ids`, all members: `{"to_group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}`.
#[utoipa::path(
    operation_id = "groups.move_contacts",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), Key),
    responses((status = OK, description = "How many left this group.", body = GroupMembersChanged)),
)]
#[post("/groups/{id}/contacts/move")]
async fn move_to(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    key: Key,
    Json(GroupTransfer { to_group_id, contact_ids }): Json<GroupTransfer>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let changed = groups::move_to(tx, &scope, id, to_group_id, contact_ids.as_deref()).await?;
        Ok(Reply::ok(GroupMembersChanged::from(changed)))
    })
    .await
}
