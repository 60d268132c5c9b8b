//! Everything that is known of one message: its way and why, its parts, its money, its events.
//!
//! What is stored is told as stored. Two things are found anew: the routes are looked at as they are now (a route may
//! have changed since), and events are looked for at the moments that the message's row, its money and its lost answers
//! know.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{
    Message, Resend, Status,
    doubts::{self, Resolution},
    notes::{self, Kind, Stored},
    queries, resend,
};
use crate::{
    balance::{self, Trail},
    carriers,
    clock::{Clock, Timestamp},
    db::Sql,
    error::{Error, Result},
    events::{self, Told},
    ids::{AccountId, CarrierId, HoldId, JournalId, MessageId, RouteId},
    money::{Currency, Micros},
    routes::{self, Considered, Facts},
    scope::{AccountScope, OperatorScope},
    senders, vals,
};

/// What is known of a message.
#[derive(Debug, Clone)]
pub struct Trace {
    pub message: Message,
    /// The carrier it was written for; none: it was skipped.
    pub carrier: Option<CarrierId>,
    pub carrier_name: Option<String>,
    /// The route that led there; none: the account's own carrier.
    pub route: Option<RouteId>,
    pub route_name: Option<String>,
    /// What the carrier takes for a segment, where known.
    pub unit_cost: Option<Micros>,
    /// Every route that may be the account's, looked at as it is now.
    pub considered: Vec<Considered>,
    /// Where the same message would go now.
    pub carrier_now: Option<CarrierId>,
    pub route_now: Option<RouteId>,
    /// The carriers that refused it before, in the order of time.
    pub attempts: Vec<Attempt>,
    /// What decided nothing, in the order of time.
    pub tries: Vec<Try>,
    /// How its chunk stands, and which worker has it.
    pub chunk_status: Option<String>,
    pub held_by: Option<String>,
    pub parts: Vec<TracedPart>,
    /// Receipts with the ids of its parts that could not be applied yet.
    pub waiting_receipts: Vec<WaitingReceipt>,
    pub doubt: Option<Doubt>,
    /// It was submitted a second time.
    pub resend: Option<Resend>,
    /// The operator ended its doubt.
    pub resolution: Option<Resolution>,
    pub ledger: Vec<Line>,
    pub events: Vec<Told>,
}

/// A carrier that refused a message, which then took another route.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Attempt {
    pub carrier_id: CarrierId,
    pub carrier_name: Option<String>,
    pub route_id: Option<RouteId>,
    pub error: String,
    pub ended_at: Timestamp,
}

crate::text_enum! {
    /// Why a try decided nothing.
    pub enum TryOutcome("MessageTryOutcome") {
        /// The carrier did not take it just then: it was throttled, or refused for now.
        PutOff = "put_off",
        /// The carrier's answer was lost.
        Lost = "lost",
        /// The carrier was down or answered with faults while it waited for it, and it took another route.
        Moved = "moved",
    }
}

/// A try that decided nothing, or several alike.
#[derive(Debug, Clone)]
pub struct Try {
    pub outcome: TryOutcome,
    /// None: the message as a whole.
    pub part: Option<i64>,
    pub carrier_id: CarrierId,
    pub carrier_name: Option<String>,
    /// The carrier's own code, or why the answer was lost.
    pub error: String,
    pub times: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// A receipt of a part.
#[derive(Debug, Clone)]
pub struct CameReceipt {
    pub state: String,
    pub error: Option<String>,
    /// As it came; none: it came before that was kept.
    pub raw: Option<String>,
    /// Of which kind the carrier is, if it still exists.
    pub carrier_kind: Option<carriers::Kind>,
    pub received_at: Timestamp,
    /// It ended the part.
    pub ended_part: bool,
}

/// A part as it was submitted.
#[derive(Debug, Clone)]
pub struct TracedPart {
    pub part: i64,
    pub carrier_id: CarrierId,
    /// The carrier's id in the form that receipts are matched by, and as it came.
    pub carrier_ref: Option<String>,
    pub carrier_ref_raw: Option<String>,
    pub status: String,
    pub error: Option<String>,
    pub submitted_at: Timestamp,
    pub done_at: Option<Timestamp>,
    /// In the order of time.
    pub receipts: Vec<CameReceipt>,
}

/// A receipt that waits for its part.
#[derive(Debug, Clone, FromQueryResult)]
pub struct WaitingReceipt {
    pub carrier_ref: String,
    pub carrier_ref_raw: String,
    pub state: String,
    pub error: Option<String>,
    pub raw: Option<String>,
    pub carrier_kind: Option<carriers::Kind>,
    pub received_at: Timestamp,
}

/// Since when its fate is not known, and until when it is waited for.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub struct Doubt {
    pub since: Timestamp,
    pub until: Timestamp,
}

