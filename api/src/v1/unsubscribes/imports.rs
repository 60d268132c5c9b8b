//! `/v1/unsubscribes/imports`: unsubscribes from a file, in the background, by the machinery of [`crate::v1::imports`].

use actix_web::{HttpRequest, HttpResponse, get, post, web::Data, web::Payload};
use domain::{
    db::Window,
    ids::ImportId,
    imports::{self, Import as Row, Kind, RowError},
    jobs::Queue,
    scope::AccountScope,
};
use sea_orm::ConnectionTrait;

use super::shapes::{UnsubscribeImport, UnsubscribeImportSummary, UnsubscribeUpload};
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
    v1::imports::{
        ImportError, ImportPreview, ListImportErrors, ListImports, SHOWN_ERRORS, download, progress, upload,
    },
};

/// An import as it is shown: with its first errors.
pub(in crate::v1) async fn shown(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    row: Row,
) -> domain::Result<UnsubscribeImport> {
    let first = Window { limit: SHOWN_ERRORS, after: None };
    let (refused, _) = imports::errors(conn, scope, row.id, first).await?;
    Ok(UnsubscribeImport::new(row, refused))
}

/// List imports of unsubscribes
///
/// Oldest first, without their errors. For example, `GET /v1/unsubscribes/imports?limit=20`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.list",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:read"])),
    params(ListImports),
    responses((status = OK, description = "A page of imports.", body = Page<UnsubscribeImportSummary>)),
)]
#[get("/unsubscribes/imports")]
pub(super) async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListImports>,
) -> Result<Reply<Page<UnsubscribeImportSummary>>, Failure> {
    let ListImports { limit, after } = asked;
    let window = window(limit, after.as_deref())?;
    let (rows, more) = imports::list(app.db.read(), &scope, Kind::Unsubscribes, window).await?;
    let rows = rows.into_iter().map(UnsubscribeImportSummary::new).collect();
    Ok(Reply::ok(Page::new((rows, more), |row: &UnsubscribeImportSummary| row.id)))
}

/// Import unsubscribes
///
/// Send a file as `multipart/form-data`: CSV or TXT in any common encoding and separator, XLSX or XLS; at most 64 MiB and a
/// million rows. `sender` is what all the numbers want nothing from, or a column of the file says it row by row; `reason`
/// likewise says why. The table of an export of unsubscribes can be imported as it is: `phone`, `sender` and `reason` are
/// taken, the source becomes `import`, and the moment that of the import. What can be refused at once is refused now, with
/// nothing done; else follow the import at its own address or its `/progress`. A pair that is there keeps its reason and
/// source, so a file imported again changes nothing more, and a lost answer does no harm. With curl:
/// `curl -F file=@optouts.csv -F sender=CARILLON …/v1/unsubscribes/imports`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.create",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:write"])),
    request_body(content = UnsubscribeUpload, content_type = "multipart/form-data", description = "The file and how to read it."),
    responses((status = ACCEPTED, description = "The import, queued.", body = UnsubscribeImport)),
    extensions(("x-errors" = json!(["file_refused", "not_found", "unknown_column", "unknown_field"]))),
)]
#[post("/unsubscribes/imports")]
pub(super) async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    req: HttpRequest,
    payload: Payload,
) -> Result<Reply<UnsubscribeImport>, Failure> {
    let received = upload::receive(&req, payload, Kind::Unsubscribes).await?;
    let row = imports::create(&app.db, &scope, Kind::Unsubscribes, received.upload(), received.order.clone()).await?;
    app.wake.nudge(Queue::ContactsImport);
    let version = row.version;
    Ok(Reply::accepted(shown(app.db.read(), &scope, row).await?).tagged(version))
}

/// Preview an import of unsubscribes
///
/// Takes the same form as the import and imports nothing: it tells the format, the encoding, the separator and the titles
/// that were found, which of `phone`, `sender` and `reason` each column probably feeds (by its title, else by what stands in
/// it), and the first 20 rows with what their numbers read as and what is wrong with number or sender. What would refuse the import is refused here. To send a large file only
/// once, store it with `POST /v1/files` and send its `file_id` here and to the import. With curl:
/// `curl -F file=@optouts.csv -F sender=CARILLON …/v1/unsubscribes/imports/preview`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.preview",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:write"])),
    request_body(content = UnsubscribeUpload, content_type = "multipart/form-data", description = "The file and how to read it."),
    responses((status = OK, description = "What an import would make of it.", body = ImportPreview)),
    extensions(("x-errors" = json!(["file_refused", "not_found", "unknown_column", "unknown_field"]))),
)]
#[post("/unsubscribes/imports/preview")]
pub(super) async fn preview(
    app: Data<App>,
    Auth(scope): Auth,
    req: HttpRequest,
    payload: Payload,
) -> Result<Reply<ImportPreview>, Failure> {
    let received = upload::receive(&req, payload, Kind::Unsubscribes).await?;
    let seen = imports::preview(&app.db, &scope, Kind::Unsubscribes, received.upload(), received.order.clone()).await?;
    Ok(Reply::ok(seen.into()))
}

