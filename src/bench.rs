//! `carillon bench`: what this machine does with this binary. The processes are real: this binary serving, a simulator
//! of its own that logs every submit before it answers, the database as it is configured with durable settings. The
//! simulator's log is the judge: it tells whether a number was sent to twice.

use std::{
    collections::HashMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use smpp::simulator::log::Log;

use crate::Failure;

const TOKEN: &str = "crl_test_BenchBenchBenchBenchBench01";

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// A campaign, from its launch to its last receipt applied.
    Campaign(Campaign),
}

/// The options of `carillon bench campaign`.
#[derive(clap::Args)]
pub struct Campaign {
    /// Contacts to send to, each one single-part message.
    #[arg(long, default_value_t = 100_000)]
    recipients: u64,
    /// An empty PostgreSQL database; SQLite in a new directory when left out.
    #[arg(long)]
    database: Option<String>,
    /// Connections to the carrier.
    #[arg(long, default_value_t = 2)]
    binds: u32,
    /// Unanswered submits of each connection.
    #[arg(long, default_value_t = 500)]
    window: u32,
    /// Milliseconds from a submit to its receipt.
    #[arg(long, default_value_t = 1000)]
    receipt_delay_ms: u64,
    /// Kill the server (kill -9) this often while it sends, and start it again.
    #[arg(long, default_value_t = 0)]
    kills: u32,
    /// Where to work; a new directory under the system's temporary one when left out. It is kept.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Runs a benchmark; blocking, apart from the runtime.
pub async fn run(bench: Bench) -> Result<(), Failure> {
    let Bench::Campaign(campaign) = bench;
    tokio::task::spawn_blocking(move || campaign.run()).await?
}

/// A process that ends with the benchmark.
struct Process(Child);

impl Process {
    fn pid(&self) -> u32 {
        self.0.id()
    }
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// CPU seconds and peak memory of processes that have ended.
#[derive(Default)]
struct Spent {
    cpu: f64,
    peak_kib: u64,
}

impl Campaign {
    fn run(&self) -> Result<(), Failure> {
        let directory = self
            .directory
            .clone()
            .unwrap_or_else(|| std::env::temp_dir().join(format!("carillon-bench-{}", std::process::id())));
        fs::create_dir_all(&directory)?;
        let log = directory.join("simulator.log");
        let (api_port, smpp_port) = (free_port()?, free_port()?);
        let simulator = self.simulator(&directory, &log, smpp_port)?;
        let started = Instant::now();
        let mut server = self.server(&directory, api_port, smpp_port)?;
        let api = Api { base: format!("http://127.0.0.1:{api_port}"), agent: ureq::Agent::new_with_defaults() };
        api.ready()?;
        println!(
            "cold start: {:.1} s from exec to ready, with migrations and the starter deck",
            started.elapsed().as_secs_f64()
        );
        let group = self.import(&api, &directory)?;
        let campaign = self.draft(&api, &group)?;
        let database = self.database_pid()?;
        let before = [cpu_of(server.pid()), cpu_of(simulator.pid()), database.map_or(0.0, cpu_of_family)];
        let launched = Instant::now();
        api.post(&format!("/v1/campaigns/{campaign}/launch"), &json!({}))?;
        let mut ended = Spent::default();
        let end = self.until_completed(&api, &campaign, &mut server, &mut ended, (&directory, api_port, smpp_port))?;
        let seconds = launched.elapsed().as_secs_f64();
        let cpu = [
            cpu_of(server.pid()) + ended.cpu - before[0],
            cpu_of(simulator.pid()) - before[1],
            database.map_or(0.0, cpu_of_family) - before[2],
        ];
        let peak = peak_kib(server.pid()).max(ended.peak_kib);
        let audit = api.get("/v1/balance/audit")?;
        self.report(&end, &audit, &log, seconds, cpu, peak)
    }

