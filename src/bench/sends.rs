//! Single sends over HTTP: how many a second are accepted, stored and paid for while they are delivered, and how long one
//! takes from its acceptance to the carrier's socket.

use std::{
    collections::HashMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use domain::clock::{Clock, Timestamp};
use serde_json::json;
use smpp::simulator::log::Log;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    count, judge, per_second,
    processes::{Api, Conditions, TOKEN, cpu_of, cpu_of_family, free_port},
};
use crate::Failure;

/// The options of `carillon bench sends`.
#[derive(clap::Args)]
pub struct Sends {
    /// Requests of one message each.
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// Connections that each wait for an answer before they send again.
    #[arg(long, default_value_t = 64)]
    connections: u64,
    /// Requests a second over all connections; as fast as they are answered when left out.
    #[arg(long)]
    rate: Option<u32>,
    #[command(flatten)]
    conditions: Conditions,
}

/// One answered request.
struct Sample {
    number: u64,
    took: Duration,
    accepted: Timestamp,
}

impl Sends {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let directory = self.conditions.directory()?;
        let log = directory.join("simulator.log");
        let (api_port, smpp_port) = (free_port()?, free_port()?);
        let simulator = self.conditions.simulator(&directory, &log, smpp_port)?;
        let server = self.conditions.server(&directory, api_port, smpp_port)?;
        let api = Api::at(api_port);
        api.ready()?;
        let database = self.conditions.database_pid()?;
        let spent = || [server.cpu(), cpu_of(simulator.pid()), database.map_or(0.0, cpu_of_family)];
        let before = spent();
        let started = Instant::now();
        let samples = tokio::runtime::Handle::current().block_on(self.load(&server.ports))?;
        let accepting = started.elapsed().as_secs_f64();
        let submitted_meanwhile = u64::try_from(Log::read(&log)?.submits().count())?;
        // Every message is charged once the carrier has taken it, and then no money is held.
        let balance = api.poll("/v1/balance", |b| {
            b["held"]["amount"].as_str().is_some_and(|a| a.trim_matches(['0', '.']).is_empty())
        })?;
        let submitting = started.elapsed().as_secs_f64();
        std::thread::sleep(Duration::from_millis(self.conditions.receipt_delay_ms + 2000));
        let after = spent();
        let twice = judge(&log)?;
        let audit = api.get("/v1/balance/audit")?;
        println!(
            "ledger audit: {}; held {}",
            if audit["ok"] == true { "ok" } else { "BROKEN" },
            balance["held"]["amount"]
        );
        let on_the_way = on_the_way(&log, &samples)?;
        let took: Vec<f64> = samples.iter().map(|s| s.took.as_secs_f64() * 1000.0).collect();
        let thousand = count(self.messages) / 1000.0;
        let mut cpu = before.iter().zip(after).map(|(before, after)| (after - before) / thousand);
        let mut next = || cpu.next().unwrap_or_default();
        println!(
            "| database | requests | connections | accepted/s | submitted/s, of these while accepting | answer p50, p99, max ms | accepted to submit_sm p50, p99, max ms | CPU-s per 1,000 (server + simulator + database) | peak memory |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        println!(
            "| {} | {} | {} | {:.0} | {:.0}, {:.0} % | {} | {} | {:.3} + {:.3} + {:.3} | {} MB |",
            self.conditions.database_name(),
            self.messages,
            self.connections,
            per_second(self.messages, accepting),
            per_second(self.messages, submitting),
            count(submitted_meanwhile) * 100.0 / count(self.messages),
            percentiles(took),
            percentiles(on_the_way),
            next(),
            next(),
            next(),
            server.peak_kib() / 1024,
        );
        if twice > 0 || audit["ok"] != true {
            return Err("the judge found a fault".into());
        }
        Ok(())
    }

    async fn load(&self, ports: &[u16]) -> Result<Vec<Sample>, Failure> {
        let next = std::sync::Arc::new(AtomicU64::new(0));
        let pace = self.rate.map(|rate| Duration::from_secs(1) / rate.max(1));
        let (began, messages) = (Instant::now(), self.messages);
        let connections = usize::try_from(self.connections)?;
        let ports = ports.iter().cycle().take(connections);
        let connections: Vec<_> =
            ports.map(|port| tokio::spawn(connection(*port, next.clone(), messages, began, pace))).collect();
        let mut samples = Vec::with_capacity(usize::try_from(messages)?);
        for connection in connections {
            samples.extend(connection.await??);
        }
        Ok(samples)
    }
}

/// One connection: request after request until `messages` are made by all of them.
async fn connection(
    port: u16,
    next: std::sync::Arc<AtomicU64>,
    messages: u64,
    began: Instant,
    pace: Option<Duration>,
) -> Result<Vec<Sample>, Failure> {
    let clock = Clock::system();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut samples = Vec::new();
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= messages {
            return Ok(samples);
        }
        if let Some(pace) = pace {
            tokio::time::sleep_until((began + pace * u32::try_from(n)?).into()).await;
        }
        let (country, base) = [(380, 501_000_000), (48, 501_000_000), (34, 611_000_000)][usize::try_from(n % 3)?];
        let number: u64 = format!("{country}{}", base + n / 3).parse()?;
        let body = json!({ "to": [format!("+{number}")], "sender": "CARILLON", "text": "Your code is 493021. It is valid for ten minutes." });
        let body = body.to_string();
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nIdempotency-Key: bench-{n}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let asked = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        if status != 202 {
            return Err(format!("request {n} was answered {status}: {}", String::from_utf8_lossy(&buffer)).into());
        }
        samples.push(Sample { number, took: asked.elapsed(), accepted: clock.now() });
    }
}

/// Reads one answer with a Content-Length; its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16, Failure> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let field = |name: &str| head.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
        let length: usize = field("content-length:").and_then(|l| l.parse().ok()).unwrap_or(0);
        if buffer.len() >= end + 4 + length {
            return Ok(head.split_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0));
        }
    }
}

/// Milliseconds from the client's reading the answer to the carrier's having the submit; below zero when the carrier was faster.
fn on_the_way(log: &Path, samples: &[Sample]) -> Result<Vec<f64>, Failure> {
    let log = Log::read(log)?;
    let at: HashMap<u64, i64> = log.submits().filter_map(|s| Some((s.dest.parse().ok()?, s.at))).collect();
    let ms = |micros: i64| i32::try_from(micros / 10).map_or(f64::MAX, f64::from) / 100.0;
    Ok(samples.iter().filter_map(|s| Some(ms(at.get(&s.number)? - s.accepted.0))).collect())
}

fn percentiles(mut all: Vec<f64>) -> String {
    all.sort_by(f64::total_cmp);
    let of = |share: usize| {
        all.get((all.len() * share / 1000).min(all.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    format!("{:.1}, {:.1}, {:.1}", of(500), of(990), of(1000))
}
