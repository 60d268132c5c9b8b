//! Messages that wait for a carrier which routing passes over (it is down, or answers with faults) take another of their
//! routes, as new messages do.
//!
//! A pass over the ready chunks of such a carrier takes the most urgent first, a piece at a time, and begins again [`AGAIN`] after it has
//! ended: what its pumps had taken may have come back.
//!
//! Invariants: only what waits and has not left is moved: neither a message whose answer was lost nor one that waits for its
//! second attempt; only routes lead on, to a carrier that is up and has not refused it; the customer's price and the hold
//! stay as they were; a campaign that is paused or cancelled meanwhile keeps its hand on the message.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::{
    fail_over::{self, Onward},
    moves::lock_where,
    notes::{self, Note},
    resend,
};
use crate::{
    clock::Timestamp,
    db::{Columns, Db, Sql, ids_json, ids_list},
    error::Result,
    ids::{AccountId, CampaignId, CarrierId, ChunkId, MessageId},
    routes::{self, Routing},
    scope::SystemScope,
    vals,
};

/// How long after the end of a pass the next one begins.
const AGAIN: Duration = Duration::from_secs(10);
/// The most chunks, and about the most messages, of one transaction.
const CHUNKS: i64 = 64;
const MESSAGES: i64 = 4000;

/// How far the pass over each carrier is that is passed over.
#[derive(Debug, Default)]
pub struct Passes(HashMap<CarrierId, Pass>);

#[derive(Debug, Default)]
struct Pass {
    /// The last chunk that was looked at: its priority, time and id, as pumps take them.
    after: Option<(i64, Timestamp, ChunkId)>,
    ended: Option<Timestamp>,
}

impl Passes {
    /// Looks at the next piece of each carrier that is passed over; how many messages were moved.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn step(&mut self, db: &Db, scope: &SystemScope) -> Result<u64> {
        let now = scope.clock.now();
        let over: BTreeSet<CarrierId> = routes::passed_over(db.read(), now).await?.into_iter().collect();
        self.0.retain(|carrier, _| over.contains(carrier));
        let mut moved = 0;
        for carrier in over {
            let pass = self.0.entry(carrier).or_default();
            match pass.ended {
                Some(ended) if ended.plus(AGAIN) > now => continue,
                Some(_) => *pass = Pass::default(),
                None => {}
            }
            let chunks = next(db, carrier, pass.after).await?;
            match chunks.last() {
                Some(last) => pass.after = Some((last.priority, last.send_at, last.id)),
                None => pass.ended = Some(now),
            }
            let chunks = with_another_way(db, scope, carrier, chunks).await?;
            if !chunks.is_empty() {
                moved += piece(db, scope, carrier, &chunks).await?;
            }
        }
        Ok(moved)
    }
}

#[derive(FromQueryResult)]
struct Chunk {
    id: ChunkId,
    account_id: AccountId,
    campaign_id: Option<CampaignId>,
    mode: String,
    messages: i64,
    priority: i64,
    send_at: Timestamp,
}

/// The next chunks of a carrier that no pump has, by the index that pumps claim by.
async fn next(db: &Db, carrier: CarrierId, after: Option<(i64, Timestamp, ChunkId)>) -> Result<Vec<Chunk>> {
    let sql = "SELECT k.id, k.account_id, k.campaign_id, a.mode, k.messages, k.priority, k.send_at FROM \
               (SELECT * FROM chunks WHERE carrier_id = $1 AND status = 'ready' AND lease_owner IS NULL AND (priority, send_at, id) > ($2, $3, $4) \
               ORDER BY priority, send_at, id LIMIT $5) AS k JOIN accounts a ON a.id = k.account_id ORDER BY k.priority, k.send_at, k.id";
    let (priority, send_at, id) = after.unwrap_or((i64::MIN, Timestamp(i64::MIN), ChunkId(Uuid::nil())));
    let found: Vec<Chunk> = db.read().all(sql, vals![carrier, priority, send_at, id, CHUNKS]).await?;
    let mut before = 0;
    let fits = |chunk: &Chunk| {
        let fits = before < MESSAGES;
        before += chunk.messages;
        fits
    };
    Ok(found.into_iter().take_while(fits).collect())
}

