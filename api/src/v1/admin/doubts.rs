//! `/v1/admin/doubts`: messages whose answer was lost, and the operator's word on what became of them.

use actix_web::{get, post, web::Data};
use domain::{
    clock::Timestamp,
    error::Faults,
    ids::{AccountId, CarrierId, MessageId},
    messages::doubts::{self, Doubtful as Row, Filter, Outcome, Word},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::{Operator, OperatorToken},
        idempotency::Key,
        json::Json,
        paging::{Page, Query, window},
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(resolve);
}

/// A message in doubt: it may or may not have left. Its money is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "message_id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "account_id": "acc_01kazsw6e3f8e9xq2m4r7t5v0b",
    "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "to": "+447400123456", "sender": "CARILLON", "reason": "no_answer",
    "since": "2026-11-21T10:00:00.000000Z", "until": "2026-11-23T10:00:00.000000Z"
}))]
pub struct MessageInDoubt {
    /// The message; `GET /v1/admin/messages/{id}/trace` tells the rest.
    pub message_id: MessageId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The carrier that may have it.
    pub carrier_id: CarrierId,
    /// The recipient, E.164.
    pub to: String,
    /// The sender, by which the carrier can find it too.
    pub sender: String,
    /// Why it is in doubt: `no_answer`, `connection_lost`, `interrupted` and others.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When it ends as `unknown`, uncharged, if nothing is heard.
    pub until: Timestamp,
}

impl From<Row> for MessageInDoubt {
    fn from(row: Row) -> Self {
        let Row { id, account_id, carrier_id, phone, sender, reason, since, until } = row;
        Self { message_id: id, account_id, carrier_id, to: format!("+{phone}"), sender, reason, since, until }
    }
}

/// Which doubts to list. Every parameter narrows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListDoubts {
    /// Of this carrier.
    pub carrier_id: Option<CarrierId>,
    /// In doubt since this moment or later.
    pub from: Option<Timestamp>,
    /// In doubt since before this moment.
    pub to: Option<Timestamp>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// The doubts of a carrier in a period, and what became of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "from": "2026-11-21T10:00:00Z", "to": "2026-11-21T10:05:00Z",
    "outcome": "not_sent", "reason": "Acme confirms in ticket 4711 that nothing arrived during its outage."
}))]
pub struct ResolveDoubts {
    /// The carrier.
    pub carrier_id: CarrierId,
    /// In doubt since this moment or later.
    pub from: Timestamp,
    /// In doubt since before this moment; later than `from`.
    pub to: Timestamp,
    /// What became of all of them.
    pub outcome: Outcome,
    /// Why, in your words, 1 to 500 characters; kept with each message.
    pub reason: String,
}

/// How many doubts were resolved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"resolved": 412, "has_more": false}))]
pub struct ResolvedDoubts {
    /// By this request.
    pub resolved: u64,
    /// Whether more of the period are in doubt: send the request again, with a new `Idempotency-Key`.
    pub has_more: bool,
}

/// List messages in doubt
///
/// Messages of all accounts whose answer was lost, newest message first. A receipt or a late answer resolves most of them;
/// for the others ask the carrier, and say what it said with `POST /v1/admin/doubts/resolve` or
/// `POST /v1/admin/messages/{id}/resolve`. For example, `GET /v1/admin/doubts?carrier_id=car_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "admin_doubts.list",
    tag = "Operator",
    security(("operator" = ["messages:read"])),
    params(ListDoubts),
    responses((status = OK, description = "A page of messages in doubt.", body = Page<MessageInDoubt>)),
)]
#[get("/admin/doubts")]
async fn list(
    app: Data<App>,
    Operator(scope): Operator,
    Query(asked): Query<ListDoubts>,
) -> Result<Reply<Page<MessageInDoubt>>, Failure> {
    let ListDoubts { carrier_id, from, to, limit, after } = asked;
    let filter = Filter { carrier: carrier_id, from, to };
    let rows = doubts::list(app.db.read(), &scope, filter, window(limit, after.as_deref())?).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Resolve the doubts of a period
///
/// Ends the messages of one carrier that are in doubt since a moment of the period, oldest first, 5,000 a request: with
/// `delivered` and `undelivered` they are charged, with `not_sent` their money is released. Each keeps the outcome, the
/// reason and the token that said so. What is not in doubt any more is left alone, so that two requests at once resolve
/// nothing twice. A receipt that comes afterwards changes nothing. For example, the body below gives back the money of what
/// was lost in five minutes.
#[utoipa::path(
    operation_id = "admin_doubts.resolve",
    tag = "Operator",
    security(("operator" = ["messages:write"])),
    params(Key),
    responses((status = OK, description = "How many there were.", body = ResolvedDoubts)),
)]
#[post("/admin/doubts/resolve")]
async fn resolve(
    app: Data<App>,
    Operator(scope): Operator,
    OperatorToken(by): OperatorToken,
    key: Key,
    Json(asked): Json<ResolveDoubts>,
) -> Result<Answer, Failure> {
    let ResolveDoubts { carrier_id, from, to, outcome, reason } = asked;
    let mut faults = Faults::default();
    if to <= from {
        faults.add("/to", "out_of_range", "must be later than from");
    }
    faults.check()?;
    let filter = Filter { carrier: Some(carrier_id), from: Some(from), to: Some(to) };
    let word = Word { outcome, reason, by };
    key.run(&app, &scope, async |tx| {
        let (resolved, has_more) = doubts::resolve_many(tx, &scope, filter, &word).await?;
        Ok(Reply::ok(ResolvedDoubts { resolved, has_more }))
    })
    .await
}
