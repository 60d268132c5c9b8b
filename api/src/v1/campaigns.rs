//! `/v1/campaigns`: one text to an audience, from draft to report.

use std::collections::BTreeMap;

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    campaigns::{self, Audience, Campaign as Row, Content, Counts, Filter, Status},
    clock::Timestamp,
    db::{Window, expect_version},
    ids::{CampaignId, TemplateId},
    jobs::Queue,
    messages,
    money::{Currency, Micros, Money},
    scope::AccountScope,
    segments::SplitMode,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
        idempotency::{KEEP_MONEY, Key, RequiredKey},
        json::{Json, clearable, given},
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
        .service(estimate)
        .service(launch)
        .service(pause)
        .service(resume)
        .service(cancel)
        .service(copy)
        .service(resend);
}

/// A campaign: one text to an audience.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "November",
    "description": null,
    "status": "completed",
    "sender": "CARILLON",
    "template_id": "tpl_01kazsw6e3f8e9xq2m4r7t5v0b",
    "text": null,
    "split_mode": "udh",
    "audience": {"group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"], "contact_ids": [], "phones": [], "exclude_group_ids": []},
    "send_at": null,
    "messages": {"delivered": 974, "skipped": 1},
    "progress": {"done": 975, "total": 975},
    "cost": {"amount": "118.274000", "currency": "EUR"},
    "error": null,
    "copied_from": null,
    "external_id": null,
    "metadata": {},
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:09.000000Z",
    "launched_at": "2026-11-21T10:00:02.000000Z",
    "started_at": "2026-11-21T10:00:03.000000Z",
    "finished_at": "2026-11-21T10:00:09.000000Z"
}))]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What the account calls it.
    pub name: String,
    /// A note.
    pub description: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Whom recipients see.
    pub sender: String,
    /// The template whose text is sent.
    pub template_id: Option<TemplateId>,
    /// The text that is sent, when there is no template.
    pub text: Option<String>,
    /// How long texts are sent.
    pub split_mode: SplitMode,
    /// Who is sent to.
    pub audience: Audience,
    /// When it starts; null: at launch.
    pub send_at: Option<Timestamp>,
    /// Messages by status; what is being submitted counts as queued.
    pub messages: BTreeMap<String, i64>,
    /// Final messages of all.
    pub progress: Progress,
    /// What was charged so far, less refunds; null before the launch.
    pub cost: Option<Money>,
    /// Why it failed.
    pub error: Option<CampaignError>,
    /// The campaign it is a copy of.
    pub copied_from: Option<CampaignId>,
    /// Your own id.
    pub external_id: Option<String>,
    /// Your own notes.
    pub metadata: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed state or content.
    pub updated_at: Timestamp,
    /// When it was launched.
    pub launched_at: Option<Timestamp>,
    /// When its first message could leave.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub finished_at: Option<Timestamp>,
}

/// How far a long work is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"done": 975, "total": 975}))]
pub struct Progress {
    /// What is done.
    pub done: i64,
    /// What there is to do, as far as known.
    pub total: i64,
}

/// Why a campaign failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"code": "insufficient_funds", "detail": "This costs 120.000000 EUR and 20.000000 EUR are available: top up at least 100.000000 EUR."}))]
pub struct CampaignError {
    /// A code of the catalogue.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
}

impl From<(Row, Counts)> for Campaign {
    fn from((row, counts): (Row, Counts)) -> Self {
        let audience = row.audience().unwrap_or_default();
        let Row {
            id,
            account_id: _,
            name,
            description,
            status,
            sender,
            template_id,
            text,
            split_mode,
            audience: _,
            send_at,
            currency,
            hold_id: _,
            error_code,
            error_detail,
            copied_from,
            external_id,
            metadata,
            created_at,
            updated_at,
            launched_at,
            started_at,
            finished_at,
            version: _,
        } = row;
        let Counts { by_status, cost } = counts;
        let is_final = |word: &str| word.parse::<messages::Status>().is_ok_and(messages::Status::is_final);
        let done = by_status.iter().filter(|(status, _)| is_final(status)).map(|(_, n)| n).sum();
        Self {
            id,
            name,
            description,
            status,
            sender,
            template_id,
            text,
            split_mode: serde_json::from_value(split_mode.into()).unwrap_or_default(),
            audience,
            send_at,
            progress: Progress { done, total: by_status.values().sum() },
            messages: by_status,
            cost: currency.map(|currency| Money { amount: cost, currency }),
            error: error_code.zip(error_detail).map(|(code, detail)| CampaignError { code, detail }),
            copied_from,
            external_id,
            metadata: serde_json::from_value(metadata).unwrap_or_default(),
            created_at,
            updated_at,
            launched_at,
            started_at,
            finished_at,
        }
    }
}

