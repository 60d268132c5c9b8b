//! HTTP carriers against a provider of the test's own: taken, refused, throttled, silent, gone; receipts early, late and
//! twice, in JSON and as forms.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use crate::harness::{Client, Collector, Stage, attribute, merged, micros, numbers, stays, until};

/// What the provider does with the next request to a number that ends so; anything else is taken.
const REFUSED: &str = "01";
const BUSY_TWICE: &str = "02";
const THROTTLED_ONCE: &str = "03";
const SILENT: &str = "04";
const CLOSES: &str = "05";
const NO_ID: &str = "06";
const EARLY: &str = "07";

/// A provider on a port of its own; its threads end with the tests.
struct Provider {
    url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Provider {
    /// `early` is called with the call-back's address and the id before an EARLY message is answered.
    fn start(early: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (into, early) = (requests.clone(), Arc::new(early));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (into, early) = (into.clone(), early.clone());
                std::thread::spawn(move || take(stream, &into, &*early));
            }
        });
        Self { url, requests }
    }

    /// The bodies that came for a number.
    fn asked(&self, to: &str) -> Vec<Value> {
        self.requests.lock().unwrap().iter().filter(|r| r["to"] == to).cloned().collect()
    }
}

/// One request of a connection, which is closed after it.
fn take(mut stream: TcpStream, into: &Mutex<Vec<Value>>, early: &dyn Fn(&str, &str)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers = HashMap::new();
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        line.clear();
    }
    let Some(length) = headers.get("content-length").and_then(|l| l.parse().ok()) else { return };
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    body["authorization"] = headers["authorization"].clone().into();
    let to = body["to"].as_str().unwrap().to_owned();
    let times = {
        let mut all = into.lock().unwrap();
        all.push(body.clone());
        all.iter().filter(|r| r["to"] == to.as_str()).count()
    };
    let id = format!("id-{}", &to[1..]);
    let (status, more, answer) = match &to[to.len() - 2..] {
        REFUSED => ("400 Bad Request", "", json!({"error": {"code": "no_such_number"}})),
        BUSY_TWICE if times < 3 => ("503 Unavailable", "", json!({"error": {"code": "busy"}})),
        THROTTLED_ONCE if times < 2 => ("429 Too Many Requests", "retry-after: 1\r\n", json!({})),
        SILENT => {
            std::thread::sleep(Duration::from_secs(4));
            return;
        }
        CLOSES => return,
        NO_ID => ("200 OK", "", json!({"thanks": true})),
        EARLY => {
            early(body["callback"].as_str().unwrap(), &id);
            ("200 OK", "", json!({"id": id}))
        }
        _ => ("200 OK", "", json!({"id": id})),
    };
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\n{more}content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        answer.len()
    );
    let _ = stream.write_all(format!("{head}{answer}").as_bytes());
}

/// The settings of a carrier to the provider.
fn settings(url: &str) -> Value {
    json!({
        "url": format!("{url}/send"), "timeout_seconds": 2, "concurrency": 4,
        "body": {"to": "{{to}}", "text": "{{text}}", "n": "{{segments}}", "callback": "{{callback_url}}"},
        "authentication": {"kind": "bearer", "secret": "opensesame"},
        "answer": {"message_id_pointer": "/id", "error_pointer": "/error/code", "temporary_codes": ["busy"]},
        "receipt": {
            "message_id_pointer": "/id", "status_pointer": "/status", "error_pointer": "/error", "to_pointer": "/to",
            "statuses": {"sent": "enroute", "delivered": "delivered", "failed": "undelivered"}
        }
    })
}

/// Makes a carrier to the provider and leads everything there; its id and the path of its call-backs.
fn carrier(app: &Client, operator: &Client, http: &Value) -> (String, String) {
    let made = operator.post("/v1/admin/carriers", &json!({"name": "provider", "http": http})).ok(201);
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    assert_eq!(
        (text("kind").as_str(), made["has_secret"].as_bool(), &made["settings"]),
        ("http", Some(true), &Value::Null)
    );
    let id = text("id");
    let route = json!({"name": "to the provider", "carrier_id": id, "account_id": app.read("/v1/account")["id"]});
    operator.post("/v1/admin/routes", &route).ok(201);
    (id, text("callback_path"))
}

/// A server whose carriers may be at private addresses.
fn set(stage: &mut Stage) {
    stage.set("CARILLON_WORKER__PUBLIC_URL", "https://sms.example.com").set("CARILLON_WORKER__PRIVATE_CARRIERS", true);
    // A receipt without a known message may resolve a doubt soon.
    stage.set("CARILLON_WORKER__SETTLE_SECONDS", 0.2);
}

