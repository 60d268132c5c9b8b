//! How long a message is worth sending: told to the carrier, and enforced while it waits.

use serde_json::{Value, json};
use std::time::Duration;

use crate::harness::{App, Stage, micros, stays, until};

fn send(app: &App, to: &str, validity: Value) -> (u16, Value) {
    let body = json!({"to": [to], "sender": "CARILLON", "text": "Your taxi is here", "validity_seconds": validity});
    let answer = app.post("/v1/messages", &body);
    (answer.status, answer.json())
}

fn sent(app: &App, to: &str, validity: Value) -> String {
    let (status, answer) = send(app, to, validity);
    assert_eq!(status, 202, "{answer}");
    answer["messages"][0]["id"].as_str().unwrap().to_owned()
}

/// The validity_period with which a number was submitted to.
fn told(stage: &Stage, to: &str) -> String {
    let judge = stage.judge();
    judge.taken().iter().find(|s| to.ends_with(s.dest.as_str())).unwrap().validity_period.clone()
}

both! {
    fn the_carrier_is_told_what_remains(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let (short, long, none) = ("+447400100001", "+447400100002", "+447400100003");
        for (to, validity) in [(short, json!(60)), (long, json!(259_200)), (none, Value::Null)] {
            let id = sent(&app, to, validity);
            let message = app.message_until(&id, "delivered");
            assert_eq!(message["valid_until"].is_null(), to == none, "{message}");
        }
        let told = [short, long, none].map(|to| told(&stage, to));
        assert!(told[0].starts_with("00000000005") && told[0].ends_with("000R") && told[0].len() == 16, "{told:?}");
        assert!(told[1].starts_with("0000022359") && told[1].ends_with("000R"), "{told:?}");
        assert_eq!(told[2], "");
        for wrong in [0, 59, 259_201] {
            let (status, problem) = send(&app, short, json!(wrong));
            assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/validity_seconds")), "{problem}");
        }
        let draft = json!({"name": "N", "sender": "CARILLON", "text": "Hi", "audience": {"phones": [short]}, "validity_seconds": 30});
        app.post("/v1/campaigns", &draft).refused(422, "invalid_request");
    }

    fn what_is_over_before_it_leaves_is_not_sent_and_not_charged(stage) {
        let simulator = stage.simulator(50);
        let address = stage.simulator_address().to_owned();
        simulator.kill();
        let app = stage.start();
        let before = app.available();
        let stale = sent(&app, "+447400100001", json!(60));
        let fresh = sent(&app, "+447400100002", json!(3600));
        let price = micros(&app.message(&stale)["unit_price"]);
        assert_eq!(app.held(), 2 * price);
        // Over, but the sweep does not know yet: the pump itself must not take it.
        let digits = "447400100001";
        stage.sql(&format!("UPDATE messages SET valid_until = 1 WHERE phone = {digits}"));
        let log = stage.path("simulator.jsonl");
        let command = stage.command(&["simulator", "--listen", &address, "--receipt-delay-ms", "50", "--log", log.to_str().unwrap()]);
        let _again = crate::harness::Process::spawn("simulator", command, stage.path("simulator.log"));
        app.message_until(&fresh, "delivered");
        stays(Duration::from_millis(700), "what is over is not taken", || app.message(&stale)["status"] == "queued");
        stage.sql("UPDATE chunks SET over_at = 1 WHERE over_at IS NOT NULL");
        let message = app.message_until(&stale, "expired");
        assert_eq!((&message["reason"], micros(&message["cost"])), (&json!("validity_over"), 0));
        assert_eq!((before - app.available(), app.held()), (price, 0));
        assert_eq!(stage.judge().taken_by("+447400100001"), 0);
        until("the event is told", || {
            app.events().iter().any(|e| e["type"] == "message.expired" && e["data"]["reason"] == "validity_over").then_some(())
        });
        app.audited();
    }

    fn a_paused_campaign_grows_stale_and_completes_without_charge(stage) {
        stage.set("CARILLON_SIMULATOR__BINDS", 1).set("CARILLON_SIMULATOR__WINDOW", 5);
        let simulator = stage.simulator(50);
        simulator.kill();
        let app = stage.start();
        let before = app.available();
        let audience = json!({"phones": crate::harness::numbers(0, 30)});
        let id = app.draft(json!({"text": "Hello", "audience": audience, "validity_seconds": 600}));
        assert_eq!(app.campaign(&id)["validity_seconds"], 600);
        let copy = app.step(&id, "copy").ok(201);
        assert_eq!(copy["validity_seconds"], 600);
        let copy = format!("/v1/campaigns/{}", copy["id"].as_str().unwrap());
        assert_eq!(app.patch(&copy, &json!({"validity_seconds": null})).ok(200)["validity_seconds"], Value::Null);
        app.launch(&id).ok(202);
        app.campaign_until(&id, "sending");
        app.step(&id, "pause").ok(200);
        stage.sql("UPDATE messages SET valid_until = 1");
        stage.sql("UPDATE chunks SET over_at = 1");
        until("all are over", || (app.campaign(&id)["messages"] == json!({"expired": 30})).then_some(()));
        assert_eq!((app.available(), app.held()), (before, 0));
        app.step(&id, "resume").ok(200);
        app.campaign_until(&id, "completed");
        app.audited();
    }
}
