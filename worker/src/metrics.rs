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
    /// Messages from subscribers that were stored.
    pub inbound: IntCounter,
    /// Of these, nobody's.
    pub inbound_unattributed: IntCounter,
    /// Deliveries of messages from subscribers that were known already.
    pub inbound_repeated: IntCounter,
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
        inbound: counter("carillon_inbound_messages_total", "Messages from subscribers that were stored."),
        inbound_unattributed: counter(
            "carillon_inbound_unattributed_total",
            "Messages from subscribers that are no account's.",
        ),
        inbound_repeated: counter(
            "carillon_inbound_repeated_total",
            "Deliveries from subscribers that were known already.",
        ),
        binds: IntGauge::new("carillon_carrier_binds", "Open connections to carriers.").unwrap(),
    }
});

/// Shows the numbers in a registry.
///
/// # Errors
/// When it has them already.
pub fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    let Metrics {
        submitted,
        accepted,
        refused,
        in_doubt,
        receipts,
        receipts_parked,
        inbound,
        inbound_unattributed,
        inbound_repeated,
        binds,
    } = &*METRICS;
    let of_receipts = [receipts, receipts_parked, inbound, inbound_unattributed, inbound_repeated];
    for counter in [submitted, accepted, refused, in_doubt].into_iter().chain(of_receipts) {
        registry.register(Box::new(counter.clone()))?;
    }
    registry.register(Box::new(binds.clone()))
}
