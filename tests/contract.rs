//! The contract: the committed document, every refusal as a problem, lists, conditions, limits.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{bare, until};

#[test]
fn the_committed_document_is_the_programs() {
    let output = bare().arg("openapi").output().unwrap();
    assert!(output.status.success());
    let committed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json")).unwrap_or_default();
    assert!(
        output.stdout == committed,
        "openapi/openapi.json is not what this program says. When the change is meant:\n\n    \
         cargo run -- openapi > openapi/openapi.json\n\nand commit it."
    );
}

#[test]
fn the_document_is_sound() {
    let output = bare().arg("openapi").output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = BTreeSet::new();
    let mut refs = BTreeSet::new();
    fn find_refs(value: &Value, refs: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(at) = map.get("$ref").and_then(Value::as_str) {
                    refs.insert(at.to_owned());
                }
                map.values().for_each(|v| find_refs(v, refs));
            }
            Value::Array(list) => list.iter().for_each(|v| find_refs(v, refs)),
            _ => {}
        }
    }
    find_refs(&document, &mut refs);
    for at in refs {
        assert!(document.pointer(at.trim_start_matches('#')).is_some(), "{at} points nowhere");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            for field in ["summary", "description"] {
                assert!(operation[field].as_str().is_some_and(|t| !t.is_empty()), "{id} has no {field}");
            }
            let scheme = if path.starts_with("/v1/admin/") { "operator" } else { "bearer" };
            let open = ["carrier_callbacks.receive", "exports.download"].contains(&id); // their address is signed
            assert_eq!(operation["security"][0][scheme][0].is_string(), !open, "{id} names no scope");
        }
    }
}

both! {
    fn every_refusal_is_a_problem_with_a_code_and_the_request_id(stage) {
        let app = stage.start();
        let nobody = app.with_token("");
        nobody.get("/v1/balance").refused(401, "unauthorized");
        app.get("/v1/nothing").refused(404, "not_found");
        app.get("/nothing").refused(404, "not_found");
        app.get("/v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b").refused(404, "not_found");
        app.get("/v1/campaigns/msg_01kazsw6e3f8e9xq2m4r7t5v0b").refused(404, "not_found");
        app.get("/v1/campaigns/7").refused(404, "not_found");
        for (method, path) in [("PUT", "/v1/balance"), ("DELETE", "/v1/messages"), ("POST", "/healthz"), ("PATCH", "/v1/events")] {
            let answer = app.ask(method, path).body("application/json", Vec::new());
            let answer = answer.go();
            answer.refused(405, "method_not_allowed");
            assert!(answer.header("allow").contains("GET"), "{method} {path}");
        }
        app.get("/v1/balance?colour=red").refused(400, "unknown_parameter");
        app.get("/v1/messages?limit=0").refused(400, "unknown_parameter");
        app.get("/v1/messages?status=sideways").refused(400, "unknown_parameter");
        app.get("/v1/messages?after=nonsense").refused(400, "invalid_cursor");
        let template = |kind: &str, body: &[u8]| app.ask("POST", "/v1/templates").body(kind, body.to_vec()).go();
        template("text/plain", b"{}").refused(415, "unsupported_media_type");
        template("application/json", b"{\"name\"").refused(400, "malformed_json");
        template("application/json", b"").refused(400, "malformed_json");
        template("application/json", b"\xff\xfe").refused(400, "malformed_json");
        template("application/json", b"[1]").refused(422, "invalid_request");
        let big = format!("{{\"name\": \"{}\"}}", "x".repeat(9 << 20));
        template("application/json", big.as_bytes()).refused(413, "body_too_large");
        let made = app.post("/v1/templates", &json!({"name": "One", "body": "Body"})).ok(201);
        app.post("/v1/templates", &json!({"name": "One", "body": "Body"})).refused(409, "already_exists");
        let path = format!("/v1/templates/{}", made["id"].as_str().unwrap());
        let stale = app.ask("PATCH", &path).header("if-match", "\"7.0000000000000000\"").json(&json!({"name": "Two"})).go();
        stale.refused(412, "version_mismatch");
        app.ask("DELETE", &path).header("if-match", "\"7.0000000000000000\"").go().refused(412, "version_mismatch");
        let etag = app.get(&path).header("etag").to_owned();
        let known = app.ask("GET", &path).header("if-none-match", &etag).go();
        assert_eq!((known.status, known.body.len()), (304, 0));
        let mine = app.ask("GET", "/v1/balance").header("request-id", "not yours to choose\u{7f}").attempt();
        assert!(mine.is_err() || mine.unwrap().status < 500);
    }

    fn every_code_has_a_page(stage) {
        let app = stage.start();
        let nobody = app.with_token("");
        let list = String::from_utf8(nobody.get("/problems").body).unwrap();
        for code in domain::Code::ALL {
            assert!(list.contains(code.as_str()), "{code}");
            assert_eq!(nobody.get(&format!("/problems/{code}")).status, 200, "{code}");
        }
        assert_eq!(nobody.get("/problems/unheard_of").status, 404);
        assert_eq!(nobody.get("/docs/").status, 200);
    }

    fn a_token_with_a_limit_is_told_to_wait(stage) {
        let app = stage.start();
        let made = app.post("/v1/api-tokens", &json!({"description": "slow", "scopes": ["*"], "requests_per_minute": 3})).ok(201);
        let slow = app.with_token(made["secret"].as_str().unwrap());
        // A new minute may begin once in between.
        let refused = until("the limit is reached", || Some(slow.get("/v1/account")).filter(|a| a.status != 200));
        let problem = refused.refused(429, "quota_exceeded");
        assert_eq!(problem["retryable"], true);
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(!refused.header("ratelimit").is_empty() && !refused.header("ratelimit-policy").is_empty());
        app.get("/v1/account").ok(200);
    }

    fn lists_page_without_gaps_or_repeats(stage) {
        let app = stage.start();
        app.group("Many", &crate::harness::numbers(0, 450));
        let mut seen = BTreeSet::new();
        let mut after = String::new();
        let mut pages = 0;
        loop {
            let page = app.read(&format!("/v1/contacts?limit=100{after}"));
            for contact in page["data"].as_array().unwrap() {
                assert!(seen.insert(contact["phone"].as_str().unwrap().to_owned()), "{contact} came twice");
            }
            pages += 1;
            // One that comes meanwhile is not put where we have been.
            app.post("/v1/contacts", &json!({"phone": format!("+44750010000{pages}")})).ok(201);
            if page["has_more"] == false {
                break;
            }
            after = format!("&after={}", page["next_cursor"].as_str().unwrap());
        }
        assert!(seen.len() >= 450 && pages >= 5, "{} in {pages}", seen.len());
    }

    fn merge_patch_changes_what_is_sent_and_null_clears(stage) {
        let app = stage.start();
        let made = app.post("/v1/contacts", &json!({"phone": "+447400100001", "first_name": "Ann", "last_name": "Lee", "metadata": {"a": "1"}})).ok(201);
        let path = format!("/v1/contacts/{}", made["id"].as_str().unwrap());
        let changed = app.patch(&path, &json!({"first_name": null, "company": "Acme"})).ok(200);
        assert_eq!(["first_name", "last_name", "company"].map(|k| changed[k].clone()), [Value::Null, json!("Lee"), json!("Acme")]);
        app.patch(&path, &json!({"shoe_size": 42})).refused(422, "invalid_request");
        assert_eq!(app.read(&path), changed);
    }
}
