//! `/v1/messages/batches`: one text to up to 10,000 numbers, each with values of its own, answered item by item.

use std::collections::{BTreeMap, HashSet};

use actix_web::{post, web::Data};
use domain::{
    Code, Error,
    clock::Timestamp,
    error::Faults,
    ids::{BatchId, MessageId, TemplateId},
    jobs::Queue,
    messages::{self, Addressee, Outcome, Priority, SentBatch, Status},
    money::{Micros, Money},
    phone::{self, Msisdn},
    segments::SplitMode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reader::{Head, Reader};
use crate::{
    App,
    shared::{
        auth::Auth,
        idempotency::{KEEP_MONEY, RequiredKey},
        json::Json,
        problem::Failure,
        reply::{Answer, Reply},
    },
};

/// The most messages of one batch.
const MAX_MESSAGES: usize = 10_000;
/// The most values of one message, and the most characters of one.
const MAX_VALUES: usize = 50;
const MAX_VALUE: usize = 1_000;

/// One text to many, each with values of their own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sender": "CARILLON", "text": "Hello {{first_name|default:\"friend\"}}, your order is ready.",
    "messages": [
        {"to": "+447400123456", "values": {"first_name": "Ann"}, "external_id": "order-1001"},
        {"to": "+447400123457", "external_id": "order-1002"}
    ]
}))]
pub struct NewMessageBatch {
    /// Whom recipients see: an approved sender.
    pub sender: String,
    /// The text, with markers; or give `template_id`.
    pub text: Option<String>,
    /// A template; or give `text`.
    pub template_id: Option<TemplateId>,
    /// How a long text is sent; `udh` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub split_mode: SplitMode,
    /// When to send; a past time or none sends now.
    pub send_at: Option<Timestamp>,
    /// For how many seconds after `send_at` the messages are worth sending, 60 to 259,200 (three days); left out: as long
    /// as the carrier keeps them.
    #[schema(minimum = 60, maximum = 259_200)]
    pub validity_seconds: Option<i64>,
    /// Before and after which messages they leave; `bulk` when left out. One-time codes are `otp`: they overtake
    /// everything that waits for the same carrier.
    pub priority: Option<Priority>,
    /// ISO 3166 alpha-2: how national numbers are read; the account's when left out.
    pub default_country: Option<String>,
    /// Whether one refused message refuses the batch; false: the others are sent.
    #[serde(default)]
    #[schema(required = false)]
    pub atomic: bool,
    /// The messages, at most 10,000.
    pub messages: Vec<NewBatchMessage>,
}

/// One message of a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "+447400123456", "values": {"first_name": "Ann", "fields.card": "61152000"}, "external_id": "order-1001"}))]
pub struct NewBatchMessage {
    /// The number: `+cc…`, `00cc…`, `cc…`, or national with a default country.
    pub to: String,
    /// What markers are replaced by, by their names (`first_name`, `fields.card`); what is not named here is read of the
    /// contact. At most 50, of at most 1,000 characters.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Your own id, at most 200 characters.
    pub external_id: Option<String>,
    /// Your own notes, at most 50.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What a batch became, message by message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "batch_id": "bat_01kazsw6e3f8e9xq2m4r7t5v0b", "send_at": "2026-11-21T10:00:00.000000Z",
    "cost": {"amount": "0.074500", "currency": "EUR"}, "queued": 1, "skipped": 0, "refused": 1,
    "messages": [
        {"id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "to": "+447400123456", "outcome": "queued", "reason": null, "detail": null, "segments": 1,
         "cost": {"amount": "0.074500", "currency": "EUR"}},
        {"id": null, "to": "12", "outcome": "refused", "reason": "phone_too_short", "detail": "fewer than 7 digits", "segments": 0,
         "cost": {"amount": "0.000000", "currency": "EUR"}}
    ]
}))]
pub struct SentMessageBatch {
    /// The send: `GET /v1/messages?batch_id=…` lists its messages.
    pub batch_id: BatchId,
    /// When they leave.
    pub send_at: Timestamp,
    /// What all of them cost, held now, or at `send_at` when that lies ahead.
    pub cost: Money,
    /// How many are sent.
    pub queued: u64,
    /// How many are stored and not sent, such as those on the blacklist.
    pub skipped: u64,
    /// How many could not be read; nothing is stored of them.
    pub refused: u64,
    /// Each message, in the order given.
    pub messages: Vec<BatchMessage>,
}

