//! Fail-over: a message that its carrier has refused takes the next of its routes.
//!
//! Invariants: only a definitive refusal of the whole message leads on, never a doubt and never a message that the carrier
//! has in part, or somebody would get it twice; each carrier is offered a message once, [`MOST`] carriers at most; only
//! routes lead on, not the account's own carrier, and only to a carrier that is up; the customer's price and the hold
//! stay as they were; a campaign that is paused or cancelled meanwhile keeps its hand on the message.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use crate::{
    clock::Timestamp,
    db::{Columns, Sql, ids_json, ids_list},
    error::Result,
    ids::{AccountId, BatchId, CampaignId, CarrierId, ChunkId, HoldId, MessageId, RouteId},
    jobs::{self, Queue},
    money::{Currency, Micros},
    routes::{self, Routing},
    scope::SystemScope,
    senders, vals,
};

/// The most carriers that one message is offered to.
pub const MOST: usize = 4;
/// The most messages of a chunk.
const CHUNK: usize = 1000;

/// A refused message that has another way.
pub(super) struct Onward {
    row: Refused,
    carrier: CarrierId,
    route: Option<RouteId>,
    unit_cost: Option<Micros>,
    attempt: i64,
}

impl Onward {
    /// The chunk that it leaves.
    pub fn chunk(&self) -> ChunkId {
        self.row.chunk_id
    }
}

#[derive(Debug, FromQueryResult)]
struct Refused {
    id: MessageId,
    chunk_id: ChunkId,
    account_id: AccountId,
    mode: String,
    campaign_id: Option<CampaignId>,
    batch_id: Option<BatchId>,
    carrier_id: Option<CarrierId>,
    route_id: Option<RouteId>,
    hold_id: Option<HoldId>,
    country: Option<String>,
    operator: Option<String>,
    sender: String,
    currency: Currency,
    chunk_status: String,
    priority: i64,
    zone: Option<String>,
    send_at: Timestamp,
    closes_at: Option<Timestamp>,
}

/// Looks for the next way of each refused message. Locks their campaigns, so it comes before any message is locked.
pub(super) async fn find(
    tx: &DatabaseTransaction,
    scope: &SystemScope,
    refused: &BTreeSet<MessageId>,
) -> Result<HashMap<MessageId, Onward>> {
    if refused.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = || ids_json(refused.iter().map(|id| id.0));
    let list = ids_list(tx.get_database_backend(), 1);
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = format!(
            "SELECT 1 FROM campaigns WHERE id IN (SELECT campaign_id FROM messages WHERE id IN {list}) ORDER BY id FOR SHARE"
        );
        tx.run(&sql, vals![ids()]).await?;
    }
    ways(tx, scope, refused, "submitting").await
}

/// The next way of each of these messages, of those in this status that have one.
pub(super) async fn ways(
    tx: &DatabaseTransaction,
    scope: &SystemScope,
    messages: &BTreeSet<MessageId>,
    status: &str,
) -> Result<HashMap<MessageId, Onward>> {
    #[derive(FromQueryResult)]
    struct Tried {
        message_id: MessageId,
        carrier_id: CarrierId,
    }
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = || ids_json(messages.iter().map(|id| id.0));
    let list = ids_list(tx.get_database_backend(), 1);
    let sql = format!(
        "SELECT m.id, m.chunk_id, m.account_id, a.mode, m.campaign_id, m.batch_id, m.carrier_id, m.route_id, m.hold_id, m.country, m.operator, m.sender, \
         m.currency, CASE WHEN k.stopped_at IS NULL THEN k.status ELSE 'ready' END AS chunk_status, k.priority, k.zone, k.send_at, k.closes_at FROM messages m JOIN accounts a ON a.id = m.account_id JOIN chunks k ON k.id = m.chunk_id \
         WHERE m.id IN {list} AND m.status = $2 ORDER BY m.id"
    );
    let rows: Vec<Refused> = tx.all(&sql, vals![ids(), status]).await?;
    let sql = format!("SELECT message_id, carrier_id FROM message_attempts WHERE message_id IN {list}");
    let mut tried: HashMap<MessageId, HashSet<CarrierId>> = HashMap::new();
    for Tried { message_id, carrier_id } in tx.all::<Tried>(&sql, vals![ids()]).await? {
        tried.entry(message_id).or_default().insert(carrier_id);
    }
    let mut routings: HashMap<AccountId, Routing> = HashMap::new();
    let mut onward = HashMap::new();
    for row in rows {
        let routing = match routings.entry(row.account_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let account = scope.of(row.account_id, row.mode == "live");
                place.insert(Routing::load(tx, &account, None).await?)
            }
        };
        let mut seen = tried.remove(&row.id).unwrap_or_default();
        seen.extend(row.carrier_id);
        if seen.len() >= MOST {
            continue;
        }
        let class = senders::Class::of(&row.sender);
        let hash = routes::hash(row.id);
        let next = routing.next_lane(row.country.as_deref(), row.operator.as_deref(), class, hash, &seen);
        if let Some(lane) = next {
            let unit_cost = lane.cost.filter(|(_, currency)| **currency == row.currency).map(|(cost, _)| cost);
            let attempt = i64::try_from(seen.len()).unwrap_or(i64::MAX);
            let (carrier, route) = (lane.carrier, lane.route);
            onward.insert(row.id, Onward { carrier, route, unit_cost, attempt, row });
        }
    }
    Ok(onward)
}