    fn simulator(&self, directory: &Path, log: &Path, port: u16) -> Result<Process, Failure> {
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

    fn server(&self, directory: &Path, api_port: u16, smpp_port: u16) -> Result<Process, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").current_dir(directory).env_remove("DATABASE_URL").env("CARILLON_DEMO_TOKEN", TOKEN);
        command.env("CARILLON_API__LISTEN", format!("127.0.0.1:{api_port}")).env("CARILLON_LOG__FILTER", "warn");
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

    /// Imports made-up contacts of three countries through the API, and tells their group.
    fn import(&self, api: &Api, directory: &Path) -> Result<String, Failure> {
        let mut csv = String::from("phone,first_name\n");
        for n in 0..self.recipients {
            let (country, base) =
                [("380", 501_000_000), ("48", 501_000_000), ("34", 611_000_000)][usize::try_from(n % 3)?];
            csv.push_str(&format!("+{country}{},Name{}\n", base + n / 3, n % 1000));
        }
        let path = directory.join("contacts.csv");
        fs::write(&path, &csv)?;
        let started = Instant::now();
        let boundary = "bench-boundary";
        let mut body = String::new();
        for (name, value) in [("mapping", r#"{"phone":"phone","first_name":"first_name"}"#), ("groups", "Bench")] {
            body.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"contacts.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n--{boundary}--\r\n"
        ));
        let import = api.send(
            "POST",
            "/v1/contacts/imports",
            Some((&format!("multipart/form-data; boundary={boundary}"), body.as_bytes())),
        )?;
        let id = text(&import, "/id")?;
        let done = api.poll(&format!("/v1/contacts/imports/{id}"), |i| {
            matches!(i["status"].as_str(), Some("completed" | "failed"))
        })?;
        let created = done["result"]["created"].as_u64().unwrap_or(0);
        if created != self.recipients {
            return Err(format!("the import made {created} contacts of {}: {done}", self.recipients).into());
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("import: {created} contacts in {seconds:.1} s, {:.0} rows/s over HTTP", per_second(created, seconds));
        text(&done, "/groups/0/id")
    }

    fn draft(&self, api: &Api, group: &str) -> Result<String, Failure> {
        let body = json!({
            "name": "Bench", "sender": "CARILLON", "text": "Hello {{first_name|default:\"friend\"}}, our shop is open until nine tonight.",
            "audience": { "group_ids": [group] },
        });
        text(&api.post("/v1/campaigns", &body)?, "/id")
    }

    /// Polls the campaign to its end, killing the server on the way where that was asked for.
    fn until_completed(
        &self,
        api: &Api,
        campaign: &str,
        server: &mut Process,
        ended: &mut Spent,
        (directory, api_port, smpp_port): (&Path, u16, u16),
    ) -> Result<Value, Failure> {
        let path = format!("/v1/campaigns/{campaign}");
        let count = |c: &Value, status: &str| c["messages"][status].as_u64().unwrap_or(0);
        let mut killed = 0;
        let deadline = Instant::now() + Duration::from_secs(3600);
        loop {
            let now = api.get(&path)?;
            match now["status"].as_str() {
                Some("completed") => return Ok(now),
                Some("failed" | "cancelled") => return Err(format!("the campaign ended badly: {now}").into()),
                _ => {}
            }
            let waiting = count(&now, "queued");
            let share = u64::from(self.kills - killed) * self.recipients / u64::from(self.kills + 1);
            if killed < self.kills && now["status"] == "sending" && waiting <= share {
                ended.cpu += cpu_of(server.pid());
                ended.peak_kib = ended.peak_kib.max(peak_kib(server.pid()));
                server.kill();
                killed += 1;
                let again = Instant::now();
                *server = self.server(directory, api_port, smpp_port)?;
                api.ready()?;
                println!(
                    "kill {killed}: with {waiting} queued; ready again after {:.1} s",
                    again.elapsed().as_secs_f64()
                );
            }
            if Instant::now() > deadline {
                return Err(format!("the campaign has not completed within an hour: {now}").into());
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    fn report(
        &self,
        end: &Value,
        audit: &Value,
        log: &Path,
        seconds: f64,
        cpu: [f64; 3],
        peak: u64,
    ) -> Result<(), Failure> {
        let log = Log::read(log)?;
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        for submit in log.submits() {
            *numbers.entry(submit.dest.as_str()).or_default() += 1;
        }
        let twice = numbers.values().filter(|n| **n > 1).count();
        let rate = per_second(self.recipients, seconds);
        let thousand = count(self.recipients) / 1000.0;
        let [server, simulator, database] = cpu.map(|c| c / thousand);
        let where_ = if self.database.is_some() { "PostgreSQL" } else { "SQLite" };
        println!("messages: {}", end["messages"]);
        println!(
            "judge: the simulator's log has {} submits to {} numbers, {twice} of them sent to twice",
            log.submits().count(),
            numbers.len()
        );
        println!("ledger audit: {}", if audit["ok"] == true { "ok" } else { "BROKEN" });
        println!(
            "| database | recipients | kills | launch to last receipt | messages/s | CPU-s per 1,000 (server + simulator + database) | peak memory |"
        );
        println!("|---|---|---|---|---|---|---|");
        println!(
            "| {where_} | {} | {} | {seconds:.1} s | {rate:.0} | {:.3} ({server:.3} + {simulator:.3} + {database:.3}) | {} MB |",
            self.recipients,
            self.kills,
            server + simulator + database,
            peak / 1024,
        );
        if twice > 0 || audit["ok"] != true {
            return Err("the judge found a fault".into());
        }
        Ok(())
    }

    /// The postmaster, when the database runs on this machine.
    fn database_pid(&self) -> Result<Option<u32>, Failure> {
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

struct Api {
    base: String,
    agent: ureq::Agent,
}

impl Api {
    fn send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Value, Failure> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {TOKEN}"));
        request = request.header("Idempotency-Key", format!("bench-{path}"));
        let mut response = match body {
            Some((kind, bytes)) => self.agent.run(request.header("Content-Type", kind).body(bytes)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        Ok(serde_json::from_str(&response.body_mut().read_to_string()?)?)
    }
    fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send("GET", path, None)
    }
    fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send("POST", path, Some(("application/json", body.to_string().as_bytes())))
    }
    fn ready(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.agent.get(format!("{}/readyz", self.base)).call().is_err() {
            if Instant::now() > deadline {
                return Err("the server is not ready after a minute; see server.out".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
    fn poll(&self, path: &str, done: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
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

fn spawn(mut command: Command, out: &Path) -> Result<Process, Failure> {
    let out = fs::OpenOptions::new().create(true).append(true).open(out)?;
    Ok(Process(command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn()?))
}

fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| format!("no {pointer} in {value}").into())
}

fn per_second(n: u64, seconds: f64) -> f64 {
    count(n) / seconds.max(0.001)
}

/// A count as a float, for figures that are printed.
fn count(n: u64) -> f64 {
    u32::try_from(n).map_or(f64::from(u32::MAX), f64::from)
}

/// The fields of /proc/PID/stat after the name: state, parent, …
fn stat(pid: i32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(line.rsplit_once(") ")?.1.split_whitespace().map(str::to_owned).collect())
}

/// User and system CPU seconds of a process; `children` adds those of its ended children.
fn seconds(fields: &[String], children: bool) -> f64 {
    let ticks = |place: usize| fields.get(place).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    let own = ticks(11) + ticks(12);
    let all = if children { own + ticks(13) + ticks(14) } else { own };
    all / 100.0 // USER_HZ is 100 on Linux
}

fn cpu_of(pid: u32) -> f64 {
    i32::try_from(pid).ok().and_then(stat).map_or(0.0, |fields| seconds(&fields, false))
}

/// CPU seconds of a process with its children, running and ended.
fn cpu_of_family(pid: u32) -> f64 {
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

fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
