//! `/v1/senders`: what recipients see as the sender. Asked for here, decided by the operator.

use actix_web::{delete, get, post, web::Data};
use domain::{
    clock::Timestamp,
    ids::SenderId,
    senders::{self, Class, Sender as Row, Status},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
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
    config.service(list).service(create).service(get).service(delete);
}

/// A sender: what recipients see a message come from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "snd_01kazsw6e3f8e9xq2m4r7t5v0b",
    "value": "CARILLON",
    "class": "alphanumeric",
    "status": "approved",
    "reason": null,
    "created_at": "2026-11-21T10:00:00.000000Z",
    "decided_at": "2026-11-21T10:05:00.000000Z"
}))]
pub struct Sender {
    /// Its id.
    pub id: SenderId,
    /// What recipients see.
    pub value: String,
    /// What kind of sender that is.
    pub class: Class,
    /// Whether it may be sent from.
    pub status: Status,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the operator decided.
    pub decided_at: Option<Timestamp>,
}

impl From<Row> for Sender {
    fn from(row: Row) -> Self {
        let Row { id, account_id: _, value, status, reason, created_at, decided_at, version: _ } = row;
        Self { id, class: Class::of(&value), value, status, reason, created_at, decided_at }
    }
}

/// A sender to ask for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": "CARILLON"}))]
pub struct NewSender {
    /// 1 to 11 Latin letters, digits, punctuation and spaces with at least one letter, or a number of 3 to 15 digits.
    pub value: String,
}

/// Which senders to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListSenders {
    /// Only those with this status.
    pub status: Option<Status>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List senders
///
/// Newest first. For example, `GET /v1/senders?status=approved` gives those that may be sent from.
#[utoipa::path(
    operation_id = "senders.list",
    tag = "Senders",
    security(("bearer" = ["templates:read"])),
    params(ListSenders),
    responses((status = OK, description = "A page of senders.", body = Page<Sender>)),
)]
#[get("/senders")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListSenders>,
) -> Result<Reply<Page<Sender>>, Failure> {
    let ListSenders { status, limit, after } = asked;
    let rows = senders::list(app.db.read(), &scope, status, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Ask for a sender
///
/// It is `pending` until the operator approves or rejects it; the event stream tells which. Refused at once are values
/// that networks cannot show, that mean nothing, and that look like a name or a number reserved for its owner: for
/// example `SMS`, `PAYPA1` and `900`.
#[utoipa::path(
    operation_id = "senders.create",
    tag = "Senders",
    security(("bearer" = ["templates:write"])),
    params(Key),
    responses((status = CREATED, description = "The sender, pending.", body = Sender)),
    extensions(("x-errors" = json!(["already_exists", "invalid_sender", "limit_reached"])), ("x-new" = json!({"status": "pending", "decided_at": null}))),
)]
#[post("/senders")]
async fn create(app: Data<App>, Auth(scope): Auth, key: Key, Json(new): Json<NewSender>) -> Result<Answer, Failure> {
    let NewSender { value } = new;
    key.run(&app, &scope, async |tx| {
        let row = senders::create(tx, &scope, value).await?;
        let version = row.version;
        Ok(Reply::created(Sender::from(row)).tagged(version))
    })
    .await
}

/// Get a sender
///
/// For example, `GET /v1/senders/snd_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "senders.get",
    tag = "Senders",
    security(("bearer" = ["templates:read"])),
    params(("id" = SenderId, Path)),
    responses((status = OK, description = "The sender.", body = Sender)),
)]
#[get("/senders/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<SenderId>) -> Result<Reply<Sender>, Failure> {
    let row = senders::find(app.db.read(), &scope, id).await?;
    let version = row.version;
    Ok(Reply::ok(Sender::from(row)).tagged(version))
}

/// Give a sender up
///
/// Messages keep what they were sent from. For example, `DELETE /v1/senders/snd_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "senders.delete",
    tag = "Senders",
    security(("bearer" = ["templates:write"])),
    params(("id" = SenderId, Path), IfMatch),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/senders/{id}")]
async fn delete(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<SenderId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    senders::delete(&tx, &scope, id, expected).await?;
    tx.commit().await?;
    Ok(NoContent)
}
