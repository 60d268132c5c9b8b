//! API tokens.

use domain::accounts::Status;
use serde_json::json;

use crate::test_app::start;

#[actix_web::test]
async fn a_secret_is_shown_once_and_works() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let body = json!({"description": "shop", "scopes": ["account:read"], "networks": ["127.0.0.0/8"]});
    let ask = || t.ask("POST", "/v1/api-tokens", &token).header("idempotency-key", "k").json(&body).send();
    let made = ask().await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("crl_test_"));
    let id = made.json()["token"]["id"].as_str().unwrap().to_owned();
    assert!(secret.ends_with(made.json()["token"]["hint"].as_str().unwrap()));
    let again = ask().await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!((&again.json()["token"], &again.json()["secret"]), (&made.json()["token"], &json!(null)));
    assert_eq!(t.ask("GET", "/v1/account", &secret).send().await.status, 200);
    let got = t.ask("GET", &format!("/v1/api-tokens/{id}"), &token).send().await;
    assert!(!String::from_utf8_lossy(&got.body).contains(&secret));
    assert_eq!(got.json()["last_used_at"], t.clock.now().to_string());
    let rows: Vec<String> =
        domain::db::Sql::column(t.app.db.read(), "SELECT body FROM idempotency_keys", vec![]).await.unwrap();
    assert!(rows.iter().all(|body| !body.contains(&secret)));
    t.stop().await;
}

#[actix_web::test]
async fn a_token_never_grants_more_than_it_has() {
    let t = start().await;
    let account = t.account(Status::Active).await;
    let strong = t.token(&account, &["*"]).await;
    let weak = t.token(&account, &["tokens:read", "tokens:write"]).await;
    let list = t.ask("GET", "/v1/api-tokens", &weak).send().await.json();
    let strong_id =
        list["data"].as_array().unwrap().iter().find(|r| r["scopes"] == json!(["*"])).unwrap()["id"].clone();
    let weak_id = list["data"].as_array().unwrap().iter().find(|r| r["scopes"] != json!(["*"])).unwrap()["id"].clone();
    let (strong_path, weak_path) = (
        format!("/v1/api-tokens/{}", strong_id.as_str().unwrap()),
        format!("/v1/api-tokens/{}", weak_id.as_str().unwrap()),
    );
    let missing = (403, "scope_missing".to_owned());
    for scopes in [json!(["*"]), json!(["campaigns:write"])] {
        let new = json!({"description": "x", "scopes": scopes});
        assert_eq!(t.ask("POST", "/v1/api-tokens", &weak).json(&new).send().await.problem(), missing);
        let patch = json!({"scopes": scopes});
        assert_eq!(t.ask("PATCH", &weak_path, &weak).json(&patch).send().await.problem(), missing);
    }
    // Rotation hands out a secret with the token's scopes.
    let rotate = format!("{strong_path}/rotate");
    assert_eq!(t.ask("POST", &rotate, &weak).json(&json!({})).send().await.problem(), missing);
    assert_eq!(t.ask("POST", &rotate, &strong).json(&json!({})).send().await.status, 200);
    t.stop().await;
}

#[actix_web::test]
async fn rotation_leaves_a_time_of_grace() {
    let t = start().await;
    let (account, owner) = t.owner().await;
    let old = t.token(&account, &["account:read"]).await;
    let list = t.ask("GET", "/v1/api-tokens", &owner).send().await.json();
    let id =
        list["data"].as_array().unwrap().iter().find(|r| r["scopes"] == json!(["account:read"])).unwrap()["id"].clone();
    let path = format!("/v1/api-tokens/{}/rotate", id.as_str().unwrap());
    let seen = t.ask("POST", &path, &owner).json(&json!({"grace_seconds": 86401})).send().await;
    assert_eq!(seen.json()["errors"][0]["pointer"], "/grace_seconds");
    let rotated = t.ask("POST", &path, &owner).json(&json!({"grace_seconds": 60})).send().await;
    assert_eq!((rotated.status.as_u16(), &rotated.json()["token"]["id"]), (200, &id));
    let new = rotated.json()["secret"].as_str().unwrap().to_owned();
    let works = |secret: String| {
        let ask = t.ask("GET", "/v1/account", &secret);
        async move { ask.send().await.status == 200 }
    };
    assert!(works(old.clone()).await && works(new.clone()).await);
    t.pass(60);
    assert!(!works(old).await && works(new.clone()).await);
    let rotated = t.ask("POST", &path, &owner).json(&json!({})).send().await;
    assert!(!works(new).await);
    let last = rotated.json()["secret"].as_str().unwrap().to_owned();
    let revoke = path.trim_end_matches("/rotate");
    assert_eq!(t.ask("DELETE", revoke, &owner).send().await.status, 204);
    assert_eq!(t.ask("DELETE", revoke, &owner).send().await.status, 204);
    assert!(!works(last).await);
    let seen = t.ask("POST", &path, &owner).json(&json!({})).send().await;
    assert_eq!(seen.problem(), (409, "conflict".to_owned()));
    t.stop().await;
}

#[actix_web::test]
async fn every_fault_is_told_at_once() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let body = json!({
        "description": "", "scopes": ["fly", "account:read", "account:read"], "networks": ["10.0.0.0/33"],
        "requests_per_minute": 0, "expires_at": "2020-01-01T00:00:00Z"
    });
    let seen = t.ask("POST", "/v1/api-tokens", &token).json(&body).send().await;
    let pointers: Vec<_> = seen.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    let expected = ["/description", "/scopes/0", "/scopes/2", "/networks/0", "/requests_per_minute", "/expires_at"];
    assert_eq!(pointers, expected);
    t.stop().await;
}
