//! How everything that is known of a message is shown.

use domain::{
    clock::Timestamp,
    events::Told,
    ids::{CarrierId, JournalId, OperatorTokenId, RouteId},
    messages::{
        Attempt, Doubt, Line, Resend, Trace, Try, TryOutcome,
        doubts::{Outcome, Resolution},
    },
    money::Money,
    routes::{Considered, Mismatch},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::{TracedMessagePart, WaitingMessageReceipt};
use crate::v1::messages::Message;

/// A message with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "message": {
        "id": "msg_01kazsw6e3f8e9xq2m4r7t5v0b", "campaign_id": null, "batch_id": "bat_01kazsw6e3f8e9xq2m4r7t5v0b", "contact_id": null,
        "to": "+447400123456", "country": "GB", "operator": "EE", "sender": "CARILLON", "text": "Hello.", "encoding": "gsm7", "split_mode": "udh",
        "segments": 1, "unit_price": {"amount": "0.074500", "currency": "EUR"}, "cost": {"amount": "0.074500", "currency": "EUR"},
        "status": "delivered", "reason": null, "error": null, "send_at": "2026-11-21T10:00:00.000000Z", "submitted_at": "2026-11-21T10:00:01.000000Z",
        "done_at": "2026-11-21T10:00:02.000000Z", "external_id": null, "metadata": {}, "created_at": "2026-11-21T10:00:00.000000Z"
    },
    "way": {
        "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "carrier_name": null, "route_id": "rte_01kazsw6e3f8e9xq2m4r7t5v0b", "route_name": null, "unit_cost": null,
        "attempts": [], "tries": [], "chunk_status": "done", "held_by": null,
        "considered": [
            {"route_id": "rte_01kazsw6e3f8e9xq2m4r7t5v0b", "name": null, "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "mismatch": null, "rank": 1, "changed_at": "2026-11-01T10:00:00.000000Z"}
        ],
        "carrier_now": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "route_now": "rte_01kazsw6e3f8e9xq2m4r7t5v0b"
    },
    "parts": [{
        "part": 1, "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "carrier_ref": "7f3a", "carrier_ref_raw": "7F3A", "status": "delivered", "error": null,
        "submitted_at": "2026-11-21T10:00:01.000000Z", "done_at": "2026-11-21T10:00:02.000000Z",
        "receipts": [{
            "state": "delivered", "error": null, "ended_part": true, "received_at": "2026-11-21T10:00:02.000000Z",
            "raw": "id:7F3A sub:001 dlvrd:001 submit date:2611211000 done date:2611211000 stat:DELIVRD err:000 text:Hello. [0427=2]"
        }]
    }],
    "waiting_receipts": [],
    "doubt": null,
    "resend": null,
    "resolution": null,
    "ledger": [
        {"journal_id": "jrn_01kazsw6e3f8e9xq2m4r7t5v0b", "kind": "hold", "amount": {"amount": "0.074500", "currency": "EUR"}, "entry_total": {"amount": "7.450000", "currency": "EUR"}, "note": null, "created_at": "2026-11-21T10:00:00.000000Z"},
        {"journal_id": "jrn_01kazsw6e3f8e9xq2m4r7t5v0c", "kind": "capture", "amount": {"amount": "0.074500", "currency": "EUR"}, "entry_total": {"amount": "7.450000", "currency": "EUR"}, "note": null, "created_at": "2026-11-21T10:00:01.000000Z"}
    ],
    "events": [
        {"id": "evt_01kazsw6e3f8e9xq2m4r7t5v0b_1", "type": "message.sent", "created_at": "2026-11-21T10:00:01.000000Z"},
        {"id": "evt_01kazsw6e3f8e9xq2m4r7t5v0c_1", "type": "message.delivered", "created_at": "2026-11-21T10:00:02.000000Z"}
    ]
}))]
pub struct MessageTrace {
    /// The message.
    pub message: Message,
    /// Which carrier it was given to, and why.
    pub way: TracedWay,
    /// Its parts, as handed to the carrier. Each was accepted once; of two attempts the first that was answered is told.
    pub parts: Vec<TracedMessagePart>,
    /// Receipts with the ids of its parts that wait to be applied.
    pub waiting_receipts: Vec<WaitingMessageReceipt>,
    /// Set while it is in doubt.
    pub doubt: Option<MessageDoubt>,
    /// Set when it was submitted a second time, because the answer to the first was lost.
    pub resend: Option<MessageResend>,
    /// Set when the operator ended its doubt; told to the operator only.
    pub resolution: Option<DoubtResolution>,
    /// The journal entries that its money went through, oldest first.
    pub ledger: Vec<TracedLedgerLine>,
    /// What the event stream tells of it, oldest first. They are found by the times of the message, of its money and of its
    /// lost answers.
    pub events: Vec<TracedEvent>,
}

