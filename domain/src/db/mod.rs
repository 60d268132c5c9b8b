//! The database: SQLite (one writer, many readers) or PostgreSQL, chosen by the address, behind one code path.
//!
//! Invariants: on SQLite every write goes through the one writer connection in an IMMEDIATE transaction with
//! `synchronous=FULL`; rows written in bulk travel as one JSON bind that both databases unpack (see [`records`]).

mod columns;
mod fault;
mod records;
mod sql;
#[cfg(test)]
mod tests;
mod writes;

use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

pub use columns::Columns;
pub use fault::{is_away, lies_in_the_data};
pub use records::{Field, Records, ids_json, ids_list, ids_source, in_span, lookup, spanned};
pub use sql::{Sql, Window, expect_version, or_exists, page_bounds};
pub use writes::Writes;

/// The pools of one process.
#[derive(Debug, Clone)]
pub struct Db {
    write: DatabaseConnection,
    read: DatabaseConnection,
}

impl Db {
    /// Opens `sqlite://path` (made when missing) or `postgres://…`. `connections` bounds each pool.
    ///
    /// # Errors
    /// When the address cannot be read or the database not reached.
    pub async fn open(url: &str, connections: u32) -> Result<Self, DbErr> {
        if url.starts_with("sqlite:") {
            let mut writer = options(url);
            // One writer: transactions queue in the pool in order, instead of failing with SQLITE_BUSY.
            writer.max_connections(1).min_connections(1).acquire_timeout(Duration::from_secs(120));
            writer.map_sqlx_sqlite_opts(sqlite_options);
            let write = Database::connect(writer).await?;
            let mut reader = options(url);
            reader.max_connections(connections.max(2)).acquire_timeout(Duration::from_secs(30));
            // The readers share what they keep of the file: the system's cache has it too. A large sort of theirs goes to a
            // temporary file, since in memory it would take a hundred MiB for a million rows.
            let cache = format!("-{}", (READERS_CACHE / connections.max(2)).clamp(1024, 16384));
            reader.map_sqlx_sqlite_opts(move |o| {
                let o = sqlite_options(o).pragma("query_only", "on");
                o.pragma("cache_size", cache.clone()).pragma("temp_store", "file")
            });
            let read = Database::connect(reader).await?;
            return Ok(Self { write, read });
        }
        let mut options = options(url);
        // Compiling a statement costs more than it saves where statements are small and many.
        options.map_sqlx_postgres_opts(|o| o.options([("jit", "off")]));
        options.max_connections(connections.max(4)).acquire_timeout(Duration::from_secs(30));
        let pool = Database::connect(options).await?;
        Ok(Self { write: pool.clone(), read: pool })
    }

    /// Where reads outside a transaction go.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }
    /// The writing pool itself: for migrations and for apalis.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.write
    }
    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        sea_orm::ConnectionTrait::get_database_backend(&self.write)
    }
    /// Whether it is SQLite.
    pub fn is_sqlite(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }
    /// Begins a writing transaction: IMMEDIATE on SQLite, READ COMMITTED on PostgreSQL. Dropping it rolls back.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: self.is_sqlite().then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await
    }
}

/// Statements are not logged, but slow ones are told.
fn options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(true).sqlx_logging_level(log::LevelFilter::Trace);
    options.sqlx_slow_statements_logging_settings(log::LevelFilter::Warn, SLOW);
    options.test_before_acquire_if_idle_for(IDLE);
    options
}

/// How long a connection may lie idle and is still taken for alive: asking each time would be one more way to the database and
/// back. When it is dead all the same, who takes it is told `unavailable`, which a job survives and a client repeats.
const IDLE: Duration = Duration::from_secs(1);
/// What a statement may take before it is told in the log.
const SLOW: Duration = Duration::from_millis(500);

/// KiB of a SQLite file that all readers together keep in memory.
const READERS_CACHE: u32 = 32_768;

fn sqlite_options(o: sea_orm::sqlx::sqlite::SqliteConnectOptions) -> sea_orm::sqlx::sqlite::SqliteConnectOptions {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
    o.create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full) // a forgotten `submitting` would mean a double send
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(30)) // the admin command writes beside a running server
        .pragma("cache_size", "-16384") // 16 MiB
        .pragma("temp_store", "memory")
}

/// Held while one process does what no other may do at the same time; ends when it is dropped.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "held, never read")] Option<sea_orm::DatabaseTransaction>);

/// Waits until this process alone may do `what`: an advisory lock on PostgreSQL, in a transaction of its own that ends
/// with the process. SQLite has one server, and its statements wait for each other.
///
/// # Errors
/// When the database cannot be reached.
pub async fn alone(db: &Db, what: &str) -> Result<Alone, DbErr> {
    if db.is_sqlite() {
        return Ok(Alone(None));
    }
    let tx = db.begin().await?;
    tx.run("SELECT pg_advisory_xact_lock(hashtext($1))", crate::vals![what]).await?;
    Ok(Alone(Some(tx)))
}
