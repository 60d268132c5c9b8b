//! The trace of a message: what the carrier sent as it came, and the tries that decided nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{App, Client, Scripted, Stage, merged, until, within};

fn trace(client: &Client, id: &str) -> Value {
    client.read(&format!("/v1/messages/{id}/trace"))
}

/// The receipts of the first part: state, whether it ended the part, and whether its text has the word.
fn receipts(trace: &Value) -> Vec<(String, bool)> {
    let all = trace["parts"][0]["receipts"].as_array().unwrap();
    all.iter().map(|r| (r["state"].as_str().unwrap().to_owned(), r["ended_part"].as_bool().unwrap())).collect()
}

fn told(pairs: &[(&str, bool)]) -> Vec<(String, bool)> {
    pairs.iter().map(|(state, ended)| ((*state).to_owned(), *ended)).collect()
}

/// Lets the demo account send over a carrier by hand, which answers with the id 17.
fn by_hand(stage: &Stage, app: &App) -> Scripted {
    let carrier = Scripted::answering("17");
    let settings =
        json!({"address": carrier.address.to_string(), "system_id": "carillon", "binds": 1, "response_seconds": 1});
    let before = carrier.binds();
    stage.admin(&["carriers", "set", "simulator", &settings.to_string()]);
    until("the carrier is bound", || (carrier.binds() > before).then_some(()));
    assert_eq!(app.held(), 0);
    carrier
}

