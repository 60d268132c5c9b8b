//! A contact job's progress as server-sent events, in the form of those of imports: the row is looked at twice a second,
//! so it does not matter which process works on it.

use std::time::Duration;

use actix_web::{
    HttpResponse, get,
    web::{Bytes, Data},
};
use domain::{
    contact_jobs::{self, Job},
    ids::ContactJobId,
    scope::AccountScope,
};
use futures_util::{Stream, stream::unfold};
use serde::Serialize;

use super::ContactJob;
use crate::{
    App,
    shared::{auth::Auth, path::Id, problem::Failure},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Looks without news after which a comment keeps the connection open.
const QUIET: u32 = 30;

/// Follow a contact job
///
/// Server-sent events: `event: progress` with `{"done": 2000, "total": 10000}` whenever that changes, and at the end one
/// `event: completed`, `event: failed` or `event: cancelled` with the job. For example,
/// `curl -N …/v1/contact-jobs/cjb_01kazsw6e3f8e9xq2m4r7t5v0b/progress`.
#[utoipa::path(
    operation_id = "contact_jobs.progress",
    tag = "Contact jobs",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ContactJobId, Path)),
    responses((status = OK, description = "The events.", body = String, content_type = "text/event-stream")),
)]
#[get("/contact-jobs/{id}/progress")]
pub(super) async fn progress(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactJobId>,
) -> Result<HttpResponse, Failure> {
    contact_jobs::get(app.db.read(), &scope, id).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        // proxies that collect answers would hold the events back
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events(app, scope, id)))
}

/// What the client has been told.
#[derive(Default)]
struct Told {
    last: Option<(i64, Option<i64>)>,
    quiet: u32,
    over: bool,
}

/// The events until the job has ended or cannot be read.
fn events(
    app: Data<App>,
    scope: AccountScope,
    id: ContactJobId,
) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    unfold(Told::default(), move |mut told| {
        let (app, scope) = (app.clone(), scope.clone());
        async move {
            loop {
                if told.over {
                    return None;
                }
                if told.last.is_some() {
                    tokio::time::sleep(PAUSE).await;
                }
                match contact_jobs::get(app.db.read(), &scope, id).await {
                    Ok(job) => {
                        if let Some(news) = told.news(job) {
                            return Some((Ok(news), told));
                        }
                    }
                    Err(error) => {
                        // The client connects again and goes on from the row.
                        tracing::warn!(%error, "a progress stream ended early");
                        return None;
                    }
                }
            }
        }
    })
}

impl Told {
    /// What there is to tell of the job as it stands now.
    fn news(&mut self, job: Job) -> Option<Bytes> {
        let now = (job.done, job.total);
        let mut text = String::new();
        if self.last != Some(now) {
            self.last = Some(now);
            self.quiet = 0;
            text.push_str(&event("progress", &super::shapes::ContactJobProgress { done: job.done, total: job.total }));
        } else {
            self.quiet += 1;
            if self.quiet.is_multiple_of(QUIET) {
                text.push_str(": still here\n\n");
            }
        }
        if job.status.is_final() {
            self.over = true;
            let name = job.status.as_str();
            text.push_str(&event(name, &ContactJob::from(job)));
        }
        (!text.is_empty()).then(|| Bytes::from(text))
    }
}

fn event(name: &str, data: &impl Serialize) -> String {
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned()))
}
