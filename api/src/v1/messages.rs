//! `/v1/messages`: sending to one number or a list, and what became of every message.

mod batches;
mod conditions;
mod preview;
mod reader;
mod send;
mod shapes;
mod trace;

use actix_web::{get, post, web::Data};
use domain::{
    Error,
    db::Window,
    ids::{MessageFilterId, MessageId},
    message_filters,
    messages::{self, Filter, Listed},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use batches::{BatchMessage, BatchOutcome, NewBatchMessage, NewMessageBatch, SentMessageBatch};
pub use conditions::{MessageConditions, given};
pub use preview::{Preview, PreviewRequest, Saving, Ucs2Character};
pub use send::{MOST_TOGETHER, Sends};
pub use shapes::{Message, MessageDetail, MessageEstimate, MessagePart, NewMessage, SentMessage, SentMessages};
pub use trace::MessageTrace;

use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::Key,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(send::send)
        .service(batches::send_batch)
        .service(preview::preview)
        .service(send::estimate)
        .service(trace::trace)
        .service(get)
        .service(cancel);
}

/// How many messages a page looks at when something is asked that no index serves.
const REACH: usize = 20_000;

/// Which messages to list, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListMessages {
    #[serde(flatten)]
    #[param(ignore)]
    conditions: MessageConditions,
    /// A saved filter, whose conditions count too. A parameter that is sent stands in for the filter's of the same name.
    pub filter: Option<MessageFilterId>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List messages
///
/// Newest first, with what became of each and what it cost. For example,
/// `GET /v1/messages?campaign_id=cmp_01kazsw6e3f8e9xq2m4r7t5v0b&status=undelivered,expired`, or
/// `GET /v1/messages?filter=mfl_01kazsw6e3f8e9xq2m4r7t5v0b&country=GB` with a filter that was saved under
/// `/v1/message-filters`.
///
/// `campaign_id`, `batch_id`, `created_from` and `created_to` narrow at once. For every other condition messages are looked
/// through, 20,000 a page at most: such a page may be short or empty and still have `has_more`; go on with its
/// `next_cursor`.
#[utoipa::path(
    operation_id = "messages.list",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    params(MessageConditions, ListMessages),
    responses((status = OK, description = "A page of messages.", body = Page<Message>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
#[get("/messages")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListMessages>,
) -> Result<Reply<Page<Message>>, Failure> {
    let ListMessages { conditions, filter, limit, after } = asked;
    let Window { limit, after } = window(limit, after.as_deref())?;
    let conditions = match filter {
        Some(id) => conditions.over(message_filters::find(app.db.read(), &scope, id).await?.conditions)?,
        None => conditions,
    };
    let filter = Filter { after, ..conditions.read("").map_err(Error::of_parameters)? };
    let Listed { rows, next } = messages::list(app.db.read(), &scope, &filter, limit, Some(REACH)).await?;
    let data = rows.into_iter().map(Message::from).collect();
    Ok(Reply::ok(Page { data, has_more: next.is_some(), next_cursor: next.map(|id| id.to_string()) }))
}

/// Get a message
///
/// With its parts as the carrier took them. For example, `GET /v1/messages/msg_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "messages.get",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    params(("id" = MessageId, Path)),
    responses((status = OK, description = "The message.", body = MessageDetail)),
)]
#[get("/messages/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<MessageId>) -> Result<Reply<MessageDetail>, Failure> {
    let message = messages::get(app.db.read(), &scope, id).await?;
    let parts = messages::parts_of(app.db.read(), &scope, id).await?;
    Ok(Reply::ok(MessageDetail { message: message.into(), parts: parts.into_iter().map(MessagePart::from).collect() }))
}

/// Cancel a message
///
/// Only one that is scheduled or queued: its money is released. For example,
/// `POST /v1/messages/msg_01kazsw6e3f8e9xq2m4r7t5v0b/cancel`.
#[utoipa::path(
    operation_id = "messages.cancel",
    tag = "Messages",
    security(("bearer" = ["messages:write"])),
    params(("id" = MessageId, Path), Key),
    responses((status = OK, description = "The cancelled message.", body = Message)),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/messages/{id}/cancel")]
async fn cancel(app: Data<App>, Auth(scope): Auth, Id(id): Id<MessageId>, key: Key) -> Result<Answer, Failure> {
    key.run(&app, &scope, async |tx| {
        messages::cancel(tx, &scope, id).await?;
        Ok(Reply::ok(Message::from(messages::get(tx, &scope, id).await?)))
    })
    .await
}
