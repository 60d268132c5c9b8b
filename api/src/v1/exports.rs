//! `/v1/exports`: contacts, the blacklist and unsubscribes as tables for spreadsheets, made in the background.

mod download;
mod progress;
mod shapes;

use actix_web::{delete, get, post, web::Data};
use domain::{
    exports::{self, Export as Row},
    ids::ExportId,
    jobs::Queue,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use download::ExportFile;
pub use shapes::{Export, ExportDownload, ExportFailure, ExportProgress, NewExport};

use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        json::Json,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(progress::progress_stream);
    config.service(download::download).service(get).service(delete);
}

/// Which exports to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListExports {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// An export as it is shown: with the address of its file, while there is one.
fn shown(app: &App, row: Row) -> domain::Result<Export> {
    let address = row.address(&app.config.keys, app.clock.now())?;
    Ok(Export::new(row, address))
}

/// List exports
///
/// Oldest first, those of the last 30 days. For example, `GET /v1/exports?limit=20`.
#[utoipa::path(
    operation_id = "exports.list",
    tag = "Exports",
    security(("bearer" = ["exports:read"])),
    params(ListExports),
    responses((status = OK, description = "A page of exports.", body = Page<Export>)),
)]
#[get("/exports")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListExports>,
) -> Result<Reply<Page<Export>>, Failure> {
    let ListExports { limit, after } = asked;
    let (rows, more) = exports::list(app.db.read(), &scope, window(limit, after.as_deref())?).await?;
    let rows = rows.into_iter().map(|row| shown(&app, row)).collect::<domain::Result<Vec<Export>>>()?;
    Ok(Reply::ok(Page::new((rows, more), |row: &Export| row.id)))
}

/// Export contacts, the blacklist or unsubscribes
///
/// A job writes the table; ask for the export until `status` is `completed`, or follow its `/progress`, then fetch the file from `download.url`
/// within 24 hours. Contacts may be narrowed to groups or to ids, and come with the fields that are named, in that order.
/// A workbook has text as text, so `+447400123456` is shown as it is; in CSV (UTF-8 with a byte order mark, for
/// spreadsheets) text that would begin a formula, also a number with its plus, has an apostrophe before it, which an
/// import takes off again. At most 5 exports of an account wait or run at once. For example,
/// `{"kind": "contacts", "format": "xlsx", "fields": ["phone", "first_name", "fields.city"]}`.
#[utoipa::path(
    operation_id = "exports.create",
    tag = "Exports",
    security(("bearer" = ["exports:write"])),
    params(Key),
    responses((status = ACCEPTED, description = "The export, queued.", body = Export)),
    extensions(("x-errors" = json!(["limit_reached"])), ("x-new" = json!({"status": "queued", "progress": {"done": 0, "total": null}, "bytes": null, "download": null, "started_at": null, "finished_at": null}))),
)]
#[post("/exports")]
async fn create(app: Data<App>, Auth(scope): Auth, key: Key, Json(new): Json<NewExport>) -> Result<Answer, Failure> {
    let order = new.into();
    let answer = key
        .run(&app, &scope, async |tx| {
            let row = exports::create(tx, &scope, order).await?;
            let version = row.version;
            Ok(Reply::accepted(shown(&app, row)?).tagged(version))
        })
        .await?;
    app.wake.nudge(Queue::ExportsRun);
    Ok(answer)
}

/// Get an export
///
/// With the address of its file when it is completed. Ask again until `status` is `completed` or `failed`; with
/// `If-None-Match` that costs nothing while nothing has changed. For example,
/// `GET /v1/exports/exp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "exports.get",
    tag = "Exports",
    security(("bearer" = ["exports:read"])),
    params(("id" = ExportId, Path)),
    responses((status = OK, description = "The export.", body = Export)),
)]
#[get("/exports/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<ExportId>) -> Result<Reply<Export>, Failure> {
    let row = exports::get(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(shown(&app, row)?).tagged(version))
}

/// Delete an export
///
/// Its file goes at once, and its address is of no use any more; one that runs is given up. For example,
/// `DELETE /v1/exports/exp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "exports.delete",
    tag = "Exports",
    security(("bearer" = ["exports:write"])),
    params(("id" = ExportId, Path)),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/exports/{id}")]
async fn delete(app: Data<App>, Auth(scope): Auth, Id(id): Id<ExportId>) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    exports::delete(&tx, &scope, id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
