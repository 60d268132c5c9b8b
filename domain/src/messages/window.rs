//! What a pump does with chunks: claim them under a lease, read their messages, mark a window `submitting` before a
//! byte leaves, renew the lease while anything is under way, finish.
//!
//! Invariants: a chunk is claimed by one owner at a time, and by nobody while an earlier owner's window may be open; a
//! message is marked only while its chunk is claimed by the marker, so that pause, cancel and a lost lease stop a pump
//! at its next window.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};

use crate::{
    clock::Timestamp,
    db::{Db, Sql, ids_json, ids_list},
    error::Result,
    ids::{CarrierId, ChunkId, MessageId},
    scope::SystemScope,
    vals,
};

/// A claimed chunk.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Chunk {
    pub id: ChunkId,
    pub priority: i64,
}

/// A message as the carrier gets it.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Outgoing {
    pub id: MessageId,
    pub phone: i64,
    pub sender: String,
    pub split_mode: String,
    pub parts: i64,
    pub text: String,
}

/// Claims up to `limit` ready chunks of a carrier, the most urgent first; with `more_urgent_than` only those whose
/// priority is a lower number.
///
/// # Errors
/// When the database refuses; nothing is claimed then.
pub async fn claim(
    db: &Db,
    scope: &SystemScope,
    carrier: CarrierId,
    owner: &str,
    until: Timestamp,
    limit: i64,
    more_urgent_than: Option<i64>,
) -> Result<Vec<Chunk>> {
    let now = scope.clock.now();
    let below = more_urgent_than.unwrap_or(i64::MAX);
    let ready = "SELECT id FROM chunks WHERE carrier_id = $1 AND status = 'ready' AND lease_owner IS NULL AND send_at <= $2 \
                 AND priority < $4 ORDER BY priority, send_at, id LIMIT $3";
    // Asking first keeps an idle pump off the one writer of SQLite.
    if db.read().scalar::<ChunkId>(ready, vals![carrier, now, 1_i64, below]).await?.is_none() {
        return Ok(Vec::new());
    }
    let skip = if db.backend() == DbBackend::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    let tx = db.begin().await?;
    let sql = format!(
        "UPDATE chunks SET status = 'claimed', lease_owner = $5, lease_until = $6 WHERE id IN ({ready}{skip}) RETURNING id, priority"
    );
    let mut chunks: Vec<Chunk> = tx.all(&sql, vals![carrier, now, limit, below, owner, until]).await?;
    tx.commit().await?;
    chunks.sort_by_key(|c| (c.priority, c.id));
    Ok(chunks)
}

/// The messages of a chunk that still wait.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(db: &Db, _: &SystemScope, chunk: ChunkId) -> Result<Vec<Outgoing>> {
    let sql = "SELECT m.id, m.phone, m.sender, m.split_mode, m.parts, t.body AS text FROM messages m JOIN message_texts t ON t.message_id = m.id \
               WHERE m.chunk_id = $1 AND m.status = 'queued' ORDER BY m.id";
    Ok(db.read().all(sql, vals![chunk]).await?)
}

/// Marks these messages of a chunk `submitting` and tells which now are. Commits before it returns: only then may bytes
/// go to the carrier. `None` when the chunk is the owner's no longer.
///
/// # Errors
/// When the database refuses; nothing is marked then.
pub async fn mark(
    db: &Db,
    _: &SystemScope,
    chunk: ChunkId,
    owner: &str,
    ids: &[MessageId],
) -> Result<Option<Vec<MessageId>>> {
    let tx = db.begin().await?;
    let share = if db.backend() == DbBackend::Postgres { " FOR SHARE" } else { "" };
    let mine = format!("SELECT 1 FROM chunks WHERE id = $1 AND status = 'claimed' AND lease_owner = $2{share}");
    if tx.scalar::<i32>(&mine, vals![chunk, owner]).await?.is_none() {
        return Ok(None);
    }
    let sql = format!(
        "UPDATE messages SET status = 'submitting' WHERE id IN {} AND status = 'queued' RETURNING id",
        ids_list(tx.get_database_backend(), 1)
    );
    let marked: Vec<MessageId> = tx.column(&sql, vals![ids_json(ids.iter().map(|id| id.0))]).await?;
    tx.commit().await?;
    Ok(Some(marked))
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
