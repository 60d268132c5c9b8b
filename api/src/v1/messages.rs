//! `/v1/messages`: sending to one number or a list, and what became of every message.

use std::collections::BTreeMap;

use actix_web::{get, post, web::Data};
use domain::{
    Code, Error,
    clock::Timestamp,
    contacts,
    db::Window,
    ids::{BatchId, CampaignId, ContactId, MessageId, TemplateId},
    jobs::Queue,
    messages::{self, Draft, Filter, Letter, Letterhead, Message as Row, Outcome, Part, Request, Status},
    money::{Micros, Money},
    phone::{self, Msisdn},
    scope::AccountScope,
    segments::{self, Encoding, SplitMode},
    senders, templates,
};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::{KEEP_MONEY, Key, RequiredKey},
        json::Json,
        paging::{Page, Query, window},
        path::Id,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The most numbers of one send.
const MAX_RECIPIENTS: usize = 100;

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(send).service(preview).service(estimate).service(get).service(cancel);
}

/// A message to one number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b",
    "campaign_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b",
    "batch_id": null,
    "contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b",
    "to": "+447400123456",
    "country": "GB",
    "operator": "EE",
    "sender": "CARILLON",
    "text": "Hello Ann, card 61152000.",
    "encoding": "gsm7",
    "split_mode": "udh",
    "segments": 1,
    "unit_price": {"amount": "0.074500", "currency": "EUR"},
    "cost": {"amount": "0.074500", "currency": "EUR"},
    "status": "delivered",
    "reason": null,
    "error": null,
    "send_at": "2026-11-21T10:00:00.000000Z",
    "submitted_at": "2026-11-21T10:00:01.000000Z",
    "done_at": "2026-11-21T10:00:02.000000Z",
    "external_id": null,
    "metadata": {},
    "created_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// The send it belongs to.
    pub batch_id: Option<BatchId>,
    /// The contact it went to.
    pub contact_id: Option<ContactId>,
    /// The number.
    pub to: String,
    /// ISO 3166 alpha-2, from the number.
    pub country: Option<String>,
    /// The operator of the number's range; null is normal.
    pub operator: Option<String>,
    /// Whom the recipient sees.
    pub sender: String,
    /// The text as sent; null once it was deleted by age, or when nothing was sent.
    pub text: Option<String>,
    /// The encoding of the text.
    pub encoding: Encoding,
    /// How a long text is sent.
    pub split_mode: SplitMode,
    /// Segments billed.
    pub segments: i64,
    /// The price of one segment.
    pub unit_price: Money,
    /// What was charged: price × segments, or nothing.
    pub cost: Money,
    /// Where it stands.
    pub status: Status,
    /// Why, when it was not delivered: such as `blacklisted` or `undeliverable`.
    pub reason: Option<String>,
    /// The carrier's own code.
    pub error: Option<String>,
    /// When it was to leave.
    pub send_at: Timestamp,
    /// When the carrier accepted it.
    pub submitted_at: Option<Timestamp>,
    /// When it came to its end.
    pub done_at: Option<Timestamp>,
    /// Your own id.
    pub external_id: Option<String>,
    /// Your own notes.
    pub metadata: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        let cost = row.cost();
        let Row {
            id,
            campaign_id,
            batch_id,
            contact_id,
            phone,
            country,
            operator,
            sender,
            text,
            encoding,
            split_mode,
            segments,
            parts: _,
            unit_price,
            currency,
            status,
            reason,
            error,
            charged: _,
            send_at,
            submitted_at,
            done_at,
            external_id,
            metadata,
            created_at,
        } = row;
        Self {
            id,
            campaign_id,
            batch_id,
            contact_id,
            to: format!("+{phone}"),
            country,
            operator,
            sender,
            text,
            encoding: serde_json::from_value(encoding.into()).unwrap_or(Encoding::Gsm7),
            split_mode: serde_json::from_value(split_mode.into()).unwrap_or_default(),
            segments,
            unit_price: Money::new(unit_price, &currency),
            cost: Money::new(cost, &currency),
            status,
            reason,
            error,
            send_at,
            submitted_at,
            done_at,
            external_id,
            metadata: serde_json::from_value(metadata).unwrap_or_default(),
            created_at,
        }
    }
}