/// Get an import of unsubscribes
///
/// With its first 100 errors. Ask again until `status` is `completed`, `failed` or `cancelled`; with `If-None-Match` that costs
/// nothing while nothing has changed. For example, `GET /v1/unsubscribes/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.get",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:read"])),
    params(("id" = ImportId, Path)),
    responses((status = OK, description = "The import.", body = UnsubscribeImport)),
)]
#[get("/unsubscribes/imports/{id}")]
pub(super) async fn get(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
) -> Result<Reply<UnsubscribeImport>, Failure> {
    let row = imports::find(app.db.read(), &scope, Kind::Unsubscribes, id).await?;
    let version = row.version;
    Ok(Reply::ok(shown(app.db.read(), &scope, row).await?).tagged(version))
}

/// Stop an import of unsubscribes
///
/// The numbers that are counted stay unsubscribed; a batch of up to 4,000 rows that is being written is finished first.
/// No event tells of it. For example, `POST /v1/unsubscribes/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/cancel`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.cancel",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:write"])),
    params(("id" = ImportId, Path), Key),
    responses((status = OK, description = "The import, cancelled.", body = UnsubscribeImport)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/unsubscribes/imports/{id}/cancel")]
pub(super) async fn cancel(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
    key: Key,
    _: NoBody,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let row = imports::cancel(tx, &scope, Kind::Unsubscribes, id).await?;
        let version = row.version;
        Ok(Reply::ok(shown(tx, &scope, row).await?).tagged(version))
    })
    .await
}

/// List the refused rows of an import of unsubscribes
///
/// In the order of the file, kept for 30 days after the import's end; `errors.csv` gives all at once. For example,
/// `GET /v1/unsubscribes/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/errors?limit=200`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.errors",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:read"])),
    params(("id" = ImportId, Path), ListImportErrors),
    responses((status = OK, description = "A page of refused rows.", body = Page<ImportError>)),
)]
#[get("/unsubscribes/imports/{id}/errors")]
pub(super) async fn errors(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
    Query(asked): Query<ListImportErrors>,
) -> Result<Reply<Page<ImportError>>, Failure> {
    let ListImportErrors { limit, after } = asked;
    let window = window(limit, after.as_deref())?;
    imports::find(app.db.read(), &scope, Kind::Unsubscribes, id).await?;
    let rows = imports::errors(app.db.read(), &scope, id, window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &RowError| row.line)))
}

/// Download the refused rows of an import of unsubscribes
///
/// All of them as CSV (UTF-8 with a byte order mark, commas), in the order of the file: its line, the column of the file,
/// the field, a stable code, a sentence, and what stood there (at most 100 characters; text that a spreadsheet would take
/// for a formula has an apostrophe before it). Kept for 30 days after the import's end. For example,
/// `curl -O …/v1/unsubscribes/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/errors.csv`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.errors_csv",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:read"])),
    params(("id" = ImportId, Path)),
    responses((status = OK, description = "The refused rows.", body = String, content_type = "text/csv")),
)]
#[get("/unsubscribes/imports/{id}/errors.csv")]
pub(super) async fn errors_csv(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
) -> Result<HttpResponse, Failure> {
    let import = imports::find(app.db.read(), &scope, Kind::Unsubscribes, id).await?;
    Ok(download::stream(app, scope, import))
}

/// Follow an import of unsubscribes
///
/// Server-sent events: `event: progress` with `{"done": 2000, "total": 10000}` whenever that changes, and at the end one
/// `event: completed`, `event: failed` or `event: cancelled` with the import. For example,
/// `curl -N …/v1/unsubscribes/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/progress`.
#[utoipa::path(
    operation_id = "unsubscribe_imports.progress",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:read"])),
    params(("id" = ImportId, Path)),
    responses((status = OK, description = "The events.", body = String, content_type = "text/event-stream")),
)]
#[get("/unsubscribes/imports/{id}/progress")]
pub(super) async fn progress_stream(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
) -> Result<HttpResponse, Failure> {
    imports::find(app.db.read(), &scope, Kind::Unsubscribes, id).await?;
    Ok(progress::stream(app, scope, id))
}
