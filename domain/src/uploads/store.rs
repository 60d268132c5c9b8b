//! Storing and deleting files.

use std::time::Duration;

use sea_orm::DatabaseTransaction;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::PIECE;
use crate::{
    db::{Db, Sql},
    error::{Error, Result},
    ids::FileId,
    scope::{AccountScope, SystemScope},
    vals,
};

/// Pieces in one transaction: the one writer of SQLite is not held for a whole upload.
const PIECES_AT_ONCE: usize = 16;
/// What no job has read and deleted by then is deleted.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Stores everything that `source` gives, for as long as `kept`. Takes several transactions; a file left half-stored by a crash has no size
/// yet, is never found and expires.
///
/// # Errors
/// When the source or the database refuses. How much may come is for the caller to bound.
pub async fn store(
    db: &Db,
    scope: &AccountScope,
    name: &str,
    mut source: impl AsyncRead + Unpin,
    kept: Duration,
) -> Result<FileId> {
    let now = scope.clock().now();
    let id = FileId::new(now);
    let tx = db.begin().await?;
    tx.run(
        "INSERT INTO files (id, account_id, name, bytes, created_at, expires_at) VALUES ($1, $2, $3, -1, $4, $5)",
        vals![id, scope.account(), name, now, now.plus(kept)],
    )
    .await?;
    tx.commit().await?;
    let (mut piece, mut bytes) = (0_i64, 0_u64);
    loop {
        let mut pieces = Vec::with_capacity(PIECES_AT_ONCE);
        while pieces.len() < PIECES_AT_ONCE {
            let data = next_piece(&mut source).await?;
            if data.is_empty() {
                break;
            }
            bytes = bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            pieces.push(data);
        }
        let last = pieces.len() < PIECES_AT_ONCE;
        let tx = db.begin().await?;
        for data in pieces {
            let sql = "INSERT INTO file_pieces (file_id, piece, data) VALUES ($1, $2, $3)";
            tx.run(sql, vals![id, piece, data]).await?;
            piece = piece.saturating_add(1);
        }
        if last {
            let size = i64::try_from(bytes).unwrap_or(i64::MAX);
            tx.run("UPDATE files SET bytes = $2 WHERE id = $1", vals![id, size]).await?;
        }
        tx.commit().await?;
        if last {
            return Ok(id);
        }
    }
}

async fn next_piece(source: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
    let mut data = Vec::with_capacity(PIECE);
    let limit = u64::try_from(PIECE).unwrap_or(u64::MAX);
    source.take(limit).read_to_end(&mut data).await.map_err(|e| Error::internal(format!("reading an upload: {e}")))?;
    Ok(data)
}

/// Deletes a file, if it is still there.
///
/// # Errors
/// When the database refuses.
pub async fn delete(tx: &DatabaseTransaction, scope: &AccountScope, id: FileId) -> Result<()> {
    tx.run("DELETE FROM files WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}

/// Deletes a file at its owner's wish.
///
/// # Errors
/// `not_found`.
pub async fn remove(tx: &DatabaseTransaction, scope: &AccountScope, id: FileId) -> Result<()> {
    super::get(tx, scope, id).await?;
    delete(tx, scope, id).await
}

/// Deletes the files that have expired, of every account, and tells how many.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(tx: &DatabaseTransaction, system: &SystemScope) -> Result<u64> {
    let sql = "DELETE FROM files WHERE id IN (SELECT id FROM files WHERE expires_at < $1 ORDER BY expires_at LIMIT 20)";
    Ok(tx.run(sql, vals![system.clock.now()]).await?)
}
