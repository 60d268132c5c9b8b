//! `/v1/reports`: what was sent, in which state and at what cost, added up.

use std::collections::BTreeMap;

use actix_web::{get, web::Data};
use domain::{
    campaigns::Status,
    ids::CampaignId,
    money::{Currency, Money},
    reports::{self, Slice},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{auth::Auth, path::Id, problem::Failure, reply::Reply},
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(campaign);
}

/// The report of a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "campaign_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "November",
    "status": "completed",
    "messages": 975,
    "segments": 1948,
    "cost": {"amount": "118.274000", "currency": "EUR"},
    "by_status": {"delivered": 974, "skipped": 1},
    "by_country": [{"key": "GB", "messages": 975, "delivered": 974, "segments": 1948, "cost": {"amount": "118.274000", "currency": "EUR"}}],
    "by_operator": [{"key": "EE", "messages": 975, "delivered": 974, "segments": 1948, "cost": {"amount": "118.274000", "currency": "EUR"}}],
    "by_sender_class": [{"key": "alphanumeric", "messages": 975, "delivered": 974, "segments": 1948, "cost": {"amount": "118.274000", "currency": "EUR"}}],
    "by_reason": [{"key": "blacklisted", "messages": 1, "delivered": 0, "segments": 0, "cost": {"amount": "0.000000", "currency": "EUR"}}]
}))]
pub struct CampaignReport {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// Every message, skipped ones too.
    pub messages: i64,
    /// Segments billed or to be billed.
    pub segments: i64,
    /// What was charged, less refunds.
    pub cost: Money,
    /// Messages by status.
    pub by_status: BTreeMap<String, i64>,
    /// By country of the number.
    pub by_country: Vec<ReportSlice>,
    /// By operator of the number's range.
    pub by_operator: Vec<ReportSlice>,
    /// By what kind of sender it went out from: `alphanumeric`, `numeric` or `short_code`. Skipped messages count with the
    /// sender they would have had.
    pub by_sender_class: Vec<ReportSlice>,
    /// By reason, of what was skipped or did not arrive.
    pub by_reason: Vec<ReportSlice>,
}

/// One country, operator, class of the sender or reason of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "GB", "messages": 975, "delivered": 974, "segments": 1948, "cost": {"amount": "118.274000", "currency": "EUR"}}))]
pub struct ReportSlice {
    /// The country, operator, class or reason; null where it is not known.
    pub key: Option<String>,
    /// Messages.
    pub messages: i64,
    /// Of these, delivered.
    pub delivered: i64,
    /// Segments.
    pub segments: i64,
    /// What was charged, less refunds.
    pub cost: Money,
}

fn slices(rows: Vec<Slice>, currency: &Currency) -> Vec<ReportSlice> {
    let one = |Slice { key, messages, delivered, segments, cost }| ReportSlice {
        key,
        messages,
        delivered,
        segments,
        cost: Money::new(cost, currency),
    };
    rows.into_iter().map(one).collect()
}

/// Report a campaign
///
/// Added up from the messages themselves, so its sums are those of `GET /v1/messages?campaign_id=…`. For example,
/// `GET /v1/reports/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "reports.campaign",
    tag = "Reports",
    security(("bearer" = ["messages:read"])),
    params(("id" = CampaignId, Path)),
    responses((status = OK, description = "The report.", body = CampaignReport)),
)]
#[get("/reports/campaigns/{id}")]
async fn campaign(app: Data<App>, Auth(scope): Auth, Id(id): Id<CampaignId>) -> Result<Reply<CampaignReport>, Failure> {
    let reports::CampaignReport { campaign, by_status, by_country, by_operator, by_sender_class, by_reason } =
        reports::campaign(app.db.read(), &scope, id).await?;
    let currency = match campaign.currency {
        Some(currency) => currency,
        None => domain::balance::balance(app.db.read(), &scope).await?.currency,
    };
    let cost =
        by_country.iter().try_fold(domain::money::Micros::ZERO, |sum, s| sum.checked_add(s.cost)).unwrap_or_default();
    Ok(Reply::ok(CampaignReport {
        campaign_id: campaign.id,
        name: campaign.name,
        status: campaign.status,
        messages: by_country.iter().map(|s| s.messages).sum(),
        segments: by_country.iter().map(|s| s.segments).sum(),
        cost: Money::new(cost, &currency),
        by_status,
        by_country: slices(by_country, &currency),
        by_operator: slices(by_operator, &currency),
        by_sender_class: slices(by_sender_class, &currency),
        by_reason: slices(by_reason, &currency),
    }))
}
