//! `/v1/templates`: texts with markers, kept under a name.

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    clock::Timestamp,
    ids::TemplateId,
    templates::{self, Change, Template as Row},
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

/// A template: a text with markers, kept under a name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "tpl_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "Card reminder",
    "body": "Hello {{first_name|default:\"friend\"}}, your card {{fields.card}} expires soon.",
    "markers": ["first_name", "fields.card"],
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// What the account calls it; unique.
    pub name: String,
    /// The text with its markers.
    pub body: String,
    /// The markers of the text, each once, in order.
    pub markers: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<Row> for Template {
    fn from(row: Row) -> Self {
        let Row { id, account_id: _, name, body, created_at, updated_at, version: _ } = row;
        Self { id, name, markers: templates::markers(&body), body, created_at, updated_at }
    }
}

/// A template to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Card reminder",
    "body": "Hello {{first_name|default:\"friend\"}}, your card {{fields.card}} expires soon."
}))]
pub struct NewTemplate {
    /// What to call it; unique within the account, at most 200 characters.
    pub name: String,
    /// The text, at most 5,000 characters. Markers: `{{first_name}}`, `{{fields.card|default:"-"}}`.
    pub body: String,
}

/// What to change of a template; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Card reminder, November"}))]
pub struct TemplatePatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// A new text.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub body: Option<String>,
}

/// Which templates to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListTemplates {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List templates
///
/// Newest first. For example, `GET /v1/templates?limit=20` gives the first twenty.
#[utoipa::path(
    operation_id = "templates.list",
    tag = "Templates",
    security(("bearer" = ["templates:read"])),
    params(ListTemplates),
    responses((status = OK, description = "A page of templates.", body = Page<Template>)),
)]
#[get("/templates")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListTemplates>,
) -> Result<Reply<Page<Template>>, Failure> {
    let ListTemplates { limit, after } = asked;
    let rows = templates::list(app.db.read(), &scope, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Create a template
///
/// Keeps a text under a name. For example, a body of `Hello {{first_name|default:"friend"}}` greets by the contact's
/// first name, or by "friend" when it has none.
#[utoipa::path(
    operation_id = "templates.create",
    tag = "Templates",
    security(("bearer" = ["templates:write"])),
    params(Key),
    responses((status = CREATED, description = "The template.", body = Template)),
    extensions(("x-errors" = json!(["already_exists", "invalid_template", "unknown_marker"]))),
)]
#[post("/templates")]
async fn create(app: Data<App>, Auth(scope): Auth, key: Key, Json(new): Json<NewTemplate>) -> Result<Answer, Failure> {
    let NewTemplate { name, body } = new;
    let new = templates::NewTemplate { name, body };
    key.run(&app, &scope, async |tx| {
        let row = templates::create(tx, &scope, new).await?;
        let version = row.version;
        Ok(Reply::created(Template::from(row)).tagged(version))
    })
    .await
}

/// Get a template
///
/// Send the `ETag` you have as `If-None-Match`, and the answer is 304 without a body while nothing has changed.
/// For example, `GET /v1/templates/tpl_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "templates.get",
    tag = "Templates",
    security(("bearer" = ["templates:read"])),
    params(("id" = TemplateId, Path)),
    responses((status = OK, description = "The template.", body = Template)),
)]
#[get("/templates/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<TemplateId>) -> Result<Reply<Template>, Failure> {
    let row = templates::find(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(Template::from(row)).tagged(version))
}

/// Change a template
///
/// Only what is sent is changed. Campaigns that were launched keep the text they were launched with. For example,
/// `{"name": "Card reminder, November"}` changes the name alone.
#[utoipa::path(
    operation_id = "templates.update",
    tag = "Templates",
    security(("bearer" = ["templates:write"])),
    params(("id" = TemplateId, Path), IfMatch),
    responses((status = OK, description = "The template as it is now.", body = Template)),
    extensions(("x-errors" = json!(["already_exists", "invalid_template", "unknown_marker"]))),
)]
#[patch("/templates/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<TemplateId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<TemplatePatch>,
) -> Result<Reply<Template>, Failure> {
    let TemplatePatch { name, body } = patch;
    let tx = app.db.begin().await?;
    let row = templates::update(&tx, &scope, id, expected, Change { name, body }).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(Template::from(row)).tagged(version))
}

/// Delete a template
///
/// Campaigns that were launched with it are not touched. For example, `DELETE /v1/templates/tpl_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "templates.delete",
    tag = "Templates",
    security(("bearer" = ["templates:write"])),
    params(("id" = TemplateId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/templates/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<TemplateId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    templates::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}