/// A message with its parts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "message": {
        "id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "campaign_id": null, "batch_id": "bat_01kazsw6e3f8e9xq2m4r7t5v0b", "contact_id": null,
        "to": "+447400123456", "country": "GB", "operator": "EE", "sender": "CARILLON", "text": "Hello.", "encoding": "gsm7", "split_mode": "udh",
        "segments": 1, "unit_price": {"amount": "0.074500", "currency": "EUR"}, "cost": {"amount": "0.074500", "currency": "EUR"},
        "status": "delivered", "reason": null, "error": null, "send_at": "2026-11-21T10:00:00.000000Z", "submitted_at": "2026-11-21T10:00:01.000000Z",
        "done_at": "2026-11-21T10:00:02.000000Z", "external_id": null, "metadata": {}, "created_at": "2026-11-21T10:00:00.000000Z"
    },
    "parts": [{"part": 1, "carrier_ref": "7f3a", "status": "delivered", "error": null, "submitted_at": "2026-11-21T10:00:01.000000Z", "done_at": "2026-11-21T10:00:02.000000Z"}]
}))]
pub struct MessageDetail {
    /// The message.
    pub message: Message,
    /// Its parts, as handed to the carrier.
    pub parts: Vec<MessagePart>,
}

/// One part of a message as handed to the carrier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "part": 1, "carrier_ref": "7f3a", "status": "delivered", "error": null,
    "submitted_at": "2026-11-21T10:00:01.000000Z", "done_at": "2026-11-21T10:00:02.000000Z"
}))]
pub struct MessagePart {
    /// Its number, from 1.
    pub part: i64,
    /// The carrier's id of it, as it came.
    pub carrier_ref: Option<String>,
    /// sent, then what its receipt said: enroute, accepted, delivered, undelivered, expired, deleted, rejected or unknown.
    pub status: String,
    /// The carrier's own code.
    pub error: Option<String>,
    /// When the carrier accepted it.
    pub submitted_at: Timestamp,
    /// When its last receipt came.
    pub done_at: Option<Timestamp>,
}

impl From<Part> for MessagePart {
    fn from(row: Part) -> Self {
        let Part { part, carrier_ref_raw, status, error, submitted_at, done_at } = row;
        Self { part, carrier_ref: carrier_ref_raw, status, error, submitted_at, done_at }
    }
}

/// A text to one number or a list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": ["+447400123456", "+12015550100"], "sender": "CARILLON", "text": "Your table is ready."}))]
pub struct NewMessage {
    /// Numbers, at most 100: `+cc…`, `00cc…`, `cc…`, or national with a default country. A number named twice is sent to
    /// once.
    pub to: Vec<String>,
    /// Whom recipients see: an approved sender.
    pub sender: String,
    /// The text, with markers where a number is a contact; or give `template_id`.
    pub text: Option<String>,
    /// A template; or give `text`.
    pub template_id: Option<TemplateId>,
    /// How a long text is sent; `udh` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub split_mode: SplitMode,
    /// When to send; a past time or none sends now.
    pub send_at: Option<Timestamp>,
    /// ISO 3166 alpha-2: how national numbers of this send are read; the account's when left out.
    pub default_country: Option<String>,
    /// Your own id, at most 200 characters, on each message of the send.
    pub external_id: Option<String>,
    /// Your own notes on each message of the send, at most 50.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What a send became, number by number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "batch_id": "bat_01kazsw6e3f8e9xq2m4r7t5v0b",
    "send_at": "2026-11-21T10:00:00.000000Z",
    "cost": {"amount": "0.074500", "currency": "EUR"},
    "messages": [
        {"id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "to": "+447400123456", "status": "queued", "reason": null, "segments": 1, "cost": {"amount": "0.074500", "currency": "EUR"}}
    ]
}))]
pub struct SentMessages {
    /// The send: `GET /v1/messages?batch_id=…` lists its messages.
    pub batch_id: BatchId,
    /// When they leave.
    pub send_at: Timestamp,
    /// What all of them cost, held now, or at `send_at` when that lies ahead.
    pub cost: Money,
    /// Each different number, in the order given.
    pub messages: Vec<SentMessage>,
}

