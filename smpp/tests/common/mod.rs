//! What the tests share: a simulator on a free port with short times, messages, and waiting for events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test file uses its own part")]

use smpp::client::{Address, BindConfig, BindMode, Body, Client, Deliver, Event, EventReceiver, Submit, connect};
use smpp::simulator::log::{Line, Log};
use smpp::simulator::{Simulator, SimulatorConfig, SimulatorHandle};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A log file of its own, removed at the end.
pub struct TempLog(pub PathBuf);

impl TempLog {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("smpp-test-{}-{number}.jsonl", std::process::id())))
    }

    pub fn read(&self) -> Log {
        Log::read(&self.0).unwrap()
    }
}

impl Drop for TempLog {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub fn quick(log: Option<&Path>) -> SimulatorConfig {
    SimulatorConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        log: log.map(Path::to_owned),
        receipt_delay: ms(20),
        slow_answer: ms(150),
        late_answer: ms(700),
        late_receipt: ms(400),
        receipt_retry: ms(20_000),
        ..SimulatorConfig::default()
    }
}

pub async fn simulator(log: &TempLog) -> SimulatorHandle {
    Simulator::start(quick(Some(&log.0))).await.unwrap()
}

pub fn bind_to(addr: SocketAddr) -> BindConfig {
    BindConfig {
        addr: addr.to_string(),
        system_id: "tester".to_owned(),
        password: "secret".to_owned(),
        bind_timeout: ms(2_000),
        response_timeout: ms(2_000),
        drain_timeout: ms(500),
        ..BindConfig::default()
    }
}

pub async fn bound(simulator: &SimulatorHandle) -> (Client, EventReceiver) {
    connect(&bind_to(simulator.local_addr)).await.unwrap()
}

pub async fn bound_as(simulator: &SimulatorHandle, mode: BindMode) -> (Client, EventReceiver) {
    connect(&BindConfig { mode, ..bind_to(simulator.local_addr) }).await.unwrap()
}

pub fn message(dest: &str, text: &str) -> Submit {
    Submit {
        source: Address { addr: "Carillon".to_owned(), ton: 5, npi: 0 },
        dest: Address { addr: dest.to_owned(), ton: 1, npi: 1 },
        registered_delivery: 1,
        body: Body::ShortMessage(text.as_bytes().to_vec()),
        ..Submit::default()
    }
}

pub async fn next(events: &mut EventReceiver) -> Event {
    tokio::time::timeout(PATIENCE, events.recv()).await.expect("no event in time").expect("no more events")
}

pub async fn next_deliver(events: &mut EventReceiver) -> Deliver {
    match next(events).await {
        Event::Deliver(deliver) => deliver,
        other => panic!("expected a delivery, got {other:?}"),
    }
}

/// Every event until `quiet` passes without one; deliveries are acknowledged.
pub async fn all(client: &Client, events: &mut EventReceiver, quiet: Duration) -> Vec<Event> {
    let mut seen = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(quiet, events.recv()).await {
        if let Event::Deliver(deliver) = &event {
            client.ack(deliver.sequence, 0);
        }
        seen.push(event);
    }
    seen
}

pub fn count_receipts(log: &Log) -> usize {
    log.lines.iter().filter(|line| matches!(line, Line::Receipt { .. })).count()
}
