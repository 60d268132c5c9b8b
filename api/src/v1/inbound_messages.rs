//! `/v1/inbound-messages`: what subscribers wrote to the account's senders.

use actix_web::{get, web::Data};
use domain::{
    clock::Timestamp,
    ids::{CampaignId, ContactId, InboundMessageId, MessageId},
    inbound_messages::{self, Encoding, Filter, InboundMessage as Row, Keyword},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::contacts::asked_phone;
use crate::{
    App,
    shared::{
        auth::Auth,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::Reply,
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(get);
}

/// A message from a subscriber.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "inb_01kazsw6e3f8e9xq2m4r7t5v0b",
    "from": "+447400123456",
    "to": "447400900000",
    "text": "Yes, at eight",
    "encoding": "gsm7",
    "keyword": null,
    "parts": 1,
    "complete": true,
    "deliveries": 1,
    "contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "message_id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b",
    "campaign_id": null,
    "received_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct InboundMessage {
    /// Its id.
    pub id: InboundMessageId,
    /// Whom it is from: E.164, or the address as it came when that is no number.
    pub from: String,
    /// The sender that it was sent to, without a plus.
    pub to: String,
    /// Its text. A part that never came shows as `…`.
    pub text: String,
    /// How the text came; `binary` is shown in hexadecimal.
    pub encoding: Encoding,
    /// What it asks for, when it is one of the words for it.
    pub keyword: Option<Keyword>,
    /// How many parts it was sent in.
    pub parts: i64,
    /// False when parts of it had not come after ten minutes.
    pub complete: bool,
    /// How often the carrier delivered it. More than 1: within two minutes of each other, so that it counts as one.
    pub deliveries: i64,
    /// The contact with this number, as of then.
    pub contact_id: Option<ContactId>,
    /// The message that it answers: the last one that went to this number from this sender within 90 days.
    pub message_id: Option<MessageId>,
    /// The campaign of that message.
    pub campaign_id: Option<CampaignId>,
    /// When the carrier first delivered it, or its last part.
    pub received_at: Timestamp,
}

impl From<Row> for InboundMessage {
    fn from(row: Row) -> Self {
        let from = row.from();
        let Row {
            id,
            carrier_id: _,
            source: _,
            recipient,
            body,
            encoding,
            keyword,
            parts,
            complete,
            deliveries,
            contact_id,
            message_id,
            campaign_id,
            received_at,
        } = row;
        Self {
            id,
            from,
            to: recipient,
            text: body,
            encoding,
            keyword,
            parts,
            complete,
            deliveries,
            contact_id,
            message_id,
            campaign_id,
            received_at,
        }
    }
}

/// Which messages to list: each condition narrows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListInboundMessages {
    /// Only from this number.
    pub from: Option<String>,
    /// Only to this sender, without a plus.
    pub to: Option<String>,
    /// Only those that are a word for this.
    pub keyword: Option<Keyword>,
    /// Only from this contact.
    pub contact_id: Option<ContactId>,
    /// Only those that answer this message.
    pub message_id: Option<MessageId>,
    /// Only those that answer a message of this campaign.
    pub campaign_id: Option<CampaignId>,
    /// Only those received at this time or later.
    pub received_from: Option<Timestamp>,
    /// Only those received before this time.
    pub received_to: Option<Timestamp>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// List inbound messages
///
/// What subscribers wrote to the account's senders, newest first. For example,
/// `GET /v1/inbound-messages?from=%2B447400123456&received_from=2026-11-21T00:00:00Z`. To be told of each as it comes, read
/// `message.received` in `GET /v1/events`.
#[utoipa::path(
    operation_id = "inbound_messages.list",
    tag = "Inbound messages",
    security(("bearer" = ["messages:read"])),
    params(ListInboundMessages),
    responses((status = OK, description = "A page of messages.", body = Page<InboundMessage>)),
)]
#[get("/inbound-messages")]
async fn list(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListInboundMessages>,
) -> Result<Reply<Page<InboundMessage>>, Failure> {
    let ListInboundMessages {
        from,
        to,
        keyword,
        contact_id,
        message_id,
        campaign_id,
        received_from,
        received_to,
        limit,
        after,
    } = asked;
    let filter = Filter {
        from: asked_phone("from", from)?,
        to,
        keyword,
        contact: contact_id,
        message: message_id,
        campaign: campaign_id,
        received_from,
        received_to,
    };
    let window = window(limit, after.as_deref())?;
    let rows = inbound_messages::list(app.db.read(), &scope, &filter, window).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Get an inbound message
///
/// For example, `GET /v1/inbound-messages/inb_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "inbound_messages.get",
    tag = "Inbound messages",
    security(("bearer" = ["messages:read"])),
    params(("id" = InboundMessageId, Path)),
    responses((status = OK, description = "The message.", body = InboundMessage)),
)]
#[get("/inbound-messages/{id}")]
async fn get(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<InboundMessageId>,
) -> Result<Reply<InboundMessage>, Failure> {
    Ok(Reply::ok(inbound_messages::get(app.db.read(), &scope, id).await?.into()))
}
