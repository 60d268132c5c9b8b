//! What the operator does over HTTP: carriers and routes.

use domain::db::Sql;
use serde_json::{Value, json};

use crate::test_app::start;

fn pointers(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_carrier_is_made_changed_and_deleted() {
    let t = start().await;
    let token = t.operator_token(&["*"]).await;
    let body = json!({
        "name": "acme", "settings": {"address": "smpp.example.com:2775", "system_id": "me", "password": "opensesa", "binds": 4}
    });
    let post = || t.ask("POST", "/v1/admin/carriers", &token).header("idempotency-key", "one").json(&body).send();
    let made = post().await;
    assert_eq!(made.status, 201, "{made:?}");
    let carrier = made.json();
    assert_eq!(carrier["settings"]["has_password"], true);
    assert_eq!((&carrier["settings"]["binds"], &carrier["settings"]["window"]), (&json!(4), &json!(500)));
    assert_eq!(post().await.json(), carrier, "the same key makes it once");
    let twice = t.ask("POST", "/v1/admin/carriers", &token).json(&body).send().await;
    assert_eq!(twice.problem(), (409, "already_exists".to_owned()));
    let path = format!("/v1/admin/carriers/{}", carrier["id"].as_str().unwrap());
    let got = t.ask("GET", &path, &token).send().await;
    assert_eq!(got.json(), carrier);
    let etag = got.header("etag").to_owned();
    let known = t.ask("GET", &path, &token).header("if-none-match", &etag).send().await;
    assert_eq!(known.status, 304);

    let patch = |body: Value| t.ask("PATCH", &path, &token).header("if-match", &etag).json(&body);
    let changed = patch(json!({"enabled": false, "settings": {"binds": null, "window": 100}})).send().await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let seen = changed.json();
    let settings = &seen["settings"];
    assert_eq!((&seen["enabled"], &settings["binds"], &settings["window"]), (&json!(false), &json!(2), &json!(100)));
    assert_eq!(settings["has_password"], true, "what is not sent stays");
    assert_eq!(patch(json!({"enabled": true})).send().await.problem(), (412, "version_mismatch".to_owned()));
    let list = t.ask("GET", "/v1/admin/carriers", &token).send().await.json();
    assert_eq!(list["data"], json!([seen]));

    let stored: Vec<String> = t.app.db.read().column("SELECT body FROM idempotency_keys", vec![]).await.unwrap();
    let rows = "SELECT CAST(config AS TEXT) || password_sealed FROM carriers";
    let sealed: Vec<String> = t.app.db.read().column(rows, vec![]).await.unwrap();
    assert_eq!((stored.len(), sealed.len()), (1, 1));
    for text in [stored.concat(), sealed.concat(), carrier.to_string(), seen.to_string(), list.to_string()] {
        assert!(!text.contains("opensesa"), "{text}");
    }
    assert_eq!(t.ask("DELETE", &path, &token).send().await.status, 204);
    assert_eq!(t.ask("GET", &path, &token).send().await.problem(), (404, "not_found".to_owned()));
    t.stop().await;
}

#[actix_web::test]
async fn settings_that_cannot_work_are_refused_with_every_fault() {
    let t = start().await;
    let token = t.operator_token(&["carriers:write", "carriers:read"]).await;
    let ask = |body: &Value| t.ask("POST", "/v1/admin/carriers", &token).json(body).send();
    let body = json!({"name": "", "settings": {"address": "nowhere", "binds": 0, "window": 20000, "password": "far too long", "service_type": "toolong"}});
    let refused = ask(&body).await;
    assert_eq!(refused.problem(), (422, "invalid_request".to_owned()));
    let expected = [
        "/name",
        "/settings/address",
        "/settings/system_id",
        "/settings/password",
        "/settings/service_type",
        "/settings/binds",
        "/settings/window",
    ];
    assert_eq!(pointers(&refused.json()), expected);
    assert!(!refused.json().to_string().contains("far too long"));
    for (settings, pointer) in [
        (json!({"colour": "red"}), "/settings/colour"),
        (json!({"binds": -1}), "/settings/binds"),
        (json!({"receipt_ids": "roman"}), "/settings/receipt_ids"),
        (json!({"address": null}), "/settings/address"),
    ] {
        let refused = ask(&json!({"name": "x", "settings": settings})).await;
        assert_eq!(pointers(&refused.json()), [pointer], "{refused:?}");
    }
    assert_eq!(t.ask("GET", "/v1/admin/carriers", &token).send().await.json()["data"], json!([]));
    t.stop().await;
}

#[actix_web::test]
async fn a_carrier_without_a_worker_is_of_unknown_health() {
    let t = start().await;
    let token = t.operator_token(&["*"]).await;
    let body = json!({"name": "acme", "settings": {"address": "smpp.example.com:2775", "system_id": "me"}});
    let made = t.ask("POST", "/v1/admin/carriers", &token).json(&body).send().await.json();
    let path = format!("/v1/admin/carriers/{}/health", made["id"].as_str().unwrap());
    let health = t.ask("GET", &path, &token).send().await.json();
    assert_eq!((&health["state"], &health["connected"]), (&json!("unknown"), &json!(0)));
    let binds = health["binds"].as_array().unwrap();
    assert_eq!(binds.iter().map(|b| b["state"].as_str().unwrap()).collect::<Vec<_>>(), ["unassigned", "unassigned"]);
    t.stop().await;
}

#[actix_web::test]
async fn a_route_is_made_changed_and_deleted() {
    let t = start().await;
    let token = t.operator_token(&["*"]).await;
    let body = json!({"name": "acme", "settings": {"address": "smpp.example.com:2775", "system_id": "me"}});
    let carrier = t.ask("POST", "/v1/admin/carriers", &token).json(&body).send().await.json()["id"].clone();
    let body = json!({"name": "Britain", "carrier_id": carrier, "country": "GB", "cost": {"amount": "0.021", "currency": "EUR"}});
    let made = t.ask("POST", "/v1/admin/routes", &token).json(&body).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    let route = made.json();
    assert_eq!((&route["priority"], &route["weight"], &route["enabled"]), (&json!(100), &json!(100), &json!(true)));
    assert_eq!(route["cost"], json!({"amount": "0.021000", "currency": "EUR"}));
    let path = format!("/v1/admin/routes/{}", route["id"].as_str().unwrap());
    let patch = |body: Value| t.ask("PATCH", &path, &token).header("if-match", made.header("etag")).json(&body);
    let changed = patch(json!({"country": null, "cost": null, "canary_basis_points": 500})).send().await.json();
    let seen = [&changed["country"], &changed["cost"], &changed["canary_basis_points"], &changed["name"]];
    assert_eq!(seen, [&Value::Null, &Value::Null, &json!(500), &json!("Britain")]);
    assert_eq!(patch(json!({"weight": 1})).send().await.problem(), (412, "version_mismatch".to_owned()));
    let bad = json!({"name": "", "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "country": "XX", "weight": -1});
    let refused = t.ask("POST", "/v1/admin/routes", &token).json(&bad).send().await;
    assert_eq!(pointers(&refused.json()), ["/name", "/carrier_id", "/country", "/weight"]);
    let listed = async |query: &str| {
        t.ask("GET", &format!("/v1/admin/routes{query}"), &token).send().await.json()["data"].as_array().unwrap().len()
    };
    assert_eq!(listed("").await, 1);
    assert_eq!(listed(&format!("?carrier_id={}", carrier.as_str().unwrap())).await, 1);
    assert_eq!(listed("?carrier_id=car_01kazsw6e3f8e9xq2m4r7t5v0b").await, 0);
    assert_eq!(listed("?account_id=acc_01kazsw6e3f8e9xq2m4r7t5v0b").await, 0);
    let carrier_path = format!("/v1/admin/carriers/{}", carrier.as_str().unwrap());
    assert_eq!(t.ask("DELETE", &carrier_path, &token).send().await.problem(), (409, "conflict".to_owned()));
    assert_eq!(t.ask("DELETE", &path, &token).send().await.status, 204);
    assert_eq!(t.ask("DELETE", &carrier_path, &token).send().await.status, 204);
    t.stop().await;
}