/// Those whose account has a route to another carrier that is up: the others' messages need not be read.
async fn with_another_way(db: &Db, scope: &SystemScope, carrier: CarrierId, chunks: Vec<Chunk>) -> Result<Vec<Chunk>> {
    let mut leads: HashMap<AccountId, bool> = HashMap::new();
    let mut kept = Vec::new();
    for chunk in chunks {
        let leads = match leads.entry(chunk.account_id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let account = scope.of(chunk.account_id, chunk.mode == "live");
                *place.insert(Routing::load(db.read(), &account, None).await?.leads_past(carrier))
            }
        };
        if leads {
            kept.push(chunk);
        }
    }
    Ok(kept)
}

/// Moves the messages of these chunks that have another way.
async fn piece(db: &Db, scope: &SystemScope, carrier: CarrierId, chunks: &[Chunk]) -> Result<u64> {
    let now = scope.clock.now();
    let tx = db.begin().await?;
    let backend = tx.get_database_backend();
    if backend == DbBackend::Postgres {
        let campaigns: BTreeSet<_> = chunks.iter().filter_map(|chunk| chunk.campaign_id).map(|id| id.0).collect();
        let sql = format!("SELECT 1 FROM campaigns WHERE id IN {} ORDER BY id FOR SHARE", ids_list(backend, 1));
        tx.run(&sql, vals![ids_json(campaigns)]).await?;
    }
    let skip = if backend == DbBackend::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT id FROM chunks WHERE id IN {} AND carrier_id = $2 AND status = 'ready' AND lease_owner IS NULL ORDER BY id{skip}",
        ids_list(backend, 1)
    );
    let mine: Vec<ChunkId> = tx.column(&sql, vals![ids_json(chunks.iter().map(|c| c.id.0)), carrier]).await?;
    let mut waiting: BTreeSet<MessageId> = BTreeSet::new();
    for chunk in &mine {
        let rows = lock_where(&tx, "m.chunk_id = $1 AND m.status = 'queued'", vals![*chunk]).await?;
        waiting.extend(rows.into_iter().map(|row| row.id));
    }
    let second = resend::among(&tx, waiting.iter().copied()).await?;
    waiting.retain(|id| !second.contains(id));
    let onward = fail_over::ways(&tx, scope, &waiting, "queued").await?;
    let moved: Vec<&Onward> = onward.values().collect();
    fail_over::rehouse(&tx, now, &moved).await?;
    let noted: Vec<Note> = onward.keys().map(|id| Note::moved(carrier, *id, now)).collect();
    notes::write(&tx, now, &noted).await?;
    leave(&tx, &mine, &moved).await?;
    tx.commit().await?;
    Ok(u64::try_from(moved.len()).unwrap_or(0))
}

/// Chunks that messages have left; those that none waits in any more are done.
async fn leave(tx: &DatabaseTransaction, chunks: &[ChunkId], moved: &[&Onward]) -> Result<()> {
    let backend = tx.get_database_backend();
    let mut left: HashMap<ChunkId, i64> = HashMap::new();
    moved.iter().for_each(|onward| *left.entry(onward.chunk()).or_default() += 1);
    if !left.is_empty() {
        let columns = Columns::new().ids("id", left.keys().map(|id| id.0)).ints("n", left.values().copied());
        let sql = format!(
            "UPDATE chunks SET messages = chunks.messages - x.n FROM {} WHERE chunks.id = x.id",
            columns.source(backend, 1, "x")
        );
        tx.run(&sql, columns.after(backend, vals![])).await?;
    }
    let sql = format!(
        "UPDATE chunks SET status = 'done' WHERE id IN {} \
         AND (SELECT 1 FROM messages m WHERE m.chunk_id = chunks.id AND m.status = 'queued' LIMIT 1) IS NULL",
        ids_list(backend, 1)
    );
    tx.run(&sql, vals![ids_json(chunks.iter().map(|id| id.0))]).await?;
    Ok(())
}
