//! `/v1/groups`: lists of contacts, and who is in them.

mod members;
mod values;

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    clock::Timestamp,
    groups::{self, Group as Row},
    ids::GroupId,
    trash,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub use values::GroupValues;

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
    config.service(list).service(create).service(delete_several).service(get).service(update).service(delete);
    config.configure(members::routes).service(values::set_values);
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

/// Groups to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"]}))]
pub struct GroupsToDelete {
    /// 1 to 10,000 groups.
    pub group_ids: Vec<GroupId>,
}

/// What became of groups that were to be deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"deleted": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"], "not_found": []}))]
pub struct GroupsDeleted {
    /// Groups that are in the trash now.
    pub deleted: Vec<GroupId>,
    /// Ids that are no groups of the account.
    pub not_found: Vec<GroupId>,
}

/// How a group is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteGroup {
    /// True: for good. Else it goes to the trash.
    #[param(default = false)]
    pub permanently: Option<bool>,
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
    /// Only hidden groups, or only those that are not.
    pub hidden: Option<bool>,
    /// Only stop lists, or only ordinary groups.
    pub stop_list: Option<bool>,
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
    let ListGroups { limit, after, name, hidden, stop_list } = asked;
    let filter = groups::Filter { name, hidden, stop_list };
    let rows = groups::list(app.db.read(), &scope, &filter, window(limit, after.as_deref())?).await?;
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
/// It goes to the trash, where it can be restored with its members for as long as the account's `trash_days` say; its
/// contacts stay. With `permanently=true` it is purged at once. For example,
/// `DELETE /v1/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "groups.delete",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), DeleteGroup, IfMatch),
    responses((status = NO_CONTENT, description = "It is in the trash, or gone.")),
)]
#[delete("/groups/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    Query(asked): Query<DeleteGroup>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    if asked.permanently.unwrap_or(false) {
        domain::db::expect_version(groups::get(&tx, &scope, id).await?.version, expected)?;
        trash::purge_live_group(&tx, &scope, id).await?;
    } else {
        trash::group(&tx, &scope, id, expected).await?;
    }
    tx.commit().await?;
    Ok(NoContent)
}

/// Delete several groups
///
/// They go to the trash together, in one transaction; their contacts stay. Unknown ids are listed and sink nothing. For
/// example, `{"group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"]}`.
#[utoipa::path(
    operation_id = "groups.delete_several",
    tag = "Groups",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = OK, description = "What was deleted.", body = GroupsDeleted)),
)]
#[post("/groups/delete")]
async fn delete_several(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(GroupsToDelete { group_ids }): Json<GroupsToDelete>,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let deleted = trash::groups(tx, &scope, &group_ids).await?;
        let not_found = group_ids.into_iter().filter(|id| !deleted.contains(id)).collect();
        Ok(Reply::ok(GroupsDeleted { deleted, not_found }))
    })
    .await
}
