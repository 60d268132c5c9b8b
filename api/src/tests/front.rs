//! The front door: who gets in, what is known, and that every refusal is a problem.

use actix_web::http::Method;
use domain::accounts::Status;
use serde_json::json;

use crate::{shared::operations::Security, test_app::start};

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[actix_web::test]
async fn every_operation_refuses_strangers_and_wrong_scopes() {
    let t = start().await;
    let (account, _) = t.owner().await;
    // A scope that exists, but that no operation asks for on its own.
    let powerless = t.token(&account, &["events:read"]).await;
    let weak_operator = t.operator_token(&["messages:read"]).await;
    // The call-backs of carriers and the files of exports have a signed address instead.
    let signed = |id: &str| ["carrier_callbacks.receive", "exports.download"].contains(&id);
    let operations: Vec<_> = t.app.operations.all().filter(|o| !signed(&o.id)).cloned().collect();
    assert!(operations.len() > 10);
    for o in operations {
        let Security { operator, scope } = o.security.clone().unwrap_or_else(|| panic!("{} is open to everyone", o.id));
        assert_eq!(operator, o.path.starts_with("/v1/admin/"), "{}", o.id);
        let parts: Vec<&str> = o.path.split('/').map(|s| if s.starts_with('{') { "x" } else { s }).collect();
        let path = parts.join("/");
        let stranger = t.ask(o.method.as_str(), &path, "").send().await;
        assert_eq!(stranger.problem(), problem(401, "unauthorized"), "{}", o.id);
        assert_eq!(stranger.header("www-authenticate"), "Bearer realm=\"carillon\"", "{}", o.id);
        let wrong = t.ask(o.method.as_str(), &path, "crl_test_abcdefghijklmnopqrstuvwxyz").send().await;
        assert_eq!(wrong.problem(), problem(401, "unauthorized"), "{}", o.id);
        let other = if operator { &powerless } else { &weak_operator };
        let seen = t.ask(o.method.as_str(), &path, other).send().await;
        assert_eq!(seen.problem(), problem(403, "wrong_token"), "{}", o.id);
        let (token, has) = if operator { (&weak_operator, "messages:read") } else { (&powerless, "events:read") };
        if scope != has {
            let weak = t.ask(o.method.as_str(), &path, token).send().await;
            assert_eq!(weak.problem(), problem(403, "scope_missing"), "{}", o.id);
            assert!(weak.json()["detail"].as_str().unwrap().contains(&scope), "{}", o.id);
        }
    }
    t.stop().await;
}

#[actix_web::test]
async fn what_does_not_exist_is_told_apart() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let (_, other) = t.owner().await;
    let made = t.ask("POST", "/v1/templates", &token).json(&json!({"name": "a", "body": "b"})).send().await;
    let path = format!("/v1/templates/{}", made.json()["id"].as_str().unwrap());
    for (method, path, token) in [
        ("GET", "/v1/nonsense", &token),
        ("GET", "/nonsense", &token),
        ("GET", "/v1/templates/nonsense", &token),
        ("GET", "/v1/templates/tpl_01kazsw6e3f8e9xq2m4r7t5v0b", &token),
        ("GET", "/v1/templates/cmp_01kazsw6e3f8e9xq2m4r7t5v0b", &token),
        ("GET", path.as_str(), &other),
        ("DELETE", path.as_str(), &other),
    ] {
        let seen = t.ask(method, path, token).send().await;
        assert_eq!(seen.problem(), problem(404, "not_found"), "{method} {path}");
        assert_eq!(seen.json()["instance"], path);
        assert_eq!(seen.json()["type"], "/problems/not_found");
    }
    let theirs = t.ask("PATCH", &path, &other).json(&json!({"name": "x"})).send().await;
    assert_eq!(theirs.problem(), problem(404, "not_found"));
    t.stop().await;
}

#[actix_web::test]
async fn other_methods_are_405_and_options_and_head_work() {
    let t = start().await;
    let (_, token) = t.owner().await;
    for method in ["PUT", "PATCH", "DELETE"] {
        let seen = t.ask(method, "/v1/templates", &token).send().await;
        assert_eq!(seen.problem(), problem(405, "method_not_allowed"), "{method}");
        assert_eq!(seen.header("allow"), "GET, POST, HEAD, OPTIONS");
    }
    assert_eq!(t.ask("POST", "/healthz", "").send().await.problem(), problem(405, "method_not_allowed"));
    let options = t.ask("OPTIONS", "/v1/templates", "").send().await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, POST, HEAD, OPTIONS"));
    assert_eq!(t.ask("HEAD", "/v1/templates", &token).send().await.status, 200);
    assert_eq!(t.ask("HEAD", "/v1/templates", "").send().await.status, 401);
    t.stop().await;
}

