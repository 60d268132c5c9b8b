//! `/v1/api-tokens`: what programs show to act for the account. A secret is shown once.

use std::time::Duration;

use actix_web::{delete, get, patch, post, web::Data};
use domain::{
    clock::Timestamp,
    ids::TokenId,
    tokens::{self, Change, NewToken, Secret, Token as Row},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::{Auth, Granted},
        conditional::IfMatch,
        idempotency::Key,
        json::{Json, given},
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(rotate).service(get).service(update).service(revoke);
}

/// An API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "tok_01kazsw6e3f8e9xq2m4r7t5v0b",
    "description": "Web shop",
    "hint": "x7Qa",
    "scopes": ["messages:read", "messages:write"],
    "networks": ["192.0.2.0/24"],
    "requests_per_minute": null,
    "expires_at": null,
    "revoked_at": null,
    "last_used_at": "2026-11-21T10:00:00.000000Z",
    "created_at": "2026-11-21T09:00:00.000000Z"
}))]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// What it is used for.
    pub description: String,
    /// The last four characters of the secret, to tell tokens apart.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The networks it may be used from; empty: any.
    pub networks: Vec<String>,
    /// Its own limit; null: the platform's.
    pub requests_per_minute: Option<i64>,
    /// When it ends; null: never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<Row> for ApiToken {
    fn from(row: Row) -> Self {
        let Row {
            id,
            account_id: _,
            description,
            hash: _,
            hint,
            scopes,
            networks,
            requests_per_minute,
            expires_at,
            revoked_at,
            last_used_at,
            created_at,
            version: _,
        } = row;
        Self {
            id,
            description,
            hint,
            scopes: scopes.0,
            networks: networks.0,
            requests_per_minute,
            expires_at,
            revoked_at,
            last_used_at,
            created_at,
        }
    }
}

/// An API token with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "token": {
        "id": "tok_01kazsw6e3f8e9xq2m4r7t5v0b",
        "description": "Web shop",
        "hint": "x7Qa",
        "scopes": ["messages:read", "messages:write"],
        "networks": [],
        "requests_per_minute": null,
        "expires_at": null,
        "revoked_at": null,
        "last_used_at": null,
        "created_at": "2026-11-21T09:00:00.000000Z"
    },
    "secret": "crl_test_EXAMPLEexampleEXAMPLEexampleEXAMPLEx7Qa"
}))]
pub struct ApiTokenSecret {
    /// The token.
    pub token: ApiToken,
    /// What to send as `Authorization: Bearer …`. Keep it now: it is stored as a hash only. Null in an idempotent
    /// replay.
    pub secret: Option<String>,
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "description": "Web shop",
    "scopes": ["messages:read", "messages:write"],
    "expires_at": "2027-11-21T00:00:00Z",
    "networks": ["192.0.2.0/24"]
}))]
pub struct NewApiToken {
    /// What it will be used for.
    pub description: String,
    /// What it may do, such as `messages:write`; `*` is everything. At most what the token in use may do.
    pub scopes: Vec<String>,
    /// When it ends; never when left out.
    pub expires_at: Option<Timestamp>,
    /// Networks (CIDR) or addresses it may be used from; any when left out.
    pub networks: Option<Vec<String>>,
    /// Its own limit in the place of the platform's.
    #[schema(minimum = 1, maximum = 600000)]
    pub requests_per_minute: Option<i64>,
}

/// What to change of a token; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scopes": ["messages:read"], "networks": ["192.0.2.0/24", "2001:db8::/48"]}))]
pub struct ApiTokenPatch {
    /// What it is used for.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// What it may do. At most what the token in use may do.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub scopes: Option<Vec<String>>,
    /// Networks or addresses it may be used from; an empty list: any.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub networks: Option<Vec<String>>,
}

/// How to rotate a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"grace_seconds": 3600}))]
pub struct ApiTokenRotation {
    /// How long the old secret stays valid, at most a day; 0 ends it at once.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86400, default = 0)]
    pub grace_seconds: u32,
}

