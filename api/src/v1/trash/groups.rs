//! Groups in the trash.

use actix_web::{delete, get, post, web::Data};
use domain::{
    clock::Timestamp,
    ids::GroupId,
    trash::{self, TrashedGroup as Row},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        json::NoBody,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
    v1::groups::Group,
};

/// The routes of groups.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_groups).service(get_group).service(restore_group).service(purge_group);
}

/// A group in the trash.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "Regulars",
    "contacts_count": 975,
    "trashed_at": "2026-11-21T10:00:00.000000Z",
    "purge_at": "2026-12-21T10:00:00.000000Z"
}))]
pub struct TrashedGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Contacts that are in it again when it is restored, or when they are.
    pub contacts_count: i64,
    /// When it was deleted.
    pub trashed_at: Timestamp,
    /// When it is purged; until then it can be restored.
    pub purge_at: Timestamp,
}

impl From<Row> for TrashedGroup {
    fn from(row: Row) -> Self {
        let Row { id, name, contacts, trashed_at, purge_at } = row;
        Self { id, name, contacts_count: contacts, trashed_at, purge_at }
    }
}

/// Which groups of the trash to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListTrashedGroups {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List groups in the trash
///
/// In the order of their making. For example, `GET /v1/trash/groups?limit=20`.
#[utoipa::path(
    operation_id = "trash.list_groups",
    tag = "Trash",
    security(("bearer" = ["contacts:read"])),
    params(ListTrashedGroups),
    responses((status = OK, description = "A page of groups in the trash.", body = Page<TrashedGroup>)),
)]
#[get("/trash/groups")]
async fn list_groups(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListTrashedGroups>,
) -> Result<Reply<Page<TrashedGroup>>, Failure> {
    let ListTrashedGroups { limit, after } = asked;
    let window = window::<GroupId>(limit, after.as_deref())?;
    let rows = trash::list_groups(app.db.read(), &scope, window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Get a group in the trash
///
/// For example, `GET /v1/trash/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "trash.get_group",
    tag = "Trash",
    security(("bearer" = ["contacts:read"])),
    params(("id" = GroupId, Path)),
    responses((status = OK, description = "The group in the trash.", body = TrashedGroup)),
)]
#[get("/trash/groups/{id}")]
async fn get_group(app: Data<App>, Auth(scope): Auth, Id(id): Id<GroupId>) -> Result<Reply<TrashedGroup>, Failure> {
    Ok(Reply::ok(trash::get_group(app.db.read(), &scope, id).await?.into()))
}

/// Restore a group
///
/// With its id and its members; members that are in the trash join it again when they are restored. When another group
/// has its name by now, it is refused with `already_exists`. For example,
/// `POST /v1/trash/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b/restore`.
#[utoipa::path(
    operation_id = "trash.restore_group",
    tag = "Trash",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path), Key),
    responses((status = OK, description = "The group, restored.", body = Group)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[post("/trash/groups/{id}/restore")]
async fn restore_group(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    key: Key,
    _: NoBody,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let row = trash::restore_group(tx, &scope, id).await?;
        let version = row.version;
        Ok(Reply::ok(Group::from(row)).tagged(version))
    })
    .await
}

/// Purge a group
///
/// Deletes it for good; its contacts stay where they are. For example,
/// `DELETE /v1/trash/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "trash.purge_group",
    tag = "Trash",
    security(("bearer" = ["contacts:write"])),
    params(("id" = GroupId, Path)),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/trash/groups/{id}")]
async fn purge_group(app: Data<App>, Auth(scope): Auth, Id(id): Id<GroupId>) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    trash::purge_group(&tx, &scope, id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