fn number(end: &str) -> String {
    format!("+4474001234{end}")
}

fn send(app: &Client, end: &str, text: &str) -> String {
    let sent = app.send(&[&number(end)], text).ok(202);
    sent["messages"][0]["id"].as_str().unwrap().to_owned()
}

fn call(app: &Client, path: &str, body: &Value) -> u16 {
    let client = app.with_token("");
    client.ask("POST", path).json(body).go().status
}

both! {
    fn requests_and_receipts_are_watched_and_validity_is_told(stage) {
        set(&mut stage);
        let collector = Collector::start();
        stage.set("CARILLON_TRACES__ENDPOINT", &collector.endpoint).set("OTEL_BSP_SCHEDULE_DELAY", 100);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let provider = Provider::start(|_, _| {});
        let mut http = settings(&provider.url);
        http["body"]["ttl"] = json!("{{validity_seconds}}");
        let (_, path) = carrier(&app, &operator, &http);
        let body = json!({"to": [number("60")], "sender": "CARILLON", "text": "For five minutes", "validity_seconds": 300});
        let sent = app.post("/v1/messages", &body).ok(202);
        let id = sent["messages"][0]["id"].as_str().unwrap();
        app.message_until(id, "sent");
        let ttl = provider.asked(&number("60"))[0]["ttl"].as_u64().unwrap();
        assert!((290..=300).contains(&ttl), "{ttl}");
        let other = send(&app, "61", "For as long as it takes");
        app.message_until(&other, "sent");
        assert!(provider.asked(&number("61"))[0].get("ttl").is_none(), "left out");
        let receipt = json!({"id": format!("id-{}", &number("60")[1..]), "status": "delivered"});
        let stray = json!({"id": "of-nobody", "status": "delivered"});
        assert_eq!((call(&app, &path, &receipt), call(&app, &path, &stray)), (204, 204));
        app.message_until(id, "delivered");
        until("all is counted", || {
            let page = String::from_utf8(app.get("/metrics").body).unwrap();
            let number = |name: &str| page.lines().find_map(|l| l.strip_prefix(&format!("{name}{{carrier=\"provider\"}} "))?.parse::<u64>().ok());
            let seen = ["carillon_receipts_received_total", "carillon_receipts_parked_total", "carillon_carrier_binds"].map(number);
            (seen == [Some(2), Some(1), Some(1)]).then_some(())
        });
        let span = collector.span("the request", |s| s.name == "carriers.request");
        assert_eq!(span.kind, 3, "client");
        let of = |name: &str| attribute(&span.attributes, name);
        assert_eq!((of("carillon.carrier"), of("http.response.status_code")), (Some("provider".to_owned()), Some("200".to_owned())));
        assert!(of("carillon.message_id").is_some_and(|id| id.starts_with("msg_")), "{span:?}");
    }

    fn messages_are_taken_charged_once_and_ended_by_receipts(stage) {
        set(&mut stage);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        // The early receipt goes to where the server really is.
        let base = app.base.clone();
        let provider = Provider::start(move |callback, id| {
            let path = callback.strip_prefix("https://sms.example.com").unwrap();
            let body = json!({"id": id, "status": "delivered"}).to_string();
            let sent = ureq::post(format!("{base}{path}")).header("content-type", "application/json").send(body);
            assert_eq!(sent.unwrap().status(), 204);
        });
        let (_, path) = carrier(&app, &operator, &settings(&provider.url));
        let before = app.available();
        // An early receipt waits for its message.
        let early = send(&app, EARLY, "Early");
        app.message_until(&early, "delivered");
        // A long text is one request, and one receipt ends it.
        let long = "A long text with \"quotes\" \\ and {text}. ".repeat(8);
        let id = send(&app, "50", &long);
        app.message_until(&id, "sent");
        let asked = provider.asked(&number("50"));
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0]["text"].as_str().unwrap(), asked[0]["authorization"].as_str()), (long.as_str(), Some("Bearer opensesame")));
        assert_eq!(asked[0]["callback"], format!("https://sms.example.com{path}"));
        let receipt = |end: &str, status: &str| json!({"id": format!("id-{}", &number(end)[1..]), "status": status, "error": "e9"});
        for status in ["sent", "delivered", "delivered", "failed"] {
            assert_eq!(call(&app, &path, &receipt("50", status)), 204, "{status}");
        }
        let message = app.message_until(&id, "delivered");
        // What the provider sent is the operator's: it may tell what it takes from us.
        let own = app.read(&format!("/v1/messages/{id}/trace"))["parts"][0]["receipts"].clone();
        let full = operator.read(&format!("/v1/admin/messages/{id}/trace"))["parts"][0]["receipts"].clone();
        let of = |all: &Value, field: &str| all.as_array().unwrap().iter().map(|r| r[field].clone()).collect::<Vec<_>>();
        assert_eq!(of(&own, "state"), ["enroute", "delivered", "delivered", "undelivered"], "{own}");
        assert_eq!(of(&own, "ended_part"), [false, true, false, false], "{own}");
        assert_eq!(of(&own, "raw"), [Value::Null, Value::Null, Value::Null, Value::Null]);
        assert!(of(&full, "raw").iter().all(|raw| raw.as_str().is_some_and(|raw| raw.contains("\"status\":"))), "{full}");
        assert!(message["segments"].as_i64().unwrap() > 1 && asked[0]["n"] == message["segments"], "{message}");
        assert_eq!(micros(&message["cost"]), micros(&message["unit_price"]) * message["segments"].as_i64().unwrap());
        // As a form, and not delivered.
        let failed = send(&app, "51", "Not delivered");
        app.message_until(&failed, "sent");
        let form = format!("id=id-{}&status=FAILED&error=e9", &number("51")[1..]);
        let anyone = app.with_token("");
        let answer = anyone.ask("POST", &path).body("application/x-www-form-urlencoded", form.into_bytes()).go();
        assert_eq!(answer.status, 204);
        let undelivered = app.message_until(&failed, "undelivered");
        let costs: i64 = [&early, &id, &failed].into_iter().map(|id| micros(&app.message(id)["cost"])).sum();
        assert_eq!((before - app.available(), app.held()), (costs, 0), "{undelivered}");
        app.audited();
        // Nobody else calls back, and nothing unreadable is taken.
        let (start, signature) = path.rsplit_once('/').unwrap();
        let forged = signature.chars().rev().collect::<String>();
        assert_eq!(call(&app, &format!("{start}/{forged}"), &receipt("50", "delivered")), 404);
        assert_eq!(call(&app, &path, &json!({"status": "delivered"})), 422);
        assert_eq!(call(&app, &path, &json!({"id": "x", "status": "a new word"})), 204);
        assert_eq!(anyone.ask("POST", &path).body("text/plain", b"x".to_vec()).go().status, 415);
        assert_eq!(anyone.ask("POST", &path).body("application/json", vec![b' '; 300 * 1024]).go().status, 413);
        assert_eq!(anyone.ask("POST", &path).body("application/json", b"{\"id\":".to_vec()).go().status, 400);
        // All of it but the forged call, which is nobody's, is counted and told in the log.
        let page = String::from_utf8(app.get("/metrics").body).unwrap();
        let log = std::fs::read_to_string(stage.path("serve.log")).unwrap();
        for (reason, number) in [("unreadable", 3), ("unreadable_receipt", 2)] {
            let series = format!("carillon_carrier_bad_input_total{{carrier=\"provider\",reason=\"{reason}\"}} {number}");
            assert!(page.lines().any(|line| line == series), "{series}\n{page}");
            let words = ["WARN", "bad input from a carrier", "provider", reason];
            assert!(log.lines().any(|line| words.iter().all(|word| line.contains(word))), "{reason} in {log}");
        }
    }

    fn refusals_and_pauses_cost_nothing_and_lose_nothing(stage) {
        set(&mut stage);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let provider = Provider::start(|_, _| {});
        carrier(&app, &operator, &settings(&provider.url));
        let refused = app.message_until(&send(&app, REFUSED, "No"), "rejected");
        assert_eq!((refused["reason"].as_str(), micros(&refused["cost"])), (Some("refused_by_carrier"), 0));
        let trace = app.read(&format!("/v1/messages/{}/trace", refused["id"].as_str().unwrap()));
        assert!(trace.to_string().contains("no_such_number"), "the provider's code is told: {trace}");
        let ids = [BUSY_TWICE, THROTTLED_ONCE].map(|end| send(&app, end, "Wait"));
        ids.iter().for_each(|id| drop(app.message_until(id, "sent")));
        assert_eq!((provider.asked(&number(BUSY_TWICE)).len(), provider.asked(&number(THROTTLED_ONCE)).len()), (3, 2));
        let tries = ids.map(|id| app.read(&format!("/v1/messages/{id}/trace"))["way"]["tries"].clone());
        let told = tries.iter().map(|t| (t[0]["outcome"].as_str().unwrap(), t[0]["error"].as_str().unwrap(), t[0]["times"].as_i64().unwrap()));
        assert_eq!(told.collect::<Vec<_>>(), [("put_off", "busy", 2), ("put_off", "429", 1)], "{tries:?}");
        assert_eq!(app.held(), 0);
        app.audited();
    }

    fn a_suspended_account_stops_within_a_window(stage) {
        set(&mut stage);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let provider = Provider::start(|_, _| {});
        carrier(&app, &operator, &merged(settings(&provider.url), json!({"concurrency": 2, "parts_per_second": 10})));
        let group = app.group("Everybody", &numbers(10, 80)); // none that is refused or put off
        let campaign = app.draft_to(&group, "Hello");
        app.launch(&campaign).ok(202);
        let asked = || provider.requests.lock().unwrap().len();
        until("some have left", || (asked() >= 10).then_some(()));
        let account = app.read("/v1/account")["id"].as_str().unwrap().to_owned();
        stage.admin(&["accounts", "status", &account, "suspended"]);
        let then = asked();
        stays(Duration::from_secs(2), "no more than a window leaves", || asked() <= then + 2);
        let stopped = asked();
        assert!(stopped < 80);
        stage.admin(&["accounts", "status", &account, "active"]);
        until("the rest leaves", || (asked() == 80).then_some(()));
        let once: std::collections::BTreeSet<String> = provider.requests.lock().unwrap().iter().map(|r| r["to"].to_string()).collect();
        assert_eq!(once.len(), 80, "each once");
        app.audited();
    }

    fn a_lost_answer_is_in_doubt_and_never_sent_again(stage) {
        set(&mut stage);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let provider = Provider::start(|_, _| {});
        let (_, path) = carrier(&app, &operator, &settings(&provider.url));
        let lost = [SILENT, CLOSES, NO_ID].map(|end| (end, send(&app, end, "Lost?")));
        for (_, id) in &lost {
            let message = app.message_until(id, "in_doubt");
            assert_eq!(micros(&message["cost"]), 0, "{message}");
        }
        assert!(app.held() > 0, "its money stays held");
        stays(Duration::from_secs(3), "one request each", || lost.iter().all(|(end, _)| provider.asked(&number(end)).len() == 1));
        // A receipt proves that it was taken.
        for (end, id) in &lost {
            let to = number(end);
            assert_eq!(call(&app, &path, &json!({"id": format!("late-{end}"), "status": "delivered", "to": to})), 204);
            let message = app.message_until(id, "delivered");
            assert_eq!(micros(&message["cost"]), micros(&message["unit_price"]), "{message}");
        }
        assert_eq!(app.held(), 0);
        app.audited();
    }

    fn what_was_never_sent_waits_until_the_provider_is_back(stage) {
        set(&mut stage);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let provider = Provider::start(|_, _| {});
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (carrier, _) = carrier(&app, &operator, &settings(&format!("http://{free}")));
        let id = send(&app, "60", "Wait for it");
        let health = format!("/v1/admin/carriers/{carrier}/health");
        until("it is told that the provider is away", || {
            operator.read(&health)["binds"][0]["last_error"].is_string().then_some(())
        });
        assert!(["queued", "submitting"].contains(&app.message(&id)["status"].as_str().unwrap()));
        // The same settings at another address; the secret that is not sent stays.
        let mut http = settings(&provider.url);
        http["authentication"].as_object_mut().unwrap().remove("secret");
        operator.patch(&format!("/v1/admin/carriers/{carrier}"), &json!({"http": http})).ok(200);
        app.message_until(&id, "sent");
        let asked = provider.asked(&number("60"));
        assert_eq!((asked.len(), asked[0]["authorization"].as_str()), (1, Some("Bearer opensesame")));
        // The tries that found nobody handed nothing over.
        let page = String::from_utf8(app.get("/metrics").body).unwrap();
        let submitted = "carillon_parts_submitted_total{carrier=\"provider\"} 1";
        assert!(page.lines().any(|line| line == submitted), "{page}");
        // It cannot become one of the other kind.
        let refused = operator.patch(&format!("/v1/admin/carriers/{carrier}"), &json!({"settings": {"binds": 2}}));
        refused.refused(422, "invalid_request");
        app.audited();
    }

    fn a_private_address_is_not_called_without_leave(stage) {
        set(&mut stage);
        stage.set("CARILLON_WORKER__PRIVATE_CARRIERS", false);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let provider = Provider::start(|_, _| {});
        let by_name = provider.url.replace("127.0.0.1", "localhost");
        let (carrier, _) = carrier(&app, &operator, &merged(settings(&by_name), json!({"concurrency": 1})));
        let id = send(&app, "70", "Stay here");
        let error = until("it is told why", || {
            operator.read(&format!("/v1/admin/carriers/{carrier}/health"))["binds"][0]["last_error"].as_str().map(str::to_owned)
        });
        assert!(error.contains("private"), "{error}");
        assert_ne!(app.message(&id)["status"], "sent");
        assert!(provider.asked(&number("70")).is_empty());
    }
}
