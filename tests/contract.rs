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
        app.get("/v1/messages?limit=0").refused(400, "invalid_parameter");
        app.get("/v1/messages?status=sideways").refused(400, "invalid_parameter");
        app.get("/v1/messages?after=nonsense").refused(400, "invalid_cursor");
        for (path, name, detail) in [
            ("/v1/contacts?limit=0", "limit", "must be from 1 to 200"),
            ("/v1/contacts?limit=many", "limit", "must be a whole number"),
            ("/v1/messages?limit=201", "limit", "must be from 1 to 200"),
            ("/v1/messages?created_from=yesterday", "created_from", "RFC 3339"),
            ("/v1/messages?campaign_id=7", "campaign_id", "is not the id of a campaign"),
            ("/v1/messages?country=UK", "country", "the United Kingdom is GB"),
            ("/v1/contacts?country=uk", "country", "the United Kingdom is GB"),
            ("/v1/contacts?country=Britain", "country", "ISO 3166"),
            ("/v1/rates?country=UK", "country", "the United Kingdom is GB"),
            ("/v1/contacts?consent=maybe", "consent", "unknown, given, refused"),
            ("/v1/contacts?phone=12", "phone", "cannot be read"),
            ("/v1/contacts?search=a", "search", "3 to 200"),
            ("/v1/groups?hidden=perhaps", "hidden", "must be true or false"),
            ("/v1/unsubscribes?source=hearsay", "source", "import"),
            ("/v1/inbound-messages?from=12", "from", "cannot be read"),
            ("/v1/balance/entries?kind=gift", "kind", "top_up"),
            ("/v1/contacts?operator=a%00", "operator", "U+0000"),
        ] {
            let problem = app.get(path).refused(400, "invalid_parameter");
            assert_eq!(problem["errors"][0]["pointer"], format!("/{name}"), "{problem}");
            for told in [&problem["errors"][0]["detail"], &problem["detail"]] {
                assert!(told.as_str().unwrap().contains(detail), "{path}: {problem}");
            }
            assert!(problem["detail"].as_str().unwrap().starts_with(name), "{problem}");
        }
        let two = app.get("/v1/contacts?limit=x&consent=maybe").refused(400, "invalid_parameter");
        assert_eq!(two["errors"].as_array().unwrap().len(), 2, "{two}");
        app.get("/v1/rates?country=gb").ok(200);
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

    fn a_body_of_another_shape_names_its_field(stage) {
        let app = stage.start();
        let contact = app.post("/v1/contacts", &json!({"phone": "+447400100001"})).ok(201)["id"].as_str().unwrap().to_owned();
        let group = app.post("/v1/groups", &json!({"name": "G"})).ok(201)["id"].as_str().unwrap().to_owned();
        let mine = format!("/v1/contacts/{contact}");
        let (members, blacklist) = (format!("/v1/groups/{group}/contacts"), format!("/v1/groups/{group}/blacklist"));
        let phone = "+447400100002";
        let deep = |levels| (0..levels).fold(json!({"field": "sex", "exists": true}), |inner, _| json!({"not": inner}));
        let cases = [
            ("POST", "/v1/contacts", json!({"phone": phone, "consent": ["given", null, "web"]}), "/consent", "an object, not a list"),
            ("POST", "/v1/contacts", json!({"phone": phone, "consent": "given"}), "/consent", "an object, not \"given\""),
            ("POST", "/v1/contacts", json!({"phone": phone, "consent": {"status": 1}}), "/consent/status", "a string, not 1"),
            ("POST", "/v1/contacts", json!({"phone": phone, "consent": {"status": "unknown", "source": "web"}}), "/consent/source", "no statement"),
            ("POST", "/v1/contacts", json!({"phone": phone, "fields": ["a"]}), "/fields", "an object"),
            ("POST", "/v1/contacts", json!({"phone": 447400100002_i64}), "/phone", "a string"),
            ("POST", "/v1/contacts", json!({"phone": phone, "metadata": [["a", "b"]]}), "/metadata", "an object"),
            ("POST", "/v1/contacts", json!({"phone": phone, "metadata": {"a": {"b": 1}}}), "/metadata/a", "a string"),
            ("POST", "/v1/contacts", json!({"phone": phone, "group_ids": group}), "/group_ids", "a list"),
            ("POST", "/v1/contacts", json!({"phone": phone, "group_ids": [[group]]}), "/group_ids/0", "a string, not a list"),
            ("POST", "/v1/contacts", json!([phone]), "", "an object, not a list"),
            ("PATCH", &mine, json!({"consent": ["refused"]}), "/consent", "an object, not a list"),
            ("PATCH", &mine, json!({"consent": {"at": 5}}), "/consent/at", "a string"),
            ("PATCH", &mine, json!({"phone": null}), "/phone", "not null"),
            ("PUT", "/v1/contacts/by-external-id/x", json!({"consent": []}), "/consent", "an object"),
            ("POST", "/v1/contacts/search", json!({"filter": []}), "/filter", "an object, not a list"),
            ("POST", "/v1/contacts/search", json!({"filter": {"all": {"field": "sex"}}}), "/filter/all", "a list, not an object"),
            ("POST", "/v1/contacts/search", json!({"filter": {"all": [[]]}}), "/filter/all/0", "an object"),
            ("POST", "/v1/contacts/search", json!({"filter": {"field": "sex", "equals": ["male"]}}), "/filter/equals", "must be a string"),
            ("POST", "/v1/contacts/search", json!({"filter": {"field": "sex", "any_of": [{}]}}), "/filter/any_of/0", "must be a string"),
            ("POST", "/v1/contacts/search", json!({"filter": {"field": "birth_date", "within_next_days": -1}}), "/filter/within_next_days", "a whole number"),
            ("POST", "/v1/contacts/search", json!({"filter": {"not": [{}]}}), "/filter/not", "an object"),
            ("POST", "/v1/contacts/search", json!({"filter": deep(40)}), "/filter/not/not/not/not/not", "5 levels"),
            ("POST", "/v1/contacts/search", json!({"filter": deep(200)}), "/filter", "levels"),
            ("POST", &members, json!({"contact_ids": [1]}), "/contact_ids/0", "a string"),
            ("POST", "/v1/groups", json!({"name": "x", "hidden": "no"}), "/hidden", "true or false, not \"no\""),
            ("POST", "/v1/segments", json!({"name": "S", "filter": "sex"}), "/filter", "an object"),
            ("POST", "/v1/segments", json!({"name": {"a": 1}, "filter": {"field": "sex", "exists": true}}), "/name", "a string, not an object"),
            ("POST", "/v1/blacklist", json!({"phone": {"x": 1}}), "/phone", "a string"),
            ("POST", &blacklist, json!({"reason": []}), "/reason", "a string, not a list"),
            ("POST", "/v1/exports", json!({"kind": "contacts", "format": "csv", "filter": [1]}), "/filter", "an object"),
            ("POST", "/v1/exports", json!({"kind": "contacts", "format": "csv", "fields": "phone"}), "/fields", "a list"),
            ("POST", "/v1/exports", json!({"kind": "contacts", "format": "pdf"}), "/format", "xlsx, csv"),
            ("POST", "/v1/contact-jobs", json!({"select": [], "action": "trash"}), "/select", "an object"),
            ("POST", "/v1/contact-jobs", json!({"select": {"group": [group, true]}, "dry_run": true}), "/select/group", "an object"),
            ("POST", "/v1/contact-jobs", json!({"select": {"duplicates": ["email"]}, "dry_run": true}), "/select/duplicates", "an object"),
            ("POST", "/v1/contact-jobs", json!({"select": {"undelivered": {"last": 3.5}}, "dry_run": true}), "/select/undelivered/last", "a whole number"),
            ("POST", "/v1/campaigns", json!({"name": "x", "sender": "CARILLON", "text": "x", "audience": [[group]]}), "/audience", "an object"),
        ];
        for (method, path, body, pointer, detail) in cases {
            let problem = app.ask(method, path).json(&body).go().refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
            assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(detail), "{body}: {problem}");
        }
        for (name, value) in [("groups", "[1]"), ("group_ids", "{\"a\": 1}"), ("mapping", "[\"phone\"]"), ("default_country", "UK")] {
            let problem = app.upload("a.csv", b"phone\n+447400100003\n", &[(name, value)]).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], format!("/{name}"), "{problem}");
        }
        assert_eq!(app.pages("/v1/contacts").len(), 1);
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
