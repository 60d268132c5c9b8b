//! Numbers for Prometheus. The registry is open: the worker adds its own when it runs in the same process.

use std::{fmt::Display, time::Duration};

use domain::carriers::BadInput;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// What the API counts.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Everything that `/metrics` shows.
    pub registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    memory: IntGauge,
    /// What was called back.
    pub carriers: CarrierCounters,
}

/// What carriers send: a worker in the same process counts what comes by its connections with the same ones.
#[derive(Debug, Clone)]
pub struct CarrierCounters {
    /// Those that came, repeated ones too.
    pub received: IntCounterVec,
    /// Those of them that found no part at once.
    pub parked: IntCounterVec,
    /// What cannot be used, by reason.
    pub bad_input: IntCounterVec,
}

impl CarrierCounters {
    /// Counters of a process without a worker.
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| IntCounterVec::new(Opts::new(name, help), &["carrier"]);
        let received = counter("carillon_receipts_received_total", "Receipts that came, repeated ones too.")?;
        let parked = counter("carillon_receipts_parked_total", "Receipts that found no part at once.")?;
        let bad = Opts::new("carillon_carrier_bad_input_total", "What the carrier sent that cannot be used.");
        let bad_input = IntCounterVec::new(bad, &["carrier", "reason"])?;
        for counter in [&received, &parked, &bad_input] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(Self { received, parked, bad_input })
    }

    /// Counts what cannot be used, `number` times, and tells it in the log.
    pub fn bad(&self, carrier: &str, reason: BadInput, number: usize, what: impl Display) {
        let number = u64::try_from(number).unwrap_or(0);
        self.bad_input.with_label_values(&[carrier, reason.as_str()]).inc_by(number);
        reason.tell(carrier, what);
    }

    /// Counts what one call brought.
    pub fn came(&self, carrier: &str, received: usize, parked: u64) {
        self.received.with_label_values(&[carrier]).inc_by(u64::try_from(received).unwrap_or(0));
        self.parked.with_label_values(&[carrier]).inc_by(parked);
    }
}

impl Metrics {
    /// Registers the API's numbers; `carriers` are those of a worker that has registered them.
    ///
    /// # Errors
    /// When the registry has numbers of these names already.
    pub fn new(registry: Registry, carriers: Option<CarrierCounters>) -> Result<Self, prometheus::Error> {
        let requests = Opts::new("carillon_http_requests_total", "Requests answered, by operation and status.");
        let requests = IntCounterVec::new(requests, &["operation", "status"])?;
        let seconds = HistogramOpts::new("carillon_http_request_seconds", "Time to answer, by operation.")
            .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);
        let seconds = HistogramVec::new(seconds, &["operation"])?;
        let memory = IntGauge::new("carillon_process_resident_bytes", "Memory of the process.")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(memory.clone()))?;
        let carriers = carriers.map_or_else(|| CarrierCounters::new(&registry), Ok)?;
        Ok(Self { registry, requests, seconds, memory, carriers })
    }

    /// Counts one answer.
    pub fn answered(&self, operation: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[operation, &status.to_string()]).inc();
        self.seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
    }

    /// The page for Prometheus.
    pub fn page(&self) -> String {
        self.memory.set(resident_bytes().unwrap_or(0));
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// The second number of Linux's statm counts pages of 4 KiB; other systems have no such file and show 0.
fn resident_bytes() -> Option<i64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<i64>().ok()?.checked_mul(4096)
}
