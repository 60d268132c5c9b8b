//! Everything that is known of one message.

mod parts;
mod shapes;

use actix_web::{get, web::Data};
use domain::{ids::MessageId, messages};

pub use shapes::MessageTrace;

use crate::{
    App,
    shared::{auth::Auth, path::Id, problem::Failure, reply::Reply},
};

/// Trace a message
///
/// Everything that is known of one message: the carrier and the route it took, and every route that was not taken with
/// the reason; its parts with the carrier's ids and receipts as they came; the tries that decided nothing; its money,
/// entry by entry; its events. For example,
/// `GET /v1/messages/msg_01kazsw6e3f8e9xq2m4r7t5v0b/trace` answers why a message was not delivered and what it cost.
#[utoipa::path(
    operation_id = "messages.trace",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    params(("id" = MessageId, Path)),
    responses((status = OK, description = "What is known of it.", body = MessageTrace)),
)]
#[get("/messages/{id}/trace")]
pub(super) async fn trace(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<MessageId>,
) -> Result<Reply<MessageTrace>, Failure> {
    Ok(Reply::ok(MessageTrace::of(messages::trace(app.db.read(), &scope, id).await?, false)))
}