#[actix_web::test]
async fn a_body_must_be_json_of_the_documented_shape() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let post = |kind: &'static str, body: String| t.ask("POST", "/v1/templates", &token).body(kind, body);
    let seen = post("text/plain", "{}".into()).send().await;
    assert_eq!(seen.problem(), problem(415, "unsupported_media_type"));
    let seen = post("application/json", "{".into()).send().await;
    assert_eq!(seen.problem(), problem(400, "malformed_json"));
    let seen = post("application/json", " ".repeat(crate::shared::json::MAX_JSON + 1)).send().await;
    assert_eq!(seen.problem(), problem(413, "body_too_large"));
    let seen =
        post("application/json; charset=utf-8", r#"{"name": "a", "body": "b", "colour": 1}"#.into()).send().await;
    assert_eq!(seen.problem(), problem(422, "invalid_request"));
    assert_eq!(seen.json()["errors"][0]["pointer"], "/colour");
    let seen = post("application/json", r#"{"name": " ", "body": ""}"#.into()).send().await;
    let pointers: Vec<_> = seen.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/name", "/body"]);
    let seen = t.ask("PATCH", "/v1/templates/tpl_01kazsw6e3f8e9xq2m4r7t5v0b", &token).json(&json!({"name": null}));
    assert_eq!(seen.send().await.json()["errors"][0]["pointer"], "/name");
    t.stop().await;
}

#[actix_web::test]
async fn a_query_must_be_known() {
    let t = start().await;
    let (_, token) = t.owner().await;
    for (query, code) in [
        ("color=1", "unknown_parameter"),
        ("limit=0", "invalid_parameter"),
        ("limit=201", "invalid_parameter"),
        ("limit=x", "invalid_parameter"),
        ("limit=1&limit=2", "invalid_parameter"),
        ("after=%00", "invalid_parameter"),
        ("after=nonsense", "invalid_cursor"),
        ("after=cmp_01kazsw6e3f8e9xq2m4r7t5v0b", "invalid_cursor"),
    ] {
        let seen = t.ask("GET", &format!("/v1/templates?{query}"), &token).send().await;
        assert_eq!(seen.problem(), problem(400, code), "{query}");
    }
    t.stop().await;
}

#[actix_web::test]
async fn tokens_end_and_stay_in_their_networks() {
    let t = start().await;
    let account = t.account(Status::Active).await;
    let end = t.clock.now().plus(std::time::Duration::from_secs(10));
    let brief = t.token_with(&account, &["*"], |new| new.expires_at = Some(end)).await;
    assert_eq!(t.ask("GET", "/v1/account", &brief).send().await.status, 200);
    t.pass(10);
    assert_eq!(t.ask("GET", "/v1/account", &brief).send().await.problem(), problem(401, "unauthorized"));
    let bound = t.token_with(&account, &["*"], |new| new.networks = vec!["192.0.2.0/24".to_owned()]).await;
    let seen = t.ask("GET", "/v1/account", &bound).header("x-forwarded-for", "192.0.2.1").send().await;
    assert_eq!(seen.problem(), problem(403, "address_not_allowed"));
    t.stop().await;
}

#[actix_web::test]
async fn a_suspended_account_reads_and_a_closed_one_does_nothing() {
    let t = start().await;
    let suspended = t.account(Status::Suspended).await;
    let token = t.token(&suspended, &["*"]).await;
    assert_eq!(t.ask("GET", "/v1/account", &token).send().await.json()["status"], "suspended");
    let seen = t.ask("POST", "/v1/templates", &token).json(&json!({"name": "a", "body": "b"})).send().await;
    assert_eq!(seen.problem(), problem(403, "account_suspended"));
    let closed = t.account(Status::Closed).await;
    let token = t.token(&closed, &["*"]).await;
    assert_eq!(t.ask("GET", "/v1/account", &token).send().await.problem(), problem(403, "account_suspended"));
    t.stop().await;
}

#[actix_web::test]
async fn the_rate_limit_counts_a_minute() {
    let t = start().await;
    let account = t.account(Status::Active).await;
    let token = t.token_with(&account, &["*"], |new| new.requests_per_minute = Some(45)).await;
    for left in (0..45).rev() {
        let seen = t.ask("GET", "/v1/account", &token).send().await;
        assert_eq!(seen.status, 200, "{left} left");
        assert_eq!(seen.header("ratelimit-policy"), "\"default\";q=45;w=60");
        assert!(seen.header("ratelimit").starts_with(&format!("\"default\";r={left};t=")), "{left}");
    }
    let seen = t.ask("GET", "/v1/account", &token).send().await;
    assert_eq!(seen.problem(), problem(429, "quota_exceeded"));
    assert_eq!(seen.json()["retryable"], true);
    let wait: u64 = seen.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait));
    t.pass(wait);
    assert_eq!(t.ask("GET", "/v1/account", &token).send().await.status, 200);
    t.stop().await;
}

