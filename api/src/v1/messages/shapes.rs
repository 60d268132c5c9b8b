//! The requests and the responses of messages.

use std::collections::BTreeMap;

use domain::{
    clock::Timestamp,
    ids::{BatchId, CampaignId, ContactId, MessageId, TemplateId},
    messages::{Message as Row, Part, Priority, Status},
    money::Money,
    phone::Msisdn,
    segments::{Encoding, SplitMode},
    senders::Class,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    "sender_class": "alphanumeric",
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
    "valid_until": null,
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
    /// What kind of sender that is.
    pub sender_class: Class,
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
    /// Until when it was worth sending; null: as long as the carrier keeps it.
    pub valid_until: Option<Timestamp>,
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
            valid_until,
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
            sender_class: Class::of(&sender),
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
            valid_until,
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
        "to": "+447400123456", "country": "GB", "operator": "EE", "sender": "CARILLON", "sender_class": "alphanumeric", "text": "Hello.", "encoding": "gsm7", "split_mode": "udh",
        "segments": 1, "unit_price": {"amount": "0.074500", "currency": "EUR"}, "cost": {"amount": "0.074500", "currency": "EUR"},
        "status": "delivered", "reason": null, "error": null, "send_at": "2026-11-21T10:00:00.000000Z", "submitted_at": "2026-11-21T10:00:01.000000Z",
        "done_at": "2026-11-21T10:00:02.000000Z", "valid_until": null, "external_id": null, "metadata": {}, "created_at": "2026-11-21T10:00:00.000000Z"
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
    /// For how many seconds after `send_at` it is worth sending, 60 to 259,200 (three days). What has not left by then is
    /// not sent and not charged; the carrier is told what remains. Left out: as long as the carrier keeps it.
    #[schema(minimum = 60, maximum = 259_200)]
    pub validity_seconds: Option<i64>,
    /// Before and after which messages it leaves; `normal` when left out. One-time codes are `otp`: they overtake
    /// everything that waits for the same carrier.
    pub priority: Option<Priority>,
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