/// What becomes of one number of a send.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "to": "+447400123456", "status": "queued", "reason": null, "segments": 1,
    "cost": {"amount": "0.074500", "currency": "EUR"}
}))]
pub struct SentMessage {
    /// The message's id; null in an estimate.
    pub id: Option<MessageId>,
    /// The number in E.164.
    pub to: Msisdn,
    /// queued, scheduled or skipped.
    pub status: Status,
    /// Why it is skipped.
    pub reason: Option<String>,
    /// Segments to be billed.
    pub segments: i64,
    /// Price × segments.
    pub cost: Money,
}

/// A dry run of a send.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "cost": {"amount": "0.074500", "currency": "EUR"},
    "messages": [{"id": null, "to": "+447400123456", "status": "queued", "reason": null, "segments": 1, "cost": {"amount": "0.074500", "currency": "EUR"}}]
}))]
pub struct MessageEstimate {
    /// What the send would cost, to the micro-unit.
    pub cost: Money,
    /// Each different number, in the order given.
    pub messages: Vec<SentMessage>,
}

/// A text to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "Price 5€ – “today only”", "split_mode": "udh"}))]
pub struct PreviewRequest {
    /// The text, at most 5,000 characters; markers are counted as they are written.
    pub text: String,
    /// How a long text is sent; `udh` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub split_mode: SplitMode,
}

/// How a text goes on the air.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "encoding": "ucs2", "characters": 23, "units": 23, "segments": 1, "per_segment": [23], "remaining_in_last": 47, "approximate": false,
    "warning": null,
    "ucs2_characters": [{"char": "–", "position": 9, "count": 1, "replacement": "-"}],
    "saving": {"segments_now": 1, "segments_after": 1, "text": "Price 5€ - \"today only\""}
}))]
pub struct Preview {
    /// The cheapest encoding that holds the text.
    pub encoding: Encoding,
    /// Characters.
    pub characters: u32,
    /// Septets (GSM-7, where `€` and others count two) or 16-bit units (UCS-2).
    pub units: u32,
    /// Segments billed.
    pub segments: u32,
    /// Units of each segment.
    pub per_segment: Vec<u32>,
    /// Units that still fit into the last segment.
    pub remaining_in_last: u32,
    /// True when the text has markers: their values decide.
    pub approximate: bool,
    /// Set above three segments: what to mind.
    pub warning: Option<String>,
    /// The characters that force UCS-2, in order of appearance.
    pub ucs2_characters: Vec<Ucs2Character>,
    /// What replacing them would save; null for GSM-7.
    pub saving: Option<Saving>,
}

/// A character that GSM-7 does not have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"char": "–", "position": 9, "count": 1, "replacement": "-"}))]
pub struct Ucs2Character {
    /// The character.
    pub char: String,
    /// Where it first stands, in characters from 0.
    pub position: u32,
    /// How often it stands in the text.
    pub count: u32,
    /// What would do in GSM-7; null when nothing does.
    pub replacement: Option<String>,
}

