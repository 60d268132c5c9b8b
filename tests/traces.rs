//! Traces: what an OpenTelemetry collector is sent, and what it never is.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Collector, Stage, attribute, numbers, within};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const TEXT: &str = "Your table is ready";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Sends spans after a tenth of a second instead of five.
fn traced(stage: &mut Stage, endpoint: &str) {
    stage.set("CARILLON_TRACES__ENDPOINT", endpoint).set("OTEL_BSP_SCHEDULE_DELAY", 100);
}

/// Whether the bytes hold a text.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

both! {
    fn a_request_is_a_span_of_its_callers_trace(stage) {
        let collector = Collector::start();
        traced(&mut stage, &collector.endpoint);
        let app = stage.start();
        let answer = app
            .ask("POST", "/v1/messages")
            .key("traced")
            .header("traceparent", &format!("00-{TRACE}-{PARENT}-01"))
            .header("tracestate", "vendor=447400100001")
            .header("request-id", "my-own-request-id")
            .json(&json!({"to": ["+447400100001"], "sender": "CARILLON", "text": TEXT}))
            .go();
        let sent = answer.ok(202);
        let id = sent["messages"][0]["id"].as_str().unwrap();
        app.message_until(id, "delivered");
        app.get("/v1/messages?to=%2B447400100001").ok(200);
        app.get("/v1/447400100001").refused(404, "not_found");

        let span = collector.span("the send", |s| s.name == "messages.send");
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
        assert_eq!(span.kind, 2, "server");
        assert_eq!(attribute(&span.attributes, "http.response.status_code").as_deref(), Some("202"));
        assert_eq!(attribute(&span.attributes, "carillon.request_id").as_deref(), Some("my-own-request-id"));
        let account = attribute(&span.attributes, "carillon.account_id").unwrap();
        assert_eq!(app.read("/v1/account")["id"], json!(account));
        let own = collector.span("a request without a caller's trace", |s| s.name == "messages.get");
        assert!(own.parent_span_id.is_empty() && hex(&own.trace_id) != TRACE, "{own:?}");
        collector.span("a path that is none", |s| s.name == "other");
        let window = collector.span("the window", |s| s.name == "carriers.window");
        assert_eq!(attribute(&window.attributes, "carillon.carrier").as_deref(), Some("simulator"));
        assert_eq!(attribute(&window.attributes, "carillon.messages").as_deref(), Some("1"));
        assert_eq!(attribute(&window.attributes, "carillon.parts").as_deref(), Some("1"));
        let count = |name: &'static str| collector.look(|c| {
            let all = c.spans.iter().filter(|s| s.name == "carriers.record");
            all.map(|s| attribute(&s.attributes, name).unwrap().parse::<u64>().unwrap()).sum::<u64>()
        });
        within(Duration::from_secs(20), "answer and receipt are in batches", || {
            (count("carillon.answers") == 1 && count("carillon.receipts") == 1).then_some(())
        });

        let group = app.group("Everybody", &numbers(0, 3));
        let campaign = app.draft_to(&group, "Hello {{first_name}}");
        app.launch(&campaign).ok(202);
        app.campaign_until(&campaign, "completed");
        collector.span("the import", |s| s.name == "imports.run");
        let prepare = collector.span("the preparation", |s| s.name == "campaigns.prepare");
        assert_eq!(attribute(&prepare.attributes, "carillon.campaign_id").as_deref(), Some(campaign.as_str()));

        // what is left is sent at the end
        app.get("/v1/templates").ok(200);
        assert!(app.terminate().0.success());
        collector.look(|c| {
            assert!(c.spans.iter().any(|s| s.name == "templates.list"), "the last spans are flushed");
            assert_eq!(attribute(&c.resources[0].attributes, "service.name").as_deref(), Some("carillon"));
            for secret in ["74001", TEXT, "Hello", "Name0", "/v1/messages", "vendor", "crl_"] {
                assert!(!holds(&c.bytes, secret), "{secret:?} was sent");
            }
            assert!(holds(&c.bytes, "messages.send"), "it would have been found");
        });
    }
}

#[test]
fn a_collector_that_is_away_costs_nobody_a_request() {
    let mut stage = Stage::sqlite();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    traced(&mut stage, &format!("http://{nobody}"));
    let app = stage.start();
    let id = app.sent("+447400100001", TEXT);
    app.message_until(&id, "delivered");
    within(Duration::from_secs(20), "the log tells", || {
        app.log_text().contains("the collector does not take traces").then_some(())
    });
    app.get("/v1/balance").ok(200);
    let (status, took) = app.terminate();
    assert!(status.success() && took < Duration::from_secs(15), "{status} {took:?}");
}

#[test]
fn a_collector_that_never_answers_does_not_hold_up_the_end() {
    let mut stage = Stage::sqlite();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    traced(&mut stage, &format!("http://{}", silent.local_addr().unwrap()));
    let app = stage.start();
    app.get("/v1/balance").ok(200);
    let _held = silent.accept().unwrap();
    app.get("/v1/balance").ok(200);
    let (status, took) = app.terminate();
    assert!(status.success() && took < Duration::from_secs(15), "{status} {took:?}");
}

#[test]
fn nothing_is_sampled_at_a_ratio_of_zero_but_what_a_caller_asks_for() {
    let mut stage = Stage::sqlite();
    let collector = Collector::start();
    // the standard variable, as other programs have it
    traced(&mut stage, "");
    stage.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint).set("OTEL_SERVICE_NAME", "texts");
    stage.set("CARILLON_TRACES__SAMPLE_RATIO", 0);
    let app = stage.start();
    app.get("/v1/balance").ok(200);
    app.ask("GET", "/v1/account").header("traceparent", &format!("00-{TRACE}-{PARENT}-01")).go().ok(200);
    collector.span("what the caller asked for", |s| s.name == "account.get");
    assert!(app.terminate().0.success());
    collector.look(|c| {
        assert!(c.spans.iter().all(|s| hex(&s.trace_id) == TRACE), "{:?}", c.spans);
        assert_eq!(attribute(&c.resources[0].attributes, "service.name").as_deref(), Some("texts"));
    });
}