/// A campaign to make. It is a draft until it is launched.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "November",
    "sender": "CARILLON",
    "template_id": "tpl_01kazsw6e3f8e9xq2m4r7t5v0b",
    "audience": {"group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"]},
    "split_mode": "udh"
}))]
pub struct NewCampaign {
    /// What to call it, at most 200 characters.
    pub name: String,
    /// A note, at most 2,000 characters.
    pub description: Option<String>,
    /// Whom recipients see: an approved sender.
    pub sender: String,
    /// The template whose text is sent; or give `text`.
    pub template_id: Option<TemplateId>,
    /// The text with markers; or give `template_id`.
    pub text: Option<String>,
    /// How long texts are sent; `udh` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub split_mode: SplitMode,
    /// Who is sent to.
    pub audience: Audience,
    /// When to start, once launched; a past time starts at launch.
    pub send_at: Option<Timestamp>,
    /// Your own id, at most 200 characters.
    pub external_id: Option<String>,
    /// Your own notes: at most 50.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What to change of a draft or a scheduled campaign; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "November, second try", "send_at": "2026-11-28T09:00:00Z"}))]
pub struct CampaignPatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// A new note; null clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Another sender.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub sender: Option<String>,
    /// Another template; null clears it, when `text` is given.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<TemplateId>)]
    pub template_id: Option<Option<TemplateId>>,
    /// Another text; null clears it, when `template_id` is given.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    pub text: Option<Option<String>>,
    /// Another way to send long texts.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub split_mode: Option<SplitMode>,
    /// Another audience, whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub audience: Option<Audience>,
    /// Another time; null starts at launch.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<Timestamp>)]
    pub send_at: Option<Option<Timestamp>>,
    /// Your own id; null clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    pub external_id: Option<Option<String>>,
    /// Your own notes, whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// What a launch would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "messages": 974,
    "segments": 1948,
    "ucs2_messages": 311,
    "cost": {"amount": "118.274000", "currency": "EUR"},
    "balance": {"amount": "1000.000000", "currency": "EUR"},
    "affordable": true,
    "skipped": [{"reason": "blacklisted", "count": 1}],
    "by_country": [{"country": "GB", "messages": 974, "segments": 1948, "cost": {"amount": "118.274000", "currency": "EUR"}}]
}))]
pub struct Estimate {
    /// Messages that would be sent.
    pub messages: i64,
    /// Segments that would be billed.
    pub segments: i64,
    /// Messages that need UCS-2, which has fewer characters a segment.
    pub ucs2_messages: i64,
    /// What the launch would charge, to the micro-unit.
    pub cost: Money,
    /// What is available.
    pub balance: Money,
    /// Whether the balance suffices.
    pub affordable: bool,
    /// Who would be passed over, and why.
    pub skipped: Vec<SkippedCount>,
    /// The same by country.
    pub by_country: Vec<CountryEstimate>,
}

/// How many are passed over for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"reason": "blacklisted", "count": 1}))]
pub struct SkippedCount {
    /// Why: blacklisted, stop_list, consent_refused, country_not_enabled, no_rate, text_too_long or empty_text.
    pub reason: String,
    /// How many.
    pub count: i64,
}

