//! `/v1/admin/messages`: looking into any account's message.

use actix_web::{get, web::Data};
use domain::{ids::MessageId, messages};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{auth::Operator, path::Id, problem::Failure, reply::Reply},
    v1::messages::MessageTrace,
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(trace);
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