/// What cheaper characters would save.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"segments_now": 2, "segments_after": 1, "text": "Price 5€ - \"today only\""}))]
pub struct Saving {
    /// Segments as the text is.
    pub segments_now: u32,
    /// Segments with every replacement made.
    pub segments_after: u32,
    /// The text with every replacement made.
    pub text: String,
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

/// Reads a send: its numbers, its text, its sender, with every fault told at once.
async fn read(conn: &impl ConnectionTrait, scope: &AccountScope, new: NewMessage) -> domain::Result<Request> {
    let NewMessage { to, sender, text, template_id, split_mode, send_at, default_country, external_id, metadata } = new;
    let mut faults = domain::error::Faults::default();
    if to.is_empty() || to.len() > MAX_RECIPIENTS {
        faults.add(
            "/to",
            "out_of_range",
            format!("must have 1 to {MAX_RECIPIENTS} numbers; send more with a campaign"),
        );
    }
    let rule = match default_country.as_deref().map(str::parse::<phone::Country>) {
        Some(Ok(country)) => phone::Rule::ImportCountry(country),
        Some(Err(_)) => {
            faults.add("/default_country", "invalid", "must be an ISO 3166 alpha-2 code such as GB");
            phone::Rule::None
        }
        None => contacts::rule(conn, scope).await?,
    };
    let mut numbers = Vec::with_capacity(to.len());
    for (place, raw) in to.iter().take(MAX_RECIPIENTS).enumerate() {
        match phone::parse(raw, &rule) {
            Ok(parsed) => numbers.push(parsed.number),
            Err(e) => faults.add(format!("/to/{place}"), e.code, e.detail),
        }
    }
    faults.optional_text("/external_id", external_id.as_deref(), 200);
    if send_at.is_some_and(|at| at > scope.clock().now().plus(std::time::Duration::from_secs(366 * 86_400))) {
        faults.add("/send_at", "too_late", "must be within a year");
    }
    let body = match (text, template_id) {
        (Some(text), None) => Some(text),
        (None, Some(id)) => match templates::find(conn, scope, id).await {
            Ok(template) => Some(template.body),
            Err(_) => {
                faults.add("/template_id", "not_found", "there is no such template in this account");
                None
            }
        },
        (Some(_), Some(_)) => {
            faults.add("/text", "exclusive", "must not be given beside template_id");
            None
        }
        (None, None) => {
            faults.add("/text", "required", "must be given, or template_id");
            None
        }
    };
    faults.check()?;
    if let Some(why) = senders::check(&sender) {
        return Err(Error::new(Code::InvalidSender, format!("The sender {why}.")));
    }
    senders::require_approved(conn, scope, &sender).await?;
    let template = templates::check(conn, scope, body.as_deref().unwrap_or_default()).await?;
    let metadata = super::metadata(metadata)?;
    Ok(Request {
        letter: Letter { sender, template, split_mode },
        to: numbers,
        head: Letterhead { send_at, external_id, metadata },
    })
}

fn sent(
    drafts: &[Draft],
    ids: Option<&[MessageId]>,
    waiting: Status,
    currency: &domain::money::Currency,
) -> Vec<SentMessage> {
    let one = |(place, draft): (usize, &Draft)| {
        let (status, reason, segments, cost) = match &draft.outcome {
            Outcome::Send(p) => (waiting, None, p.segments, p.unit_price.checked_mul(p.segments).unwrap_or_default()),
            Outcome::Skip(skip) => (Status::Skipped, Some(skip.as_str().to_owned()), 0, Micros::ZERO),
        };
        let id = ids.and_then(|ids| ids.get(place)).copied();
        SentMessage { id, to: draft.phone, status, reason, segments, cost: Money::new(cost, currency) }
    };
    drafts.iter().enumerate().map(one).collect()
}

/// Send messages
///
/// Sends a text to up to 100 numbers, now or at `send_at`. Each different number gets one message; numbers on the
/// blacklist and the like are skipped, told why and not charged. The answer comes once the messages are stored and
/// their money is held. For example, the body below sends one text to two numbers.
#[utoipa::path(
    operation_id = "messages.send",
    tag = "Messages",
    security(("bearer" = ["messages:write"])),
    params(RequiredKey),
    responses((status = ACCEPTED, description = "They are on their way.", body = SentMessages)),
    extensions(("x-errors" = json!([
        "account_suspended", "insufficient_funds", "invalid_sender", "invalid_template", "no_rate", "no_route", "sender_not_approved", "unknown_marker"
    ]))),
)]
#[post("/messages")]
async fn send(
    app: Data<App>,
    Auth(scope): Auth,
    RequiredKey(key): RequiredKey,
    Json(new): Json<NewMessage>,
) -> Result<Answer, Failure> {
    let answer = key
        .kept(KEEP_MONEY)
        .run(&app, &scope, async |tx| {
            let request = read(tx, &scope, new).await?;
            let done = messages::send(tx, &scope, &request).await?;
            let currency = &done.currency;
            Ok(Reply::accepted(SentMessages {
                batch_id: done.batch,
                send_at: done.send_at,
                cost: Money::new(done.written.cost, currency),
                messages: sent(&done.drafts, Some(&done.written.ids), done.waiting, currency),
            }))
        })
        .await?;
    app.wake.nudge(Queue::MessagesDeliver);
    Ok(answer)
}