/// The way a message took. Names and costs are told to the operator only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "carrier_name": null, "route_id": null, "route_name": null, "unit_cost": null,
    "attempts": [{
        "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0c", "carrier_name": null, "route_id": "rte_01kazsw6e3f8e9xq2m4r7t5v0b", "error": "ESME_RSUBMITFAIL",
        "ended_at": "2026-11-21T10:00:01.000000Z"
    }],
    "tries": [{
        "outcome": "put_off", "part": 1, "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0c", "carrier_name": null, "error": "ESME_RTHROTTLED", "times": 2,
        "first_at": "2026-11-21T10:00:00.500000Z", "last_at": "2026-11-21T10:00:00.900000Z"
    }],
    "chunk_status": "done", "held_by": null, "considered": [], "carrier_now": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "route_now": null
}))]
pub struct TracedWay {
    /// The carrier it was given to last, as stored; null when it was skipped.
    pub carrier_id: Option<CarrierId>,
    /// The carrier's name.
    pub carrier_name: Option<String>,
    /// The route that led there, as stored; null: it is the account's own carrier.
    pub route_id: Option<RouteId>,
    /// The route's name, if it still exists.
    pub route_name: Option<String>,
    /// What the carrier takes for a segment, as known when it was written.
    pub unit_cost: Option<Money>,
    /// The carriers that refused it before, oldest first: each refusal led it on to the next of its routes.
    pub attempts: Vec<MessageAttempt>,
    /// Tries that decided nothing, oldest first: the carrier did not take a part just then, or its answer was lost. They are told
    /// when the message is settled or goes back in line. With the receipts that ended no part, a message keeps the first 20.
    pub tries: Vec<MessageTry>,
    /// How the chunk of messages it belongs to stands: preparing, scheduled, ready, claimed, paused, done or cancelled.
    pub chunk_status: Option<String>,
    /// The worker whose connection has the chunk.
    pub held_by: Option<String>,
    /// Every route that may be the account's, looked at now, not then: compare `changed_at` with the message's
    /// `created_at`. A route that was deleted is not among them.
    pub considered: Vec<ConsideredRoute>,
    /// The carrier that the same message would go to now.
    pub carrier_now: Option<CarrierId>,
    /// The route that would lead there.
    pub route_now: Option<RouteId>,
}

/// A carrier that refused a message, which then took another route.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0c", "carrier_name": null, "route_id": "rte_01kazsw6e3f8e9xq2m4r7t5v0b", "error": "ESME_RSUBMITFAIL",
    "ended_at": "2026-11-21T10:00:01.000000Z"
}))]
pub struct MessageAttempt {
    /// The carrier.
    pub carrier_id: CarrierId,
    /// Its name; the operator's.
    pub carrier_name: Option<String>,
    /// The route that had led there; null: it was the account's own carrier.
    pub route_id: Option<RouteId>,
    /// The carrier's own code.
    pub error: String,
    /// When its refusal was recorded.
    pub ended_at: Timestamp,
}

/// A try that decided nothing, or several alike of one stay with a carrier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "outcome": "put_off", "part": 1, "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0c", "carrier_name": null, "error": "ESME_RTHROTTLED", "times": 2,
    "first_at": "2026-11-21T10:00:00.500000Z", "last_at": "2026-11-21T10:00:00.900000Z"
}))]
pub struct MessageTry {
    /// Why nothing was decided.
    pub outcome: TryOutcome,
    /// The part, from 1; null: the message as a whole.
    pub part: Option<i64>,
    /// The carrier.
    pub carrier_id: CarrierId,
    /// Its name; the operator's.
    pub carrier_name: Option<String>,
    /// The carrier's own code; of one that moved `carrier_down`; of a lost answer `no_answer`, `connection_lost`, `interrupted`, `answer_without_id` or `answer_unclear`.
    pub error: String,
    /// How often.
    pub times: i64,
    /// When for the first time.
    pub first_at: Timestamp,
    /// When for the last time.
    pub last_at: Timestamp,
}

/// A route that was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "route_id": "rte_01kazsw6e3f8e9xq2m4r7t5v0b", "name": null, "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "mismatch": "country", "rank": null,
    "changed_at": "2026-11-01T10:00:00.000000Z"
}))]
pub struct ConsideredRoute {
    /// The route.
    pub route_id: RouteId,
    /// Its name.
    pub name: Option<String>,
    /// Where it leads.
    pub carrier_id: CarrierId,
    /// Why it is not for this message; null when it is.
    pub mismatch: Option<Mismatch>,
    /// Its place among those that would be taken, from 1. Null: it does not match, it is a canary whose share does not
    /// have this message, or another route to the same carrier stands before it.
    pub rank: Option<usize>,
    /// When the route was last changed.
    pub changed_at: Timestamp,
}

/// A doubt about a message: its answer was lost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"since": "2026-11-21T10:00:00.000000Z", "until": "2026-11-23T10:00:00.000000Z"}))]
pub struct MessageDoubt {
    /// Since when.
    pub since: Timestamp,
    /// When it ends as `unknown`, uncharged, if nothing is heard.
    pub until: Timestamp,
}

/// The second attempt at a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"resent_at": "2026-11-21T10:01:00.000000Z", "reason": "no_answer"}))]
pub struct MessageResend {
    /// When the first attempt was given up, and the message went back in line.
    pub resent_at: Timestamp,
    /// Why: `no_answer`, `connection_lost` or `interrupted`.
    pub reason: String,
}

