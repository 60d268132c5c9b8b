//! The progress of a contact job.

use actix_web::{HttpResponse, get, web::Data};
use domain::{contact_jobs, ids::ContactJobId, scope::AccountScope};

use super::{ContactJob, shapes::ContactJobProgress};
use crate::{
    App,
    shared::{
        auth::Auth,
        path::Id,
        problem::Failure,
        progress::{self, Event, Seen},
    },
};

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
pub(super) async fn progress_stream(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactJobId>,
) -> Result<HttpResponse, Failure> {
    contact_jobs::get(app.db.read(), &scope, id).await?;
    Ok(progress::stream(move || look(app.clone(), scope.clone(), id)))
}

async fn look(app: Data<App>, scope: AccountScope, id: ContactJobId) -> domain::Result<Seen<ContactJobProgress>> {
    let job = contact_jobs::get(app.db.read(), &scope, id).await?;
    let progress = ContactJobProgress { done: job.done, total: job.total };
    let name = job.status.is_final().then(|| job.status.as_str());
    Ok(Seen { progress, last: name.map(|name| Event::new(name, &ContactJob::from(job))) })
}
