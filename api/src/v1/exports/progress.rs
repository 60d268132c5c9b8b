//! The progress of an export.

use actix_web::{HttpResponse, get, web::Data};
use domain::{
    exports::{self, ExportStatus},
    ids::ExportId,
    scope::AccountScope,
};

use super::{ExportProgress, shown};
use crate::{
    App,
    shared::{
        auth::Auth,
        path::Id,
        problem::Failure,
        progress::{self, Event, Seen},
    },
};

/// Follow an export
///
/// Server-sent events: `event: progress` with `{"done": 2000, "total": 10000}` whenever that changes, and at the end one
/// `event: completed` or `event: failed` with the export. For example,
/// `curl -N …/v1/exports/exp_01kazsw6e3f8e9xq2m4r7t5v0b/progress`.
#[utoipa::path(
    operation_id = "exports.progress",
    tag = "Exports",
    security(("bearer" = ["exports:read"])),
    params(("id" = ExportId, Path)),
    responses((status = OK, description = "The events.", body = String, content_type = "text/event-stream")),
)]
#[get("/exports/{id}/progress")]
pub(super) async fn progress_stream(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ExportId>,
) -> Result<HttpResponse, Failure> {
    exports::get(app.db.read(), &scope, id).await?;
    Ok(progress::stream(move || look(app.clone(), scope.clone(), id)))
}

async fn look(app: Data<App>, scope: AccountScope, id: ExportId) -> domain::Result<Seen<ExportProgress>> {
    let row = exports::get(app.db.read(), &scope, id).await?;
    let progress = ExportProgress { done: row.done, total: row.total };
    let over = matches!(row.status, ExportStatus::Completed | ExportStatus::Failed);
    let last = if over { Some(Event::new(row.status.as_str(), &shown(&app, row)?)) } else { None };
    Ok(Seen { progress, last })
}
