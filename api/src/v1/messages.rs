//! `/v1/messages`: sending to one number or a list, and what became of every message.

mod preview;
mod send;
mod shapes;
mod trace;

use actix_web::{get, post, web::Data};
use domain::{
    Code, Error,
    clock::Timestamp,
    db::Window,
    ids::{BatchId, CampaignId, ContactId, MessageId},
    messages::{self, Filter, Message as Row},
    phone::Msisdn,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use preview::{Preview, PreviewRequest, Saving, Ucs2Character};
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
        .service(preview::preview)
        .service(send::estimate)
        .service(trace::trace)
        .service(get)
        .service(cancel);
}

/// Which messages to list; every parameter narrows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListMessages {
    /// Only of this campaign.
    pub campaign_id: Option<CampaignId>,
    /// Only of this send.
    pub batch_id: Option<BatchId>,
    /// Only to this contact.
    pub contact_id: Option<ContactId>,
    /// Only in these states, separated by commas.
    pub status: Option<String>,
    /// Only with this reason.
    pub reason: Option<String>,
    /// Only to this number, in E.164.
    pub to: Option<String>,
    /// Only to numbers with these digits.
    pub to_contains: Option<String>,
    /// Only from this sender.
    pub sender: Option<String>,
    /// Only with this text in the message.
    pub text_contains: Option<String>,
    /// Only to this country, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Only to this operator.
    pub operator: Option<String>,
    /// Only with your own id.
    pub external_id: Option<String>,
    /// Only those made at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only those made before this time.
    pub created_to: Option<Timestamp>,
    /// Only those made on these days of the week (UTC), 1 = Monday … 7 = Sunday, separated by commas.
    pub weekday: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

fn words<T: std::str::FromStr>(name: &str, text: Option<String>) -> Result<Vec<T>, Failure> {
    let bad = |word: &str| {
        Error::new(Code::UnknownParameter, format!("{name} has the word {word:?}, which it does not know."))
    };
    text.iter().flat_map(|t| t.split(',')).map(|word| word.trim().parse().map_err(|_| bad(word).into())).collect()
}

/// List messages
///
/// Newest first, with what became of each and what it cost. For example,
/// `GET /v1/messages?campaign_id=cmp_01kazsw6e3f8e9xq2m4r7t5v0b&status=undelivered,expired`.
#[utoipa::path(
    operation_id = "messages.list",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    params(ListMessages),
    responses((status = OK, description = "A page of messages.", body = Page<Message>)),
)]
#[get("/messages")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListMessages>,
) -> Result<Reply<Page<Message>>, Failure> {
    let ListMessages {
        campaign_id,
        batch_id,
        contact_id,
        status,
        reason,
        to,
        to_contains,
        sender,
        text_contains,
        country,
        operator,
        external_id,
        created_from,
        created_to,
        weekday,
        limit,
        after,
    } = asked;
    let Window { limit, after } = window(limit, after.as_deref())?;
    let to = to.map(|text| {
        text.parse::<Msisdn>()
            .map_err(|_| Error::new(Code::UnknownParameter, "to must be a number in E.164, such as +447400123456."))
    });
    let filter = Filter {
        campaign: campaign_id,
        batch: batch_id,
        contact: contact_id,
        statuses: words("status", status)?,
        reason,
        phone: to.transpose()?.map(i64::from),
        phone_contains: to_contains,
        sender,
        text_contains,
        country,
        operator,
        external_id,
        created_from,
        created_to,
        weekdays: words("weekday", weekday)?,
        after,
    };
    let rows = messages::list(app.db.read(), &scope, &filter, limit).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
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
