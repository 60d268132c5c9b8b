//! Many at once: batches answered item by item, and sends that come together and share a transaction.

use serde_json::{Value, json};

use crate::harness::{micros, until};

fn outcomes(sent: &Value) -> Vec<(&str, Option<&str>)> {
    sent["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["outcome"].as_str().unwrap(), m["reason"].as_str()))
        .collect()
}

both! {
    fn a_batch_is_answered_item_by_item(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        app.post("/v1/contacts", &json!({"phone": "+447400100002", "first_name": "Contact"})).ok(201);
        app.post("/v1/blacklist", &json!({"phone": "+447400100003"})).ok(201);
        let body = json!({
            "sender": "CARILLON", "text": "Hello {{first_name|default:\"friend\"}}!",
            "messages": [
                {"to": "+447400100001", "values": {"first_name": "Ann"}, "external_id": "one", "metadata": {"row": "1"}},
                {"to": "+447400100002"},
                {"to": "not a number"},
                {"to": "+447400100003"},
                {"to": "00447400100001", "values": {"first_name": "Again"}},
                {"to": "+447400100004"}
            ]
        });
        let sent = app.post("/v1/messages/batches", &body).ok(202);
        let said = outcomes(&sent);
        assert_eq!(said.iter().map(|(o, _)| *o).collect::<Vec<_>>(), ["queued", "queued", "refused", "skipped", "refused", "queued"]);
        assert_eq!((said[3].1, said[4].1), (Some("blacklisted"), Some("duplicate")));
        assert_eq!((&sent["queued"], &sent["skipped"], &sent["refused"]), (&json!(3), &json!(1), &json!(2)));
        assert!(sent["messages"][2]["id"].is_null() && sent["messages"][2]["detail"].is_string(), "{sent}");
        let texts = ["Hello Ann!", "Hello Contact!", "Hello friend!"];
        for (place, text) in [0, 1, 5].into_iter().zip(texts) {
            let message = app.message_until(sent["messages"][place]["id"].as_str().unwrap(), "delivered");
            assert_eq!(message["text"], text);
        }
        let first = app.message(sent["messages"][0]["id"].as_str().unwrap());
        assert_eq!((&first["external_id"], &first["metadata"]), (&json!("one"), &json!({"row": "1"})));
        assert_eq!(app.pages(&format!("/v1/messages?batch_id={}", sent["batch_id"].as_str().unwrap())).len(), 4);
        assert_eq!(before - app.available(), micros(&sent["cost"]));
        stage.judge().nothing_twice();
        app.audited();
    }

    fn an_atomic_batch_is_all_or_nothing(stage) {
        let app = stage.start();
        let before = app.available();
        let messages = json!([{"to": "+447400100001"}, {"to": "12"}, {"to": "+447400100001"}]);
        let body = json!({"sender": "CARILLON", "text": "Hello", "atomic": true, "messages": messages});
        let refused = app.post("/v1/messages/batches", &body);
        let problem = refused.json();
        let pointers: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!((refused.status, pointers), (422, vec!["/messages/1/to", "/messages/2/to"]), "{problem}");
        assert!(app.pages("/v1/messages").is_empty() && app.available() == before);
        let empty = json!({"sender": "CARILLON", "text": "Hello", "messages": []});
        assert_eq!(app.post("/v1/messages/batches", &empty).status, 422);
    }

    fn a_large_batch_is_one_send_and_one_hold(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        let messages: Vec<Value> = (0..2500).map(|n| json!({"to": format!("+4474001{n:05}"), "external_id": format!("n{n}")})).collect();
        let body = json!({"sender": "CARILLON", "text": "Hello", "messages": messages});
        let ask = || app.ask("POST", "/v1/messages/batches").key("large").json(&body).go();
        let sent = ask().ok(202);
        let again = ask();
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.ok(202), sent, "the same answer, and nothing sent again");
        assert_eq!(sent["queued"], 2500);
        until("all are delivered", || (app.held() == 0).then_some(()));
        assert_eq!(before - app.available(), micros(&sent["cost"]));
        stage.judge().nothing_twice();
        assert_eq!(stage.judge().taken().len(), 2500);
        let holds = app.pages("/v1/balance/entries?kind=hold");
        assert_eq!(holds.len(), 1, "{holds:?}");
        app.audited();
    }

    fn sends_that_come_together_have_each_their_own_outcome(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        let answers: Vec<(usize, u16, Value)> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..24)
                .map(|n| {
                    let app = &app;
                    s.spawn(move || {
                        // Every fourth has no text that can be read, every fifth comes from a sender that is not the account's.
                        let text = if n % 4 == 0 { "{{nonsense".to_owned() } else { format!("Number {n}") };
                        let sender = if n % 5 == 1 { "STRANGER" } else { "CARILLON" };
                        let body = json!({"to": [format!("+4474001{n:05}")], "sender": sender, "text": text});
                        let answer = app.post("/v1/messages", &body);
                        (n, answer.status, answer.json())
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let mut cost = 0;
        for (n, status, body) in &answers {
            match (n % 4 == 0, n % 5 == 1) {
                (_, true) => assert_eq!(body["code"], "sender_not_approved", "{n}: {body}"),
                (true, false) => assert_eq!(body["code"], "invalid_template", "{n}: {body}"),
                (false, false) => {
                    assert_eq!(*status, 202, "{n}: {body}");
                    assert_eq!(body["messages"][0]["to"], format!("+4474001{n:05}"));
                    cost += micros(&body["cost"]);
                    let message = app.message_until(body["messages"][0]["id"].as_str().unwrap(), "delivered");
                    assert_eq!(message["text"], format!("Number {n}"));
                }
            }
        }
        assert_eq!(before - app.available(), cost);
        stage.judge().nothing_twice();
        app.audited();
    }
}