#[actix_web::test]
async fn the_rate_limit_holds_across_processes() {
    let t = start().await;
    let account = t.account(Status::Active).await;
    let token = t.token_with(&account, &["*"], |new| new.requests_per_minute = Some(60)).await;
    t.ask("GET", "/v1/account", &token).send().await;
    // What another process would do: lease until the database has no more.
    let scope = t.scope(&account);
    let window = domain::db::Window { limit: 1, after: None };
    let (rows, _) = domain::tokens::list(t.app.db.read(), &scope, window).await.unwrap();
    let now = t.clock.now();
    let minute = domain::clock::Timestamp(now.0 - now.0.rem_euclid(60_000_000));
    let mut elsewhere = 0;
    loop {
        let tx = t.app.db.begin().await.unwrap();
        let got = domain::tokens::lease(&tx, rows[0].id.0, minute, 60).await.unwrap();
        tx.commit().await.unwrap();
        if got == 0 {
            break;
        }
        elsewhere += got;
    }
    let mut here = 1;
    while t.ask("GET", "/v1/account", &token).send().await.status == 200 {
        here += 1;
    }
    assert_eq!(here + elsewhere, 60);
    t.stop().await;
}

#[actix_web::test]
async fn request_ids_are_kept_when_sane() {
    let t = start().await;
    let seen = t.ask("GET", "/healthz", "").header("request-id", "my-request-0001").send().await;
    assert_eq!(seen.header("request-id"), "my-request-0001");
    for odd in ["x", "has space in it", "<script>alert(1)</script>"] {
        let seen = t.ask("GET", "/healthz", "").header("request-id", odd).send().await;
        assert!(seen.header("request-id").starts_with("req_"), "{odd}");
    }
    t.stop().await;
}

#[actix_web::test]
async fn pages_are_served() {
    let t = start().await;
    for (path, holds) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/openapi.json", "\"3.1.0\""),
        ("/docs/", "swagger"),
        ("/reference", "templates.create"),
        ("/problems", "insufficient_funds"),
        ("/problems/no_rate", "HTTP 422"),
        ("/metrics", "carillon_process_resident_bytes"),
    ] {
        let seen = t.ask("GET", path, "").send().await;
        assert_eq!(seen.status, 200, "{path}");
        let text = String::from_utf8_lossy(&seen.body).into_owned();
        assert!(text.contains(holds), "{path}: {text:.200}");
        assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "{path} asks another host");
    }
    assert_eq!(t.ask("GET", "/", "").send().await.header("location"), "/docs/");
    let seen = t.ask("GET", "/problems/no_rate", "").header("accept", "application/json").send().await;
    assert_eq!(seen.json()["status"], 422);
    assert_eq!(t.ask("GET", "/problems/nonsense", "").send().await.status, 404);
    let numbers = t.ask("GET", "/metrics", "").send().await;
    assert!(String::from_utf8_lossy(&numbers.body).contains("carillon_http_requests_total"));
    t.stop().await;
}

#[actix_web::test]
async fn written_out_paths_win_over_parameters() {
    let t = start().await;
    use crate::shared::operations::Found;
    let Found::Operation(o) = t.app.operations.find(&Method::POST, "/v1/api-tokens/x/rotate") else { panic!() };
    let security = Security { operator: false, scope: "tokens:write".to_owned() };
    assert_eq!((o.id.as_str(), o.security.as_ref()), ("api_tokens.rotate", Some(&security)));
    assert_eq!(t.app.operations.find(&Method::GET, "/v1/api-tokens//rotate"), Found::Nothing);
    t.stop().await;
}
