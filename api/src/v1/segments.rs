//! `/v1/segments`: filters over contacts, kept under a name.

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    clock::Timestamp,
    contact_segments::{self, New, Patch, Segment as Row},
    contacts::{ContactFilter, filter},
    ids::SegmentId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::contacts::{Contact, REACH, page};
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
    config.service(list).service(create).service(get).service(update).service(delete).service(contacts);
}

/// A segment: a filter over contacts, kept under a name and asked anew each time it is used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "seg_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "Birthdays of the week",
    "description": null,
    "filter": {"all": [{"field": "birth_date", "anniversary_within_days": 7}, {"field": "consent", "equals": "given"}]},
    "contacts_count": 1203,
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// Unique within the account.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Which contacts.
    pub filter: ContactFilter,
    /// How many contacts match now, when `count=true` asked for it.
    pub contacts_count: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<Row> for Segment {
    fn from(row: Row) -> Self {
        let Row { id, name, description, filter, created_at, updated_at, version: _ } = row;
        Self { id, name, description, filter, contacts_count: None, created_at, updated_at }
    }
}

/// A segment to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Birthdays of the week",
    "filter": {"all": [{"field": "birth_date", "anniversary_within_days": 7}, {"field": "consent", "equals": "given"}]}
}))]
pub struct NewSegment {
    /// Unique within the account, at most 100 characters.
    pub name: String,
    /// For people, at most 1,000 characters.
    pub description: Option<String>,
    /// Which contacts.
    pub filter: ContactFilter,
}

/// What to change of a segment; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"field": "birth_date", "anniversary_within_days": 14}}))]
pub struct SegmentPatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// A new description; null takes it away.
    #[serde(default, deserialize_with = "clearable")]
    pub description: Option<Option<String>>,
    /// Another filter, in place of the whole one before.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub filter: Option<ContactFilter>,
}

/// Which segments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListSegments {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
    /// Only the one of this name.
    pub name: Option<String>,
}

/// What to show of a segment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GetSegment {
    /// Whether to count the contacts that match now: of a million contacts that takes about a second.
    pub count: Option<bool>,
}

/// Which page of a segment's contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListSegmentContacts {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List segments
///
/// In the order of their making. For example, `GET /v1/segments?limit=20` gives the first twenty.
#[utoipa::path(
    operation_id = "segments.list",
    tag = "Segments",
    security(("bearer" = ["contacts:read"])),
    params(ListSegments),
    responses((status = OK, description = "A page of segments.", body = Page<Segment>)),
)]
#[get("/segments")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListSegments>,
) -> Result<Reply<Page<Segment>>, Failure> {
    let ListSegments { limit, after, name } = asked;
    let window = window(limit, after.as_deref())?;
    let rows = contact_segments::list(app.db.read(), &scope, name.as_deref(), window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Create a segment
///
/// Keeps a filter over contacts under a name. It is asked anew each time: for its contacts, their count, and as the
/// audience of a campaign. An account may have 500. For example,
/// `{"name": "Leeds", "filter": {"field": "fields.city", "equals": "Leeds"}}`.
#[utoipa::path(
    operation_id = "segments.create",
    tag = "Segments",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = CREATED, description = "The segment.", body = Segment)),
    extensions(("x-errors" = json!(["already_exists", "limit_reached"]))),
)]
#[post("/segments")]
async fn create(app: Data<App>, Auth(scope): Auth, key: Key, Json(new): Json<NewSegment>) -> Result<Answer, Failure> {
    let NewSegment { name, description, filter } = new;
    let new = New { name, description, filter };
    key.run(&app, &scope, async |tx| {
        let row = contact_segments::create(tx, &scope, new).await?;
        let version = row.version;
        Ok(Reply::created(Segment::from(row)).tagged(version))
    })
    .await
}

/// Get a segment
///
/// With `count=true` it also says how many contacts match now; 409 when the filter names a group or field that is gone.
/// For example, `GET /v1/segments/seg_01kazsw6e3f8e9xq2m4r7t5v0b?count=true`.
#[utoipa::path(
    operation_id = "segments.get",
    tag = "Segments",
    security(("bearer" = ["contacts:read"])),
    params(("id" = SegmentId, Path), GetSegment),
    responses((status = OK, description = "The segment.", body = Segment)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[get("/segments/{id}")]
async fn get(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<SegmentId>,
    Query(GetSegment { count }): Query<GetSegment>,
) -> Result<Reply<Segment>, Failure> {
    let conn = app.db.read();
    let row = contact_segments::get(conn, &scope, id).await?;
    let version = row.version;
    let contacts_count = if count == Some(true) {
        let tree = contact_segments::tree(conn, &scope, &row, scope.clock().now()).await?;
        Some(filter::count(conn, &scope, &tree).await?)
    } else {
        None
    };
    Ok(Reply::ok(Segment { contacts_count, ..Segment::from(row) }).tagged(version))
}

/// List the contacts of a segment
///
/// Those that match now, in the order of their making. For example,
/// `GET /v1/segments/seg_01kazsw6e3f8e9xq2m4r7t5v0b/contacts?limit=200`.
///
/// What has no index is looked through, 20,000 contacts a page at most, as by `POST /v1/contacts/search`: a page may be short or
/// empty and still have `has_more`; go on with its `next_cursor`.
#[utoipa::path(
    operation_id = "segments.contacts",
    tag = "Segments",
    security(("bearer" = ["contacts:read"])),
    params(("id" = SegmentId, Path), ListSegmentContacts),
    responses((status = OK, description = "A page of contacts.", body = Page<Contact>)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[get("/segments/{id}/contacts")]
async fn contacts(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<SegmentId>,
    Query(asked): Query<ListSegmentContacts>,
) -> Result<Reply<Page<Contact>>, Failure> {
    let ListSegmentContacts { limit, after } = asked;
    let conn = app.db.read();
    let row = contact_segments::get(conn, &scope, id).await?;
    let tree = contact_segments::tree(conn, &scope, &row, scope.clock().now()).await?;
    let listed = filter::list(conn, &scope, &tree, window(limit, after.as_deref())?, Some(REACH)).await?;
    Ok(Reply::ok(page(conn, &scope, listed).await?))
}

/// Change a segment
///
/// Only what is sent is changed; a filter is replaced as a whole. Campaigns that are being prepared keep the filter that
/// they began with. For example, `{"filter": {"field": "age", "gte": 18}}`.
#[utoipa::path(
    operation_id = "segments.update",
    tag = "Segments",
    security(("bearer" = ["contacts:write"])),
    params(("id" = SegmentId, Path), IfMatch),
    responses((status = OK, description = "The segment as it is now.", body = Segment)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[patch("/segments/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<SegmentId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<SegmentPatch>,
) -> Result<Reply<Segment>, Failure> {
    let SegmentPatch { name, description, filter } = patch;
    let tx = app.db.begin().await?;
    let row = contact_segments::update(&tx, &scope, id, Patch { name, description, filter }, expected).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(Segment::from(row)).tagged(version))
}

/// Delete a segment
///
/// No contact is touched. A campaign that names it and is not prepared yet is refused at its launch, or fails at its time,
/// and says so. For example, `DELETE /v1/segments/seg_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "segments.delete",
    tag = "Segments",
    security(("bearer" = ["contacts:write"])),
    params(("id" = SegmentId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/segments/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<SegmentId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    contact_segments::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}
