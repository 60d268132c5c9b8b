//! The worker's spans for an OpenTelemetry collector: a job, a window handed to a carrier, a batch recorded. Each begins a
//! trace of its own, since it has no one request to thank for its work.

use tracing::{Instrument, Span};

/// Does `work` in a span that has the field `otel.status_code`, and marks it when the work fails.
pub async fn traced<T>(span: Span, work: impl Future<Output = domain::Result<T>>) -> domain::Result<T> {
    let outcome = work.instrument(span.clone()).await;
    if outcome.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    outcome
}
