//! What ended a run: the file, which would end the next one too, or the database, which will be back.

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::error::{Code, Error};

/// Whether the same file would be refused again.
pub(super) fn lies_in_the_file(error: &Error) -> bool {
    let Some(source) = error.source.as_ref().and_then(|s| s.downcast_ref::<DbErr>()) else {
        return error.code != Code::Unavailable;
    };
    match source {
        DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => match e.as_ref() {
            sqlx::Error::Database(e) if e.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
                // SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH; the low octet is the primary code.
                e.code().and_then(|c| c.parse::<u32>().ok()).is_some_and(|c| matches!(c & 0xFF, 18..=20))
            }
            // Data exception, integrity, program limit.
            sqlx::Error::Database(e) => {
                e.code().is_some_and(|c| ["22", "23", "54"].iter().any(|class| c.starts_with(class)))
            }
            _ => false,
        },
        _ => false,
    }
}
