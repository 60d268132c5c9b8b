//! What is done with a campaign once it is written: launch, pause, resume, cancel, copy, resend.

use actix_web::{post, web::Data};
use domain::{
    campaigns::{self, Counts},
    ids::CampaignId,
    jobs::Queue,
};

use super::{
    shapes::{Campaign, Resend},
    shown,
};
use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::{KEEP_MONEY, Key, RequiredKey},
        json::Json,
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// Launch a campaign
///
/// Sends a draft, now or at its `send_at`. What is cheap to know is refused at once: an unknown marker, a sender that
/// is not approved, nobody to send to, allowed hours that all lie in the account's quiet hours, too little money for the
/// first thousand. The answer is the campaign as launched;
/// poll `GET /v1/campaigns/{id}`. A launch whose money does not suffice ends as `failed`, with nothing sent and nothing
/// held. For example, `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/launch` with an `Idempotency-Key`.
#[utoipa::path(
    operation_id = "campaigns.launch",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:write"])),
    params(("id" = CampaignId, Path), RequiredKey),
    responses((status = ACCEPTED, description = "It is on its way.", body = Campaign)),
    extensions(("x-errors" = json!([
        "account_suspended", "campaign_not_draft", "conflict", "country_not_enabled", "empty_audience", "empty_text", "insufficient_funds", "limit_reached", "never_open",
        "no_rate", "no_route", "sender_not_approved", "text_too_long", "unknown_marker"
    ])), ("x-new" = json!({"status": "preparing", "messages": {}, "progress": {"done": 0, "total": 0}, "cost": {"amount": "0.000000", "currency": "EUR"}, "started_at": null, "finished_at": null}))),
)]
#[post("/campaigns/{id}/launch")]
pub(super) async fn launch(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
    RequiredKey(key): RequiredKey,
) -> Result<Answer, Failure> {
    let answer = key
        .kept(KEEP_MONEY)
        .run(&app, &scope, async |tx| {
            let row = campaigns::launch(tx, &scope, id).await?;
            Ok(Reply::accepted(Campaign::from((row, Counts::default()))))
        })
        .await?;
    app.wake.nudge(Queue::CampaignsPrepare);
    Ok(answer)
}

/// The handlers that only move a campaign to another state.
macro_rules! step {
    ($name:ident, $path:literal, $id:literal, $verb:path, $answer:literal, $(#[doc = $doc:literal])+) => {
        $(#[doc = $doc])+
        #[utoipa::path(
            operation_id = $id,
            tag = "Campaigns",
            security(("bearer" = ["campaigns:write"])),
            params(("id" = CampaignId, Path), Key),
            responses((status = OK, description = $answer, body = Campaign)),
            extensions(("x-errors" = json!(["conflict"]))),
        )]
        #[post($path)]
        pub(super) async fn $name(app: Data<App>, Auth(scope): Auth, Id(id): Id<CampaignId>, key: Key) -> Result<Answer, Failure> {
            let answer = key
                .run(&app, &scope, async |tx| {
                    let row = $verb(tx, &scope, id).await?;
                    shown(tx, &scope, row).await
                })
                .await?;
            app.wake.nudge(Queue::MessagesDeliver);
            Ok(answer)
        }
    };
}

step!(pause, "/campaigns/{id}/pause", "campaigns.pause", campaigns::pause, "The paused campaign.",
    /// Pause a campaign
    ///
    /// No further message is handed to the carrier; at most one window that was being handed over still goes out. The
    /// money stays held. For example, `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/pause`.
);
step!(resume, "/campaigns/{id}/resume", "campaigns.resume", campaigns::resume, "The campaign, sending again.",
    /// Resume a campaign
    ///
    /// Goes on where the pause stopped; nobody is sent to twice. For example,
    /// `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/resume`.
);
step!(cancel, "/campaigns/{id}/cancel", "campaigns.cancel", campaigns::cancel, "The cancelled campaign.",
    /// Cancel a campaign
    ///
    /// What has not left ends as `cancelled` and its money is released within moments; what has left stays charged. For
    /// example, `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/cancel`.
);

/// Copy a campaign
///
/// A new draft with the same content: change it, or launch it to repeat the campaign. For example,
/// `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/copy`.
#[utoipa::path(
    operation_id = "campaigns.copy",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:write"])),
    params(("id" = CampaignId, Path), Key),
    responses((status = CREATED, description = "The new draft.", body = Campaign)),
    extensions(("x-errors" = json!(["invalid_sender", "invalid_template", "unknown_marker"])), ("x-new" = json!({"status": "draft", "messages": {}, "progress": {"done": 0, "total": 0}, "cost": null, "launched_at": null, "started_at": null, "finished_at": null, "copied_from": "cmp_01kazsw6e3f8e9xq2m4r7t5v0a"}))),
)]
#[post("/campaigns/{id}/copy")]
pub(super) async fn copy(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
    key: Key,
) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        let row = campaigns::copy(tx, &scope, id).await?;
        let version = row.version;
        Ok(Reply::created(Campaign::from((row, Counts::default()))).tagged(version))
    })
    .await
}

/// Draft a resend
///
/// A new draft to those whom the campaign did not reach: its contacts go into a hidden group made for it. Launch it
/// like any draft. For example, `{"statuses": ["undelivered", "expired"]}`.
#[utoipa::path(
    operation_id = "campaigns.resend",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:write"])),
    params(("id" = CampaignId, Path), Key),
    responses((status = CREATED, description = "The new draft.", body = Campaign)),
    extensions(("x-errors" = json!(["conflict", "empty_audience", "invalid_sender", "invalid_template", "unknown_marker"])), ("x-new" = json!({"status": "draft", "messages": {}, "progress": {"done": 0, "total": 0}, "cost": null, "launched_at": null, "started_at": null, "finished_at": null, "copied_from": "cmp_01kazsw6e3f8e9xq2m4r7t5v0a"}))),
)]
#[post("/campaigns/{id}/resend")]
pub(super) async fn resend(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
    key: Key,
    Json(asked): Json<Resend>,
) -> Result<Answer, Failure> {
    let Resend { statuses } = asked;
    key.run(&app, &scope, async |tx| {
        let row = campaigns::resend(tx, &scope, id, &statuses).await?;
        let version = row.version;
        Ok(Reply::created(Campaign::from((row, Counts::default()))).tagged(version))
    })
    .await
}
