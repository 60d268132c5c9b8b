//! Reading a stored file back.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
};

use sea_orm::ConnectionTrait;

use super::Upload;
use crate::{
    db::Sql,
    error::{Error, Result},
    ids::FileId,
    scope::AccountScope,
    vals,
};

/// A file.
///
/// # Errors
/// `not_found` when it is not there (any more) or not all there.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: FileId) -> Result<Upload> {
    let sql = "SELECT id, name, bytes, created_at, expires_at FROM files \
        WHERE account_id = $1 AND id = $2 AND bytes >= 0";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("file"))
}

/// One piece of a file, from 0; `None` after the last.
///
/// # Errors
/// When the database refuses.
pub async fn piece(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    id: FileId,
    piece: i64,
) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT p.data FROM file_pieces p JOIN files f ON f.id = p.file_id \
        WHERE f.account_id = $1 AND p.file_id = $2 AND p.piece = $3";
    Ok(conn.scalar(sql, vals![scope.account(), id, piece]).await?)
}

/// Writes the file, piece by piece, to a temporary one that is deleted when it is closed, and gives that at its start.
///
/// # Errors
/// `not_found` when it is not there (any more) or not all there.
pub async fn fetch(conn: &impl ConnectionTrait, scope: &AccountScope, id: FileId) -> Result<File> {
    let missing = || Error::not_found("file");
    let bytes = get(conn, scope, id).await?.bytes;
    let broken = |e: std::io::Error| Error::internal(format!("writing a temporary file: {e}"));
    let mut file = tempfile::tempfile().map_err(broken)?;
    let mut left = bytes;
    for piece in 0_i64.. {
        if left <= 0 {
            break;
        }
        let data = self::piece(conn, scope, id, piece).await?.ok_or_else(missing)?;
        left = left.saturating_sub(i64::try_from(data.len()).unwrap_or(i64::MAX));
        // A piece is small and goes to the page cache: not worth a thread of its own.
        file.write_all(&data).map_err(broken)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(broken)?;
    Ok(file)
}
