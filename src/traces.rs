//! Sends spans to an OpenTelemetry collector: OTLP over HTTP, as protobuf. Nothing of it runs without an endpoint.
//!
//! Invariants: only spans of [`TARGET`] leave, without the log's lines in them; they are sent by a thread of their own, so
//! a collector that is slow or away costs spans and never a request; the end waits for it a few seconds at most.

use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use domain::traces::TARGET;
use opentelemetry::{KeyValue, global, trace::TracerProvider};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, filter_fn},
    layer::Filter,
    registry::LookupSpan,
};

use crate::{Failure, config};

/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of its answer.
const ANSWER: u64 = 64 << 10;

/// A running exporter.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins, when there is somewhere to send to.
    pub fn start(config: &config::Traces) -> Result<Option<Self>, Failure> {
        let config::Traces { endpoint, service_name, sample_ratio } = config;
        if endpoint.is_empty() {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|e| format!("traces.endpoint: {e}"))?;
        let resource = Resource::builder()
            .with_service_name(service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(*sample_ratio)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .with_sampler(sampler)
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Some(Self { provider }))
    }

    /// What makes spans of ours into OpenTelemetry's.
    pub fn layer<S: Subscriber + for<'s> LookupSpan<'s>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("carillon"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            // begun when they end, for only then is the operation, their name, known to the sampler and the exporter
            .with_context_activation(false)
            .with_filter(filter_fn(|m| m.target() == TARGET))
    }

    /// Sends what is left. A collector that does not take it within five seconds goes without.
    pub async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if !matches!(closed, Ok(Ok(()))) {
            tracing::warn!("the last traces were not taken by the collector");
        }
    }
}

/// What the log shows: all that `filter` lets through but our spans.
pub fn without_spans<S>(filter: impl Filter<S>) -> impl Filter<S> {
    filter.and(filter_fn(|m| m.target() != TARGET))
}

/// The way to the collector. It blocks, which only the exporter's own thread notices.
#[derive(Debug)]
struct Collector {
    agent: ureq::Agent,
    /// Whether the last batch was not taken; told once, not for each batch.
    away: AtomicBool,
}

impl Collector {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { agent: config.into(), away: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = self.agent.run(request.map(|body| body.to_vec()))?.into_parts();
        let body = body.into_with_config().limit(ANSWER).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }

    /// Tells when the collector goes away and when it is back.
    fn tell(&self, outcome: &Result<Response<Bytes>, HttpError>) {
        let refusal = match outcome {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answered {}", response.status())),
            Err(e) => Some(e.to_string()),
        };
        let was_away = self.away.swap(refusal.is_some(), Ordering::Relaxed);
        match refusal {
            Some(error) if !was_away => {
                tracing::warn!(error, "the collector does not take traces; they are dropped until it does")
            }
            None if was_away => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

impl HttpClient for Collector {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let outcome = self.send(request);
            self.tell(&outcome);
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{filter::LevelFilter, fmt, layer::SubscriberExt, registry};

    use super::*;

    #[test]
    fn without_a_collector_its_spans_are_refused_where_they_are_made() {
        let log = registry().with(fmt::layer().with_filter(without_spans(LevelFilter::TRACE)));
        tracing::subscriber::with_default(log, || {
            assert!(tracing::info_span!(target: TARGET, "request").is_disabled());
            assert!(!tracing::info_span!("request").is_disabled());
        });
    }
}
