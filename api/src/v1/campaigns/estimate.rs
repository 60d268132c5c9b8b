//! What a launch would do: a walk over the audience that sends nothing.

use actix_web::{post, web::Data};
use domain::{
    campaigns,
    ids::CampaignId,
    money::{Currency, Micros, Money},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    shared::{auth::Auth, path::Id, problem::Failure, reply::Reply},
};

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
    /// Why: blacklisted, unsubscribed, stop_list, consent_refused, country_not_enabled, no_rate, no_route, text_too_long or
    /// empty_text.
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

/// Estimate a campaign
///
/// Walks the whole audience as a launch would, without sending: how many messages and segments, who would be skipped
/// and why, and the cost, equal to the later charge as long as contacts, text and prices stay. Whom the account's frequency
/// caps skip shows when messages leave, not here: the charge is lower by that. For example,
/// `POST /v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/estimate` with an empty body.
#[utoipa::path(
    operation_id = "campaigns.estimate",
    tag = "Campaigns",
    security(("bearer" = ["campaigns:read"])),
    params(("id" = CampaignId, Path)),
    responses((status = OK, description = "What a launch would do.", body = Estimate)),
    extensions(("x-errors" = json!(["account_suspended", "conflict", "no_rate", "no_route", "sender_not_approved", "unknown_marker", "empty_text", "limit_reached"]))),
)]
#[post("/campaigns/{id}/estimate")]
pub(super) async fn estimate(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<CampaignId>,
) -> Result<Reply<Estimate>, Failure> {
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
