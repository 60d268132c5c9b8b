//! Messages whose answer was lost: sent a second time where the carrier's policy says so, and resolved by the operator's word.
//! That they are not sent again otherwise is in `delivery`, `crashes` and `chaos`.

use serde_json::{Value, json};

use crate::harness::{App, Client, Stage, merged, micros, numbers, until};

const SILENT_FIRST: &str = "+12015550129"; // the first try is lost, the second is delivered
const SILENT: &str = "+12015550109"; // no answer ever and no receipt

/// Gives the carrier other settings, as an operator would, and waits until it is bound with them; its id.
fn carrier(stage: &Stage, more: Value) -> String {
    let before = stage.judge().binds();
    let settings =
        json!({"address": stage.simulator_address(), "system_id": "carillon", "binds": 1, "response_seconds": 1});
    let made = stage.admin(&["carriers", "set", "simulator", &merged(settings, more).to_string()]);
    until("it is bound again", || (stage.judge().binds() > before).then_some(()));
    made.split_whitespace().next().unwrap().to_owned()
}

/// A server whose carrier sends again.
fn resending(stage: &Stage) -> App {
    let app = stage.start();
    until("it is bound", || (stage.judge().binds() == 2).then_some(()));
    carrier(stage, json!({"resend": "resend_once"}));
    app
}

/// Messages in doubt of a carrier that does not send again.
fn in_doubt(stage: &Stage, app: &Client, count: usize) -> Vec<String> {
    let texts = (0..count).map(|n| format!("Never answered {n}"));
    let ids: Vec<String> = texts.map(|text| app.sent(SILENT, &text)).collect();
    for id in &ids {
        app.message_until(id, "in_doubt");
    }
    assert_eq!(stage.judge().tried(SILENT), count);
    ids
}

fn trace(operator: &Client, id: &str) -> Value {
    operator.read(&format!("/v1/admin/messages/{id}/trace"))
}

