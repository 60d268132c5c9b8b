//! `/v1/admin/carriers`: the ways out, their settings and how their connections are.

mod health;
mod presets;
mod shapes;
mod smpp;

use actix_web::{delete, get, patch, post, web::Data};
use domain::{Error, carriers, ids::CarrierId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use health::{CarrierBind, CarrierHealth};
pub use presets::CarrierPresets;
pub use shapes::{Carrier, CarrierPatch, NewCarrier};
pub use smpp::{SmppSettings, SmppSettingsInput};

use crate::{
    App,
    shared::{
        auth::Operator,
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
    config
        .service(list)
        .service(create)
        .service(get)
        .service(update)
        .service(delete)
        .service(health::health)
        .service(presets::list);
}

/// Which carriers to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListCarriers {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List carriers
///
/// Newest first, without their passwords. For example, `GET /v1/admin/carriers?limit=20`.
#[utoipa::path(
    operation_id = "admin_carriers.list",
    tag = "Carriers",
    security(("operator" = ["carriers:read"])),
    params(ListCarriers),
    responses((status = OK, description = "A page of carriers.", body = Page<Carrier>)),
)]
#[get("/admin/carriers")]
async fn list(
    app: Data<App>,
    Operator(scope): Operator,
    Query(asked): Query<ListCarriers>,
) -> Result<Reply<Page<Carrier>>, Failure> {
    let ListCarriers { limit, after } = asked;
    let (rows, more) = carriers::list(app.db.read(), &scope, window(limit, after.as_deref())?).await?;
    let shown: Vec<Carrier> =
        rows.into_iter().map(|row| Carrier::read(row, &app.config.keys)).collect::<domain::Result<_>>()?;
    Ok(Reply::ok(Page::new((shown, more), |carrier: &Carrier| carrier.id)))
}

/// Create a carrier
///
/// Workers connect to it within a second; nothing is sent through it before an account or a route leads there. Settings
/// that cannot work are refused with every fault at once. An SMPP carrier has `settings`, an HTTP carrier `http`, for which
/// `GET /v1/admin/carrier-presets` has examples to begin with. For example, the body below makes a carrier with four
/// connections; `{"name": "acme", "settings": {"address": "smpp.example.com:2775", "system_id": "me"}}` is the least.
#[utoipa::path(
    operation_id = "admin_carriers.create",
    tag = "Carriers",
    security(("operator" = ["carriers:write"])),
    params(Key),
    responses((status = CREATED, description = "The carrier.", body = Carrier)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[post("/admin/carriers")]
async fn create(
    app: Data<App>,
    Operator(scope): Operator,
    key: Key,
    Json(new): Json<NewCarrier>,
) -> Result<Answer, Failure> {
    let NewCarrier { name, enabled, settings, http } = new;
    let settings = match (settings, http) {
        (Some(smpp), None) => carriers::SmppSettings::default().changed(smpp.change()).into(),
        (None, Some(http)) => http.into(),
        _ => return Err(Error::field("/settings", "required", "must be given, or http, and not both").into()),
    };
    let new = carriers::NewCarrier { name, enabled, settings };
    key.run(&app, &scope, async |tx| {
        let row = carriers::create(tx, &scope, &app.config.keys, new).await?;
        let version = row.version;
        Ok(Reply::created(Carrier::read(row, &app.config.keys)?).tagged(version))
    })
    .await
}

/// Get a carrier
///
/// Its settings without the password; how its connections are is told by `GET /v1/admin/carriers/{id}/health`. For
/// example, `GET /v1/admin/carriers/car_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "admin_carriers.get",
    tag = "Carriers",
    security(("operator" = ["carriers:read"])),
    params(("id" = CarrierId, Path)),
    responses((status = OK, description = "The carrier.", body = Carrier)),
)]
#[get("/admin/carriers/{id}")]
async fn get(app: Data<App>, Operator(scope): Operator, Id(id): Id<CarrierId>) -> Result<Reply<Carrier>, Failure> {
    let row = carriers::find(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(Carrier::read(row, &app.config.keys)?).tagged(version))
}

/// Change a carrier
///
/// Only what is sent is changed; null sets a setting back to its default, and a password that is not sent stays. `http` is
/// replaced as a whole, but for a secret that is not sent. The
/// connections are made anew with the new settings within a second, without a restart: what is under way comes to its
/// end first. With `{"enabled": false}` they are ended and what waits for the carrier goes on waiting. For example,
/// `{"settings": {"window": 100}}` narrows the window.
#[utoipa::path(
    operation_id = "admin_carriers.update",
    tag = "Carriers",
    security(("operator" = ["carriers:write"])),
    params(("id" = CarrierId, Path), IfMatch),
    responses((status = OK, description = "The carrier as it is now.", body = Carrier)),
    extensions(("x-errors" = json!(["already_exists"]))),
)]
#[patch("/admin/carriers/{id}")]
async fn update(
    app: Data<App>,
    Operator(scope): Operator,
    Id(id): Id<CarrierId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<CarrierPatch>,
) -> Result<Reply<Carrier>, Failure> {
    let CarrierPatch { name, enabled, settings, http } = patch;
    let settings = settings.map(SmppSettingsInput::change).unwrap_or_default();
    let tx = app.db.begin().await?;
    let change = carriers::Change { name, enabled, settings, http };
    let row = carriers::update(&tx, &scope, &app.config.keys, id, expected, change).await?;
    tx.commit().await?;
    let version = row.version;
    Ok(Reply::ok(Carrier::read(row, &app.config.keys)?).tagged(version))
}

/// Delete a carrier
///
/// Only one that no account and no route uses, and whose messages have come to their end: receipts are awaited for 72
/// hours. Until then `conflict` tells what still needs it; disable it instead with `{"enabled": false}`. For example,
/// `DELETE /v1/admin/carriers/car_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "admin_carriers.delete",
    tag = "Carriers",
    security(("operator" = ["carriers:write"])),
    params(("id" = CarrierId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[delete("/admin/carriers/{id}")]
async fn delete(
    app: Data<App>,
    Operator(scope): Operator,
    Id(id): Id<CarrierId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    carriers::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}
