//! Templates, senders and the account.

use domain::{
    accounts::Status,
    senders::{self, Decision},
};
use serde_json::json;

use crate::test_app::start;

#[actix_web::test]
async fn a_template_lives_and_dies() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let made = t.ask("POST", "/v1/templates", &token).json(&json!({"name": "a", "body": "Hello"})).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/v1/templates/{}", made.json()["id"].as_str().unwrap());
    let got = t.ask("GET", &path, &token).send().await;
    assert_eq!((got.json(), got.header("etag")), (made.json(), made.header("etag")));
    let twin = t.ask("POST", "/v1/templates", &token).json(&json!({"name": "a", "body": "Other"})).send().await;
    assert_eq!(twin.problem(), (409, "already_exists".to_owned()));
    let changed = t.ask("PATCH", &path, &token).json(&json!({"body": "Bye"})).send().await;
    assert_eq!((&changed.json()["body"], &changed.json()["name"]), (&json!("Bye"), &json!("a")));
    assert_eq!(t.ask("DELETE", &path, &token).send().await.status, 204);
    assert_eq!(t.ask("GET", &path, &token).send().await.problem(), (404, "not_found".to_owned()));
    t.stop().await;
}

#[actix_web::test]
async fn pages_join_without_gap_or_overlap() {
    let t = start().await;
    let (_, token) = t.owner().await;
    for n in 0..5 {
        let body = json!({"name": format!("t{n}"), "body": "x"});
        assert_eq!(t.ask("POST", "/v1/templates", &token).json(&body).send().await.status, 201);
        t.pass(1);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/templates?limit=2".to_owned());
    loop {
        let page = t.ask("GET", &path, &token).send().await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap().to_owned()));
        assert_eq!(page["has_more"] == true, page["next_cursor"].is_string());
        let Some(after) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/templates?limit=2&after={after}");
    }
    assert_eq!(seen, ["t4", "t3", "t2", "t1", "t0"]);
    t.stop().await;
}

#[actix_web::test]
async fn a_sender_is_asked_for_and_decided() {
    let t = start().await;
    let (account, token) = t.owner().await;
    let scope = t.scope(&account);
    for bad in ["PAYPA1", "900", "SMS", "Acme Limited Co"] {
        let seen = t.ask("POST", "/v1/senders", &token).json(&json!({"value": bad})).send().await;
        assert_eq!(seen.problem(), (422, "invalid_sender".to_owned()), "{bad}");
        assert_eq!(seen.json()["errors"][0]["pointer"], "/value");
    }
    let made = t.ask("POST", "/v1/senders", &token).json(&json!({"value": "Acme"})).send().await;
    assert_eq!((made.status.as_u16(), made.json()["status"].as_str().unwrap()), (201, "pending"));
    let twin = t.ask("POST", "/v1/senders", &token).json(&json!({"value": "ACME"})).send().await;
    assert_eq!(twin.problem(), (409, "already_exists".to_owned()));
    let why = |e: domain::Result<()>| e.unwrap_err().detail;
    assert!(why(senders::require_approved(t.app.db.read(), &scope, "Acme").await).contains("waits"));
    assert!(why(senders::require_approved(t.app.db.read(), &scope, "Other").await).contains("no sender"));
    let id = made.json()["id"].as_str().unwrap().parse().unwrap();
    for (decision, status) in
        [(Decision::Reject("Send the trade licence.".into()), "rejected"), (Decision::Approve, "approved")]
    {
        let tx = t.app.db.begin().await.unwrap();
        senders::decide(&tx, &t.operator, id, decision).await.unwrap();
        tx.commit().await.unwrap();
        let seen = t.ask("GET", &format!("/v1/senders/{id}"), &token).send().await;
        assert_eq!(seen.json()["status"], status);
    }
    senders::require_approved(t.app.db.read(), &scope, "Acme").await.unwrap();
    let list = t.ask("GET", "/v1/senders?status=approved", &token).send().await;
    assert_eq!(list.json()["data"][0]["value"], "Acme");
    let list = t.ask("GET", "/v1/senders?status=pending", &token).send().await;
    assert_eq!(list.json()["data"], json!([]));
    assert_eq!(t.ask("GET", "/v1/senders?status=odd", &token).send().await.status, 400);
    assert_eq!(t.ask("DELETE", &format!("/v1/senders/{id}"), &token).send().await.status, 204);
    // The operator may grant what the rules refuse, though not what networks cannot show.
    let tx = t.app.db.begin().await.unwrap();
    senders::grant(&tx, &t.operator, account.id, "PayPal").await.unwrap();
    senders::grant(&tx, &t.operator, account.id, "PayPal").await.unwrap();
    assert!(senders::grant(&tx, &t.operator, account.id, "far too long a name").await.is_err());
    tx.commit().await.unwrap();
    senders::require_approved(t.app.db.read(), &scope, "PayPal").await.unwrap();
    t.stop().await;
}

#[actix_web::test]
async fn the_account_is_read_and_changed() {
    let t = start().await;
    let account = t.account(Status::Active).await;
    let token = t.token(&account, &["account:read", "account:write"]).await;
    let seen = t.ask("GET", "/v1/account", &token).send().await;
    assert_eq!((&seen.json()["livemode"], &seen.json()["mode"]), (&json!(false), &json!("test")));
    let body = json!({"default_country": null, "time_zone": "Europe/Kyiv", "language": "uk", "max_segments": 4});
    let changed =
        t.ask("PATCH", "/v1/account", &token).header("if-match", seen.header("etag")).json(&body).send().await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["default_country"], json!(null));
    assert_eq!(changed.json()["time_zone"], "Europe/Kyiv");
    let body = json!({"default_country": "gb", "time_zone": "Mars/Olympus", "language": "_", "max_segments": 256});
    let refused = t.ask("PATCH", "/v1/account", &token).json(&body).send().await;
    assert_eq!(refused.problem(), (422, "invalid_request".to_owned()));
    assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 4);
    t.stop().await;
}
