//! `Idempotency-Key`, `ETag`, `If-Match`.

use std::time::Duration;

use domain::{
    Code,
    db::Writes,
    idempotency::{self, Slot, Stored, Taken},
};
use futures_util::future::join_all;
use serde_json::json;

use crate::test_app::start;

#[actix_web::test]
async fn the_same_request_twice_has_one_effect_and_one_answer() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let send = |body: serde_json::Value| {
        t.ask("POST", "/v1/templates", &token).header("idempotency-key", "key-1").json(&body).send()
    };
    // A refusal is not stored, so the key can be used again.
    assert_eq!(send(json!({"name": "", "body": "b"})).await.status, 422);
    let first = send(json!({"name": "a", "body": "b"})).await;
    let again = send(json!({"name": "a", "body": "b"})).await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (201, ""));
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(first.body, again.body);
    let other = send(json!({"name": "a2", "body": "b"})).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
    // Another operation and another account have keys of their own.
    let sender =
        t.ask("POST", "/v1/senders", &token).header("idempotency-key", "key-1").json(&json!({"value": "ACME"}));
    assert_eq!(sender.send().await.status, 201);
    let (_, stranger) = t.owner().await;
    let theirs = t.ask("POST", "/v1/templates", &stranger).header("idempotency-key", "key-1");
    let theirs = theirs.json(&json!({"name": "a", "body": "b"})).send().await;
    assert_eq!((theirs.status.as_u16(), theirs.header("idempotent-replayed")), (201, ""));
    // After a day the key is free, and the name is taken.
    t.pass(86_400);
    assert_eq!(send(json!({"name": "a", "body": "b"})).await.problem(), (409, "already_exists".to_owned()));
    t.stop().await;
}

#[actix_web::test]
async fn simultaneous_requests_have_one_effect() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let all = join_all((0..8).map(|_| {
        let body = json!({"name": "a", "body": "b"});
        t.ask("POST", "/v1/templates", &token).header("idempotency-key", "key-1").json(&body).send()
    }))
    .await;
    let made = all.iter().filter(|s| s.status == 201 && s.header("idempotent-replayed").is_empty()).count();
    let in_flight = all.iter().filter(|s| s.problem() == (409, "idempotency_in_flight".to_owned())).count();
    let replayed = all.iter().filter(|s| s.header("idempotent-replayed") == "true").count();
    assert_eq!(made, 1);
    assert!(in_flight >= 1);
    assert_eq!(made + in_flight + replayed, 8);
    let list = t.ask("GET", "/v1/templates", &token).send().await;
    assert_eq!(list.json()["data"].as_array().unwrap().len(), 1);
    t.stop().await;
}

#[actix_web::test]
async fn keys_are_short_and_visible() {
    let t = start().await;
    let (_, token) = t.owner().await;
    for key in ["", "has space", &"x".repeat(256)] {
        let ask = t.ask("POST", "/v1/templates", &token).header("idempotency-key", key);
        let seen = ask.json(&json!({"name": "a", "body": "b"})).send().await;
        assert_eq!(seen.problem(), (400, "idempotency_key_missing".to_owned()), "{key:?}");
    }
    t.stop().await;
}

#[actix_web::test]
async fn conditional_requests() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let made = t.ask("POST", "/v1/templates", &token).json(&json!({"name": "a", "body": "b"})).send().await;
    let path = format!("/v1/templates/{}", made.json()["id"].as_str().unwrap());
    let tag = t.ask("GET", &path, &token).send().await.header("etag").to_owned();
    assert!(tag.starts_with("\"1."));
    let known = t.ask("GET", &path, &token).header("if-none-match", &tag).send().await;
    assert_eq!((known.status.as_u16(), known.body.len(), known.header("etag")), (304, 0, tag.as_str()));
    let change = |tag: &str| t.ask("PATCH", &path, &token).header("if-match", tag).json(&json!({"body": "c"})).send();
    let changed = change(&tag).await;
    assert_eq!(changed.status, 200);
    assert!(changed.header("etag").starts_with("\"2."));
    assert_eq!(change(&tag).await.problem(), (412, "version_mismatch".to_owned()));
    assert_eq!(change("nonsense").await.problem(), (412, "version_mismatch".to_owned()));
    assert_eq!(change("*").await.status, 200);
    let gone = t.ask("DELETE", &path, &token).header("if-match", &tag).send().await;
    assert_eq!(gone.problem(), (412, "version_mismatch".to_owned()));
    let stale = t.ask("GET", &path, &token).header("if-none-match", &tag).send().await;
    assert_eq!(stale.status, 200);
    t.stop().await;
}

#[actix_web::test]
async fn another_process_holds_the_key() {
    let t = start().await;
    if !t.app.db.is_sqlite() {
        // On SQLite one process writes, so the lock in the process is enough.
        let (account, token) = t.owner().await;
        let slot = Slot { account: account.id, operation: "templates.create", key: "k" };
        let tx = t.app.db.begin().await.unwrap();
        assert_eq!(idempotency::take(&tx, t.clock.now(), &[slot]).await.unwrap(), [Taken::Free]);
        let body = json!({"name": "a", "body": "b"});
        let ask = || t.ask("POST", "/v1/templates", &token).header("idempotency-key", "k").json(&body).send();
        let seen = ask().await;
        assert_eq!(seen.problem(), (409, "idempotency_in_flight".to_owned()));
        assert_eq!(seen.header("retry-after"), "1");
        tx.rollback().await.unwrap();
        assert_eq!(ask().await.status, 201);
    }
    t.stop().await;
}

#[actix_web::test]
async fn an_expired_answer_that_was_not_swept_makes_room() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let ask = |name: &str| {
        let ask = t.ask("POST", "/v1/templates", &token).header("idempotency-key", "k");
        ask.json(&json!({"name": name, "body": "b"})).send()
    };
    let first = ask("a").await;
    assert_eq!(first.status, 201);
    t.pass(86_399);
    assert_eq!(ask("b").await.problem(), (422, "idempotency_key_reused".to_owned()));
    t.pass(1);
    assert_eq!(ask("b").await.status, 201);
    let again = ask("b").await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"));
    t.stop().await;
}

#[actix_web::test]
async fn an_answer_that_another_has_just_stored_is_not_overwritten() {
    let t = start().await;
    let (account, _) = t.owner().await;
    let slot = Slot { account: account.id, operation: "templates.create", key: "k" };
    let stored = Stored { fingerprint: vec![1], status: 201, body: "{}".into() };
    for first in [true, false] {
        let tx = t.app.db.begin().await.unwrap();
        let mut writes = Writes::new(&tx);
        idempotency::store(&mut writes, t.clock.now(), &[(slot, stored.clone())], Duration::from_secs(9));
        match writes.run(&tx).await {
            Ok(()) => assert!(first),
            Err(e) => assert_eq!((first, idempotency::or_in_flight(e).code), (false, Code::IdempotencyInFlight)),
        }
        if first { tx.commit().await.unwrap() } else { tx.rollback().await.unwrap() }
    }
    t.stop().await;
}

#[actix_web::test]
async fn answers_are_swept_when_they_expire() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let ask = t.ask("POST", "/v1/templates", &token).header("idempotency-key", "k");
    ask.json(&json!({"name": "a", "body": "b"})).send().await;
    for (seconds, swept) in [(86_399, 0), (1, 1), (0, 0)] {
        t.pass(seconds);
        let tx = t.app.db.begin().await.unwrap();
        assert_eq!(idempotency::sweep(&tx, t.clock.now()).await.unwrap(), swept);
        tx.commit().await.unwrap();
    }
    t.stop().await;
}
