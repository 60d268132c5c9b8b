//! The processes of a benchmark, and what they use.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::Failure;

/// The token of the bench's demo account.
pub(super) const TOKEN: &str = "crl_test_BenchBenchBenchBenchBench01";

/// The conditions of a benchmark.
#[derive(Clone, clap::Args)]
pub(super) struct Conditions {
    /// An empty PostgreSQL database; SQLite in a new directory when left out.
    #[arg(long)]
    pub database: Option<String>,
    /// Connections to the carrier.
    #[arg(long, default_value_t = 2)]
    pub binds: u32,
    /// Unanswered submits of each connection.
    #[arg(long, default_value_t = 500)]
    pub window: u32,
    /// Milliseconds from a submit to its receipt.
    #[arg(long, default_value_t = 1000)]
    pub receipt_delay_ms: u64,
    /// Processes that only take requests, beside those of --workers; left out, one process does both.
    #[arg(long, default_value_t = 1, requires = "workers")]
    pub apis: u32,
    /// Processes that only deliver, beside those of --apis.
    #[arg(long, requires = "database")]
    pub workers: Option<u32>,
    /// Where to work; a new directory under the system's temporary one when left out. It is kept.
    #[arg(long)]
    pub directory: Option<PathBuf>,
}

/// A process that ends with the benchmark.
pub(super) struct Process(Child);

impl Process {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes of Carillon itself: one, or APIs and workers.
pub(super) struct Server {
    processes: Vec<Process>,
    /// Where the APIs listen.
    pub ports: Vec<u16>,
}

impl Server {
    /// CPU seconds of all of them.
    pub fn cpu(&self) -> f64 {
        self.processes.iter().map(|process| cpu_of(process.pid())).sum()
    }
    /// Peak memory of all of them.
    pub fn peak_kib(&self) -> u64 {
        self.processes.iter().map(|process| peak_kib(process.pid())).sum()
    }
    pub fn kill(&mut self) {
        self.processes.iter_mut().for_each(Process::kill);
    }
}

/// CPU seconds and peak memory of processes that have ended.
#[derive(Default)]
pub(super) struct Spent {
    pub cpu: f64,
    pub peak_kib: u64,
}

impl Conditions {
    /// The directory to work in.
    pub(super) fn directory(&self) -> Result<PathBuf, Failure> {
        let own = || std::env::temp_dir().join(format!("carillon-bench-{}", std::process::id()));
        let directory = self.directory.clone().unwrap_or_else(own);
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// How the database is called in tables.
    pub(super) fn database_name(&self) -> &'static str {
        if self.database.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    pub(super) fn simulator(&self, directory: &Path, log: &Path, port: u16) -> Result<Process, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args([
                "simulator",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--receipt-delay-ms",
                &self.receipt_delay_ms.to_string(),
                "--log",
            ])
            .arg(log);
        spawn(command, &directory.join("simulator.out"))
    }

    pub(super) fn server(&self, directory: &Path, api_port: u16, smpp_port: u16) -> Result<Server, Failure> {
        let one = self.process("serve", directory, api_port, smpp_port)?;
        let Some(workers) = self.workers else {
            return Ok(Server { processes: vec![one], ports: vec![api_port] });
        };
        // It makes the demo account and connects the carrier; the others share what it leaves.
        Api::at(api_port).ready()?;
        drop(one);
        let mut ports = vec![api_port];
        for _ in 1..self.apis {
            ports.push(free_port()?);
        }
        let mut processes = Vec::new();
        for port in &ports {
            processes.push(self.process("api", directory, *port, smpp_port)?);
        }
        for _ in 0..workers {
            processes.push(self.process("worker", directory, api_port, smpp_port)?);
        }
        for port in &ports {
            Api::at(*port).ready()?;
        }
        Ok(Server { processes, ports })
    }

    fn process(&self, role: &str, directory: &Path, api_port: u16, smpp_port: u16) -> Result<Process, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(role).current_dir(directory).env_remove("DATABASE_URL").env("CARILLON_DEMO_TOKEN", TOKEN);
        command.env("CARILLON_API__LISTEN", format!("127.0.0.1:{api_port}")).env("CARILLON_LOG__FILTER", "warn");
        command.env("CARILLON_API__REQUESTS_PER_MINUTE", "100000000");
        command.env("CARILLON_SIMULATOR__ADDRESS", format!("127.0.0.1:{smpp_port}"));
        command
            .env("CARILLON_SIMULATOR__BINDS", self.binds.to_string())
            .env("CARILLON_SIMULATOR__WINDOW", self.window.to_string());
        // Doubts of a killed server end within the benchmark instead of after two days.
        command.env("CARILLON_WORKER__IN_DOUBT_HOURS", "0.01").env("CARILLON_WORKER__SETTLE_SECONDS", "5");
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        spawn(command, &directory.join("server.out"))
    }

