//! What tests of the capabilities stand on: an empty database with one account, on SQLite, and on PostgreSQL too when
//! `CARILLON_TEST_POSTGRES` names a server on which databases may be made.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;

use crate::{
    clock::{Clock, Timestamp},
    db::{Db, Sql},
    ids::{self, AccountId},
    scope::{AccountScope, SystemScope},
    vals,
};

const PREFIX: &str = "carillon_domain_test_";

/// Drops the databases of earlier test runs: a test that panics cannot drop its own.
async fn forget_old(admin: &sea_orm::DatabaseConnection, now: Timestamp) {
    let old = ids::uuid_floor(now.minus(Duration::from_secs(600)));
    let names: Vec<String> = admin
        .column("SELECT datname::text FROM pg_database WHERE datname LIKE $1", vals![format!("{PREFIX}%")])
        .await
        .unwrap();
    for name in names {
        if name.strip_prefix(PREFIX).and_then(ids::decode).is_some_and(|id| id < old) {
            // Two test runs may try at once; whoever is second fails, and that is well.
            let _ = admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// A database of its own and who acts on it.
pub struct Stage {
    pub db: Db,
    pub scope: AccountScope,
    pub system: SystemScope,
    pub clock: Clock,
    _files: Option<tempfile::TempDir>,
}

/// One stage on each database that there is.
pub async fn stages() -> Vec<Stage> {
    let mut stages = vec![Stage::sqlite().await];
    if let Ok(server) = std::env::var("CARILLON_TEST_POSTGRES") {
        stages.push(Stage::postgres(&server).await);
    }
    stages
}

impl Stage {
    async fn sqlite() -> Self {
        let files = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", files.path().join("test.db").display());
        let db = Db::open(&url, 4).await.unwrap();
        migrations::Migrator::up(db.writer(), None).await.unwrap();
        let jobs = "CREATE TABLE Jobs (id TEXT, job_type TEXT, job BLOB, status TEXT, attempts INTEGER, \
            max_attempts INTEGER, run_at INTEGER, priority INTEGER, metadata TEXT)";
        db.writer().execute_unprepared(jobs).await.unwrap();
        Self::with(db, files).await
    }

    async fn postgres(server: &str) -> Self {
        let now = Clock::system().now();
        let name = format!("{PREFIX}{}", ids::encode(ids::uuid_v7(now)));
        let (server, _) = server.rsplit_once('/').filter(|(s, _)| s.matches('/').count() >= 2).unwrap_or((server, ""));
        let admin = sea_orm::Database::connect(format!("{server}/postgres")).await.unwrap();
        forget_old(&admin, now).await;
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        let db = Db::open(&format!("{server}/{name}"), 8).await.unwrap();
        migrations::Migrator::up(db.writer(), None).await.unwrap();
        for sql in [
            "CREATE EXTENSION IF NOT EXISTS hstore",
            "CREATE SCHEMA apalis",
            "CREATE TABLE apalis.jobs (id TEXT, job_type TEXT, job BYTEA, status TEXT, attempts INT, max_attempts INT, \
             run_at TIMESTAMPTZ, priority INT, metadata hstore)",
        ] {
            db.writer().execute_unprepared(sql).await.unwrap();
        }
        Self::with(db, tempfile::tempdir().unwrap()).await
    }

    async fn with(db: Db, files: tempfile::TempDir) -> Self {
        let clock = Clock::fixed(Timestamp(1_795_300_000_000_000));
        let system = SystemScope { clock: clock.clone() };
        let account = Self::account(&db, &clock).await;
        Self { db, scope: system.of(account, false), system, clock, _files: Some(files) }
    }

    async fn account(db: &Db, clock: &Clock) -> AccountId {
        let id = AccountId::new(clock.now());
        let tx = db.begin().await.unwrap();
        tx.run(
            "INSERT INTO accounts (id, name, mode, status, time_zone, language, countries, refund_on, max_segments, \
             created_at, updated_at, version) VALUES ($1, 'Test', 'test', 'test', 'UTC', 'en', $2, $2, 10, $3, $3, 1)",
            vals![id, serde_json::json!([]), clock.now()],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The same database, seen by another account.
    pub fn like(other: &Self, scope: &AccountScope) -> Self {
        Self {
            db: other.db.clone(),
            scope: scope.clone(),
            system: other.system.clone(),
            clock: other.clock.clone(),
            _files: None,
        }
    }

    /// The scope of one more account.
    pub async fn stranger(&self) -> AccountScope {
        self.system.of(Self::account(&self.db, &self.clock).await, false)
    }

    /// Contacts with the ids 1 to `n` and numbers in the same order, as an import would write them: in one statement. Every
    /// 2,000th is called Rare, all others Many.
    pub async fn many_contacts(&self, n: u32) {
        let hex = self.scope.account().0.simple();
        let (id, account) = if self.db.is_sqlite() {
            ("unhex(printf('%032x', i))", format!("unhex('{hex}')"))
        } else {
            ("lpad(to_hex(i), 32, '0')::uuid", format!("'{hex}'::uuid"))
        };
        let sql = format!(
            "INSERT INTO contacts (id, account_id, phone, country, consent, fields, first_name, metadata, created_at, \
             updated_at, version) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) \
             SELECT {id}, {account}, 447400000000 + i, 'GB', 'unknown', '{{}}', \
             CASE WHEN i % 2000 = 0 THEN 'Rare' ELSE 'Many' END, '{{}}', 0, 0, 1 FROM n"
        );
        self.db.writer().execute_unprepared(&sql).await.unwrap();
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        self.db.read().scalar(&format!("SELECT COUNT(*) FROM {table}"), vals![]).await.unwrap().unwrap()
    }
}

/// Runs a verb in a transaction of its own: `write!(stage, tx => groups::create(&tx, …))`.
macro_rules! write_tx {
    ($stage:expr, $tx:ident => $call:expr) => {{
        let $tx = $stage.db.begin().await.unwrap();
        let outcome = $call.await;
        if outcome.is_ok() {
            $tx.commit().await.unwrap();
        }
        outcome
    }};
}
pub(crate) use write_tx;