/// How the operator ended a message's doubt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "outcome": "delivered", "reason": "Acme found it in its log, ticket 4711.",
    "operator_token_id": "opt_01kazsw6e3f8e9xq2m4r7t5v0b", "resolved_at": "2026-11-21T12:00:00.000000Z"
}))]
pub struct DoubtResolution {
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in the operator's words.
    pub reason: String,
    /// The token that said so.
    pub operator_token_id: OperatorTokenId,
    /// When.
    pub resolved_at: Timestamp,
}

/// A journal entry that has money of the message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "journal_id": "jrn_01kazsw6e3f8e9xq2m4r7t5v0b", "kind": "capture", "amount": {"amount": "0.074500", "currency": "EUR"},
    "entry_total": {"amount": "7.450000", "currency": "EUR"}, "note": null, "created_at": "2026-11-21T10:00:01.000000Z"
}))]
pub struct TracedLedgerLine {
    /// The journal entry.
    pub journal_id: JournalId,
    /// hold, capture, release or refund.
    pub kind: String,
    /// The message's own share: price × segments.
    pub amount: Money,
    /// What the whole entry moved: messages of a batch share one.
    pub entry_total: Money,
    /// What the entry says of itself.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// An event of the stream that is about the message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "evt_01kazsw6e3f8e9xq2m4r7t5v0b_1", "type": "message.sent", "created_at": "2026-11-21T10:00:01.000000Z"}))]
pub struct TracedEvent {
    /// Its id, as in the stream.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub created_at: Timestamp,
}

impl MessageTrace {
    /// A trace as it is shown: names, costs and workers to the operator only.
    pub fn of(known: Trace, to_operator: bool) -> Self {
        let Trace {
            message,
            carrier,
            carrier_name,
            route,
            route_name,
            unit_cost,
            considered,
            carrier_now,
            route_now,
            attempts,
            tries,
            chunk_status,
            held_by,
            parts,
            waiting_receipts,
            doubt,
            resend,
            resolution,
            ledger,
            events,
        } = known;
        let considered = considered.into_iter().map(|c| {
            let Considered { route, mismatch, rank } = c;
            ConsideredRoute {
                route_id: route.id,
                name: to_operator.then_some(route.name),
                carrier_id: route.carrier_id,
                mismatch,
                rank,
                changed_at: route.updated_at,
            }
        });
        let attempts = attempts.into_iter().map(|attempt| {
            let Attempt { carrier_id, carrier_name, route_id, error, ended_at } = attempt;
            MessageAttempt { carrier_id, carrier_name: carrier_name.filter(|_| to_operator), route_id, error, ended_at }
        });
        let tries = tries.into_iter().map(|t| {
            let Try { outcome, part, carrier_id, carrier_name, error, times, first_at, last_at } = t;
            let carrier_name = carrier_name.filter(|_| to_operator);
            MessageTry { outcome, part, carrier_id, carrier_name, error, times, first_at, last_at }
        });
        let way = TracedWay {
            attempts: attempts.collect(),
            tries: tries.collect(),
            carrier_id: carrier,
            carrier_name: carrier_name.filter(|_| to_operator),
            route_id: route,
            route_name: route_name.filter(|_| to_operator),
            unit_cost: unit_cost.filter(|_| to_operator).map(|cost| Money::new(cost, &message.currency)),
            chunk_status,
            held_by: held_by.filter(|_| to_operator),
            considered: considered.collect(),
            carrier_now,
            route_now,
        };
        Self {
            message: message.into(),
            way,
            parts: parts.into_iter().map(|part| TracedMessagePart::of(part, to_operator)).collect(),
            waiting_receipts: waiting_receipts.into_iter().map(|r| WaitingMessageReceipt::of(r, to_operator)).collect(),
            doubt: doubt.map(|Doubt { since, until }| MessageDoubt { since, until }),
            resend: resend.map(|Resend { resent_at, reason }| MessageResend { resent_at, reason }),
            resolution: resolution.filter(|_| to_operator).map(DoubtResolution::from),
            ledger: ledger.into_iter().map(TracedLedgerLine::from).collect(),
            events: events.into_iter().map(TracedEvent::from).collect(),
        }
    }
}

impl From<Resolution> for DoubtResolution {
    fn from(row: Resolution) -> Self {
        let Resolution { outcome, reason, operator_token_id, resolved_at } = row;
        Self { outcome, reason, operator_token_id, resolved_at }
    }
}

impl From<Line> for TracedLedgerLine {
    fn from(line: Line) -> Self {
        let Line { journal, kind, amount, entry, currency, note, created_at } = line;
        let money = |amount| Money::new(amount, &currency);
        Self { journal_id: journal, kind, amount: money(amount), entry_total: money(entry), note, created_at }
    }
}

impl From<Told> for TracedEvent {
    fn from(told: Told) -> Self {
        let Told { id, kind, created_at } = told;
        Self { id, kind, created_at }
    }
}