    /// The postmaster, when the database runs on this machine.
    pub(super) fn database_pid(&self) -> Result<Option<u32>, Failure> {
        let Some(url) = &self.database else { return Ok(None) };
        let url = url.clone();
        let backend = tokio::runtime::Handle::current().block_on(async move {
            let db = domain::db::Db::open(&url, 1).await?;
            domain::db::Sql::scalar::<i32>(db.read(), "SELECT pg_backend_pid()", domain::vals![])
                .await
                .map(|pid| (pid, stat(pid.unwrap_or(0))))
        })?;
        Ok(backend.1.and_then(|fields| fields.get(1).and_then(|ppid| ppid.parse().ok())))
    }
}

pub(super) struct Api {
    pub base: String,
    pub agent: ureq::Agent,
}

impl Api {
    pub fn at(port: u16) -> Self {
        Self { base: format!("http://127.0.0.1:{port}"), agent: ureq::Agent::new_with_defaults() }
    }
    pub fn send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Value, Failure> {
        self.run(method, path, &format!("bench-{path}"), body)
    }
    /// A POST under a key of its own, where one path is asked more than once.
    pub fn keyed(&self, key: &str, path: &str, body: (&str, &[u8])) -> Result<Value, Failure> {
        self.run("POST", path, key, Some(body))
    }
    fn run(&self, method: &str, path: &str, key: &str, body: Option<(&str, &[u8])>) -> Result<Value, Failure> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {TOKEN}"));
        request = request.header("Idempotency-Key", key);
        let mut response = match body {
            Some((kind, bytes)) => self.agent.run(request.header("Content-Type", kind).body(bytes)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        Ok(serde_json::from_str(&response.body_mut().read_to_string()?)?)
    }
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send("GET", path, None)
    }
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send("POST", path, Some(("application/json", body.to_string().as_bytes())))
    }
    pub fn ready(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.agent.get(format!("{}/readyz", self.base)).call().is_err() {
            if Instant::now() > deadline {
                return Err("the server is not ready after a minute; see server.out".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
    pub fn poll(&self, path: &str, done: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
        let deadline = Instant::now() + Duration::from_secs(1800);
        loop {
            let now = self.get(path)?;
            if done(&now) || Instant::now() > deadline {
                return Ok(now);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

pub(super) fn spawn(mut command: Command, out: &Path) -> Result<Process, Failure> {
    let out = fs::OpenOptions::new().create(true).append(true).open(out)?;
    Ok(Process(command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn()?))
}

pub(super) fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

pub(super) fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| format!("no {pointer} in {value}").into())
}

/// The fields of /proc/PID/stat after the name: state, parent, …
pub(super) fn stat(pid: i32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(line.rsplit_once(") ")?.1.split_whitespace().map(str::to_owned).collect())
}

/// User and system CPU seconds of a process; `children` adds those of its ended children.
pub(super) fn seconds(fields: &[String], children: bool) -> f64 {
    let ticks = |place: usize| fields.get(place).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    let own = ticks(11) + ticks(12);
    let all = if children { own + ticks(13) + ticks(14) } else { own };
    all / 100.0 // USER_HZ is 100 on Linux
}

pub(super) fn cpu_of(pid: u32) -> f64 {
    i32::try_from(pid).ok().and_then(stat).map_or(0.0, |fields| seconds(&fields, false))
}

/// CPU seconds of a process with its children, running and ended.
pub(super) fn cpu_of_family(pid: u32) -> f64 {
    let own = i32::try_from(pid).ok().and_then(stat).map_or(0.0, |fields| seconds(&fields, true));
    let parent = pid.to_string();
    let processes = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    let running = processes.filter_map(stat).filter(|f| f.get(1) == Some(&parent)).map(|f| seconds(&f, true));
    own + running.sum::<f64>()
}

pub(super) fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