/// Which tokens to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListApiTokens {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List API tokens
///
/// Newest first, with those that are revoked or have expired. For example, `GET /v1/api-tokens?limit=20`.
#[utoipa::path(
    operation_id = "api_tokens.list",
    tag = "API tokens",
    security(("bearer" = ["tokens:read"])),
    params(ListApiTokens),
    responses((status = OK, description = "A page of tokens.", body = Page<ApiToken>)),
)]
#[get("/api-tokens")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListApiTokens>,
) -> Result<Reply<Page<ApiToken>>, Failure> {
    let ListApiTokens { limit, after } = asked;
    let rows = tokens::list(app.db.read(), &scope, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Create an API token
///
/// The answer shows the `secret` once. Give each program a token of its own, with the scopes it needs and no more: for
/// example `["messages:write"]` for a shop that sends order confirmations. A token cannot grant scopes it does not have.
#[utoipa::path(
    operation_id = "api_tokens.create",
    tag = "API tokens",
    security(("bearer" = ["tokens:write"])),
    params(Key),
    responses((status = CREATED, description = "The token and its secret.", body = ApiTokenSecret)),
)]
#[post("/api-tokens")]
async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    Granted(maker): Granted,
    key: Key,
    Json(new): Json<NewApiToken>,
) -> Result<Answer, Failure> {
    let NewApiToken { description, scopes, expires_at, networks, requests_per_minute } = new;
    let networks = networks.unwrap_or_default();
    let new = NewToken { description, scopes, networks, requests_per_minute, expires_at };
    key.run(&app, &scope, async |tx| {
        let (row, secret) = tokens::create(tx, &scope, &maker, new).await?;
        Ok(shown_once(Reply::created, row, &secret))
    })
    .await
}

/// Rotate an API token
///
/// Gives the token a new secret, shown once. The old secret stays valid for `grace_seconds`, listed as a token of its
/// own that expires then. For example, `{"grace_seconds": 3600}` leaves an hour to change every program.
#[utoipa::path(
    operation_id = "api_tokens.rotate",
    tag = "API tokens",
    security(("bearer" = ["tokens:write"])),
    params(("id" = TokenId, Path), Key),
    responses((status = OK, description = "The token and its new secret.", body = ApiTokenSecret)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/api-tokens/{id}/rotate")]
async fn rotate(
    app: Data<App>,
    Auth(scope): Auth,
    Granted(maker): Granted,
    Id(id): Id<TokenId>,
    key: Key,
    Json(rotation): Json<ApiTokenRotation>,
) -> Result<Answer, Failure> {
    let ApiTokenRotation { grace_seconds } = rotation;
    let grace = Duration::from_secs(u64::from(grace_seconds));
    key.run(&app, &scope, async |tx| {
        let (row, secret) = tokens::rotate(tx, &scope, &maker, id, grace).await?;
        Ok(shown_once(Reply::ok, row, &secret))
    })
    .await
}

/// An answer with the secret, whose replay is without it: a secret is stored as a hash only.
fn shown_once(reply: fn(ApiTokenSecret) -> Reply<ApiTokenSecret>, row: Row, secret: &Secret) -> Reply<ApiTokenSecret> {
    let replay = ApiTokenSecret { token: row.clone().into(), secret: None };
    reply(ApiTokenSecret { token: row.into(), secret: Some(secret.expose().to_owned()) }).replayed_as(replay)
}

/// Get an API token
///
/// Never with its secret. For example, `GET /v1/api-tokens/tok_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "api_tokens.get",
    tag = "API tokens",
    security(("bearer" = ["tokens:read"])),
    params(("id" = TokenId, Path)),
    responses((status = OK, description = "The token.", body = ApiToken)),
)]
#[get("/api-tokens/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<TokenId>) -> Result<Reply<ApiToken>, Failure> {
    let row = tokens::find(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(ApiToken::from(row)).tagged(version))
}

/// Change an API token
///
/// Only what is sent is changed, at once. For example, `{"networks": ["192.0.2.0/24"]}` binds it to a network.
#[utoipa::path(
    operation_id = "api_tokens.update",
    tag = "API tokens",
    security(("bearer" = ["tokens:write"])),
    params(("id" = TokenId, Path), IfMatch),
    responses((status = OK, description = "The token as it is now.", body = ApiToken)),
)]
#[patch("/api-tokens/{id}")]
async fn update(
    app: Data<App>,
    Auth(scope): Auth,
    Granted(maker): Granted,
    Id(id): Id<TokenId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<ApiTokenPatch>,
) -> Result<Reply<ApiToken>, Failure> {
    let ApiTokenPatch { description, scopes, networks } = patch;
    let tx = app.db.begin().await?;
    let change = Change { description, scopes, networks };
    let row = tokens::update(&tx, &scope, &maker, id, expected, change).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(ApiToken::from(row)).tagged(version))
}

/// Revoke an API token
///
/// Ends it at once and for good; it stays in the list. For example, `DELETE /v1/api-tokens/tok_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "api_tokens.revoke",
    tag = "API tokens",
    security(("bearer" = ["tokens:write"])),
    params(("id" = TokenId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is revoked.")),
)]
#[delete("/api-tokens/{id}")]
async fn revoke(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<TokenId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    tokens::revoke(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}
