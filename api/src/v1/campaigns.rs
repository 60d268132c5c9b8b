//! `/v1/campaigns`: one text to an audience, from draft to report.

mod estimate;
mod shapes;
mod steps;

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    campaigns::{self, Campaign as Row, Content, Counts, Filter, Status},
    clock::Timestamp,
    db::{Window, expect_version},
    ids::CampaignId,
    scope::AccountScope,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use estimate::{CountryEstimate, Estimate, SkippedCount};
pub use shapes::{Campaign, CampaignError, CampaignPatch, NewCampaign, Progress, Resend};

use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
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
    config.service(list).service(create).service(get).service(update).service(delete);
    config
        .service(estimate::estimate)
        .service(steps::launch)
        .service(steps::pause)
        .service(steps::resume)
        .service(steps::cancel)
        .service(steps::copy)
        .service(steps::resend);
}

/// Which campaigns to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListCampaigns {
    /// Only those in this state.
    pub status: Option<Status>,
    /// Only those whose name has this text.
    pub name_contains: Option<String>,
    /// Only the one with your own id.
    pub external_id: Option<String>,
    /// Only those made at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only those made before this time.
    pub created_to: Option<Timestamp>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

async fn shown(
    conn: &impl sea_orm::ConnectionTrait,
    scope: &AccountScope,
    row: Row,
) -> domain::Result<Reply<Campaign>> {
    let version = row.version;
    let mut counts = campaigns::counts_of(conn, scope, std::slice::from_ref(&row)).await?;
    let counts = counts.remove(&row.id).unwrap_or_default();
    Ok(Reply::ok(Campaign::from((row, counts))).tagged(version))
}

/// List campaigns
///
/// Newest first, each with its messages by status and what it cost. For example,
/// `GET /v1/campaigns?status=sending` shows what is on its way.
#[utoipa::path(
    operation_id = "campaigns.list",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:read"])),
    params(ListCampaigns),
    responses((status = OK, description = "A page of campaigns.", body = Page<Campaign>)),
)]
#[get("/campaigns")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListCampaigns>,
) -> Result<Reply<Page<Campaign>>, Failure> {
    let ListCampaigns { status, name_contains, external_id, created_from, created_to, limit, after } = asked;
    let Window { limit, after } = window(limit, after.as_deref())?;
    let filter = Filter { status, name_contains, external_id, created_from, created_to, after };
    let (rows, more) = campaigns::list(app.db.read(), &scope, &filter, limit).await?;
    let mut counts = campaigns::counts_of(app.db.read(), &scope, &rows).await?;
    let rows: Vec<_> =
        rows.into_iter().map(|row| (counts.remove(&row.id).unwrap_or_default(), row)).map(|(c, r)| (r, c)).collect();
    Ok(Reply::ok(Page::new((rows, more), |(row, _): &(Row, Counts)| row.id)))
}

/// Create a campaign
///
/// Makes a draft: nothing is sent and nothing charged until it is launched. Give `template_id` or `text`, not both. For
/// example, the body below sends a template to the members of a group.
#[utoipa::path(
    operation_id = "campaigns.create",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:write"])),
    params(Key),
    responses((status = CREATED, description = "The draft.", body = Campaign)),
    extensions(("x-errors" = json!(["invalid_sender", "invalid_template", "unknown_marker"])), ("x-new" = json!({"status": "draft", "messages": {}, "progress": {"done": 0, "total": 0}, "cost": null, "launched_at": null, "started_at": null, "finished_at": null}))),
)]
#[post("/campaigns")]
async fn create(app: Data<App>, Auth(scope): Auth, key: Key, Json(new): Json<NewCampaign>) -> Result<Answer, Failure> {
    let NewCampaign {
        name,
        description,
        sender,
        template_id,
        text,
        split_mode,
        audience,
        send_at,
        validity_seconds,
        pacing,
        external_id,
        metadata,
    } = new;
    let metadata = super::metadata(metadata)?;
    let content = Content {
        name,
        description,
        sender,
        template_id,
        text,
        split_mode,
        audience,
        send_at,
        validity_seconds,
        pacing: pacing.unwrap_or_default(),
        external_id,
        metadata,
    };
    key.run(&app, &scope, async |tx| {
        let row = campaigns::create(tx, &scope, &content, None).await?;
        let version = row.version;
        Ok(Reply::created(Campaign::from((row, Counts::default()))).tagged(version))
    })
    .await
}