/// What would go to one country.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"country": "GB", "messages": 2, "segments": 4, "cost": {"amount": "0.298000", "currency": "EUR"}}))]
pub struct CountryEstimate {
    /// ISO 3166 alpha-2.
    pub country: String,
    /// Messages.
    pub messages: i64,
    /// Segments.
    pub segments: i64,
    /// Price × segments.
    pub cost: Money,
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

/// To whom to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"statuses": ["undelivered", "expired"]}))]
pub struct Resend {
    /// The statuses in which the messages ended; undelivered, expired, rejected and failed when left out.
    #[serde(default = "unreached")]
    pub statuses: Vec<messages::Status>,
}

fn unreached() -> Vec<messages::Status> {
    use messages::Status::{Expired, Failed, Rejected, Undelivered};
    vec![Undelivered, Expired, Rejected, Failed]
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
    extensions(("x-errors" = json!(["invalid_sender", "invalid_template", "unknown_marker"]))),
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
        external_id,
        metadata,
    } = new;
    let metadata = super::metadata(metadata)?;
    let content =
        Content { name, description, sender, template_id, text, split_mode, audience, send_at, external_id, metadata };
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

/// Estimate a campaign
///
/// Walks the whole audience as a launch would, without sending: how many messages and segments, who would be skipped
/// and why, and the cost, equal to the later charge as long as contacts, text and prices stay. For example,
/// `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/estimate` with an empty body.
#[utoipa::path(
    operation_id = "campaigns.estimate",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:read"])),
    params(("id" = CampaignId, Path)),
    responses((status = OK, description = "What a launch would do.", body = Estimate)),
    extensions(("x-errors" = json!(["account_suspended", "no_rate", "no_route", "sender_not_approved", "unknown_marker", "empty_text", "limit_reached"]))),
)]
#[post("/campaigns/{id}/estimate")]
async fn estimate(app: Data<App>, Auth(scope): Auth, Id(id): Id<CampaignId>) -> Result<Reply<Estimate>, Failure> {
    let row = campaigns::get(app.db.read(), &scope, id).await?;
    let campaigns::Estimate { currency, messages, segments, cost, ucs2_messages, skipped, by_country, unpriced: _ } =
        campaigns::estimate(app.db.read(), &scope, &row).await?;
    let available = domain::balance::balance(app.db.read(), &scope).await?.available();
    let money = |amount: Micros, currency: &Currency| Money::new(amount, currency);
    Ok(Reply::ok(Estimate {
        messages,
        segments,
        ucs2_messages,
        cost: money(cost, &currency),
        balance: money(available, &currency),
        affordable: cost <= available,
        skipped: skipped
            .into_iter()
            .map(|(skip, count)| SkippedCount { reason: skip.as_str().to_owned(), count })
            .collect(),
        by_country: by_country
            .into_iter()
            .map(|(country, (messages, segments, cost))| CountryEstimate {
                country,
                messages,
                segments,
                cost: money(cost, &currency),
            })
            .collect(),
    }))
}

/// Launch a campaign
///
/// Sends a draft, now or at its `send_at`. What is cheap to know is refused at once: an unknown marker, a sender that
/// is not approved, nobody to send to, too little money for the first thousand. The answer is the campaign as launched;
/// poll `GET /v1/campaigns/{id}`. A launch whose money does not suffice ends as `failed`, with nothing sent and nothing
/// held. For example, `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/launch` with an `Idempotency-Key`.
#[utoipa::path(
    operation_id = "campaigns.launch",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:write"])),
    params(("id" = CampaignId, Path), RequiredKey),
    responses((status = ACCEPTED, description = "It is on its way.", body = Campaign)),
    extensions(("x-errors" = json!([
        "account_suspended", "campaign_not_draft", "country_not_enabled", "empty_audience", "empty_text", "insufficient_funds", "limit_reached", "no_rate",
        "no_route", "sender_not_approved", "text_too_long", "unknown_marker"
    ]))),
)]
#[post("/campaigns/{id}/launch")]
async fn launch(
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
        async fn $name(app: Data<App>, Auth(scope): Auth, Id(id): Id<CampaignId>, key: Key) -> Result<Answer, Failure> {
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
    extensions(("x-errors" = json!(["invalid_sender", "invalid_template", "unknown_marker"]))),
)]
#[post("/campaigns/{id}/copy")]
async fn copy(app: Data<App>, Auth(scope): Auth, Id(id): Id<CampaignId>, key: Key) -> Result<Answer, Failure> {
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
    extensions(("x-errors" = json!(["conflict", "empty_audience", "invalid_sender", "invalid_template", "unknown_marker"]))),
)]
#[post("/campaigns/{id}/resend")]
async fn resend(
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