/// Estimate a send
///
/// The dry run of `POST /v1/messages`: the same body, nothing sent, and the cost equal to the later charge. For
/// example, the body below tells what two messages would cost.
#[utoipa::path(
    operation_id = "messages.estimate",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    responses((status = OK, description = "What would be sent, skipped and charged.", body = MessageEstimate)),
    extensions(("x-errors" = json!([
        "account_suspended", "invalid_sender", "invalid_template", "no_rate", "no_route", "sender_not_approved", "unknown_marker"
    ]))),
)]
#[post("/messages/estimate")]
async fn estimate(
    app: Data<App>,
    Auth(scope): Auth,
    Json(new): Json<NewMessage>,
) -> Result<Reply<MessageEstimate>, Failure> {
    let request = read(app.db.read(), &scope, new).await?;
    let (terms, drafts) = messages::plan(app.db.read(), &scope, &request.letter, &request.to).await?;
    let cost = messages::cost(&drafts).unwrap_or(Micros(i64::MAX));
    let currency = &terms.deck.currency;
    Ok(Reply::ok(MessageEstimate {
        cost: Money::new(cost, currency),
        messages: sent(&drafts, None, Status::Queued, currency),
    }))
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

/// Preview a text
///
/// Counts characters and segments, tells the encoding, names each character that forces UCS-2 and what replacing it
/// would save. Nothing is sent. For example, `{"text": "Price 5€ – “today only”"}`.
#[utoipa::path(
    operation_id = "messages.preview",
    tag = "Messages",
    security(("bearer" = ["messages:read"])),
    responses((status = OK, description = "How the text goes on the air.", body = Preview)),
)]
#[post("/messages/preview")]
async fn preview(Auth(_scope): Auth, Json(asked): Json<PreviewRequest>) -> Result<Reply<Preview>, Failure> {
    let PreviewRequest { text, split_mode } = asked;
    let mut faults = domain::error::Faults::default();
    faults.optional_text("/text", Some(&text), templates::MAX_BODY);
    faults.check()?;
    let segments::Measure { encoding, units, characters, segments, per_segment, remaining_in_last } =
        segments::measure(&text, split_mode, None);
    let saving = (encoding == Encoding::Ucs2).then(|| {
        let segments::Saving { now, after } = segments::saving(&text, split_mode);
        Saving { segments_now: now, segments_after: after, text: segments::replace_ucs2(&text) }
    });
    let ucs2_characters = segments::ucs2_characters(&text).into_iter().map(|c| {
        let segments::Ucs2Char { character, position, count, replacement } = c;
        Ucs2Character { char: character.to_string(), position, count, replacement: replacement.map(str::to_owned) }
    });
    Ok(Reply::ok(Preview {
        encoding,
        characters,
        units,
        segments,
        per_segment,
        remaining_in_last,
        approximate: !templates::markers(&text).is_empty(),
        warning: (segments > 3).then(|| {
            format!("{segments} segments are billed for each recipient, and some phones show a long text in pieces.")
        }),
        ucs2_characters: ucs2_characters.collect(),
        saving,
    }))
}
