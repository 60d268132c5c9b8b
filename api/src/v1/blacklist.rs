//! `/v1/blacklist`: numbers that are never sent to.

mod gather;
pub(super) mod imports;
mod shapes;

use actix_web::{delete, get, http::StatusCode, post, web::Data};
use domain::{
    blacklist::{self, Entry as Row, Source},
    clock::Timestamp,
    ids::BlacklistId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub use gather::{BlacklistAdded, BlacklistCampaign, BlacklistGroup};
pub use shapes::{BlacklistImport, BlacklistImportCounts, BlacklistImportSummary, BlacklistUpload};

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
    // the literal `/blacklist/imports` before `/blacklist/{id}`
    config
        .service(imports::list)
        .service(imports::create)
        .service(imports::preview)
        .service(imports::errors)
        .service(imports::errors_csv)
        .service(imports::progress_stream)
        .service(imports::get)
        .service(imports::cancel);
    config.service(gather::add_group).service(gather::add_campaign).service(get).service(delete);
}

/// A number that is never sent to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "blk_01kazsw6e3f8e9xq2m4r7t5v0b",
    "phone": "+447400123456",
    "reason": "asked to stop",
    "source": "api",
    "source_id": null,
    "created_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct BlacklistEntry {
    /// Its id.
    pub id: BlacklistId,
    /// The number, E.164.
    pub phone: String,
    /// Why, in people's words.
    pub reason: Option<String>,
    /// How it came here.
    pub source: Source,
    /// The import, group, campaign or inbound message it came from; null when it was put here by itself.
    pub source_id: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

impl From<Row> for BlacklistEntry {
    fn from(row: Row) -> Self {
        let Row { id, phone, reason, source, source_id, created_at } = row;
        Self { id, phone: phone.to_string(), reason, source, source_id, created_at }
    }
}

/// A number to put on the blacklist.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "+447400123456", "reason": "asked to stop"}))]
pub struct NewBlacklistEntry {
    /// The number, best in international form.
    pub phone: String,
    /// Why, at most 500 characters.
    pub reason: Option<String>,
}

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListBlacklist {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
    /// Only this number.
    pub phone: Option<String>,
    /// Only those that came here so.
    pub source: Option<Source>,
}

/// List the blacklist
///
/// Oldest first. For example, `GET /v1/blacklist?phone=%2B447400123456` tells whether a number is on it, since when, how
/// it came there and why.
#[utoipa::path(
    operation_id = "blacklist.list",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:read"])),
    params(ListBlacklist),
    responses((status = OK, description = "A page of entries.", body = Page<BlacklistEntry>)),
)]
#[get("/blacklist")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListBlacklist>,
) -> Result<Reply<Page<BlacklistEntry>>, Failure> {
    let ListBlacklist { limit, after, phone, source } = asked;
    let phone = asked_phone("phone", phone)?;
    let rows = blacklist::list(app.db.read(), &scope, phone, source, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Put a number on the blacklist
///
/// 201 when it is new there; 200 with the entry, unchanged, when it was there already. Campaigns and messages skip such
/// a number, say so and charge nothing. For example, `{"phone": "+447400123456", "reason": "asked to stop"}`.
#[utoipa::path(
    operation_id = "blacklist.create",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:write"])),
    params(Key),
    responses(
        (status = CREATED, description = "The new entry.", body = BlacklistEntry),
        (status = OK, description = "The entry that was there already.", body = BlacklistEntry),
    ),
)]
#[post("/blacklist")]
async fn create(
    app: Data<App>,
    Auth(scope): Auth,
    key: Key,
    Json(new): Json<NewBlacklistEntry>,
) -> Result<Answer, Failure> {
    let NewBlacklistEntry { phone, reason } = new;
    key.run(&app, &scope, async |tx| {
        let (row, is_new) = blacklist::add(tx, &scope, &phone, reason).await?;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(Reply::with(status, BlacklistEntry::from(row)))
    })
    .await
}

/// Get an entry of the blacklist
///
/// For example, `GET /v1/blacklist/blk_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "blacklist.get",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:read"])),
    params(("id" = BlacklistId, Path)),
    responses((status = OK, description = "The entry.", body = BlacklistEntry)),
)]
#[get("/blacklist/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<BlacklistId>) -> Result<Reply<BlacklistEntry>, Failure> {
    Ok(Reply::ok(blacklist::get(app.db.read(), &scope, id).await?.into()))
}

/// Take a number off the blacklist
///
/// It can be sent to again, so do this only when the person asked for it. For example,
/// `DELETE /v1/blacklist/blk_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "blacklist.delete",
    tag = "Blacklist",
    security(("bearer" = ["blacklist:write"])),
    params(("id" = BlacklistId, Path)),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/blacklist/{id}")]
async fn delete(app: Data<App>, Auth(scope): Auth, Id(id): Id<BlacklistId>) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    blacklist::remove(&tx, &scope, id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