/// Puts messages, which are queued again, into chunks of their next carriers, and keeps what their present one said.
pub(super) async fn lead_on(tx: &DatabaseTransaction, scope: &SystemScope, onward: &[(Onward, &str)]) -> Result<()> {
    if onward.is_empty() {
        return Ok(());
    }
    let now = scope.clock.now();
    rehouse(tx, now, &onward.iter().map(|(onward, _)| onward).collect::<Vec<_>>()).await?;
    for (Onward { row, attempt, .. }, error) in onward {
        let Some(carrier) = row.carrier_id else { continue };
        tx.run(
            "INSERT INTO message_attempts (message_id, attempt, carrier_id, route_id, error, ended_at) VALUES ($1, $2, $3, $4, $5, $6)",
            vals![row.id, *attempt, carrier, row.route_id, *error, now],
        )
        .await?;
    }
    Ok(())
}

/// Puts messages, which are queued, into chunks of their next carriers.
pub(super) async fn rehouse(tx: &DatabaseTransaction, now: Timestamp, onward: &[&Onward]) -> Result<()> {
    let mut groups: BTreeMap<_, Vec<&Onward>> = BTreeMap::new();
    for onward in onward.iter().copied() {
        let row = &onward.row;
        // What holds back the chunk it comes from holds back this one; of a suspended account it is stopped by a pump.
        let status =
            if matches!(row.chunk_status.as_str(), "paused" | "cancelled") { &row.chunk_status } else { "ready" };
        let place = (row.account_id, row.campaign_id, row.batch_id, row.hold_id);
        // Its slot may have been moved since it was marked: to later hours, to another day.
        let slot = (row.send_at.max(now), row.closes_at);
        let key = (place, onward.carrier, row.priority, status, row.zone.as_deref(), slot);
        groups.entry(key).or_default().push(onward);
    }
    let mut chunks: Vec<(_, &[&Onward])> = Vec::with_capacity(groups.len());
    for (key, messages) in &groups {
        chunks.extend(messages.chunks(CHUNK).map(|some| (key, some)));
    }
    for (key, messages) in chunks {
        let id = ChunkId::new(now);
        let ((account, campaign, batch, hold), carrier, priority, status, zone, (send_at, closes_at)) = key;
        tx.run(
            "INSERT INTO chunks (id, account_id, campaign_id, batch_id, carrier_id, hold_id, status, priority, send_at, messages, created_at, over_at, zone, closes_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, $12, $13)",
            vals![
                id,
                *account,
                *campaign,
                *batch,
                *carrier,
                *hold,
                *status,
                *priority,
                *send_at,
                i64::try_from(messages.len()).unwrap_or(0),
                now,
                zone.map(str::to_owned),
                *closes_at
            ],
        )
        .await?;
        let backend = tx.get_database_backend();
        let columns = Columns::new()
            .ids("id", messages.iter().map(|m| m.row.id.0))
            .ids("route", messages.iter().map(|m| m.route.map(|r| r.0)))
            .ints("cost", messages.iter().map(|m| m.unit_cost.map(|c| c.0)));
        let sql = format!(
            "UPDATE messages SET chunk_id = $1, carrier_id = $2, route_id = x.route, unit_cost = x.cost FROM {} WHERE messages.id = x.id",
            columns.source(backend, 3, "x")
        );
        tx.run(&sql, columns.after(backend, vals![id, *carrier])).await?;
        // What is valid for a time ends by its chunk.
        let sql =
            "UPDATE chunks SET over_at = (SELECT MIN(valid_until) FROM messages WHERE chunk_id = $1) WHERE id = $1";
        tx.run(sql, vals![id]).await?;
        jobs::enqueue(tx, now, Queue::MessagesDeliver, carrier.0).await?;
    }
    Ok(())
}
