//! Databases: a SQLite file in a temporary directory, or a PostgreSQL database copied from one that was migrated once.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use domain::{
    clock::{Clock, Timestamp},
    ids,
};
use sea_orm::{ConnectionTrait, Database, DbErr};

use super::stage::bare;

const PREFIX: &str = "carillon_it_";

/// The PostgreSQL server without a database's name.
pub fn server() -> Option<String> {
    let url = std::env::var("CARILLON_TEST_POSTGRES").ok().filter(|u| !u.is_empty())?;
    let (head, _) = url.rsplit_once('/').filter(|(h, _)| h.matches('/').count() >= 2).unwrap_or((&url, ""));
    Some(head.to_owned())
}

fn new_name() -> String {
    format!("{PREFIX}{}", ids::encode(ids::uuid_v7(Clock::system().now())))
}

/// Runs statements on the server's own database.
fn execute(server: &str, sql: &str) -> Result<(), DbErr> {
    run_on(&format!("{server}/postgres"), sql)
}

/// Runs statements in a connection that is closed again.
pub fn run_on(url: &str, sql: &str) -> Result<(), DbErr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Database::connect(url).await?;
        let done = db.execute_unprepared(sql).await;
        db.close().await?;
        done.map(|_| ())
    })
}

/// The one number that a statement gives.
pub fn count(url: &str, statement: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counted: i64 = runtime.block_on(async {
        let db = Database::connect(url).await.unwrap();
        let statement = sea_orm::Statement::from_string(db.get_database_backend(), statement);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        db.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    });
    usize::try_from(counted).unwrap()
}

/// A database that is away; it comes back when this is dropped.
pub enum Away<'a> {
    /// On PostgreSQL: it takes no connections.
    Closed(&'a Dropped),
    /// On SQLite: another connection holds the lock until its end of the channel is dropped.
    Locked(Option<(Sender<()>, JoinHandle<()>)>),
}

impl<'a> Away<'a> {
    /// Ends the connections of a database on PostgreSQL, and allows no new ones.
    pub fn closed(dropped: &'a Dropped) -> Self {
        let Dropped { server, name, .. } = dropped;
        execute(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
        let all = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        execute(server, &all).unwrap();
        Self::Closed(dropped)
    }

    /// Keeps a SQLite database from being written.
    pub fn locked(url: &str) -> Self {
        let (url, (locked, wait), (free, freed)) = (url.to_owned(), channel(), channel());
        let keeper = thread::spawn(move || hold(&url, &locked, &freed));
        wait.recv().unwrap();
        Self::Locked(Some((free, keeper)))
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        match self {
            Self::Closed(Dropped { server, name, .. }) => {
                let _ = execute(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
            }
            Self::Locked(keeper) => {
                if let Some((free, keeper)) = keeper.take() {
                    drop(free);
                    let _ = keeper.join();
                }
            }
        }
    }
}

/// Keeps a SQLite database locked until the other end of `freed` is dropped.
fn hold(url: &str, locked: &Sender<()>, freed: &Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1);
        let db = Database::connect(options).await.unwrap();
        db.execute_unprepared("PRAGMA busy_timeout = 20000").await.unwrap();
        db.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
        locked.send(()).unwrap();
        let _ = freed.recv();
        db.execute_unprepared("ROLLBACK").await.unwrap();
        db.close().await.unwrap();
    });
}

/// A database that goes with its stage.
pub struct Dropped {
    server: String,
    name: String,
    _template: Option<Arc<Dropped>>,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Err(e) = execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            println!("{} was not dropped: {e}", self.name);
        }
    }
}

/// The migrated database that the others are copied from; it goes with the last test that runs.
pub struct Template;

impl Template {
    /// A new database like it, and its address.
    pub fn copy(server: &str) -> (String, Dropped) {
        let template = Self::get(server);
        let name = new_name();
        execute(server, &format!("CREATE DATABASE {name} TEMPLATE {}", template.name)).unwrap();
        (format!("{server}/{name}"), Dropped { server: server.to_owned(), name, _template: Some(template) })
    }

    fn get(server: &str) -> Arc<Dropped> {
        static MADE: Mutex<Weak<Dropped>> = Mutex::new(Weak::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = made.upgrade() {
            return template;
        }
        forget_old(server);
        let name = new_name();
        execute(server, &format!("CREATE DATABASE {name}")).unwrap();
        let template = Arc::new(Dropped { server: server.to_owned(), name, _template: None });
        let url = format!("{server}/{}", template.name);
        let migrated = bare().arg("migrate").env("DATABASE_URL", url).output().unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        *made = Arc::downgrade(&template);
        template
    }
}

/// Drops what test runs that were killed left behind more than an hour ago.
fn forget_old(server: &str) {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        name: String,
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let names: Vec<Row> = runtime.block_on(async {
        let db = Database::connect(format!("{server}/postgres")).await.unwrap();
        let sql = format!("SELECT datname::text AS name FROM pg_database WHERE datname LIKE '{PREFIX}%'");
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
        let found = db.query_all_raw(statement).await.unwrap();
        db.close().await.unwrap();
        found.iter().map(|row| <Row as sea_orm::FromQueryResult>::from_query_result(row, "").unwrap()).collect()
    });
    let Timestamp(now) = Clock::system().now();
    let old = ids::uuid_floor(Timestamp(now - Duration::from_secs(3600).as_micros() as i64));
    for Row { name } in names {
        if name.strip_prefix(PREFIX).and_then(ids::decode).is_some_and(|id| id < old) {
            let _ = execute(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