/// A journal entry that has money of the message.
#[derive(Debug, Clone)]
pub struct Line {
    pub journal: JournalId,
    pub kind: String,
    /// The message's own share: its price.
    pub amount: Micros,
    /// What the whole entry moved; a batch shares one entry.
    pub entry: Micros,
    pub currency: Currency,
    pub note: Option<String>,
    pub created_at: Timestamp,
}

/// The account of any message, for the operator.
///
/// # Errors
/// `not_found`.
pub async fn owner(conn: &impl ConnectionTrait, scope: &OperatorScope, id: MessageId) -> Result<AccountScope> {
    #[derive(FromQueryResult)]
    struct Row {
        id: AccountId,
        mode: String,
    }
    let sql = "SELECT a.id, a.mode FROM messages m JOIN accounts a ON a.id = m.account_id WHERE m.id = $1";
    let row: Option<Row> = conn.one(sql, vals![id]).await?;
    let Row { id, mode } = row.ok_or_else(|| Error::not_found("message"))?;
    Ok(AccountScope::new(id, None, mode == "live", Clock::clone(&scope.clock)))
}

#[derive(FromQueryResult)]
struct Way {
    carrier_id: Option<CarrierId>,
    carrier_name: Option<String>,
    route_id: Option<RouteId>,
    route_name: Option<String>,
    unit_cost: Option<Micros>,
    own_carrier: Option<CarrierId>,
    chunk_status: Option<String>,
    lease_owner: Option<String>,
    hold_id: Option<HoldId>,
    charge_id: Option<JournalId>,
    refund_id: Option<JournalId>,
}

/// Tells all of a message of the account.
///
/// # Errors
/// `not_found`.
pub async fn trace(conn: &impl ConnectionTrait, scope: &AccountScope, id: MessageId) -> Result<Trace> {
    let message = queries::get(conn, scope, id).await?;
    let sql = "SELECT m.carrier_id, c.name AS carrier_name, m.route_id, r.name AS route_name, m.unit_cost, a.carrier_id AS own_carrier, \
               k.status AS chunk_status, k.lease_owner, m.hold_id, m.charge_id, m.refund_id FROM messages m JOIN accounts a ON a.id = m.account_id \
               LEFT JOIN carriers c ON c.id = m.carrier_id LEFT JOIN routes r ON r.id = m.route_id LEFT JOIN chunks k ON k.id = m.chunk_id \
               WHERE m.id = $1 AND m.account_id = $2";
    let way: Option<Way> = conn.one(sql, vals![id, scope.account()]).await?;
    let way = way.ok_or_else(|| Error::not_found("message"))?;
    let facts = Facts {
        account: scope.account(),
        livemode: scope.livemode(),
        country: message.country.as_deref(),
        operator: message.operator.as_deref(),
        sender_class: senders::Class::of(&message.sender),
    };
    let considered = routes::explain(conn, scope, &facts, routes::hash(id)).await?;
    let routing = routes::Routing::load(conn, scope, way.own_carrier).await?;
    let now = routing.lane(facts.country, facts.operator, facts.sender_class, routes::hash(id));
    let (carrier_now, route_now) = (now.map(|lane| lane.carrier), now.and_then(|lane| lane.route));
    let doubt: Option<Doubt> =
        conn.one("SELECT since, until FROM messages_in_doubt WHERE message_id = $1", vals![id]).await?;
    let ledger = ledger(conn, scope, &message, &way).await?;
    let (tries, receipts) = told(notes::of(conn, id).await?);
    let moments: Vec<Timestamp> = [message.submitted_at, message.done_at, doubt.map(|d| d.since)]
        .into_iter()
        .flatten()
        .chain(ledger.iter().map(|line| line.created_at))
        .chain(tries.iter().filter(|t| t.outcome == TryOutcome::Lost).map(|t| t.last_at))
        .collect();
    Ok(Trace {
        carrier: way.carrier_id,
        carrier_name: way.carrier_name,
        route: way.route_id,
        route_name: way.route_name,
        unit_cost: way.unit_cost,
        considered,
        carrier_now,
        route_now,
        chunk_status: way.chunk_status,
        held_by: way.lease_owner,
        attempts: attempts(conn, id).await?,
        tries,
        parts: parts(conn, id, receipts).await?,
        waiting_receipts: waiting(conn, id).await?,
        doubt,
        resend: resend::of(conn, id).await?,
        resolution: doubts::resolution(conn, id).await?,
        events: events::of_message(conn, scope, id, &moments).await?,
        ledger,
        message,
    })
}

