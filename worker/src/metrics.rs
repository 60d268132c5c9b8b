//! Counters of this process, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, or stands for a present amount.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
    /// Adds to it.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// Sets it.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }
    /// Reads it.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the pumps count.
pub struct Metrics {
    /// Parts handed to carriers' sockets.
    pub submitted: Counter,
    /// Parts that carriers accepted.
    pub accepted: Counter,
    /// Parts that carriers refused.
    pub refused: Counter,
    /// Messages whose answer was lost.
    pub in_doubt: Counter,
    /// Receipts applied to a part.
    pub receipts: Counter,
    /// Receipts that found no part at once.
    pub receipts_parked: Counter,
    /// Open connections to carriers.
    pub binds: Counter,
}

/// The counters of this process.
pub static METRICS: Metrics = Metrics {
    submitted: Counter::new(),
    accepted: Counter::new(),
    refused: Counter::new(),
    in_doubt: Counter::new(),
    receipts: Counter::new(),
    receipts_parked: Counter::new(),
    binds: Counter::new(),
};

impl Metrics {
    /// The counters in Prometheus's text format.
    pub fn render(&self) -> String {
        let Self { submitted, accepted, refused, in_doubt, receipts, receipts_parked, binds } = self;
        let rows = [
            ("carillon_parts_submitted_total", "counter", "Parts handed to carriers.", submitted),
            ("carillon_parts_accepted_total", "counter", "Parts that carriers accepted.", accepted),
            ("carillon_parts_refused_total", "counter", "Parts that carriers refused.", refused),
            ("carillon_messages_in_doubt_total", "counter", "Messages whose answer was lost.", in_doubt),
            ("carillon_receipts_applied_total", "counter", "Receipts applied to a part.", receipts),
            ("carillon_receipts_parked_total", "counter", "Receipts that found no part at once.", receipts_parked),
            ("carillon_carrier_binds", "gauge", "Open connections to carriers.", binds),
        ];
        rows.iter()
            .map(|(name, kind, help, c)| format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}\n", c.get()))
            .collect()
    }
}
