//! Whether a refusal of the database lies in what was to be written, or in the database, and whether that is away.
//!
//! Invariant: in case of doubt it lies in the database, and the same is tried again: nothing is lost by trying.

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{self, error::DatabaseError},
};

use crate::error::{Code, Error};

/// Whether the same would be refused for ever, because of its own content.
pub fn lies_in_the_data(error: &Error) -> bool {
    let Some(source) = error.source.as_ref().and_then(|s| s.downcast_ref::<DbErr>()) else {
        // A rule of ours that the content breaks, such as a price out of range.
        return error.code != Code::Unavailable;
    };
    match source {
        DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => match e.as_ref() {
            sqlx::Error::Database(e) => is_data(e.as_ref()),
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
            _ => false,
        },
        DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => true,
        _ => false,
    }
}

/// Whether the database was away, or went away meanwhile: the same may be tried again when it is back.
pub fn is_away(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => match e.as_ref() {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
            // Connections and shut-downs of PostgreSQL; no code of SQLite begins so.
            sqlx::Error::Database(e) => e.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P")),
            _ => false,
        },
        _ => false,
    }
}

fn is_data(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH; the low octet is the primary code. SQLITE_ERROR says little.
        let primary = code.parse::<u32>().unwrap_or(0) & 0xFF;
        let text = error.message();
        return matches!(primary, 18..=20) || text.contains("malformed JSON") || text.contains("integer overflow");
    }
    // Cardinality, data exception, integrity, check option, program limit. Not: connections (08), roll-backs such as
    // 40001 and 40P01, resources such as a full disk (53), locks (55), shut-downs (57), statements of ours (42).
    ["21", "22", "23", "44", "54"].iter().any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{Db, Sql},
        testing::stages,
    };

    async fn refused(db: &Db, sql: &str) -> Error {
        db.writer().run(sql, Vec::new()).await.unwrap_err().into()
    }

    #[tokio::test]
    async fn a_connection_that_is_cut_is_told_as_unavailable() {
        for stage in stages().await.iter().filter(|stage| !stage.db.is_sqlite()) {
            let cut = "SELECT pg_terminate_backend(pg_backend_pid())";
            assert_eq!(refused(&stage.db, cut).await.code, Code::Unavailable);
            assert_eq!(refused(&stage.db, "SELECT nonsense").await.code, Code::Internal);
        }
        let io = sqlx::Error::Io(std::io::Error::other("the connection was reset"));
        assert_eq!(Error::from(DbErr::Query(RuntimeErr::SqlxError(io.into()))).code, Code::Unavailable);
    }

    #[tokio::test]
    async fn content_and_database_are_told_apart() {
        let db = Db::open("sqlite::memory:", 2).await.unwrap();
        db.writer().run("CREATE TABLE t (a TEXT NOT NULL)", Vec::new()).await.unwrap();
        assert!(lies_in_the_data(&refused(&db, "INSERT INTO t VALUES (NULL)").await));
        assert!(lies_in_the_data(&refused(&db, "INSERT INTO t SELECT value FROM json_each('{')").await));
        assert!(!lies_in_the_data(&refused(&db, "INSERT INTO nowhere VALUES (1)").await), "a statement of ours");
        assert!(lies_in_the_data(&Error::internal("price out of range")));
        assert!(!lies_in_the_data(&Error::new(Code::Unavailable, "away")));
        let io = sqlx::Error::Io(std::io::Error::other("the connection was reset"));
        assert!(!lies_in_the_data(&DbErr::Exec(RuntimeErr::SqlxError(io.into())).into()));
        assert!(!lies_in_the_data(&DbErr::Custom("database is locked".into()).into()));
    }
}
