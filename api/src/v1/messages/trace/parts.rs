//! How the parts of a message and their receipts are shown.

use domain::{
    carriers::Kind,
    clock::Timestamp,
    ids::CarrierId,
    messages::{CameReceipt, TracedPart, WaitingReceipt},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A part of a message as handed to a carrier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "part": 1, "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "carrier_ref": "7f3a", "carrier_ref_raw": "7F3A", "status": "delivered", "error": null,
    "submitted_at": "2026-11-21T10:00:01.000000Z", "done_at": "2026-11-21T10:00:02.000000Z", "receipts": []
}))]
pub struct TracedMessagePart {
    /// Its number, from 1.
    pub part: i64,
    /// The carrier that took it.
    pub carrier_id: CarrierId,
    /// The carrier's id of it, in the form that receipts are matched by.
    pub carrier_ref: Option<String>,
    /// The same as it came.
    pub carrier_ref_raw: Option<String>,
    /// sent, then what its receipt said: enroute, accepted, delivered, undelivered, expired, deleted, rejected or unknown.
    pub status: String,
    /// The carrier's own code.
    pub error: Option<String>,
    /// When the carrier's answer was recorded.
    pub submitted_at: Timestamp,
    /// When the receipt that ended it was recorded.
    pub done_at: Option<Timestamp>,
    /// Its receipts, oldest first.
    pub receipts: Vec<MessageReceipt>,
}

/// A receipt of a part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "state": "undelivered", "error": "021", "ended_part": true, "received_at": "2026-11-21T10:00:02.000000Z",
    "raw": "id:7F3A sub:001 dlvrd:000 submit date:2611211000 done date:2611211000 stat:UNDELIV err:021 text:Hello. [0427=5 0423=3/21]"
}))]
pub struct MessageReceipt {
    /// What it says: enroute, accepted, delivered, undelivered, expired, deleted, rejected or unknown.
    pub state: String,
    /// The carrier's own code.
    pub error: Option<String>,
    /// It ended the part. Another one changed nothing: it was not final, came again, or contradicts an earlier one.
    pub ended_part: bool,
    /// As it came, 400 characters at most. Of SMPP the text, control characters shown by their pictures, and in brackets the
    /// TLVs by their tags: 001E, the message's id, where the text has another; 0427, the state; 0423, network and code of the error.
    /// Of an HTTP carrier the receipt as JSON; the operator's, since it may tell what the carrier takes, as is what came from a
    /// carrier that was deleted since. Null: it was not kept.
    pub raw: Option<String>,
    /// When it came; of the one that ended the part, when it was recorded.
    pub received_at: Timestamp,
}

/// A receipt that came before its part was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"carrier_ref": "7f3a", "carrier_ref_raw": "7F3A", "state": "delivered", "error": null, "raw": null, "received_at": "2026-11-21T10:00:02.000000Z"}))]
pub struct WaitingMessageReceipt {
    /// The carrier's id, in the form that it is matched by.
    pub carrier_ref: String,
    /// The same as it came.
    pub carrier_ref_raw: String,
    /// What it says.
    pub state: String,
    /// The carrier's own code.
    pub error: Option<String>,
    /// As it came, by the rules of `parts[].receipts[].raw`.
    pub raw: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
}

impl TracedMessagePart {
    pub(super) fn of(row: TracedPart, to_operator: bool) -> Self {
        let TracedPart {
            part,
            carrier_id,
            carrier_ref,
            carrier_ref_raw,
            status,
            error,
            submitted_at,
            done_at,
            receipts,
        } = row;
        let receipts = receipts.into_iter().map(|r| MessageReceipt::of(r, to_operator)).collect();
        Self { part, carrier_id, carrier_ref, carrier_ref_raw, status, error, submitted_at, done_at, receipts }
    }
}

/// A receipt of SMPP has what the account knows already; a call-back whatever the provider tells its customer: us.
fn shown(raw: Option<String>, carrier: Option<Kind>, to_operator: bool) -> Option<String> {
    raw.filter(|_| to_operator || carrier == Some(Kind::Smpp))
}

impl MessageReceipt {
    fn of(receipt: CameReceipt, to_operator: bool) -> Self {
        let CameReceipt { state, error, raw, carrier_kind, received_at, ended_part } = receipt;
        Self { state, error, ended_part, raw: shown(raw, carrier_kind, to_operator), received_at }
    }
}

impl WaitingMessageReceipt {
    pub(super) fn of(row: WaitingReceipt, to_operator: bool) -> Self {
        let WaitingReceipt { carrier_ref, carrier_ref_raw, state, error, raw, carrier_kind, received_at } = row;
        Self { carrier_ref, carrier_ref_raw, state, error, raw: shown(raw, carrier_kind, to_operator), received_at }
    }
}
