//! `/v1/admin/messages`: looking into any account's message, and ending its doubt.

use actix_web::{get, post, web::Data};
use domain::{
    ids::MessageId,
    messages::{
        self,
        doubts::{self, Outcome, Word},
    },
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::{Operator, OperatorToken},
        idempotency::Key,
        json::Json,
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
    v1::messages::MessageTrace,
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(trace).service(resolve);
}

/// Trace any account's message
///
/// The same as `GET /v1/messages/{id}/trace`, for a message of any account, and with what an account is not told: the
/// names of carriers and routes, the cost, and the worker that has it. For example,
/// `GET /v1/admin/messages/msg_01kazsw6e3f8e9xq2m4r7t5v0b/trace`.
#[utoipa::path(
    operation_id = "admin_messages.trace",
    tag = "Operator",
    security(("operator" = ["messages:read"])),
    params(("id" = MessageId, Path)),
    responses((status = OK, description = "What is known of it.", body = MessageTrace)),
)]
#[get("/admin/messages/{id}/trace")]
async fn trace(
    app: Data<App>,
    Operator(scope): Operator,
    Id(id): Id<MessageId>,
) -> Result<Reply<MessageTrace>, Failure> {
    let account = messages::owner(app.db.read(), &scope, id).await?;
    Ok(Reply::ok(MessageTrace::of(messages::trace(app.db.read(), &account, id).await?, true)))
}

/// What became of a message in doubt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "delivered", "reason": "Acme found it in its log, ticket 4711."}))]
pub struct ResolveDoubt {
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in your words, 1 to 500 characters; kept with the message.
    pub reason: String,
}

/// Resolve a doubt
///
/// Ends a message that is in doubt by what you have learned of it: with `delivered` and `undelivered` it is charged, with
/// `not_sent` its money is released. The outcome, the reason and the token that said so are kept, and are told by
/// `GET /v1/admin/messages/{id}/trace`, which is answered here too. A message that is not in doubt, or not any more, is a
/// `conflict`. For example, `POST /v1/admin/messages/msg_01kazsw6e3f8e9xq2m4r7t5v0b/resolve` with the body below.
#[utoipa::path(
    operation_id = "admin_messages.resolve",
    tag = "Operator",
    security(("operator" = ["messages:write"])),
    params(("id" = MessageId, Path), Key),
    responses((status = OK, description = "What is known of it now.", body = MessageTrace)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/admin/messages/{id}/resolve")]
async fn resolve(
    app: Data<App>,
    Operator(scope): Operator,
    OperatorToken(by): OperatorToken,
    Id(id): Id<MessageId>,
    key: Key,
    Json(asked): Json<ResolveDoubt>,
) -> Result<Answer, Failure> {
    let ResolveDoubt { outcome, reason } = asked;
    let word = Word { outcome, reason, by };
    key.run(&app, &scope, async |tx| {
        doubts::resolve(tx, &scope, id, &word).await?;
        let account = messages::owner(tx, &scope, id).await?;
        Ok(Reply::ok(MessageTrace::of(messages::trace(tx, &account, id).await?, true)))
    })
    .await
}
