//! What each event carries: enough to act on without asking back. Fields are only ever added.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    campaigns,
    clock::Timestamp,
    ids::{CampaignId, ContactId, ImportId, InboundMessageId, MessageId, SenderId},
    imports,
    inbound_messages::Keyword,
    messages, senders,
};

/// A message that came to another state.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "to": "+447400123456", "status": "delivered", "reason": null,
    "campaign_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b"
}))]
pub struct MessageEventData {
    /// The message.
    pub id: MessageId,
    /// The number, E.164.
    pub to: String,
    /// The state it came to.
    pub status: messages::Status,
    /// Why, when there is something to tell: such as `undeliverable`.
    pub reason: Option<String>,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
}

/// A message from a subscriber.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "inb_01kazsw6e3f8e9xq2m4r7t5v0b", "from": "+447400123456", "to": "447400900000", "text": "Yes, at eight", "keyword": null,
    "complete": true, "contact_id": null, "message_id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "campaign_id": null,
    "received_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct InboundMessageEventData {
    /// The message.
    pub id: InboundMessageId,
    /// Whom it is from: E.164, or the address as it came.
    pub from: String,
    /// The sender that it was sent to.
    pub to: String,
    /// Its text.
    pub text: String,
    /// What it asks for, when it is one of the words for it.
    pub keyword: Option<Keyword>,
    /// False when parts of it never came.
    pub complete: bool,
    /// The contact with this number.
    pub contact_id: Option<ContactId>,
    /// The message that it answers.
    pub message_id: Option<MessageId>,
    /// The campaign of that message.
    pub campaign_id: Option<CampaignId>,
    /// When it came.
    pub received_at: Timestamp,
}

/// A campaign that came to another state.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "November", "status": "completed"}))]
pub struct CampaignEventData {
    /// The campaign.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// The state it came to.
    pub status: campaigns::Status,
}

/// A campaign whose first message may leave.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "November", "status": "sending", "messages": 974
}))]
pub struct CampaignStartedEventData {
    /// The campaign.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// `sending`.
    pub status: campaigns::Status,
    /// Messages that will be sent; those that are skipped are not among them.
    pub messages: i64,
}

/// A campaign that failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "November", "status": "failed", "code": "insufficient_funds",
    "detail": "This costs 120.000000 EUR and 20.000000 EUR are available: top up at least 100.000000 EUR."
}))]
pub struct CampaignFailedEventData {
    /// The campaign.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// `failed`.
    pub status: campaigns::Status,
    /// A code of the catalogue of errors.
    pub code: Option<String>,
    /// What happened and what to do.
    pub detail: Option<String>,
}

/// An import that came to its end; `rows` is the sum of `created`, `updated`, `unchanged`, `duplicates` and `invalid`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "imp_01kazsw6e3f8e9xq2m4r7t5v0b", "kind": "contacts", "rows": 1045, "created": 975, "updated": 0, "unchanged": 0,
    "duplicates": 60, "invalid": 10, "ambiguous": 0, "error": null
}))]
pub struct ImportEventData {
    /// The import.
    pub id: ImportId,
    /// What its rows became, and so where it is shown: `/v1/contacts/imports`, `/v1/blacklist/imports` or
    /// `/v1/unsubscribes/imports`.
    pub kind: imports::Kind,
    /// Rows read.
    pub rows: i64,
    /// Contacts, or entries of the blacklist or of unsubscribes, that were made.
    pub created: i64,
    /// Contacts changed.
    pub updated: i64,
    /// What was there already and stays as it was.
    pub unchanged: i64,
    /// Rows whose number stands in the file before.
    pub duplicates: i64,
    /// Rows refused.
    pub invalid: i64,
    /// Accepted rows whose digits had two valid readings.
    pub ambiguous: i64,
    /// What ended it before its last row; null when it completed.
    pub error: Option<ImportEventError>,
}

/// What ended an import before its last row.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"code": "file_broken", "detail": "the packed data is damaged. The 2000 rows before it are imported."}))]
pub struct ImportEventError {
    /// A stable word, such as `file_broken`.
    pub code: String,
    /// A sentence.
    pub detail: String,
}

/// A sender that the operator decided on.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": "snd_01kazsw6e3f8e9xq2m4r7t5v0b", "value": "CARILLON", "status": "approved", "reason": null}))]
pub struct SenderEventData {
    /// The sender.
    pub id: SenderId,
    /// What recipients see.
    pub value: String,
    /// approved or rejected.
    pub status: senders::Status,
    /// Why it was rejected.
    pub reason: Option<String>,
}