/// What became of one message of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "to": "+447400123456", "outcome": "queued", "reason": null, "detail": null, "segments": 1,
    "cost": {"amount": "0.074500", "currency": "EUR"}
}))]
pub struct BatchMessage {
    /// The message's id; null when it was refused.
    pub id: Option<MessageId>,
    /// The number in E.164; as it was given when it was refused.
    pub to: String,
    /// What became of it.
    pub outcome: BatchOutcome,
    /// Why it is skipped or refused: a stable code.
    pub reason: Option<String>,
    /// Why it is refused, in a sentence.
    pub detail: Option<String>,
    /// Segments to be billed.
    pub segments: i64,
    /// Price × segments.
    pub cost: Money,
}

/// What became of one message of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchOutcome {
    /// It is sent now.
    Queued,
    /// It is sent at `send_at`.
    Scheduled,
    /// It is stored and not sent.
    Skipped,
    /// It could not be read.
    Refused,
}

/// Why a message is refused: the field, a stable code and a sentence.
struct Refusal {
    field: &'static str,
    code: &'static str,
    detail: String,
}

/// Reads one message of a batch.
fn read(new: &NewBatchMessage, rule: &phone::Rule, seen: &mut HashSet<Msisdn>) -> Result<Addressee, Refusal> {
    let refusal = |field, code, detail: String| Refusal { field, code, detail };
    let number = phone::parse(&new.to, rule).map_err(|e| refusal("to", e.code, e.detail.to_string()))?.number;
    if new.values.len() > MAX_VALUES || new.values.values().any(|value| value.chars().count() > MAX_VALUE) {
        let detail = format!("must be at most {MAX_VALUES} values of at most {MAX_VALUE} characters");
        return Err(refusal("values", "too_long", detail));
    }
    if new.external_id.as_ref().is_some_and(|id| id.chars().count() > 200 || id.contains('\0')) {
        return Err(refusal("external_id", "too_long", "must have at most 200 characters".to_owned()));
    }
    let metadata = crate::v1::metadata(new.metadata.clone()).map_err(|e| refusal("metadata", "invalid", e.detail))?;
    if !seen.insert(number) {
        return Err(refusal("to", "duplicate", "is the number of an earlier message of this batch".to_owned()));
    }
    Ok(Addressee { number, values: new.values.clone(), external_id: new.external_id.clone(), metadata })
}

