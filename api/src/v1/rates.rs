//! `/v1/rates`: the account's price list.

use actix_web::{get, web::Data};
use domain::{
    clock::Timestamp,
    db::Window,
    ids::RateId,
    money::Money,
    rates::{self, RateFilter, RateView as Row},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        paging::{Page, Query, asked_country, window},
        problem::Failure,
        reply::Reply,
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list);
}

/// The price of a segment to a country, an operator or a prefix.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "rat_01kazsw6e3f8e9xq2m4r7t5v0b", "country": "UA", "operator": "Kyivstar", "prefix": null,
    "price": {"amount": "0.072500", "currency": "EUR"}, "valid_from": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Rate {
    /// Its id.
    pub id: RateId,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The operator it is for; null: the whole country.
    pub operator: Option<String>,
    /// The E.164 prefix it is for; a prefix rules over an operator, an operator over the country.
    pub prefix: Option<String>,
    /// The price of one segment.
    pub price: Money,
    /// From when; of several for the same destination the latest that has begun rules.
    pub valid_from: Timestamp,
}

impl From<Row> for Rate {
    fn from(row: Row) -> Self {
        let Row { id, country, prefix, operator, price, currency, valid_from } = row;
        let some = |text: String| Some(text).filter(|t| !t.is_empty());
        Self {
            id,
            country,
            operator: some(operator),
            prefix: some(prefix),
            price: Money::new(price, &currency),
            valid_from,
        }
    }
}

/// Which rates to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListRates {
    /// Only this country, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List rates
///
/// What a segment costs this account, by country, operator and prefix, with prices that begin later. For example,
/// `GET /v1/rates?country=UA`.
#[utoipa::path(
    operation_id = "rates.list",
    tag = "Balance",
    security(("bearer" = ["balance:read"])),
    params(ListRates),
    responses((status = OK, description = "A page of rates.", body = Page<Rate>)),
)]
#[get("/rates")]
async fn list(app: Data<App>, Auth(scope): Auth, Query(asked): Query<ListRates>) -> Result<Reply<Page<Rate>>, Failure> {
    let ListRates { country, limit, after } = asked;
    let country = asked_country(country)?;
    let Window { limit, after } = window(limit, after.as_deref())?;
    let rows = rates::list(app.db.read(), &scope, &RateFilter { country, after }, limit).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}
