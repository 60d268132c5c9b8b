//! What every resource gets for free, shown on templates.

use serde_json::json;

use crate::test_app::start;

#[actix_web::test]
async fn a_template_lives_and_dies() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let made = t.ask("POST", "/v1/templates", &token).json(&json!({"name": "a", "body": "Hello"})).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/templates/{id}");
    let got = t.ask("GET", &path, &token).send().await;
    assert_eq!(got.json(), made.json());
    assert_eq!(got.header("etag"), made.header("etag"));
    let changed = t.ask("PATCH", &path, &token).json(&json!({"body": "Bye"})).send().await;
    assert_eq!(changed.json()["body"], "Bye");
    assert_eq!(changed.json()["name"], "a");
    assert_eq!(t.ask("DELETE", &path, &token).send().await.status, 204);
    assert_eq!(t.ask("GET", &path, &token).send().await.problem(), (404, "not_found".to_owned()));
}
