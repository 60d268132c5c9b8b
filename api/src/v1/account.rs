//! `/v1/account`: the account behind the token, and the settings its owner may change.

use actix_web::{get, patch, web::Data};
use domain::{
    accounts::{self, Account as Row, Change, FrequencyCap, FrequencyCaps, Mode, QuietHours, Status},
    clock::Timestamp,
    ids::AccountId,
    money::Currency,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        conditional::IfMatch,
        json::{Json, clearable, given},
        problem::Failure,
        reply::Reply,
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get).service(update);
}

/// The account behind the token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "acc_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "Acme",
    "mode": "test",
    "livemode": false,
    "status": "active",
    "default_country": "GB",
    "time_zone": "Europe/London",
    "language": "en",
    "currency": "EUR",
    "countries": null,
    "max_segments": 10,
    "trash_days": 30,
    "quiet_hours": {"from": "21:00", "to": "08:00", "clock": "recipient"},
    "frequency_caps": [{"messages": 1, "days": 1}, {"messages": 8, "days": 30}],
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Live or test.
    pub mode: Mode,
    /// False in test mode: the carrier is simulated and the money is play money.
    pub livemode: bool,
    /// What it may do.
    pub status: Status,
    /// ISO 3166 alpha-2: the country whose national numbers are understood without their country code.
    pub default_country: Option<String>,
    /// IANA name: the zone of the account's local times.
    pub time_zone: String,
    /// BCP 47: the language of what the platform writes to the account.
    pub language: String,
    /// The currency of its balance; null until the first top-up.
    pub currency: Option<Currency>,
    /// ISO 3166 alpha-2: the countries that may be sent to; null when all may.
    pub countries: Option<Vec<String>>,
    /// The most segments one message may have.
    pub max_segments: i64,
    /// Days for which deleted contacts and groups can be restored.
    pub trash_days: i64,
    /// The time of day in which no campaign's message leaves; null: there is none.
    pub quiet_hours: Option<QuietHours>,
    /// How often campaigns may write to a number; empty: as often as they are launched.
    pub frequency_caps: Vec<FrequencyCap>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<Row> for Account {
    fn from(row: Row) -> Self {
        let Row {
            id,
            name,
            mode,
            live_account_id: _,
            status,
            default_country,
            time_zone,
            language,
            currency,
            rate_deck_id: _,
            carrier_id: _,
            countries,
            refund_on: _,
            max_segments,
            trash_days,
            quiet_hours,
            frequency_caps,
            created_at,
            updated_at,
            version: _,
        } = row;
        Self {
            id,
            name,
            mode,
            livemode: mode == Mode::Live,
            status,
            default_country,
            time_zone,
            language,
            currency,
            countries: countries.listed(),
            max_segments,
            trash_days,
            quiet_hours,
            frequency_caps: frequency_caps.map(|caps| caps.0).unwrap_or_default(),
            created_at,
            updated_at,
        }
    }
}

/// What to change of the account; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "default_country": "GB",
    "time_zone": "Europe/London",
    "max_segments": 6,
    "quiet_hours": {"from": "21:00", "to": "08:00", "clock": "recipient"},
    "frequency_caps": [{"messages": 1, "days": 1}, {"messages": 8, "days": 30}]
}))]
pub struct AccountPatch {
    /// ISO 3166 alpha-2; null clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<String>)]
    pub default_country: Option<Option<String>>,
    /// IANA name, such as Europe/London.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub time_zone: Option<String>,
    /// BCP 47, such as en or pt-BR.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub language: Option<String>,
    /// 1 to 255; longer messages are refused.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, minimum = 1, maximum = 255)]
    pub max_segments: Option<i64>,
    /// 1 to 365: days for which contacts and groups that are deleted from now on can be restored.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, minimum = 1, maximum = 365)]
    pub trash_days: Option<i64>,
    /// Other quiet hours, whole; null: none. They hold for campaigns alone, also for those that are being sent, within
    /// seconds.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<QuietHours>)]
    pub quiet_hours: Option<Option<QuietHours>>,
    /// Other caps, all of them: at most 5, each of other days; null or empty: none. They hold for campaigns alone. What was
    /// sent while the account had no cap does not count.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(value_type = Option<Vec<FrequencyCap>>, max_items = 5)]
    pub frequency_caps: Option<Option<Vec<FrequencyCap>>>,
}

/// Get the account
///
/// Tells whose token it is and how the account sends. For example, `GET /v1/account` with a token that begins with
/// `crl_test_` gives an account with `"livemode": false`.
#[utoipa::path(
    operation_id = "account.get",
    tag = "Account",
    security(("bearer" = ["account:read"])),
    responses((status = OK, description = "The account.", body = Account)),
)]
#[get("/account")]
async fn get(app: Data<App>, Auth(scope): Auth) -> Result<Reply<Account>, Failure> {
    let row = accounts::find(app.db.read(), &scope).await?;
    let version = row.version;
    Ok(Reply::ok(Account::from(row)).tagged(version))
}

/// Change the account's settings
///
/// Only what is sent is changed. For example, `{"default_country": "GB"}` lets imports read `07400 123456` as a British
/// number, and `{"quiet_hours": {"from": "21:00", "to": "08:00", "clock": "recipient"}}` lets campaigns wait for the
/// morning of each recipient. `{"frequency_caps": [{"messages": 2, "days": 7}]}` skips whom campaigns have written to twice
/// today and in the six days before, with the reason `frequency_cap`.
#[utoipa::path(
    operation_id = "account.update",
    tag = "Account",
    security(("bearer" = ["account:write"])),
    params(IfMatch),
    responses((status = OK, description = "The account as it is now.", body = Account)),
)]
#[patch("/account")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    IfMatch(expected): IfMatch,
    Json(patch): Json<AccountPatch>,
) -> Result<Reply<Account>, Failure> {
    let AccountPatch { default_country, time_zone, language, max_segments, trash_days, quiet_hours, frequency_caps } =
        patch;
    let frequency_caps = frequency_caps.map(|caps| caps.map(FrequencyCaps));
    let change = Change { default_country, time_zone, language, max_segments, trash_days, quiet_hours, frequency_caps };
    let tx = app.db.begin().await?;
    let row = accounts::update(&tx, &scope, expected, change).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(Account::from(row)).tagged(version))
}
