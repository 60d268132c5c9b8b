//! `/v1/contacts/imports`: reading contacts from files, in the background.

pub(super) mod download;
mod previews;
pub(super) mod progress;
mod shapes;
pub(super) mod upload;

use actix_web::{HttpRequest, HttpResponse, get, post, web::Data, web::Payload};
use domain::{
    groups,
    ids::{GroupId, ImportId},
    imports::{self, Import as Row, Kind, RowError},
    jobs::Queue,
    scope::AccountScope,
};
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use previews::{ImportPreview, ImportPreviewRow, ImportSuggestion};
pub use shapes::{
    Import, ImportCounts, ImportError, ImportFailure, ImportGroup, ImportProgress, ImportSummary, ImportUpload,
};

use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        json::NoBody,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// Errors that an import shows by itself.
pub(super) const SHOWN_ERRORS: usize = 100;

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(previews::preview).service(errors).service(download::errors_csv);
    config.service(progress_stream).service(get).service(cancel);
}

/// Which imports to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListImports {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// Which refused rows to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListImportErrors {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// An import as it is shown: with the names of its groups and its first errors.
async fn shown(conn: &impl ConnectionTrait, scope: &AccountScope, row: Row) -> domain::Result<Import> {
    let named = groups::named(conn, scope, &row.group_ids).await?;
    let first = domain::db::Window { limit: SHOWN_ERRORS, after: None };
    let (refused, _) = imports::errors(conn, scope, row.id, first).await?;
    Ok(Import::new(row, &named, refused))
}

/// List imports
///
/// Oldest first, without their errors. For example, `GET /v1/contacts/imports?limit=20`.
#[utoipa::path(
    operation_id = "imports.list",
    tag = "Imports",
    security(("bearer" = ["contacts:read"])),
    params(ListImports),
    responses((status = OK, description = "A page of imports.", body = Page<ImportSummary>)),
)]
#[get("/contacts/imports")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListImports>,
) -> Result<Reply<Page<ImportSummary>>, Failure> {
    let ListImports { limit, after } = asked;
    let (rows, more) = imports::list(app.db.read(), &scope, Kind::Contacts, window(limit, after.as_deref())?).await?;
    let ids: Vec<GroupId> = rows.iter().flat_map(|row| row.group_ids.iter().copied()).collect();
    let named = groups::named(app.db.read(), &scope, &ids).await?;
    let rows = rows.into_iter().map(|row| ImportSummary::new(row, &named)).collect();
    Ok(Reply::ok(Page::new((rows, more), |row: &ImportSummary| row.id)))
}

/// Import contacts
///
/// Send a file as `multipart/form-data`: CSV or TXT in any common encoding and separator, XLSX or XLS; at most 64 MiB and a
/// million rows. `mapping` says which column feeds which field, for example
/// `{"phone": "Mobile phone", "first_name": "First name", "fields.city": "City"}`; left out, it is guessed from the
/// titles and, for phones and e-mail addresses, from what stands in the columns. An import never turns a refused consent
/// into another, nor puts an older consent in the place of a newer one. What can be refused at once is refused now, with nothing done; else follow the import at its own address or
/// its `/progress`. A file imported again changes nothing more, so a lost answer does no harm. With curl:
/// `curl -F file=@people.csv -F groups=Regulars -F 'mapping={"phone":"Phone"}' …/v1/contacts/imports`.
#[utoipa::path(
    operation_id = "imports.create",
    tag = "Imports",
    security(("bearer" = ["contacts:write"])),
    request_body(content = ImportUpload, content_type = "multipart/form-data", description = "The file and how to read it."),
    responses((status = ACCEPTED, description = "The import, queued.", body = Import)),
    extensions(("x-errors" = json!(["file_refused", "not_found", "unknown_column", "unknown_field"])), ("x-new" = json!({"status": "queued", "progress": {"done": 0, "total": 3}, "result": null, "errors": [], "started_at": null, "finished_at": null}))),
)]
#[post("/contacts/imports")]
async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    req: HttpRequest,
    payload: Payload,
) -> Result<Reply<Import>, Failure> {
    let received = upload::receive(&req, payload, Kind::Contacts).await?;
    let row = imports::create(&app.db, &scope, Kind::Contacts, received.upload(), received.order.clone()).await?;
    app.wake.nudge(Queue::ContactsImport);
    let version = row.version;
    Ok(Reply::accepted(shown(app.db.read(), &scope, row).await?).tagged(version))
}

/// Get an import
///
/// With its first 100 errors. Ask again until `status` is `completed`, `failed` or `cancelled`; with `If-None-Match` that costs
/// nothing while nothing has changed. For example, `GET /v1/contacts/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "imports.get",
    tag = "Imports",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ImportId, Path)),
    responses((status = OK, description = "The import.", body = Import)),
)]
#[get("/contacts/imports/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<ImportId>) -> Result<Reply<Import>, Failure> {
    let row = imports::find(app.db.read(), &scope, Kind::Contacts, id).await?;
    let version = row.version;
    Ok(Reply::ok(shown(app.db.read(), &scope, row).await?).tagged(version))
}

/// Stop an import
///
/// The rows that are counted stay imported, with their groups; a batch of up to 4,000 rows that is being written is finished
/// first. No event tells of it. For example, `POST /v1/contacts/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/cancel`.
#[utoipa::path(
    operation_id = "imports.cancel",
    tag = "Imports",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ImportId, Path), Key),
    responses((status = OK, description = "The import, cancelled.", body = Import)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/contacts/imports/{id}/cancel")]
async fn cancel(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
    key: Key,
    _: NoBody,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let row = imports::cancel(tx, &scope, Kind::Contacts, id).await?;
        let version = row.version;
        Ok(Reply::ok(shown(tx, &scope, row).await?).tagged(version))
    })
    .await
}

/// List the refused rows of an import
///
/// In the order of the file, kept for 30 days after the import's end; `errors.csv` gives all at once. For example,
/// `GET /v1/contacts/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/errors?limit=200`.
#[utoipa::path(
    operation_id = "imports.errors",
    tag = "Imports",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ImportId, Path), ListImportErrors),
    responses((status = OK, description = "A page of refused rows.", body = Page<ImportError>)),
)]
#[get("/contacts/imports/{id}/errors")]
async fn errors(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
    Query(asked): Query<ListImportErrors>,
) -> Result<Reply<Page<ImportError>>, Failure> {
    let ListImportErrors { limit, after } = asked;
    let window = window(limit, after.as_deref())?;
    imports::find(app.db.read(), &scope, Kind::Contacts, id).await?;
    let rows = imports::errors(app.db.read(), &scope, id, window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &RowError| row.line)))
}

/// Follow an import
///
/// Server-sent events: `event: progress` with `{"done": 2000, "total": 10000}` whenever that changes, and at the end one
/// `event: completed`, `event: failed` or `event: cancelled` with the import. For example,
/// `curl -N …/v1/contacts/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/progress`.
#[utoipa::path(
    operation_id = "imports.progress",
    tag = "Imports",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ImportId, Path)),
    responses((status = OK, description = "The events.", body = String, content_type = "text/event-stream")),
)]
#[get("/contacts/imports/{id}/progress")]
async fn progress_stream(app: Data<App>, Auth(scope): Auth, Id(id): Id<ImportId>) -> Result<HttpResponse, Failure> {
    imports::find(app.db.read(), &scope, Kind::Contacts, id).await?;
    Ok(progress::stream(app, scope, id))
}
