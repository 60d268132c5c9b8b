//! An export's progress as server-sent events, in the form of those of imports: the row is looked at twice a second, so it
//! does not matter which process runs the export.

use std::time::Duration;

use actix_web::{
    HttpResponse, get,
    web::{Bytes, Data},
};
use domain::{
    exports::{self, ExportStatus},
    ids::ExportId,
    scope::AccountScope,
};
use futures_util::{Stream, stream::unfold};

use super::{ExportProgress, shown};
use crate::{
    App,
    shared::{auth::Auth, path::Id, problem::Failure},
    v1::imports::progress::{event, streaming},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Looks without news after which a comment keeps the connection open.
const QUIET: u32 = 30;

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
pub(super) async fn progress(app: Data<App>, Auth(scope): Auth, Id(id): Id<ExportId>) -> Result<HttpResponse, Failure> {
    exports::get(app.db.read(), &scope, id).await?;
    Ok(streaming(events(app, scope, id)))
}

/// What the client has been told.
#[derive(Default)]
struct Told {
    last: Option<(i64, Option<i64>)>,
    quiet: u32,
    over: bool,
}

fn events(app: Data<App>, scope: AccountScope, id: ExportId) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    unfold(Told::default(), move |mut told| {
        let (app, scope) = (app.clone(), scope.clone());
        async move {
            while !told.over {
                if told.last.is_some() {
                    tokio::time::sleep(PAUSE).await;
                }
                match look(&app, &scope, id, &mut told).await {
                    Ok(Some(news)) => return Some((Ok(news), told)),
                    Ok(None) => {}
                    Err(error) => {
                        // The client connects again and goes on from the row.
                        tracing::warn!(%error, "a progress stream ended early");
                        return None;
                    }
                }
            }
            None
        }
    })
}

/// What is new, if anything is.
async fn look(app: &App, scope: &AccountScope, id: ExportId, told: &mut Told) -> domain::Result<Option<Bytes>> {
    let row = exports::get(app.db.read(), scope, id).await?;
    let now = (row.done, row.total);
    let mut news = Vec::new();
    if told.last != Some(now) {
        (told.last, told.quiet) = (Some(now), 0);
        news.extend_from_slice(&event("progress", &ExportProgress { done: row.done, total: row.total }));
    } else {
        told.quiet += 1;
        if told.quiet.is_multiple_of(QUIET) {
            news.extend_from_slice(b": still here\n\n");
        }
    }
    if matches!(row.status, ExportStatus::Completed | ExportStatus::Failed) {
        told.over = true;
        let name = row.status.as_str();
        news.extend_from_slice(&event(name, &shown(app, row)?));
    }
    Ok((!news.is_empty()).then(|| Bytes::from(news)))
}