/// Send a batch
///
/// Sends one text to up to 10,000 numbers, each with values, an id and notes of its own, now or at `send_at`. The answer
/// tells message by message, in the order given, what became of it: a number that cannot be read, or that an earlier
/// message of the batch has, is refused and the others are sent, unless `atomic` is true. For example, the body below
/// greets one customer by name and another by the default. More than 10,000 are several batches, or a campaign.
#[utoipa::path(
    operation_id = "messages.send_batch",
    tag = "Messages",
    security(("bearer" = ["messages:write"])),
    params(RequiredKey),
    responses((status = ACCEPTED, description = "They are on their way.", body = SentMessageBatch)),
    extensions(("x-errors" = json!([
        "account_suspended", "insufficient_funds", "invalid_sender", "invalid_template", "no_rate", "no_route", "sender_not_approved", "unknown_marker"
    ]))),
)]
#[post("/messages/batches")]
pub(super) async fn send_batch(
    app: Data<App>,
    Auth(scope): Auth,
    RequiredKey(key): RequiredKey,
    Json(new): Json<NewMessageBatch>,
) -> Result<Answer, Failure> {
    let answer = key
        .kept(KEEP_MONEY)
        .run(&app, &scope, async |tx| {
            let NewMessageBatch {
                sender,
                text,
                template_id,
                split_mode,
                send_at,
                validity_seconds,
                default_country,
                atomic,
                priority,
                messages,
            } = new;
            let mut faults = Faults::default();
            if messages.is_empty() || messages.len() > MAX_MESSAGES {
                faults.add("/messages", "out_of_range", format!("must have 1 to {MAX_MESSAGES} messages"));
            }
            let mut reader = Reader::new(tx, &scope);
            let rule = reader.rule(default_country.as_deref(), &mut faults).await?;
            let mut seen = HashSet::new();
            let read: Vec<_> =
                messages.iter().take(MAX_MESSAGES).map(|message| read(message, &rule, &mut seen)).collect();
            if atomic {
                for (place, refusal) in
                    read.iter().enumerate().filter_map(|(n, r)| Some((n, r.as_ref().err()?))).take(100)
                {
                    let Refusal { field, code, detail } = refusal;
                    faults.add(format!("/messages/{place}/{field}"), code, detail);
                }
            }
            let head = Head {
                sender: &sender,
                text: &text,
                template_id: &template_id,
                split_mode: &split_mode,
                send_at: &send_at,
                validity_seconds,
            };
            let letter = reader.letter(head, faults).await?;
            let (places, addressees): (Vec<usize>, Vec<Addressee>) =
                read.iter().enumerate().filter_map(|(n, r)| Some((n, r.as_ref().ok()?.clone()))).unzip();
            let sent =
                messages::send_batch(tx, &scope, &letter, send_at, priority.unwrap_or(Priority::Bulk), &addressees)
                    .await?;
            Ok(Reply::accepted(told(&sent, &messages, &read, &places)?))
        })
        .await?;
    app.wake.nudge(Queue::MessagesDeliver);
    Ok(answer)
}

fn told(
    sent: &SentBatch,
    asked: &[NewBatchMessage],
    read: &[Result<Addressee, Refusal>],
    places: &[usize],
) -> domain::Result<SentMessageBatch> {
    let none = Money::new(Micros::ZERO, &sent.currency);
    let mut messages: Vec<BatchMessage> = asked
        .iter()
        .zip(read)
        .map(|(asked, read)| {
            let refusal = read.as_ref().err();
            BatchMessage {
                id: None,
                to: asked.to.clone(),
                outcome: BatchOutcome::Refused,
                reason: refusal.map(|r| r.code.to_owned()),
                detail: refusal.map(|r| r.detail.clone()),
                segments: 0,
                cost: none.clone(),
            }
        })
        .collect();
    let (mut queued, mut skipped) = (0, 0);
    for (place, (draft, id)) in places.iter().zip(&sent.drafts) {
        let Some(message) = messages.get_mut(*place) else { continue };
        (message.id, message.to) = (Some(*id), draft.phone.to_string());
        match &draft.outcome {
            Outcome::Send(piece) => {
                queued += 1;
                let price = piece.price().ok_or_else(|| Error::new(Code::Internal, "cost out of range"))?;
                message.outcome =
                    if sent.waiting == Status::Scheduled { BatchOutcome::Scheduled } else { BatchOutcome::Queued };
                (message.segments, message.cost) = (piece.segments, Money::new(price, &sent.currency));
            }
            Outcome::Skip(skip) => {
                skipped += 1;
                (message.outcome, message.reason) = (BatchOutcome::Skipped, Some(skip.as_str().to_owned()));
            }
        }
    }
    let refused = u64::try_from(messages.len()).unwrap_or(0) - queued - skipped;
    Ok(SentMessageBatch {
        batch_id: sent.batch,
        send_at: sent.send_at,
        cost: Money::new(sent.cost, &sent.currency),
        queued,
        skipped,
        refused,
        messages,
    })
}