/// The tries and, by their parts, the receipts that notes tell of.
fn told(notes: Vec<Stored>) -> (Vec<Try>, Vec<(i64, CameReceipt)>) {
    let (mut tries, mut receipts) = (Vec::new(), Vec::new());
    for note in notes {
        let Stored { part, carrier_id, carrier_name, carrier_kind, kind, word, error, raw, times, first_at, last_at } =
            note;
        let outcome = match kind {
            Kind::PutOff => TryOutcome::PutOff,
            Kind::Lost => TryOutcome::Lost,
            Kind::Moved => TryOutcome::Moved,
            Kind::Receipt => {
                let (state, received_at, ended_part) = (word, first_at, false);
                let receipt = CameReceipt { state, error, raw, carrier_kind, received_at, ended_part };
                receipts.extend(part.map(|part| (part, receipt)));
                continue;
            }
        };
        tries.push(Try { outcome, part, carrier_id, carrier_name, error: word, times, first_at, last_at });
    }
    (tries, receipts)
}

/// The parts, with their receipts. The caller has made sure that the message is the account's.
async fn parts(conn: &impl ConnectionTrait, id: MessageId, beside: Vec<(i64, CameReceipt)>) -> Result<Vec<TracedPart>> {
    #[derive(FromQueryResult)]
    struct Row {
        part: i64,
        carrier_id: CarrierId,
        carrier_kind: Option<carriers::Kind>,
        carrier_ref: Option<String>,
        carrier_ref_raw: Option<String>,
        status: String,
        error: Option<String>,
        submitted_at: Timestamp,
        done_at: Option<Timestamp>,
        receipt: Option<String>,
    }
    let sql = "SELECT p.part, p.carrier_id, c.kind AS carrier_kind, p.carrier_ref, p.carrier_ref_raw, p.status, p.error, p.submitted_at, p.done_at, \
               p.receipt FROM message_parts p LEFT JOIN carriers c ON c.id = p.carrier_id WHERE p.message_id = $1 ORDER BY p.part";
    let rows: Vec<Row> = conn.all(sql, vals![id]).await?;
    let parts = rows.into_iter().map(|row| {
        let Row {
            part,
            carrier_id,
            carrier_kind,
            carrier_ref,
            carrier_ref_raw,
            status,
            error,
            submitted_at,
            done_at,
            receipt: raw,
        } = row;
        let ending = done_at.map(|received_at| {
            let (state, error, ended_part) = (status.clone(), error.clone(), true);
            CameReceipt { state, error, raw, carrier_kind, received_at, ended_part }
        });
        let mut receipts: Vec<CameReceipt> =
            beside.iter().filter(|(of, _)| *of == part).map(|(_, receipt)| receipt.clone()).chain(ending).collect();
        receipts.sort_by_key(|receipt| (receipt.received_at, !receipt.ended_part));
        TracedPart { part, carrier_id, carrier_ref, carrier_ref_raw, status, error, submitted_at, done_at, receipts }
    });
    Ok(parts.collect())
}

async fn attempts(conn: &impl ConnectionTrait, id: MessageId) -> Result<Vec<Attempt>> {
    let sql = "SELECT t.carrier_id, c.name AS carrier_name, t.route_id, t.error, t.ended_at FROM message_attempts t \
               LEFT JOIN carriers c ON c.id = t.carrier_id WHERE t.message_id = $1 ORDER BY t.attempt";
    Ok(conn.all(sql, vals![id]).await?)
}

async fn waiting(conn: &impl ConnectionTrait, id: MessageId) -> Result<Vec<WaitingReceipt>> {
    let sql = "SELECT r.carrier_ref, r.carrier_ref_raw, r.state, r.error, r.raw, c.kind AS carrier_kind, r.received_at FROM message_parts p \
               JOIN receipts r ON r.carrier_id = p.carrier_id AND r.carrier_ref = p.carrier_ref LEFT JOIN carriers c ON c.id = r.carrier_id WHERE p.message_id = $1 ORDER BY r.id";
    Ok(conn.all(sql, vals![id]).await?)
}

async fn ledger(conn: &impl ConnectionTrait, scope: &AccountScope, message: &Message, way: &Way) -> Result<Vec<Line>> {
    if message.status == Status::Skipped {
        return Ok(Vec::new()); // nothing of it is in the hold
    }
    let trail = Trail {
        hold: way.hold_id,
        charge: way.charge_id,
        refund: way.refund_id,
        released_at: message.done_at.filter(|_| way.charge_id.is_none()),
    };
    let amount = message.unit_price.checked_mul(message.segments).unwrap_or_default();
    let entries = balance::trail(conn, scope, trail).await?;
    let line = |entry: balance::Entry| {
        let balance::Entry { id, kind, currency, available, held, hold_id: _, note, created_at } = entry;
        // A capture takes from what is held, a refund gives to what is available, the others move between the two.
        let moved = if held == Micros::ZERO { available } else { held };
        Line {
            journal: id,
            kind: kind.to_string(),
            amount,
            entry: Micros(moved.0.saturating_abs()),
            currency,
            note,
            created_at,
        }
    };
    Ok(entries.into_iter().map(line).collect())
}
