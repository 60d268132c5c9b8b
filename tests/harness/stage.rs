//! Databases: a SQLite file in a temporary directory, or a PostgreSQL database copied from one that was migrated once.

use std::{
    path::PathBuf,
    process::Command,
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
use tempfile::TempDir;

use super::process::{App, Process};

const PREFIX: &str = "carillon_it_";

/// The token of the demo's test account: a million of play money, every country.
pub const TOKEN: &str = "crl_test_0123456789abcdefghijklmnopqrstuv";

/// A database of its own and the settings of whatever is started on it.
pub struct Stage {
    url: String,
    settings: Vec<(String, String)>,
    directory: TempDir,
    dropped: Option<Dropped>,
}

impl Stage {
    /// On SQLite.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("carillon.db").display());
        Self::new(url, directory, None)
    }

    /// On PostgreSQL; `None`, and a line that says so, when there is no server to test on.
    pub fn postgres() -> Option<Self> {
        let Some(server) = server() else {
            println!("left out: CARILLON_TEST_POSTGRES is not set (./test sets it)");
            return None;
        };
        let template = Template::get(&server);
        let name = new_name();
        execute(&server, &format!("CREATE DATABASE {name} TEMPLATE {}", template.name)).unwrap();
        let url = format!("{server}/{name}");
        let dropped = Dropped { server, name, _template: Some(template) };
        Some(Self::new(url, tempfile::tempdir().unwrap(), Some(dropped)))
    }

    /// On a database that is there and stays; its schema is made by what is started.
    #[allow(dead_code, reason = "used by the kill loop only")]
    pub fn at(url: &str) -> Self {
        Self::new(url.to_owned(), tempfile::tempdir().unwrap(), None)
    }

    fn new(url: String, directory: TempDir, dropped: Option<Dropped>) -> Self {
        let mut stage = Self { url, settings: Vec::new(), directory, dropped };
        stage
            .set("CARILLON_DEMO_TOKEN", TOKEN)
            .set("CARILLON_API__LISTEN", "127.0.0.1:0")
            .set("CARILLON_API__REQUESTS_PER_MINUTE", 600_000)
            .set("CARILLON_SIMULATOR__RECEIPT_DELAY_MS", 50)
            .set("CARILLON_WORKER__LEASE_SECONDS", 2)
            .set("CARILLON_CONNECTIONS", 8);
        stage
    }

    /// Sets an environment variable of what is started from now on.
    pub fn set(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.settings.retain(|(n, _)| n != name);
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    /// Takes one back.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.settings.retain(|(n, _)| n != name);
        self
    }

    /// Whether it is SQLite.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// A path in the test's own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The program with the stage's settings and no others.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare();
        command.args(arguments).current_dir(self.directory.path()).env("DATABASE_URL", &self.url);
        command.envs(self.settings.iter().map(|(n, v)| (n, v)));
        command
    }

    /// Runs `carillon serve`, and waits until it listens.
    pub fn start(&self) -> App {
        App::start(Process::spawn("serve", self.command(&["serve"]), self.path("serve.log")))
    }

    /// Runs a command to its end; its output when it succeeded.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// `carillon admin …`, which must succeed.
    pub fn admin(&self, arguments: &[&str]) -> String {
        self.run(&[&["admin"], arguments].concat()).unwrap_or_else(|e| panic!("admin {arguments:?}: {e}"))
    }

    /// Runs statements on the database, as only a test of what a crash leaves behind may.
    pub fn sql(&self, statements: &str) {
        run_on(&self.url, statements).unwrap();
    }

    /// Takes the database away from everybody until the guard is dropped: on PostgreSQL it takes no connections and has
    /// ended those it had, on SQLite another process keeps it from being written.
    pub fn database_away(&self) -> Away<'_> {
        let Some(dropped) = &self.dropped else {
            let (url, (locked, wait), (free, freed)) = (self.url.clone(), channel::<()>(), channel::<()>());
            let keeper = thread::spawn(move || hold(&url, &locked, &freed));
            wait.recv().unwrap();
            return Away { stage: self, keeper: Some((free, keeper)) };
        };
        let (server, name) = (&dropped.server, &dropped.name);
        execute(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
        let all = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        execute(server, &all).unwrap();
        Away { stage: self, keeper: None }
    }

    /// What a statement counts, as only a test may that must know more than the API tells.
    #[allow(dead_code, reason = "used by the kill loop only")]
    pub fn count(&self, statement: &str) -> usize {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let counted: i64 = runtime.block_on(async {
            let db = Database::connect(&self.url).await.unwrap();
            let statement = sea_orm::Statement::from_string(db.get_database_backend(), statement);
            let row = db.query_one_raw(statement).await.unwrap().unwrap();
            db.close().await.unwrap();
            row.try_get_by_index(0).unwrap()
        });
        usize::try_from(counted).unwrap()
    }

    /// Runs a simulator as a process of its own, which outlives servers; its log is at [`Stage::judge`]. What is started
    /// from now on is connected to it.
    pub fn simulator(&mut self, receipt_delay_ms: u64) -> Process {
        let log = self.path("simulator.jsonl");
        let delay = receipt_delay_ms.to_string();
        let mut command =
            self.command(&["simulator", "--listen", "127.0.0.1:0", "--receipt-delay-ms", &delay, "--log"]);
        command.arg(&log);
        let mut process = Process::spawn("simulator", command, self.path("simulator.log"));
        let line = process.line_with("SMPP simulator on ");
        let address = line.rsplit(' ').next().unwrap().to_owned();
        self.set("CARILLON_SIMULATOR__ADDRESS", address);
        process
    }

    /// The address of the simulator of [`Stage::simulator`].
    pub fn simulator_address(&self) -> &str {
        &self.settings.iter().find(|(n, _)| n == "CARILLON_SIMULATOR__ADDRESS").unwrap().1
    }

    /// Reads the log of the simulator.
    pub fn judge(&self) -> super::Judge {
        super::Judge::read(&self.path("simulator.jsonl"))
    }

    /// The secret of a new operator token with these scopes, separated by commas.
    pub fn operator(&self, scopes: &str) -> String {
        let made = self.admin(&["operator-tokens", "create", "--scopes", scopes]);
        made.split_whitespace().nth(1).unwrap().to_owned()
    }

    /// A second account with a token of its own: `(account id, token)`, in live mode, with this much money in EUR.
    pub fn account(&self, name: &str, money: &str, more: &[&str]) -> (String, String) {
        let create = ["accounts", "create", "--name", name, "--carrier", "simulator"];
        let made = self.admin(&[&create, more].concat());
        let id = made.split_whitespace().nth(1).unwrap().to_owned();
        if money != "0" {
            self.admin(&["top-up", &id, money, "--key", "first"]);
        }
        let token = self.admin(&["tokens", "create", &id]);
        let token = token.split_whitespace().nth(1).unwrap().to_owned();
        (id, token)
    }
}

/// The program with nothing of our own environment that it would read.
pub fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
    for (name, _) in
        std::env::vars().filter(|(n, _)| n.starts_with("CARILLON_") || n.starts_with("OTEL_") || n == "DATABASE_URL")
    {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG");
    command
}

/// The PostgreSQL server without a database's name.
fn server() -> Option<String> {
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
fn run_on(url: &str, sql: &str) -> Result<(), DbErr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Database::connect(url).await?;
        let done = db.execute_unprepared(sql).await;
        db.close().await?;
        done.map(|_| ())
    })
}

/// A database that is away; it comes back when this is dropped.
pub struct Away<'a> {
    stage: &'a Stage,
    keeper: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        if let Some((free, keeper)) = self.keeper.take() {
            drop(free);
            let _ = keeper.join();
        }
        if let Some(dropped) = &self.stage.dropped {
            let back = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", dropped.name);
            let _ = execute(&dropped.server, &back);
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
struct Dropped {
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
struct Template;

impl Template {
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
