//! `/v1/contact-jobs`: work on many contacts in the background: clean-ups, deleting by group, finding and merging
//! duplicates.

mod duplicates;
mod progress;
mod shapes;

use actix_web::{get, post, web::Data};
use domain::{
    Code, Error,
    contact_jobs::{self, Job, Order, Selection},
    ids::ContactJobId,
    jobs::{self, Queue},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub use duplicates::DuplicateSet;
pub use shapes::{ContactAction, ContactJob, NewContactJob};

use crate::{
    App,
    shared::{
        auth::{Auth, Granted},
        idempotency::Key,
        json::{Json, NoBody},
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(cancel)
        .service(list_duplicates)
        .service(progress::progress_stream);
}

/// Which contact jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListContactJobs {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// Which duplicates to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListDuplicateSets {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List contact jobs
///
/// Oldest first. For example, `GET /v1/contact-jobs?limit=20`.
#[utoipa::path(
    operation_id = "contact_jobs.list",
    tag = "Contact jobs",
    security(("bearer" = ["contacts:read"])),
    params(ListContactJobs),
    responses((status = OK, description = "A page of contact jobs.", body = Page<ContactJob>)),
)]
#[get("/contact-jobs")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListContactJobs>,
) -> Result<Reply<Page<ContactJob>>, Failure> {
    let ListContactJobs { limit, after } = asked;
    let window = window::<ContactJobId>(limit, after.as_deref())?;
    let rows = contact_jobs::list(app.db.read(), &scope, window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Job| row.id)))
}

/// Do something with many contacts
///
/// `select` says which, `action` what becomes of them; with `dry_run` they are only counted. Follow the job at its own
/// address, or its `/progress`, until `status` is `completed`, `failed` or `cancelled`. It goes in pieces, each done whole, and sending goes on
/// meanwhile. For example:
///
/// - numbers that are dead, first counted: `{"select": {"undelivered": {"last": 3}}, "action": "trash", "dry_run": true}`
/// - everybody who matches a filter (see `POST /v1/contacts/search`), out of a group: `{"select": {"filter": {"field":
///   "country", "equals": "FR"}}, "action": "remove_from_group", "group_id": "grp_…"}`
/// - who could not be reached by a campaign, into a group: `{"select": {"campaign": {"campaign_id": "cmp_…", "statuses":
///   ["undelivered"]}}, "action": "add_to_group", "group_id": "grp_…"}`
/// - out of one group into another, with the values that they have there only: `{"select": {"filter": {"field": "country",
///   "equals": "FR"}}, "action": "move_to_group", "from_group_id": "grp_…", "group_id": "grp_…"}`
/// - the members of a group that are in no other: `{"select": {"group": {"group_id": "grp_…", "only_here": true}},
///   "action": "trash"}`
/// - duplicates by e-mail, merged into the oldest: `{"select": {"duplicates": {"by": ["email"]}}, "action": "merge"}`;
///   with `"action": "trash"` all but the oldest go to the trash; with `group_id` or `filter` beside `by` only among those
///
/// The action `blacklist` also needs the scope `blacklist:write`.
#[utoipa::path(
    operation_id = "contact_jobs.create",
    tag = "Contact jobs",
    security(("bearer" = ["contacts:write"])),
    params(Key),
    responses((status = ACCEPTED, description = "The job, queued.", body = ContactJob)),
    extensions(("x-new" = json!({"status": "queued", "progress": {"done": 0, "total": null}, "result": {"matched": 0, "changed": 0}, "started_at": null, "finished_at": null}))),
)]
#[post("/contact-jobs")]
async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    Granted(granted): Granted,
    key: Key,
    Json(new): Json<NewContactJob>,
) -> Result<Answer, Failure> {
    if new.action == Some(ContactAction::Blacklist) && !granted.allow("blacklist:write") {
        return Err(Error::new(Code::ScopeMissing, "The token lacks the scope blacklist:write.").into());
    }
    let order = Order::try_from(new)?;
    let answer = key
        .run(&app, &scope, async |tx| {
            let job = contact_jobs::create(tx, &scope, order).await?;
            jobs::enqueue(tx, scope.clock().now(), Queue::ContactJobs, job.id.0).await?;
            let version = job.version;
            Ok(Reply::accepted(ContactJob::from(job)).tagged(version))
        })
        .await?;
    app.wake.nudge(Queue::ContactJobs);
    Ok(answer)
}

/// Get a contact job
///
/// With `If-None-Match` asking again costs nothing while nothing has changed. For example,
/// `GET /v1/contact-jobs/cjb_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "contact_jobs.get",
    tag = "Contact jobs",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ContactJobId, Path)),
    responses((status = OK, description = "The contact job.", body = ContactJob)),
)]
#[get("/contact-jobs/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<ContactJobId>) -> Result<Reply<ContactJob>, Failure> {
    let job = contact_jobs::get(app.db.read(), &scope, id).await?;
    let version = job.version;
    Ok(Reply::ok(ContactJob::from(job)).tagged(version))
}

/// Stop a contact job
///
/// What was done stays done. For example, `POST /v1/contact-jobs/cjb_01kazsw6e3f8e9xq2m4r7t5v0b/cancel`.
#[utoipa::path(
    operation_id = "contact_jobs.cancel",
    tag = "Contact jobs",
    security(("bearer" = ["contacts:write"])),
    params(("id" = ContactJobId, Path), Key),
    responses((status = OK, description = "The contact job, cancelled.", body = ContactJob)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/contact-jobs/{id}/cancel")]
async fn cancel(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactJobId>,
    key: Key,
    _: NoBody,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let job = contact_jobs::cancel(tx, &scope, id).await?;
        let version = job.version;
        Ok(Reply::ok(ContactJob::from(job)).tagged(version))
    })
    .await
}

/// List the duplicates that a job has found
///
/// The sets of a job that selects `duplicates`, when it has looked at all contacts; kept for seven days. A set of more
/// than 101 contacts is no person and is never merged. For example,
/// `GET /v1/contact-jobs/cjb_01kazsw6e3f8e9xq2m4r7t5v0b/duplicates?limit=200`.
#[utoipa::path(
    operation_id = "contact_jobs.duplicates",
    tag = "Contact jobs",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ContactJobId, Path), ListDuplicateSets),
    responses((status = OK, description = "A page of sets of duplicates.", body = Page<DuplicateSet>)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[get("/contact-jobs/{id}/duplicates")]
async fn list_duplicates(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ContactJobId>,
    Query(asked): Query<ListDuplicateSets>,
) -> Result<Reply<Page<DuplicateSet>>, Failure> {
    let ListDuplicateSets { limit, after } = asked;
    let window = window::<Uuid>(limit, after.as_deref())?;
    let job = contact_jobs::get(app.db.read(), &scope, id).await?;
    let by = match &job.selection {
        Selection::Duplicates { by, .. } => by.as_slice(),
        _ => &[],
    };
    let (rows, has_more) = contact_jobs::sets(app.db.read(), &scope, id, window).await?;
    let next_cursor = rows.last().filter(|_| has_more).map(|set| set.key.simple().to_string());
    let data = rows.into_iter().map(|set| DuplicateSet::new(set, by)).collect();
    Ok(Reply::ok(Page { data, has_more, next_cursor }))
}
