//! Single sends and lists: money held at once, once per number, idempotent, scheduled, cancelled, refused.

use serde_json::{Value, json};

use crate::harness::{micros, numbers, until};

fn in_seconds(seconds: i64) -> Value {
    let now = domain::clock::Clock::system().now();
    serde_json::to_value(domain::clock::Timestamp(now.0 + seconds * 1_000_000)).unwrap()
}

both! {
    fn a_list_is_sent_once_per_number_in_order(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        app.post("/v1/blacklist", &json!({"phone": "+447400100003"})).ok(201);
        let to = ["+447400100001", "00447400100002", "+447400100003", "+44 7400 100001"];
        let body = json!({"to": to, "sender": "CARILLON", "text": "Your table is ready.", "external_id": "order-7", "metadata": {"table": "4"}});
        let estimate = app.post("/v1/messages/estimate", &body).ok(200);
        let sent = app.post("/v1/messages", &body).ok(202);
        let said: Vec<(&str, &str)> =
            sent["messages"].as_array().unwrap().iter().map(|m| (m["to"].as_str().unwrap(), m["status"].as_str().unwrap())).collect();
        assert_eq!(said, [("+447400100001", "queued"), ("+447400100002", "queued"), ("+447400100003", "skipped")]);
        assert_eq!(sent["cost"], estimate["cost"]);
        for m in sent["messages"].as_array().unwrap().iter().filter(|m| m["status"] == "queued") {
            let message = app.message_until(m["id"].as_str().unwrap(), "delivered");
            assert_eq!((&message["external_id"], &message["metadata"]), (&json!("order-7"), &json!({"table": "4"})));
        }
        assert_eq!(before - app.available(), micros(&sent["cost"]));
        assert_eq!(app.pages("/v1/messages?external_id=order-7").len(), 3);
        assert_eq!(app.pages("/v1/messages?status=skipped&reason=blacklisted").len(), 1);
        stage.judge().nothing_twice();
        assert_eq!(stage.judge().taken().len(), 2);
        app.audited();
    }

    fn the_same_send_twice_at_once_is_one_send(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let body = json!({"to": ["+447400100001"], "sender": "CARILLON", "text": "Once"});
        let send = || app.ask("POST", "/v1/messages").key("same").json(&body).go();
        let answers: Vec<_> = std::thread::scope(|s| {
            let asked: Vec<_> = (0..6).map(|_| s.spawn(send)).collect();
            asked.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for answer in &answers {
            if answer.status != 202 {
                answer.refused(409, "idempotency_in_flight");
            }
        }
        let later = send();
        assert_eq!(later.header("idempotent-replayed"), "true");
        let first = later.ok(202);
        assert!(answers.iter().filter(|a| a.status == 202).all(|a| a.json() == first));
        app.message_until(first["messages"][0]["id"].as_str().unwrap(), "delivered");
        assert_eq!(app.pages("/v1/messages").len(), 1);
        assert_eq!(stage.judge().taken().len(), 1);
        app.audited();
    }

    fn a_key_belongs_to_one_request(stage) {
        let app = stage.start();
        let body = |text: &str| json!({"to": ["+447400100001"], "sender": "CARILLON", "text": text});
        let send = |body: &Value| app.ask("POST", "/v1/messages").key("mine").json(body).go();
        send(&body("{{nothing")).refused(422, "invalid_template"); // a refusal is not kept
        send(&body("First")).ok(202);
        send(&body("Second")).refused(422, "idempotency_key_reused");
        app.ask("POST", "/v1/messages").json(&body("No key")).go().refused(400, "idempotency_key_missing");
        assert_eq!(app.pages("/v1/messages").len(), 1);
        // Another operation has keys of its own, and so has another process.
        let id = app.draft(json!({"text": "x", "audience": {"phones": ["+447400100002"]}}));
        app.ask("POST", &format!("/v1/campaigns/{id}/launch")).key("mine").json(&json!({})).go().ok(202);
        app.campaign_until(&id, "completed");
        app.kill();
        let app = stage.start();
        let again = app.ask("POST", "/v1/messages").key("mine").json(&body("First")).go();
        assert_eq!((again.status, again.header("idempotent-replayed")), (202, "true"));
        assert_eq!(app.pages("/v1/messages").len(), 2);
    }

    fn a_scheduled_message_waits_holds_nothing_and_can_be_cancelled(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        let send = |to: &str, seconds: i64| {
            let body = json!({"to": [to], "sender": "CARILLON", "text": "Later", "send_at": in_seconds(seconds)});
            let sent = app.post("/v1/messages", &body).ok(202);
            assert_eq!(sent["messages"][0]["status"], "scheduled");
            sent["messages"][0]["id"].as_str().unwrap().to_owned()
        };
        let (soon, never) = (send("+447400100001", 6), send("+447400100002", 3600));
        assert_eq!((app.available(), app.held()), (before, 0));
        let cancelled = app.post(&format!("/v1/messages/{never}/cancel"), &json!({})).ok(200);
        assert_eq!(cancelled["status"], "cancelled");
        app.post(&format!("/v1/messages/{never}/cancel"), &json!({})).refused(409, "conflict");
        assert!(stage.judge().taken().is_empty());
        let message = app.message_until(&soon, "delivered");
        assert!(message["submitted_at"].as_str() >= message["send_at"].as_str(), "{message}");
        app.post(&format!("/v1/messages/{soon}/cancel"), &json!({})).refused(409, "conflict");
        assert_eq!(stage.judge().numbers().into_iter().collect::<Vec<_>>(), ["+447400100001"]);
        assert_eq!((before - app.available(), app.held()), (micros(&message["cost"]), 0));
        app.audited();
    }

    fn a_queued_message_can_be_cancelled_and_its_money_comes_back(stage) {
        stage.set("CARILLON_SIMULATOR__RUN", "false"); // nobody takes it
        stage.set("CARILLON_SIMULATOR__ADDRESS", "127.0.0.1:9");
        let app = stage.start();
        let before = app.available();
        let id = app.sent("+447400100001", "Waits");
        assert!(app.held() > 0);
        assert_eq!(app.post(&format!("/v1/messages/{id}/cancel"), &json!({})).ok(200)["status"], "cancelled");
        assert_eq!((app.available(), app.held()), (before, 0));
        app.audited();
    }

    fn cancel_racing_submit_is_one_of_charge_and_release(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        let mut ids = Vec::new();
        for n in numbers(0, 25) {
            let id = app.sent(&n, "Race");
            let answer = app.post(&format!("/v1/messages/{id}/cancel"), &json!({}));
            if answer.status != 200 {
                answer.refused(409, "conflict");
            }
            ids.push((id, answer.status == 200, n));
        }
        let mut total = 0;
        for (id, cancelled, number) in ids {
            let message = app.message_until(&id, if cancelled { "cancelled" } else { "delivered" });
            assert_eq!(stage.judge().taken_by(&number), usize::from(!cancelled), "{message}");
            assert_eq!(micros(&message["cost"]) == 0, cancelled);
            total += micros(&message["cost"]);
        }
        assert_eq!((before - app.available(), app.held()), (total, 0));
        app.audited();
    }

    fn refusals_tell_every_fault_and_send_nothing(stage) {
        let app = stage.start();
        let before = (app.counts(), app.available());
        let with = |change: Value| crate::harness::merged(json!({"to": ["+447400100001"], "sender": "CARILLON", "text": "Hi"}), change);
        let refused = |change: Value, code: &str| app.post("/v1/messages", &with(change)).refused(422, code);
        let faults = refused(json!({"to": ["+10000000000", "+447400100001", "nonsense", ""]}), "invalid_request");
        let pointers: Vec<&str> = faults["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/to/0", "/to/2", "/to/3"], "{faults}");
        refused(json!({"to": []}), "invalid_request");
        refused(json!({"to": numbers(0, 101)}), "invalid_request");
        refused(json!({"sender": "TWELVELETTER"}), "invalid_sender");
        refused(json!({"sender": "САRILLON"}), "invalid_sender"); // Cyrillic С and А
        refused(json!({"sender": "OTHER"}), "sender_not_approved");
        refused(json!({"text": "{{fields.unheard_of}}"}), "unknown_marker");
        refused(json!({"text": "{{first_name"}), "invalid_template");
        refused(json!({"text": null}), "invalid_request");
        refused(json!({"colour": "red"}), "invalid_request");
        refused(json!({"template_id": "tpl_01kazsw6e3f8e9xq2m4r7t5v0b", "text": null}), "invalid_request");
        refused(json!({"split_mode": "sideways"}), "invalid_request");
        refused(json!({"default_country": "XX"}), "invalid_request");
        refused(json!({"send_at": "2999-01-01T00:00:00Z"}), "invalid_request");
        app.ask("POST", "/v1/messages").key("k").body("application/json", b"{\"to\":".to_vec()).go().refused(400, "malformed_json");
        assert_eq!((app.counts(), app.available(), app.held()), (before.0, before.1, 0));
        app.audited();
    }

    fn a_national_number_needs_a_country(stage) {
        let app = stage.start();
        let body = |country: Value| json!({"to": ["07400 100001"], "sender": "CARILLON", "text": "Hi", "default_country": country});
        app.post("/v1/messages", &body(Value::Null)).refused(422, "invalid_request");
        let sent = app.post("/v1/messages", &body(json!("GB"))).ok(202);
        assert_eq!(sent["messages"][0]["to"], "+447400100001");
        app.patch("/v1/account", &json!({"default_country": "GB"})).ok(200);
        let sent = app.post("/v1/messages", &body(Value::Null)).ok(202);
        assert_eq!(sent["messages"][0]["to"], "+447400100001");
        until("all are final", || app.pages("/v1/messages").iter().all(|m| m["status"] == "delivered").then_some(()));
    }
}
