//! Reading a stored file back.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
};

use sea_orm::ConnectionTrait;

use crate::{
    db::Sql,
    error::{Error, Result},
    ids::FileId,
    scope::AccountScope,
    vals,
};

/// Whether a whole file of this id is stored.
///
/// # Errors
/// When the database refuses.
pub async fn exists(conn: &impl ConnectionTrait, scope: &AccountScope, id: FileId) -> Result<bool> {
    Ok(size(conn, scope, id).await?.is_some())
}

async fn size(conn: &impl ConnectionTrait, scope: &AccountScope, id: FileId) -> Result<Option<i64>> {
    let sql = "SELECT bytes FROM files WHERE account_id = $1 AND id = $2 AND bytes >= 0";
    Ok(conn.scalar(sql, vals![scope.account(), id]).await?)
}

/// Writes the file, piece by piece, to a temporary one that is deleted when it is closed, and gives that at its start.
///
/// # Errors
/// `not_found` when it is not there (any more) or not all there.
pub async fn fetch(conn: &impl ConnectionTrait, scope: &AccountScope, id: FileId) -> Result<File> {
    let missing = || Error::not_found("file");
    let bytes = size(conn, scope, id).await?.ok_or_else(missing)?;
    let broken = |e: std::io::Error| Error::internal(format!("writing a temporary file: {e}"));
    let mut file = tempfile::tempfile().map_err(broken)?;
    let mut left = bytes;
    for piece in 0_i64.. {
        if left <= 0 {
            break;
        }
        let sql = "SELECT data FROM file_pieces WHERE file_id = $1 AND piece = $2";
        let data: Vec<u8> = conn.scalar(sql, vals![id, piece]).await?.ok_or_else(missing)?;
        left = left.saturating_sub(i64::try_from(data.len()).unwrap_or(i64::MAX));
        // A piece is small and goes to the page cache: not worth a thread of its own.
        file.write_all(&data).map_err(broken)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(broken)?;
    Ok(file)
}