both! {
    fn a_lost_answer_is_made_good_by_a_second_attempt_and_one_charge(stage) {
        let _simulator = stage.simulator(50);
        let app = resending(&stage);
        let before = app.available();
        let id = app.sent(SILENT_FIRST, "Your code is 4711");
        let message = app.message_until(&id, "delivered");
        let price = micros(&message["unit_price"]);
        assert_eq!((micros(&message["cost"]), before - app.available(), app.held()), (price, price, 0));
        assert_eq!(stage.judge().taken_by(SILENT_FIRST), 2);
        assert_eq!(app.pages("/v1/balance/entries?kind=capture").len(), 1);
        let told = app.read(&format!("/v1/messages/{id}/trace"));
        assert_eq!(told["resend"]["reason"], "no_answer", "{told}");
        assert!(told["resend"]["resent_at"].is_string() && told["doubt"].is_null(), "{told}");
        // A long one goes with the same reference both times, so that a handset takes no part twice.
        let id = app.sent(SILENT_FIRST, &"A long text in two parts. ".repeat(8));
        app.message_until(&id, "delivered");
        let headers: Vec<String> = stage.judge().taken().into_iter().filter_map(|s| s.udh.clone()).collect();
        assert_eq!(headers.len(), 4, "{headers:?}");
        assert!(headers.iter().all(|udh| headers.iter().filter(|other| *other == udh).count() == 2), "{headers:?}");
        app.audited();
    }

    fn a_second_lost_answer_is_a_doubt_and_there_is_no_third_attempt(stage) {
        stage.set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.0008); // 2.9 s
        let _simulator = stage.simulator(50);
        let app = resending(&stage);
        let before = app.available();
        let id = app.sent(SILENT, "Never an answer");
        let doubtful = app.message_until(&id, "in_doubt");
        assert_eq!(doubtful["reason"], "no_answer");
        assert_eq!(stage.judge().tried(SILENT), 2);
        assert_eq!(app.held(), before - app.available());
        let message = app.message_until(&id, "unknown");
        assert_eq!((micros(&message["cost"]), app.available(), app.held()), (0, before, 0));
        assert_eq!(stage.judge().tried(SILENT), 2, "not a third time");
        app.audited();
    }

    fn after_a_kill_what_was_on_its_way_goes_a_second_time(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        // A carrier of its own: that of the demo gets the settings of the configuration at each start.
        let settings = json!({"address": stage.simulator_address(), "system_id": "acme", "binds": 1, "resend": "resend_once"});
        stage.admin(&["carriers", "set", "acme", &settings.to_string()]);
        let made = stage.admin(&["accounts", "create", "--name", "Acme", "--carrier", "acme", "--countries", "*"]);
        let account = made.split_whitespace().nth(1).unwrap();
        stage.admin(&["top-up", account, "5.00", "--key", "first"]);
        stage.admin(&["senders", "grant", account, "CARILLON"]);
        let token = stage.admin(&["tokens", "create", account]);
        let token = token.split_whitespace().nth(1).unwrap();
        let acme = app.with_token(token);
        let before = acme.available();
        let id = acme.sent(SILENT_FIRST, "On its way");
        until("the simulator has it", || (stage.judge().tried(SILENT_FIRST) == 1).then_some(()));
        app.kill();
        let app = stage.start();
        let acme = app.with_token(token);
        let message = acme.message_until(&id, "delivered");
        let price = micros(&message["unit_price"]);
        assert_eq!((micros(&message["cost"]), before - acme.available(), acme.held()), (price, price, 0));
        assert_eq!(stage.judge().tried(SILENT_FIRST), 2);
        assert_eq!(acme.read(&format!("/v1/messages/{id}/trace"))["resend"]["reason"], "interrupted");
        acme.audited();
    }

    fn what_waits_for_its_second_attempt_is_not_cancelled_as_if_it_had_not_left(stage) {
        let simulator = stage.simulator(50);
        let app = resending(&stage);
        let group = app.group("One", &[SILENT.to_owned()]);
        let id = app.draft_to(&group, "Never an answer");
        app.launch(&id).ok(202);
        until("the simulator has it", || (stage.judge().tried(SILENT) == 1).then_some(()));
        simulator.kill();
        let message = until("it waits for its second attempt", || {
            let of = app.messages_of(&id).into_iter().next()?;
            (of["status"] == "queued").then_some(of)
        });
        let message = message["id"].as_str().unwrap();
        app.post(&format!("/v1/messages/{message}/cancel"), &json!({})).refused(409, "conflict");
        app.step(&id, "cancel").ok(200);
        let doubtful = app.message_until(message, "in_doubt");
        assert_eq!(app.held(), micros(&doubtful["unit_price"]), "its money stays held");
        app.audited();
    }

    fn the_operator_resolves_a_doubt_once(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        until("it is bound", || (stage.judge().binds() == 2).then_some(()));
        let carrier = carrier(&stage, json!({}));
        let ids = in_doubt(&stage, &app, 3);
        let (before, price) = (app.available(), app.held() / 3);
        let listed = operator.pages(&format!("/v1/admin/doubts?carrier_id={carrier}"));
        let seen: Vec<&str> = listed.iter().rev().map(|d| d["message_id"].as_str().unwrap()).collect();
        assert_eq!(seen, ids);
        assert_eq!((&listed[0]["to"], &listed[0]["sender"], &listed[0]["reason"]), (&json!(SILENT), &json!("CARILLON"), &json!("no_answer")));
        assert!(operator.pages("/v1/admin/doubts?to=2020-01-01T00:00:00Z").is_empty());

        let resolve = |id: &str, outcome: &str, reason: &str| {
            operator.post(&format!("/v1/admin/messages/{id}/resolve"), &json!({"outcome": outcome, "reason": reason}))
        };
        resolve(&ids[0], "delivered", " ").refused(422, "invalid_request");
        app.with_token(&stage.operator("messages:read")).post(&format!("/v1/admin/messages/{}/resolve", ids[0]), &json!({"outcome": "delivered", "reason": "x"})).refused(403, "scope_missing");
        for (id, outcome, status, cost) in [
            (&ids[0], "delivered", "delivered", price),
            (&ids[1], "undelivered", "undelivered", price),
            (&ids[2], "not_sent", "failed", 0),
        ] {
            let told = resolve(id, outcome, "Ticket 4711").ok(200);
            assert_eq!((&told["message"]["status"], micros(&told["message"]["cost"])), (&json!(status), cost), "{told}");
            assert_eq!((&told["resolution"]["outcome"], &told["resolution"]["reason"]), (&json!(outcome), &json!("Ticket 4711")));
            assert!(told["resolution"]["operator_token_id"].as_str().unwrap().starts_with("opt_"), "{told}");
            resolve(id, "not_sent", "Another opinion").refused(409, "conflict");
            let message = app.message(id);
            assert_eq!((&message["status"], &message["reason"]), (&json!(status), &json!("resolved_by_operator")));
        }
        assert!(app.read(&format!("/v1/messages/{}/trace", ids[0]))["resolution"].is_null(), "the operator's words are the operator's");
        assert_eq!(trace(&operator, &ids[0])["resolution"]["outcome"], "delivered");
        assert_eq!((app.available(), app.held()), (before + price, 0));
        assert!(operator.pages("/v1/admin/doubts").is_empty());
        app.audited();
    }

    fn two_operators_at_once_resolve_a_period_exactly_once(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("messages:write,messages:read"));
        until("it is bound", || (stage.judge().binds() == 2).then_some(()));
        let carrier = carrier(&stage, json!({}));
        let other = app.sent(&numbers(0, 1)[0], "Not in doubt");
        app.message_until(&other, "delivered");
        let before = app.available();
        let ids = in_doubt(&stage, &app, 20);
        let resolve = |from: &str, to: &str, outcome: &str| {
            let body = json!({"carrier_id": carrier, "from": from, "to": to, "outcome": outcome, "reason": "An outage"});
            operator.post("/v1/admin/doubts/resolve", &body)
        };
        resolve("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "delivered").refused(422, "invalid_request");
        let none = resolve("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "delivered").ok(200);
        assert_eq!(none, json!({"resolved": 0, "has_more": false}));
        let (from, to) = ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
        let resolved: u64 = std::thread::scope(|scope| {
            let ask = |outcome: &'static str| scope.spawn(move || resolve(from, to, outcome).ok(200)["resolved"].as_u64().unwrap());
            let asked = [ask("delivered"), ask("not_sent"), ask("delivered"), ask("undelivered")];
            asked.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(resolved, 20);
        let all: Vec<Value> = ids.iter().map(|id| app.message(id)).collect();
        let charged: i64 = all.iter().map(|m| micros(&m["cost"])).sum();
        assert!(all.iter().all(|m| !m["done_at"].is_null() && m["reason"] == "resolved_by_operator"), "{all:?}");
        assert_eq!((before - app.available(), app.held()), (charged, 0));
        app.audited();
    }

    fn without_receipts_a_message_ends_when_the_carrier_has_it(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        until("it is bound", || (stage.judge().binds() == 2).then_some(()));
        carrier(&stage, json!({"registered_delivery": "none"}));
        let id = app.sent(&numbers(0, 1)[0], "No receipt");
        let message = app.message_until(&id, "no_report");
        assert_eq!((&message["reason"], micros(&message["cost"])), (&json!("no_receipt_asked"), micros(&message["unit_price"])));
        assert_eq!(app.held(), 0);
        let told: Vec<String> = until("the events are numbered", || {
            let of: Vec<String> = app.events().iter().filter(|e| e["data"]["id"] == id.as_str()).map(|e| e["type"].as_str().unwrap().to_owned()).collect();
            of.contains(&"message.no_report".to_owned()).then_some(of)
        });
        assert!(told.contains(&"message.sent".to_owned()), "{told:?}");
        app.audited();
    }
}