both! {
    fn receipts_are_told_as_they_came(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let id = app.sent("+447400100001", "Hello to all of you");
        app.message_until(&id, "delivered");
        let plain = trace(&app, &id);
        assert_eq!(receipts(&plain), told(&[("delivered", true)]));
        let receipt = &plain["parts"][0]["receipts"][0];
        let raw = receipt["raw"].as_str().unwrap();
        let reference = plain["parts"][0]["carrier_ref_raw"].as_str().unwrap();
        assert!(raw.starts_with(&format!("id:{reference} sub:001 dlvrd:001 submit date:")), "{raw}");
        assert!(raw.contains("stat:DELIVRD err:000 text:Hello to all of you") && raw.ends_with(" [0427=2 0423=3/0]"), "{raw}");
        assert_eq!(receipt["received_at"], plain["parts"][0]["done_at"]);
        assert_eq!(plain["way"]["tries"], json!([]));

        let failed = app.sent("+12015550101", "Hello");
        app.message_until(&failed, "undelivered");
        let failed = trace(&app, &failed)["parts"][0]["receipts"][0].clone();
        assert_eq!((&failed["state"], &failed["error"]), (&json!("undelivered"), &json!("001")));
        assert!(failed["raw"].as_str().unwrap().contains("stat:UNDELIV err:001"), "{failed}");

        for (number, expected) in [
            ("+12015550114", &[("enroute", false), ("delivered", true)][..]),
            ("+12015550115", &[("delivered", true), ("enroute", false)]),
            ("+12015550111", &[("delivered", true), ("delivered", false)]),
            ("+12015550112", &[("delivered", true)]), // before the answer
        ] {
            let id = app.sent(number, "Hello");
            app.message_until(&id, "delivered");
            let seen = until("all receipts are told", || {
                let seen = trace(&app, &id);
                (receipts(&seen).len() == expected.len()).then_some(seen)
            });
            assert_eq!(receipts(&seen), told(expected), "{number}: {seen}");
            let all = seen["parts"][0]["receipts"].as_array().unwrap();
            assert!(all.iter().all(|r| r["raw"].as_str().is_some_and(|raw| raw.contains("stat:"))), "{seen}");
            let mut times: Vec<&str> = all.iter().map(|r| r["received_at"].as_str().unwrap()).collect();
            let came = times.clone();
            times.sort_unstable();
            assert_eq!(came, times, "in the order of time");
        }
        // The parts of a long one have each their own.
        let long = app.sent("+12015550118", &"A long text in two parts. ".repeat(8));
        app.message_until(&long, "failed");
        let long = trace(&app, &long);
        let of = |n: usize| long["parts"][n]["receipts"][0]["raw"].as_str().unwrap().to_owned();
        assert!(of(0).contains("stat:DELIVRD") && of(1).contains("stat:UNDELIV"), "{long}");
        let log = app.log_text();
        assert!(!log.contains("DELIVRD") && !log.contains("Hello"), "what came is not for the log");
    }

    fn receipts_that_contradict_are_told_and_bounded(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let carrier = by_hand(&stage, &app);
        let number = "+447400100001";
        let id = app.sent(number, "Hello");
        app.message_until(&id, "sent");
        carrier.receipt("17", number, "DELIVRD");
        app.message_until(&id, "delivered");
        carrier.receipt("17", number, "UNDELIV");
        let seen = until("the contradiction is told", || Some(trace(&app, &id)).filter(|t| receipts(t).len() == 2));
        assert_eq!(receipts(&seen), told(&[("delivered", true), ("undelivered", false)]));
        assert_eq!(seen["message"]["status"], "delivered");
        for _ in 0..40 {
            carrier.receipt("17", number, "EXPIRED");
        }
        until("all were taken", || (carrier.acknowledged() == 42).then_some(()));
        assert_eq!(receipts(&trace(&app, &id)).len(), 21, "the one that ended it, and twenty");
        assert_eq!(stage.count("SELECT COUNT(*) FROM message_notes"), 20);
        // One that waits for its message is told as it came, too.
        assert_eq!(seen["waiting_receipts"], json!([]));
        app.audited();
    }

    fn tries_that_decided_nothing_are_told(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let throttled = app.sent("+12015550106", "Hello");
        app.message_until(&throttled, "delivered");
        let way = trace(&app, &throttled)["way"].clone();
        let tries = way["tries"].as_array().unwrap();
        let of = |t: &Value| (t["outcome"].clone(), t["error"].clone(), t["part"].clone(), t["times"].clone());
        let twice = (json!("put_off"), json!("ESME_RTHROTTLED"), json!(1), json!(2));
        assert_eq!(tries.iter().map(of).collect::<Vec<_>>(), [twice], "{way}");
        assert!(tries[0]["first_at"].as_str() < tries[0]["last_at"].as_str(), "{way}");
        assert_eq!((&tries[0]["carrier_id"], &tries[0]["carrier_name"]), (&way["carrier_id"], &Value::Null));
        let full = operator.read(&format!("/v1/admin/messages/{throttled}/trace"));
        assert_eq!(full["way"]["tries"][0]["carrier_name"], "simulator");

        // Four refusals for now, then the final one, of which the message itself tells.
        let carrier = by_hand(&stage, &app);
        carrier.answer_with(8); // ESME_RSYSERR
        let refused = app.sent("+447400100001", "Hello");
        let message = app.message_until(&refused, "rejected");
        assert_eq!((&message["error"], carrier.submits()), (&json!("ESME_RSYSERR"), 5));
        let seen = trace(&app, &refused);
        let four = (json!("put_off"), json!("ESME_RSYSERR"), json!(1), json!(4));
        assert_eq!(seen["way"]["tries"].as_array().unwrap().iter().map(of).collect::<Vec<_>>(), [four], "{seen}");
    }

    fn a_lost_answer_stays_told_after_its_doubt_has_ended(stage) {
        stage.set("CARILLON_WORKER__SETTLE_SECONDS", 1);
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let settings = json!({"address": stage.simulator_address(), "system_id": "carillon", "binds": 1});
        until("it is bound", || (stage.judge().binds() == 2).then_some(()));
        let before = stage.judge().binds();
        stage.admin(&["carriers", "set", "simulator", &merged(settings, json!({"response_seconds": 1})).to_string()]);
        until("it is bound again", || (stage.judge().binds() > before).then_some(()));
        let id = app.sent("+12015550110", "Hello");
        within(Duration::from_secs(90), "its receipt resolves it", || Some(app.message(&id)).filter(|m| m["status"] == "delivered"));
        let seen = trace(&app, &id);
        let lost = &seen["way"]["tries"][0];
        assert_eq!((&lost["outcome"], &lost["error"], &lost["part"]), (&json!("lost"), &json!("no_answer"), &Value::Null), "{seen}");
        let events: Vec<&str> = seen["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert_eq!(events, ["message.in_doubt", "message.delivered"], "{seen}");
        assert_eq!(receipts(&seen), told(&[("delivered", true)]), "{seen}");
        assert!(seen["parts"][0]["receipts"][0]["raw"].as_str().unwrap().contains("stat:DELIVRD"), "{seen}");
        app.audited();
    }
}
