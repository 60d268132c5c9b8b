//! A span a request, for an OpenTelemetry collector; a caller's W3C `traceparent` is continued.
//!
//! Invariant: of the request's own words only its `traceparent` and its `Request-Id` get into the span. A `tracestate` may
//! hold anything and is left out.

use actix_web::http::header::HeaderMap;
use domain::traces::TARGET;
use opentelemetry::{Context, global, propagation::Extractor, trace::TraceContextExt};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// The one header that is read.
struct Traceparent<'a>(&'a HeaderMap);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        if key == TRACEPARENT { self.0.get(key)?.to_str().ok() } else { None }
    }
    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// The span of a request that has just come; a disabled one when there is no collector.
pub fn span(request_id: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "request",
        otel.kind = "server",
        otel.name = Empty,
        otel.status_code = Empty,
        http.response.status_code = Empty,
        carillon.request_id = request_id,
        carillon.account_id = Empty,
    );
    if !span.is_disabled() {
        let caller =
            global::get_text_map_propagator(|p| p.extract_with_context(&Context::new(), &Traceparent(headers)));
        if caller.has_active_span() {
            let _ = span.set_parent(caller); // refused only by a span that has begun
        }
    }
    span
}

/// Notes what became of the request.
pub fn answered(span: &Span, operation: &str, account: Option<&str>, status: u16) {
    span.record("otel.name", operation);
    span.record("http.response.status_code", status);
    if let Some(account) = account {
        span.record("carillon.account_id", account);
    }
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}
