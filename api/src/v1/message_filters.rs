//! `/v1/message-filters`: conditions of the list of messages, kept under a name.

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    clock::Timestamp,
    ids::MessageFilterId,
    message_filters::{self, Change, MessageFilter as Row},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::messages::{MessageConditions, given as given_conditions};
use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
        idempotency::Key,
        json::{Json, given},
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(update).service(delete);
}

/// A message filter: conditions of the list of messages, kept under a name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "mfl_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "Lost in Britain",
    "conditions": {"status": "undelivered,expired", "country": "GB"},
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct MessageFilter {
    /// Its id, which `GET /v1/messages` takes as `filter`.
    pub id: MessageFilterId,
    /// What the account calls it; unique.
    pub name: String,
    /// Its conditions; those that are not among them are left out.
    #[serde(serialize_with = "given_conditions")]
    pub conditions: MessageConditions,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<Row> for MessageFilter {
    fn from(row: Row) -> Self {
        let Row { id, account_id: _, name, conditions, created_at, updated_at, version: _ } = row;
        Self { id, name, conditions: serde_json::from_value(conditions).unwrap_or_default(), created_at, updated_at }
    }
}

/// A filter to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Lost in Britain", "conditions": {"status": "undelivered,expired", "country": "GB"}}))]
pub struct NewMessageFilter {
    /// What to call it; unique within the account, at most 200 characters.
    pub name: String,
    /// At least one of the conditions that `GET /v1/messages` takes as parameters, in the same form.
    pub conditions: MessageConditions,
}

/// What to change of a filter; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"conditions": {"status": "undelivered", "country": "GB"}}))]
pub struct MessageFilterPatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Other conditions, in place of all before.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub conditions: Option<MessageConditions>,
}

/// Checks conditions as the list does, and gives them as they are stored.
fn stored(conditions: MessageConditions) -> domain::Result<Value> {
    let stored = conditions.given();
    conditions.read("/conditions")?;
    Ok(Value::Object(stored))
}

/// Which filters to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListMessageFilters {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List message filters
///
/// Newest first. For example, `GET /v1/message-filters?limit=20` gives the first twenty.
#[utoipa::path(
    operation_id = "message_filters.list",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    params(ListMessageFilters),
    responses((status = OK, description = "A page of filters.", body = Page<MessageFilter>)),
)]
#[get("/message-filters")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListMessageFilters>,
) -> Result<Reply<Page<MessageFilter>>, Failure> {
    let ListMessageFilters { limit, after } = asked;
    let rows = message_filters::list(app.db.read(), &scope, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Create a message filter
///
/// Keeps conditions under a name; the list checks them now as it will then. An account may have 200. For example,
/// `{"name": "Lost in Britain", "conditions": {"status": "undelivered,expired", "country": "GB"}}`, then
/// `GET /v1/messages?filter=mfl_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "message_filters.create",
    tag = "Messages",
    security(("bearer" = ["messages:write"])),
    params(Key),
    responses((status = CREATED, description = "The filter.", body = MessageFilter)),
    extensions(("x-errors" = json!(["already_exists", "limit_reached"]))),
)]
#[post("/message-filters")]
async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(new): Json<NewMessageFilter>,
) -> Result<Answer, Failure> {
    let NewMessageFilter { name, conditions } = new;
    let new = message_filters::NewMessageFilter { name, conditions: stored(conditions)? };
    key.run(&app, &scope, async |tx| {
        let row = message_filters::create(tx, &scope, new).await?;
        let version = row.version;
        Ok(Reply::created(MessageFilter::from(row)).tagged(version))
    })
    .await
}

/// Get a message filter
///
/// Send the `ETag` you have as `If-None-Match`, and the answer is 304 without a body while nothing has changed.
/// For example, `GET /v1/message-filters/mfl_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "message_filters.get",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    params(("id" = MessageFilterId, Path)),
    responses((status = OK, description = "The filter.", body = MessageFilter)),
)]
#[get("/message-filters/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<MessageFilterId>) -> Result<Reply<MessageFilter>, Failure> {
    let row = message_filters::find(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(MessageFilter::from(row)).tagged(version))
}

/// Change a message filter
///
/// Only what is sent is changed; `conditions` are replaced as a whole. For example, `{"name": "Lost in Britain, November"}`
/// changes the name alone.
#[utoipa::path(
    operation_id = "message_filters.update",
    tag = "Messages",
    security(("bearer" = ["messages:write"])),
    params(("id" = MessageFilterId, Path), IfMatch),
    responses((status = OK, description = "The filter as it is now.", body = MessageFilter)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[patch("/message-filters/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<MessageFilterId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<MessageFilterPatch>,
) -> Result<Reply<MessageFilter>, Failure> {
    let MessageFilterPatch { name, conditions } = patch;
    let conditions = conditions.map(stored).transpose()?;
    let tx = app.db.begin().await?;
    let row = message_filters::update(&tx, &scope, id, expected, Change { name, conditions }).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(MessageFilter::from(row)).tagged(version))
}

/// Delete a message filter
///
/// Messages are not touched. For example, `DELETE /v1/message-filters/mfl_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "message_filters.delete",
    tag = "Messages",
    security(("bearer" = ["messages:write"])),
    params(("id" = MessageFilterId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/message-filters/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<MessageFilterId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    message_filters::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}
