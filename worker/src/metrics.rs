//! What the pumps count and the supervisor reads, for Prometheus. Every number is of one carrier, told by its name in the
//! label `carrier`; a carrier that is known has all of them, 0 before anything happened.

use std::{fmt::Display, sync::LazyLock};

use domain::carriers::BadInput;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// The numbers of this process.
pub struct Metrics {
    /// Parts handed to the carrier's sockets.
    pub submitted: IntCounterVec,
    /// Parts that the carrier accepted.
    pub accepted: IntCounterVec,
    /// Parts that the carrier refused.
    pub refused: IntCounterVec,
    /// Messages that the carrier refused and that took another route.
    pub led_on: IntCounterVec,
    /// Messages whose answer was lost.
    pub lost_answers: IntCounterVec,
    /// Receipts that came, repeated ones too.
    pub receipts: IntCounterVec,
    /// Receipts that found no part at once.
    pub receipts_parked: IntCounterVec,
    /// Messages from subscribers that were stored.
    pub inbound: IntCounterVec,
    /// Of these, nobody's.
    pub inbound_unattributed: IntCounterVec,
    /// Deliveries of messages from subscribers that were known already.
    pub inbound_repeated: IntCounterVec,
    /// What carriers sent that cannot be used, by `reason` too.
    pub bad_input: IntCounterVec,
    /// Open connections.
    pub binds: IntGaugeVec,
    /// Unanswered submits of all connections.
    pub window_used: IntGaugeVec,
    /// How many there may be.
    pub window_size: IntGaugeVec,
    /// Parts a second of the connections that the carrier's answers have slowed down; 0 when none is.
    pub pace: IntGaugeVec,
    /// Connections that routing passes over, since they answer with faults.
    pub tripped: IntGaugeVec,
    /// Seconds since the oldest chunk fell due that no connection has taken.
    pub queue_age: IntGaugeVec,
    /// Messages in doubt.
    pub in_doubt: IntGaugeVec,
}

/// The numbers of this process.
#[expect(
    clippy::unwrap_used,
    reason = "the names are constants; a wrong one fails the first test that starts a worker"
)]
pub static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let counter = |name: &str, help: &str| IntCounterVec::new(Opts::new(name, help), &["carrier"]).unwrap();
    let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["carrier"]).unwrap();
    Metrics {
        submitted: counter("carillon_parts_submitted_total", "Parts handed to the carrier."),
        accepted: counter("carillon_parts_accepted_total", "Parts that the carrier accepted."),
        refused: counter("carillon_parts_refused_total", "Parts that the carrier refused."),
        led_on: counter(
            "carillon_messages_led_on_total",
            "Messages that the carrier refused and that took another route.",
        ),
        lost_answers: counter("carillon_messages_in_doubt_total", "Messages whose answer was lost."),
        receipts: counter("carillon_receipts_received_total", "Receipts that came, repeated ones too."),
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
        bad_input: IntCounterVec::new(
            Opts::new("carillon_carrier_bad_input_total", "What the carrier sent that cannot be used."),
            &["carrier", "reason"],
        )
        .unwrap(),
        binds: gauge("carillon_carrier_binds", "Open connections of this process to the carrier."),
        window_used: gauge("carillon_carrier_window_used", "Unanswered submits of this process's connections."),
        window_size: gauge("carillon_carrier_window_size", "How many of them there may be."),
        pace: gauge(
            "carillon_carrier_pace_parts_per_second",
            "Parts a second of this process's connections that throttling has slowed down; 0 when none is.",
        ),
        tripped: gauge(
            "carillon_carrier_tripped",
            "Connections of this process that routing passes over, since they answer with faults.",
        ),
        queue_age: gauge(
            "carillon_carrier_queue_age_seconds",
            "Seconds since the oldest chunk fell due that no connection has taken; of the whole platform.",
        ),
        in_doubt: gauge("carillon_carrier_in_doubt", "Messages in doubt; of the whole platform."),
    }
});

impl Metrics {
    fn counters(&self) -> [&IntCounterVec; 10] {
        let Self { submitted, accepted, refused, led_on, lost_answers, receipts, receipts_parked, .. } = self;
        let Self { inbound, inbound_unattributed, inbound_repeated, .. } = self;
        [
            submitted,
            accepted,
            refused,
            led_on,
            lost_answers,
            receipts,
            receipts_parked,
            inbound,
            inbound_unattributed,
            inbound_repeated,
        ]
    }

    fn gauges(&self) -> [&IntGaugeVec; 7] {
        let Self { binds, window_used, window_size, pace, tripped, queue_age, in_doubt, .. } = self;
        [binds, window_used, window_size, pace, tripped, queue_age, in_doubt]
    }

    /// Counts what a carrier sent that cannot be used, and tells it in the log.
    pub fn bad(&self, carrier: &str, reason: BadInput, what: impl Display) {
        self.bad_input.with_label_values(&[carrier, reason.as_str()]).inc();
        reason.tell(carrier, what);
    }

    /// Shows all numbers of a carrier from now on.
    pub fn know(&self, carrier: &str) {
        self.counters().into_iter().for_each(|counter| drop(counter.with_label_values(&[carrier])));
        self.gauges().into_iter().for_each(|gauge| drop(gauge.with_label_values(&[carrier])));
        BadInput::ALL.iter().for_each(|reason| drop(self.bad_input.with_label_values(&[carrier, reason.as_str()])));
    }

    /// Shows none of them any more.
    pub fn forget(&self, carrier: &str) {
        // One that is not there is what is wanted.
        self.counters().into_iter().for_each(|counter| drop(counter.remove_label_values(&[carrier])));
        self.gauges().into_iter().for_each(|gauge| drop(gauge.remove_label_values(&[carrier])));
        BadInput::ALL.iter().for_each(|reason| drop(self.bad_input.remove_label_values(&[carrier, reason.as_str()])));
    }
}

/// Shows the numbers in a registry.
///
/// # Errors
/// When it has them already.
pub fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    for counter in METRICS.counters() {
        registry.register(Box::new(counter.clone()))?;
    }
    registry.register(Box::new(METRICS.bad_input.clone()))?;
    for gauge in METRICS.gauges() {
        registry.register(Box::new(gauge.clone()))?;
    }
    Ok(())
}