/// Get a campaign
///
/// With its messages by status and what it cost so far: poll this after a launch until `status` is `completed`. For
/// example, `GET /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "campaigns.get",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:read"])),
    params(("id" = CampaignId, Path)),
    responses((status = OK, description = "The campaign.", body = Campaign)),
)]
#[get("/campaigns/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<CampaignId>) -> Result<Reply<Campaign>, Failure> {
    let row = campaigns::get(app.db.read(), &scope, id).await?;
    Ok(shown(app.db.read(), &scope, row).await?)
}

/// Change a campaign
///
/// A draft can be changed freely. A scheduled campaign will spend money, so a change of it needs `If-Match` with the
/// `ETag` you read. For example, `{"send_at": "2026-11-28T09:00:00Z"}` moves the start.
#[utoipa::path(
    operation_id = "campaigns.update",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:write"])),
    params(("id" = CampaignId, Path), IfMatch),
    responses((status = OK, description = "The campaign as it is now.", body = Campaign)),
    extensions(("x-errors" = json!(["campaign_not_draft", "invalid_sender", "invalid_template", "unknown_marker", "version_required"]))),
)]
#[patch("/campaigns/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
    if_match: IfMatch,
    Json(patch): Json<CampaignPatch>,
) -> Result<Reply<Campaign>, Failure> {
    let CampaignPatch {
        name,
        description,
        sender,
        template_id,
        text,
        split_mode,
        audience,
        send_at,
        validity_seconds,
        pacing,
        external_id,
        metadata,
    } = patch;
    let metadata = metadata.map(super::metadata).transpose()?;
    let tx = app.db.begin().await?;
    let row = campaigns::lock(&tx, &scope, id).await?;
    if row.status == Status::Scheduled {
        if_match.required()?;
    }
    expect_version(row.version, if_match.0)?;
    let content = Content {
        name: name.unwrap_or_else(|| row.name.clone()),
        description: description.unwrap_or_else(|| row.description.clone()),
        sender: sender.unwrap_or_else(|| row.sender.clone()),
        template_id: template_id.unwrap_or(row.template_id),
        text: text.unwrap_or_else(|| row.text.clone()),
        split_mode: split_mode
            .unwrap_or_else(|| serde_json::from_value(row.split_mode.clone().into()).unwrap_or_default()),
        audience: audience.map_or_else(|| row.audience(), Ok)?,
        send_at: send_at.unwrap_or(row.send_at),
        validity_seconds: validity_seconds.unwrap_or(row.validity_seconds),
        pacing: pacing.map_or_else(|| row.pacing(), |pacing| Ok(pacing.unwrap_or_default()))?,
        external_id: external_id.unwrap_or_else(|| row.external_id.clone()),
        metadata: metadata.unwrap_or_else(|| row.metadata.clone()),
    };
    let row = campaigns::update(&tx, &scope, &row, &content).await?;
    let reply = shown(&tx, &scope, row).await?;
    tx.commit().await?;
    Ok(reply)
}

/// Delete a draft
///
/// Only a draft: what was launched keeps its messages and charges. For example,
/// `DELETE /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "campaigns.delete",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:write"])),
    params(("id" = CampaignId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
    extensions(("x-errors" = json!(["campaign_not_draft"]))),
)]
#[delete("/campaigns/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    let row = campaigns::lock(&tx, &scope, id).await?;
    expect_version(row.version, expected)?;
    campaigns::delete(&tx, &scope, &row).await?;
    tx.commit().await?;
    Ok(NoContent)
}
