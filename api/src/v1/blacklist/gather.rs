//! Many numbers at once: the members of a group, the recipients of a campaign.

use actix_web::{post, web::Data};
use domain::{
    campaigns,
    contact_jobs::{self, Action, JobStatus, Order, Selection},
    groups,
    ids::{CampaignId, GroupId},
    jobs::Queue,
    messages::Status,
    scope::AccountScope,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App,
    shared::{
        auth::Auth,
        json::Json,
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
    v1::contact_jobs::ContactJob,
};

/// Why the members of a group are put on the blacklist.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "left the club"}))]
pub struct BlacklistGroup {
    /// Why, at most 500 characters; kept with each number.
    pub reason: Option<String>,
}

/// Which recipients of a campaign are put on the blacklist, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"statuses": ["undelivered", "rejected"], "reason": "not reached in November"}))]
pub struct BlacklistCampaign {
    /// The states in which their messages ended, at least one, all of them final.
    pub statuses: Vec<Status>,
    /// Why, at most 500 characters; kept with each number.
    pub reason: Option<String>,
}

/// What became of the numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"added": 974, "present": 1}))]
pub struct BlacklistAdded {
    /// Numbers that are new on the blacklist.
    pub added: u64,
    /// Numbers that were there already; they keep their reason and source.
    pub present: u64,
}

/// Numbers that are put on the list within the request, before the rest becomes a job.
const STEPS: usize = 6; // of 2,000 numbers; the last finds that there are no more

/// Runs a job as far as a request may take, and answers as it stands then.
async fn answer(app: &App, scope: &AccountScope, order: Order) -> Result<Answer, Failure> {
    let tx = app.db.begin().await?;
    let job = contact_jobs::create(&tx, scope, order).await?;
    tx.commit().await?;
    let job = contact_jobs::run_briefly(&app.db, scope, job.id, STEPS).await?;
    let version = job.version;
    if job.status == JobStatus::Completed {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let done =
            BlacklistAdded { added: count(job.changed), present: count(job.matched.saturating_sub(job.changed)) };
        return Ok(Reply::ok(done).render()?.0);
    }
    app.wake.nudge(Queue::ContactJobs);
    Ok(Reply::accepted(ContactJob::from(job)).tagged(version).render()?.0)
}

/// Put a group on the blacklist
///
/// Every member that the group has now, of any number; who joins later is not listed (make the group a stop list for
/// that). Up to 10,000 members are listed before the answer, which is 200 then; for more it is 202 with a job that lists
/// the rest, to be followed at `GET /v1/contact-jobs/{id}`: `matched` are the numbers, `changed` those that are new on the
/// list. Done again it adds only what is missing, so a lost answer does no harm. For example,
/// `POST /v1/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b/blacklist` with `{"reason": "left the club"}`.
#[utoipa::path(
    operation_id = "blacklist.add_group",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:write"])),
    params(("id" = GroupId, Path)),
    responses(
        (status = OK, description = "How many are new on the list, and how many were there.", body = BlacklistAdded),
        (status = ACCEPTED, description = "The job that goes on with it.", body = ContactJob),
    ),
    extensions(("x-new" = json!({"status": "running", "progress": {"done": 12000, "total": 48000}, "result": {"matched": 12000, "changed": 11998}, "finished_at": null, "action": "blacklist", "reason": "left the club", "select": {"campaign": null, "contact_ids": null, "duplicates": null, "filter": null, "group": {"group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}, "undelivered": null}}))),
)]
#[post("/groups/{id}/blacklist")]
pub(super) async fn add_group(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<GroupId>,
    Json(asked): Json<BlacklistGroup>,
) -> Result<Answer, Failure> {
    let BlacklistGroup { reason } = asked;
    groups::get(app.db.read(), &scope, id).await?;
    let selection = Selection::Group { group_id: id, only_here: false };
    let action = Some(Action::Blacklist { reason });
    answer(&app, &scope, Order { selection, action, dry_run: false, pointers: ("", "") }).await
}

/// Put recipients of a campaign on the blacklist
///
/// Those whose message has ended in one of `statuses`: numbers that are dead or refuse are then not paid for again. For
/// a campaign that is still on its way, those that have ended so far. Of up to 10,000 recipients the answer is 200, of
/// more 202 with a job, and it is safely done again, as for a group. For example,
/// `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/blacklist` with the body below.
#[utoipa::path(
    operation_id = "blacklist.add_campaign",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:write"])),
    params(("id" = CampaignId, Path)),
    responses(
        (status = OK, description = "How many are new on the list, and how many were there.", body = BlacklistAdded),
        (status = ACCEPTED, description = "The job that goes on with it.", body = ContactJob),
    ),
    extensions(("x-new" = json!({"status": "running", "progress": {"done": 12000, "total": 48000}, "result": {"matched": 12000, "changed": 11998}, "finished_at": null, "action": "blacklist", "reason": "left the club", "select": {"campaign": {"campaign_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b", "statuses": ["undelivered", "rejected"]}, "contact_ids": null, "duplicates": null, "filter": null, "group": null, "undelivered": null}}))),
)]
#[post("/campaigns/{id}/blacklist")]
pub(super) async fn add_campaign(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
    Json(asked): Json<BlacklistCampaign>,
) -> Result<Answer, Failure> {
    let BlacklistCampaign { statuses, reason } = asked;
    campaigns::get(app.db.read(), &scope, id).await?;
    let selection = Selection::Campaign { campaign_id: id, statuses };
    let action = Some(Action::Blacklist { reason });
    answer(&app, &scope, Order { selection, action, dry_run: false, pointers: ("", "") }).await
}
