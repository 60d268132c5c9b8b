//! What the pumps count, for Prometheus.

use std::sync::LazyLock;

use prometheus::{IntCounter, IntGauge, Registry};

/// The numbers of this process.
pub struct Metrics {
    /// Parts handed to carriers' sockets.
    pub submitted: IntCounter,
    /// Parts that carriers accepted.
    pub accepted: IntCounter,
    /// Parts that carriers refused.
    pub refused: IntCounter,
    /// Messages whose answer was lost.
    pub in_doubt: IntCounter,
    /// Receipts applied to a part.
    pub receipts: IntCounter,
    /// Receipts that found no part at once.
    pub receipts_parked: IntCounter,
    /// Open connections to carriers.
    pub binds: IntGauge,
}

/// The numbers of this process.
#[expect(
    clippy::unwrap_used,
    reason = "the names are constants; a wrong one fails the first test that starts a worker"
)]
pub static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let counter = |name: &str, help: &str| IntCounter::new(name, help).unwrap();
    Metrics {
        submitted: counter("carillon_parts_submitted_total", "Parts handed to carriers."),
        accepted: counter("carillon_parts_accepted_total", "Parts that carriers accepted."),
        refused: counter("carillon_parts_refused_total", "Parts that carriers refused."),
        in_doubt: counter("carillon_messages_in_doubt_total", "Messages whose answer was lost."),
        receipts: counter("carillon_receipts_applied_total", "Receipts applied to a part."),
        receipts_parked: counter("carillon_receipts_parked_total", "Receipts that found no part at once."),
        binds: IntGauge::new("carillon_carrier_binds", "Open connections to carriers.").unwrap(),
    }
});

/// Shows the numbers in a registry.
///
/// # Errors
/// When it has them already.
pub fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    let Metrics { submitted, accepted, refused, in_doubt, receipts, receipts_parked, binds } = &*METRICS;
    for counter in [submitted, accepted, refused, in_doubt, receipts, receipts_parked] {
        registry.register(Box::new(counter.clone()))?;
    }
    registry.register(Box::new(binds.clone()))
}
