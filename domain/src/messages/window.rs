//! What a pump does with chunks: claim them under a lease, read their messages, mark a window `submitting` before a
//! byte leaves, renew the lease while anything is under way, finish.
//!
//! Invariants: a chunk is claimed by one owner at a time, and by nobody while an earlier owner's window may be open; a
//! message is marked only while its chunk is claimed by the marker, so that pause, cancel and a lost lease stop a pump
//! at its next window; nothing of an account that is suspended is marked, and its chunks are not claimed ([`super::stop`]).

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::{frequency, stop};
use crate::{
    clock::Timestamp,
    db::{Columns, Db, Sql, ids_json, ids_list, ids_source, in_span, lookup, spanned},
    error::Result,
    ids::{CarrierId, ChunkId, MessageId},
    scope::SystemScope,
    vals,
};

/// The most chunks of one claim: single sends make small ones.
const MOST: i64 = 64;

/// A claimed chunk.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub id: ChunkId,
    pub priority: i64,
    pub send_at: Timestamp,
    /// How many messages it was written with.
    pub messages: i64,
}

/// A message as the carrier gets it.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Outgoing {
    pub id: MessageId,
    pub chunk_id: ChunkId,
    pub phone: i64,
    pub sender: String,
    pub split_mode: String,
    pub parts: i64,
    pub text: String,
    pub valid_until: Option<Timestamp>,
}

/// Claims ready chunks of a carrier, the most urgent first, until they have `room` messages; with `more_urgent_than`
/// only those whose priority is a lower number. Those of suspended accounts that are in the way are stopped.
///
/// # Errors
/// When the database refuses; nothing is claimed then.
pub async fn claim(
    db: &Db,
    scope: &SystemScope,
    carrier: CarrierId,
    owner: &str,
    until: Timestamp,
    room: i64,
    more_urgent_than: Option<i64>,
) -> Result<Vec<Chunk>> {
    #[derive(FromQueryResult)]
    struct Taken {
        id: ChunkId,
        priority: i64,
        send_at: Timestamp,
        messages: i64,
        /// Else it was stopped.
        claimed: bool,
    }
    let now = scope.clock.now();
    let below = more_urgent_than.unwrap_or(i64::MAX);
    let ready = "FROM chunks WHERE carrier_id = $1 AND status = 'ready' AND lease_owner IS NULL AND send_at <= $2 AND priority < $3 \
                 AND (closes_at IS NULL OR closes_at > $2)";
    let postgres = db.backend() == DbBackend::Postgres;
    if !postgres {
        // Asking first keeps an idle pump off the one writer of SQLite.
        let any = format!("SELECT 1 {ready} LIMIT 1");
        if db.read().scalar::<i32>(&any, vals![carrier, now, below]).await?.is_none() {
            return Ok(Vec::new());
        }
    }
    let skip = if postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "WITH ready AS MATERIALIZED (SELECT id, account_id, priority, send_at, messages {ready} ORDER BY priority, send_at, id LIMIT $4{skip}), \
         wanted AS (SELECT id, {} AS goes, SUM(messages) OVER (ORDER BY priority, send_at, id) - messages AS before FROM ready) \
         UPDATE chunks SET status = CASE WHEN wanted.goes THEN 'claimed' ELSE 'paused' END, lease_owner = CASE WHEN wanted.goes THEN $5 END, \
         lease_until = CASE WHEN wanted.goes THEN $6 END, stopped_at = CASE WHEN wanted.goes THEN NULL ELSE $2 END FROM wanted \
         WHERE chunks.id = wanted.id AND wanted.before < $7 \
         RETURNING chunks.id, chunks.priority, chunks.send_at, chunks.messages, chunks.lease_owner IS NOT NULL AS claimed",
        stop::goes("ready")
    );
    let tx = db.begin().await?;
    let taken: Vec<Taken> = tx.all(&sql, vals![carrier, now, below, MOST, owner, until, room]).await?;
    tx.commit().await?;
    let claimed = taken.into_iter().filter(|chunk| chunk.claimed);
    let mut chunks: Vec<Chunk> = claimed
        .map(|Taken { id, priority, send_at, messages, claimed: _ }| Chunk { id, priority, send_at, messages })
        .collect();
    chunks.sort_by_key(|chunk| (chunk.priority, chunk.send_at, chunk.id));
    Ok(chunks)
}

/// The messages of claimed chunks that still wait.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(db: &Db, _: &SystemScope, chunks: &[ChunkId]) -> Result<Vec<Outgoing>> {
    let backend = db.backend();
    let sql = format!(
        "SELECT m.id, m.chunk_id, m.phone, m.sender, m.split_mode, m.parts, t.body AS text, m.valid_until FROM {} {} {} ORDER BY m.id",
        ids_source(backend, 1, "x"),
        lookup(backend, "messages", "m", "m.chunk_id = x.id AND m.status = 'queued'"),
        lookup(backend, "message_texts", "t", "t.message_id = m.id"),
    );
    Ok(db.read().all(&sql, vals![ids_json(chunks.iter().map(|id| id.0))]).await?)
}

