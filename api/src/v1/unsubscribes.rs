//! `/v1/unsubscribes`: numbers that want nothing more from one sender.

pub(super) mod imports;
mod shapes;

use actix_web::{delete, get, http::StatusCode, post, web::Data};
use domain::{
    clock::Timestamp,
    ids::UnsubscribeId,
    unsubscribes::{self, Source, Unsubscribe as Row},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub use shapes::{UnsubscribeImport, UnsubscribeImportCounts, UnsubscribeImportSummary, UnsubscribeUpload};

use super::contacts::asked_phone;
use crate::{
    App,
    shared::{
        auth::Auth,
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
    config.service(list).service(create);
    // the literal `/unsubscribes/imports` before `/unsubscribes/{id}`
    config
        .service(imports::list)
        .service(imports::create)
        .service(imports::preview)
        .service(imports::errors)
        .service(imports::errors_csv)
        .service(imports::progress_stream)
        .service(imports::get)
        .service(imports::cancel);
    config.service(get).service(delete);
}

/// A number and the sender that it wants nothing from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "uns_01kazsw6e3f8e9xq2m4r7t5v0b",
    "phone": "+447400123456",
    "sender": "447400900000",
    "reason": null,
    "source": "stop_reply",
    "source_id": "inb_01kazsw6e3f8e9xq2m4r7t5v0b",
    "created_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Unsubscribe {
    /// Its id.
    pub id: UnsubscribeId,
    /// The number, E.164.
    pub phone: String,
    /// The sender.
    pub sender: String,
    /// Why, in people's words.
    pub reason: Option<String>,
    /// How it came here.
    pub source: Source,
    /// The import, inbound message or merged contact it came by; null when it came by a request.
    pub source_id: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

impl From<Row> for Unsubscribe {
    fn from(row: Row) -> Self {
        let Row { id, phone, sender, reason, source, source_id, created_at } = row;
        Self { id, phone: phone.to_string(), sender, reason, source, source_id, created_at }
    }
}

/// A number, and the sender that it wants nothing from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "+447400123456", "sender": "CARILLON", "reason": "by the link in a mail"}))]
pub struct NewUnsubscribe {
    /// The number, best in international form.
    pub phone: String,
    /// One of the account's senders, as it is written there.
    pub sender: String,
    /// Why, at most 500 characters.
    pub reason: Option<String>,
}

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListUnsubscribes {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
    /// Only this number.
    pub phone: Option<String>,
    /// Only this sender.
    pub sender: Option<String>,
    /// Only those that came here so.
    pub source: Option<Source>,
}

/// List unsubscribes
///
/// Oldest first. For example, `GET /v1/unsubscribes?sender=CARILLON` lists the numbers that want nothing from one sender.
#[utoipa::path(
    operation_id = "unsubscribes.list",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:read"])),
    params(ListUnsubscribes),
    responses((status = OK, description = "A page of entries.", body = Page<Unsubscribe>)),
)]
#[get("/unsubscribes")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListUnsubscribes>,
) -> Result<Reply<Page<Unsubscribe>>, Failure> {
    let ListUnsubscribes { limit, after, phone, sender, source } = asked;
    let (phone, window) = (asked_phone(phone)?, window(limit, after.as_deref())?);
    let rows = unsubscribes::list(app.db.read(), &scope, phone, sender, source, window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Unsubscribe a number from a sender
///
/// 201 when it is new; 200 with the entry, unchanged, when it was there already. Campaigns and messages from this sender
/// skip the number, say so and charge nothing; other senders may still reach it. For example,
/// `{"phone": "+447400123456", "sender": "CARILLON"}`.
#[utoipa::path(
    operation_id = "unsubscribes.create",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:write"])),
    params(Key),
    responses(
        (status = CREATED, description = "The new entry.", body = Unsubscribe),
        (status = OK, description = "The entry that was there already.", body = Unsubscribe),
    ),
)]
#[post("/unsubscribes")]
async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(new): Json<NewUnsubscribe>,
) -> Result<Answer, Failure> {
    let NewUnsubscribe { phone, sender, reason } = new;
    key.run(&app, &scope, async |tx| {
        let (row, is_new) = unsubscribes::add(tx, &scope, &phone, &sender, reason).await?;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(Reply::with(status, Unsubscribe::from(row)))
    })
    .await
}

/// Get an unsubscribe
///
/// For example, `GET /v1/unsubscribes/uns_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "unsubscribes.get",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:read"])),
    params(("id" = UnsubscribeId, Path)),
    responses((status = OK, description = "The entry.", body = Unsubscribe)),
)]
#[get("/unsubscribes/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<UnsubscribeId>) -> Result<Reply<Unsubscribe>, Failure> {
    Ok(Reply::ok(unsubscribes::get(app.db.read(), &scope, id).await?.into()))
}

/// Take an unsubscribe back
///
/// The number can be sent to from this sender again, so do this only when the person asked for it. For example,
/// `DELETE /v1/unsubscribes/uns_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "unsubscribes.delete",
    tag = "Unsubscribes",
    security(("bearer" = ["blacklist:write"])),
    params(("id" = UnsubscribeId, Path)),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/unsubscribes/{id}")]
async fn delete(app: Data<App>, Auth(scope): Auth, Id(id): Id<UnsubscribeId>) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    unsubscribes::remove(&tx, &scope, id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
