//! Who wants nothing from a sender: by request, by `STOP` in many languages; what skips them; what `START` undoes.

use serde_json::{Value, json};

use crate::harness::{App, Stage, until};

/// Two senders that can be answered.
const ONE: &str = "447400900000";
const TWO: &str = "44723";

/// The magic number that ends with these digits.
fn magic(end: &str) -> String {
    format!("+120155501{end}")
}

fn numeric_senders(stage: &Stage, app: &App) {
    for value in [ONE, TWO] {
        let made = app.post("/v1/senders", &json!({"value": value})).ok(201);
        stage.admin(&["senders", "approve", made["id"].as_str().unwrap()]);
    }
}

/// Sends a text; the status and the reason of its message.
fn send(app: &App, to: &str, sender: &str, text: &str) -> (Value, Value) {
    let body = json!({"to": [to], "sender": sender, "text": text});
    let message = app.post("/v1/messages", &body).ok(202)["messages"][0].clone();
    (message["status"].clone(), message["reason"].clone())
}

/// What is on a list for a number: sender and source of each.
fn listed(app: &App, list: &str, phone: &str) -> Vec<(Value, Value)> {
    let all = app.pages(&format!("/v1/{list}?phone={}", phone.replace('+', "%2B")));
    all.into_iter().map(|e| (e["sender"].clone(), e["source"].clone())).collect()
}

both! {
    fn a_pair_is_skipped_uncharged_and_told_alike_in_estimates_sends_and_campaigns(stage) {
        let app = stage.start();
        numeric_senders(&stage, &app);
        let group = app.group("Everybody", &["+447400100001".to_owned(), "+447400100002".to_owned()]);
        for phone in ["+447400100001", "+447400100009"] {
            let new = json!({"phone": phone, "sender": "CARILLON", "reason": "by mail"});
            let made = app.post("/v1/unsubscribes", &new).ok(201);
            assert_eq!([&made["source"], &made["source_id"]], [&json!("api"), &Value::Null]);
            assert_eq!(app.post("/v1/unsubscribes", &json!({"phone": phone, "sender": "CARILLON"})).ok(200), made);
        }
        let body = json!({"to": ["+447400100001", "+447400100002", "+447400100009"], "sender": "CARILLON", "text": "Hello"});
        let estimate = app.post("/v1/messages/estimate", &body).ok(200);
        let before = app.available();
        let sent = app.post("/v1/messages", &body).ok(202);
        let told = |answer: &Value| -> Vec<Value> {
            answer["messages"].as_array().unwrap().iter().map(|m| m["reason"].clone()).collect()
        };
        assert_eq!(told(&sent), [json!("unsubscribed"), Value::Null, json!("unsubscribed")]);
        assert_eq!((told(&estimate), &estimate["cost"]), (told(&sent), &sent["cost"]));
        assert_eq!(before - app.available(), crate::harness::micros(&sent["cost"]));
        assert_eq!(send(&app, "+447400100001", ONE, "From another").0, "queued", "other senders may");

        let audience = json!({"group_ids": [group], "phones": ["+447400100009"]});
        let id = app.draft(json!({"text": "Hello", "audience": audience}));
        let estimate = app.step(&id, "estimate").ok(200);
        assert_eq!(estimate["skipped"], json!([{"reason": "unsubscribed", "count": 2}]));
        app.launch(&id).ok(202);
        let done = app.campaign_until(&id, "completed");
        assert_eq!((&done["messages"], &done["cost"]), (&json!({"delivered": 1, "skipped": 2}), &estimate["cost"]));

        app.post("/v1/unsubscribes", &json!({"phone": "12", "sender": "NOBODY"})).refused(422, "invalid_request");
        let entry = app.pages("/v1/unsubscribes?sender=CARILLON")[0].clone();
        let at = format!("/v1/unsubscribes/{}", entry["id"].as_str().unwrap());
        assert_eq!(app.read(&at), entry);
        let (_, token) = stage.account("Other", "0", &[]);
        app.with_token(&token).get(&at).refused(404, "not_found");
        app.with_token(&token).delete(&at).refused(404, "not_found");
        app.delete(&at).ok(204);
        app.get(&at).refused(404, "not_found");
        assert_eq!(send(&app, "+447400100001", "CARILLON", "Again").0, "queued");
        app.audited();
    }

    fn a_stop_is_for_the_sender_that_was_answered_and_a_start_undoes_only_stops(stage) {
        let app = stage.start();
        numeric_senders(&stage, &app);
        assert_eq!(send(&app, &magic("25"), ONE, "Buy now").0, "queued");
        until("it is unsubscribed", || (listed(&app, "unsubscribes", &magic("25")).len() == 1).then_some(()));
        let entry = app.pages("/v1/unsubscribes?source=stop_reply")[0].clone();
        assert_eq!((&entry["phone"], &entry["sender"]), (&json!(magic("25")), &json!(ONE)));
        let word = app.read(&format!("/v1/inbound-messages/{}", entry["source_id"].as_str().unwrap()));
        assert_eq!(word["keyword"], "stop");
        assert_eq!(send(&app, &magic("25"), ONE, "Again"), (json!("skipped"), json!("unsubscribed")));
        assert_eq!(send(&app, &magic("25"), "CARILLON", "By name").0, "queued");
        assert!(listed(&app, "blacklist", &magic("25")).is_empty());

        // The echo says what it is told: words in many languages, and one that is for the whole account.
        let echo = magic("24");
        for (word, sender) in [("СТОП", ONE), ("Arrêt!", TWO)] {
            send(&app, &echo, sender, word);
            let wanted = (json!(sender), json!("stop_reply"));
            until("the word is obeyed", || listed(&app, "unsubscribes", &echo).contains(&wanted).then_some(()));
        }
        let by_request = app.post("/v1/unsubscribes", &json!({"phone": magic("26"), "sender": ONE})).ok(201);
        // START from a number whose unsubscribe is the account's own, by way of the other sender.
        send(&app, &magic("26"), TWO, "Come back");
        until("it has written", || {
            (app.pages("/v1/inbound-messages?keyword=start").len() == 1).then_some(())
        });
        assert_eq!(app.pages("/v1/unsubscribes?source=api"), [by_request], "what a request did stays");

        // Everything a stop did, undone by a start.
        let all = magic("24");
        for entry in app.pages("/v1/unsubscribes?source=stop_reply") {
            app.delete(&format!("/v1/unsubscribes/{}", entry["id"].as_str().unwrap())).ok(204);
        }
        send(&app, &all, ONE, "stop all");
        until("it is on the blacklist", || {
            (listed(&app, "blacklist", &all) == [(Value::Null, json!("stop_reply"))]).then_some(())
        });
        assert_eq!(send(&app, &all, "CARILLON", "Hello"), (json!("skipped"), json!("blacklisted")));
    }
}