/// Marks these messages `submitting` and tells which now are. Commits before it returns: only then may bytes go to the
/// carrier. Of a chunk that is the owner's no longer, whose window has closed or whose account is suspended, nothing is marked,
/// nor what is not valid any more: the sweep ends it. What is over a frequency cap of its account is skipped.
///
/// # Errors
/// When the database refuses; nothing is marked then.
pub async fn mark(
    db: &Db,
    scope: &SystemScope,
    owner: &str,
    chunks: &[ChunkId],
    messages: &[MessageId],
) -> Result<Marked> {
    #[derive(FromQueryResult)]
    struct Mine {
        id: ChunkId,
        /// Of a campaign, whose account has frequency caps.
        capped: bool,
    }
    let backend = db.backend();
    let tx = db.begin().await?;
    let now = scope.clock.now(); // after the wait for a writer
    let share = if backend == DbBackend::Postgres { " FOR SHARE" } else { "" };
    let mine = format!(
        "SELECT id, campaign_id IS NOT NULL AND (SELECT a.frequency_caps IS NOT NULL FROM accounts a WHERE a.id = chunks.account_id) AS capped \
         FROM chunks WHERE id IN {} AND status = 'claimed' AND lease_owner = $2 AND (closes_at IS NULL OR closes_at > $3) AND {} ORDER BY id{share}",
        ids_list(backend, 1),
        stop::goes("chunks")
    );
    let mine: Vec<Mine> = tx.all(&mine, vals![ids_json(chunks.iter().map(|id| id.0)), owner, now]).await?;
    let sql = format!(
        "UPDATE messages SET status = 'submitting' WHERE {} AND status = 'queued' AND chunk_id IN {} \
         AND (valid_until IS NULL OR valid_until > $5) RETURNING id",
        in_span(backend, "id", 1),
        ids_list(backend, 4)
    );
    let messages: Vec<Uuid> = messages.iter().map(|id| id.0).collect();
    let mut lists = spanned(&messages);
    lists.extend(vals![ids_json(mine.iter().map(|chunk| chunk.id.0)), now]);
    let mut messages = if mine.is_empty() { Vec::new() } else { tx.column(&sql, lists).await? };
    if mine.iter().any(|chunk| chunk.capped) {
        messages = frequency::admit(&tx, now, messages).await?;
    }
    tx.commit().await?;
    Ok(Marked { chunks: mine.into_iter().map(|chunk| chunk.id).collect(), messages })
}

/// Notes of how many parts messages are, before they are marked: for a carrier that splits a text in another way than they
/// were written with, so that as many receipts end them. What they cost is in their segments, which stay.
///
/// # Errors
/// When the database refuses.
pub async fn part(db: &Db, _: &SystemScope, messages: &[(MessageId, i64)]) -> Result<()> {
    let tx = db.begin().await?;
    let columns =
        Columns::new().ids("id", messages.iter().map(|(id, _)| id.0)).ints("parts", messages.iter().map(|(_, n)| *n));
    let sql = format!(
        "UPDATE messages SET parts = x.parts FROM {} WHERE messages.id = x.id AND messages.status = 'queued'",
        columns.source(db.backend(), 1, "x")
    );
    tx.run(&sql, columns.after(db.backend(), vals![])).await?;
    Ok(tx.commit().await?)
}

/// What a [`mark`] came to.
#[derive(Debug, Clone, Default)]
pub struct Marked {
    /// Those of the chunks that are the owner's still.
    pub chunks: Vec<ChunkId>,
    /// The messages that may be submitted now.
    pub messages: Vec<MessageId>,
}

/// Renews the lease of chunks whose windows may be open.
///
/// # Errors
/// When the database refuses.
pub async fn renew(db: &Db, owner: &str, chunks: &[ChunkId], until: Timestamp) -> Result<()> {
    let tx = db.begin().await?;
    let sql = format!(
        "UPDATE chunks SET lease_until = $2 WHERE lease_owner = $3 AND id IN {}",
        ids_list(tx.get_database_backend(), 1)
    );
    tx.run(&sql, vals![ids_json(chunks.iter().map(|id| id.0)), until, owner]).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives chunks back: every message of theirs that this owner marked has been recorded. One that still has waiting
/// messages becomes ready again, unless it was paused or cancelled meanwhile.
///
/// # Errors
/// When the database refuses.
pub async fn finish(db: &Db, owner: &str, chunks: &[ChunkId]) -> Result<()> {
    let tx = db.begin().await?;
    let sql = format!(
        "UPDATE chunks SET lease_owner = NULL, lease_until = NULL, status = CASE WHEN status <> 'claimed' THEN status \
         WHEN EXISTS (SELECT 1 FROM messages m WHERE m.chunk_id = chunks.id AND m.status = 'queued') THEN 'ready' ELSE 'done' END \
         WHERE lease_owner = $2 AND id IN {}",
        ids_list(tx.get_database_backend(), 1)
    );
    tx.run(&sql, vals![ids_json(chunks.iter().map(|id| id.0)), owner]).await?;
    tx.commit().await?;
    Ok(())
}
