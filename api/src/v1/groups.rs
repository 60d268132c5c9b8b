//! `/v1/groups`: lists of contacts, and who is in them.

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    clock::Timestamp,
    groups::{self, Changed, Group as Row},
    ids::{ContactId, GroupId},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
        idempotency::Key,
        json::{Json, clearable, given},
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(update).service(delete);
    config.service(add).service(remove).service(copy).service(move_to);
}

/// A group of contacts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "Regulars",
    "description": "Bought more than twice",
    "hidden": false,
    "stop_list": false,
    "contacts_count": 975,
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Unique within the account.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Not offered in pickers.
    pub hidden: bool,
    /// Its members are never sent to.
    pub stop_list: bool,
    /// How many contacts are in it.
    pub contacts_count: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When name, description or flags last changed.
    pub updated_at: Timestamp,
}

impl From<Row> for Group {
    fn from(row: Row) -> Self {
        let Row { id, name, description, hidden, stop_list, contacts, created_at, updated_at, version: _ } = row;
        Self { id, name, description, hidden, stop_list, contacts_count: contacts, created_at, updated_at }
    }
}

/// A group to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Regulars", "description": "Bought more than twice"}))]
pub struct NewGroup {
    /// Unique within the account, at most 100 characters.
    pub name: String,
    /// For people, at most 1,000 characters.
    pub description: Option<String>,
    /// Not to be offered in pickers.
    #[serde(default)]
    pub hidden: bool,
    /// Its members are never to be sent to.
    #[serde(default)]
    pub stop_list: bool,
}

/// What to change of a group; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Regulars 2026"}))]
pub struct GroupPatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// A new description; null takes it away.
    #[serde(default, deserialize_with = "clearable")]
    pub description: Option<Option<String>>,
    /// Hide or show.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub hidden: Option<bool>,
    /// Make it a stop list, or an ordinary group.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub stop_list: Option<bool>,
}

/// Contacts to add or to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}))]
pub struct GroupMembers {
    /// 1 to 10,000 contacts.
    pub contact_ids: Vec<ContactId>,
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

/// Which groups to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListGroups {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
    /// Only the group of this name.
    pub name: Option<String>,
}

/// List groups
///
/// Oldest first, with the count of their members. For example, `GET /v1/groups?name=Regulars` finds one by its name;
/// the members are at `GET /v1/contacts?group_id=…`.
#[utoipa::path(
    operation_id = "groups.list",
    tag = "Groups",
    security(("bearer" = ["contacts:read"])),
    params(ListGroups),
    responses((status = OK, description = "A page of groups.", body = Page<Group>)),
)]
#[get("/groups")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListGroups>,
) -> Result<Reply<Page<Group>>, Failure> {
    let ListGroups { limit, after, name } = asked;
    let rows = groups::list(app.db.read(), &scope, name.as_deref(), window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Create a group
///
/// For example, `{"name": "Regulars"}`. A group with `"stop_list": true` keeps its members from being sent to.
#[utoipa::path(
    operation_id = "groups.create",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = CREATED, description = "The group.", body = Group)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[post("/groups")]
async fn create(app: Data<App>, Auth(scope): Auth, key: Key, Json(new): Json<NewGroup>) -> Result<Answer, Failure> {
    let NewGroup { name, description, hidden, stop_list } = new;
    let new = groups::New { name, description, hidden, stop_list };
    key.run(&app, &scope, async |tx| {
        let row = groups::create(tx, &scope, new).await?;
        let version = row.version;
        Ok(Reply::created(Group::from(row)).tagged(version))
    })
    .await
}

/// Get a group
///
/// For example, `GET /v1/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "groups.get",
    tag = "Groups",
    security(("bearer" = ["contacts:read"])),
    params(("id" = GroupId, Path)),
    responses((status = OK, description = "The group.", body = Group)),
)]
#[get("/groups/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<GroupId>) -> Result<Reply<Group>, Failure> {
    let row = groups::get(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(Group::from(row)).tagged(version))
}

/// Change a group
///
/// Only what is sent is changed. For example, `{"hidden": true}`.
#[utoipa::path(
    operation_id = "groups.update",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), IfMatch),
    responses((status = OK, description = "The group as it is now.", body = Group)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[patch("/groups/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<GroupPatch>,
) -> Result<Reply<Group>, Failure> {
    let GroupPatch { name, description, hidden, stop_list } = patch;
    let patch = groups::Patch { name, description, hidden, stop_list };
    let tx = app.db.begin().await?;
    let row = groups::update(&tx, &scope, id, patch, expected).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(Group::from(row)).tagged(version))
}

/// Delete a group
///
/// Its contacts stay. For example, `DELETE /v1/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "groups.delete",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/groups/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    groups::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Add contacts to a group
///
/// Contacts that are in it already count as `unchanged`; unknown ids are listed and sink nothing. For example,
/// `{"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}`.
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
    Json(GroupMembers { contact_ids }): Json<GroupMembers>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        Ok(Reply::ok(GroupMembersChanged::from(groups::add(tx, &scope, id, &contact_ids).await?)))
    })
    .await
}

/// Remove contacts from a group
///
/// The contacts themselves stay. For example, `{"contact_ids": ["con_01kazsw6e3f8e9xq2m4r7t5v0b"]}`.
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
    Json(GroupMembers { contact_ids }): Json<GroupMembers>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        Ok(Reply::ok(GroupMembersChanged::from(groups::remove(tx, &scope, id, &contact_ids).await?)))
    })
    .await
}

/// Copy contacts to another group
///
/// They are then in both. Without `contact_ids`, all members: `{"to_group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}`.
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
/// They leave this one. Without `contact_ids`, all members: `{"to_group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}`.
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
