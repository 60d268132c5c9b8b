//! A stage: a database of its own, the settings of what is started on it, and what a test may do behind its back.

use std::{path::PathBuf, process::Command};

use tempfile::TempDir;

use super::{
    databases::{Away, Dropped, Template, count, run_on, server},
    process::{App, Process},
};

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
        let (url, dropped) = Template::copy(&server);
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
        match &self.dropped {
            Some(dropped) => Away::closed(dropped),
            None => Away::locked(&self.url),
        }
    }

    /// What a statement counts, as only a test may that must know more than the API tells.
    #[allow(dead_code, reason = "used by the kill loop only")]
    pub fn count(&self, statement: &str) -> usize {
        count(&self.url, statement)
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
