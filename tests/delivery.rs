//! What carriers do to messages, by the simulator's magic numbers: each answer and each receipt, late, early, twice or
//! never, and the money that goes with it. Kill tests are in `chaos`.

use serde_json::{Value, json};

use crate::harness::{Stage, merged, micros, until, within};
use std::time::Duration;

/// The magic number that ends with these digits.
fn magic(end: &str) -> String {
    format!("+120155501{end}")
}

fn outcome(message: &Value) -> (&str, Option<&str>, i64) {
    (message["status"].as_str().unwrap(), message["reason"].as_str(), micros(&message["cost"]))
}

/// Gives the carrier other settings, as an operator would, and waits until it is bound with them.
fn carrier(stage: &Stage, more: Value) {
    until("it is bound", || (stage.judge().binds() == 2).then_some(()));
    let settings = json!({"address": stage.simulator_address(), "system_id": "carillon", "binds": 1});
    stage.admin(&["carriers", "set", "simulator", &merged(settings, more).to_string()]);
    until("it is bound again", || (stage.judge().binds() == 3).then_some(()));
}

both! {
    fn every_answer_and_receipt_has_its_end_and_its_price(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        // number, status, reason, charged, submits that came, of these taken
        let cases = [
            ("00", "delivered", None, true, 1, 1),
            ("01", "undelivered", Some("undeliverable"), true, 1, 1),
            ("02", "expired", Some("expired_at_carrier"), true, 1, 1),
            ("03", "rejected", Some("rejected_by_operator"), true, 1, 1),
            ("04", "rejected", Some("refused_by_carrier"), false, 1, 0),
            ("05", "rejected", Some("refused_by_carrier"), false, 1, 0),
            ("06", "delivered", None, true, 3, 1), // throttled twice
            ("07", "delivered", None, true, 2, 1), // queue full once
            ("11", "delivered", None, true, 1, 1), // the receipt comes twice
            ("12", "delivered", None, true, 1, 1), // before the answer
            ("14", "delivered", None, true, 1, 1), // ENROUTE, then DELIVRD
            ("15", "delivered", None, true, 1, 1), // DELIVRD, then ENROUTE
            ("16", "delivered", None, true, 1, 1), // and a receipt of nobody
            ("20", "failed", Some("deleted_at_carrier"), true, 1, 1),
            ("21", "failed", Some("unknown_to_carrier"), true, 1, 1),
        ];
        let to: Vec<String> = cases.iter().map(|c| magic(c.0)).collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        let sent = app.send(&to, "Every outcome").ok(202);
        let batch = sent["batch_id"].as_str().unwrap();
        let all = || app.pages(&format!("/v1/messages?batch_id={batch}"));
        until("every message is final", || all().iter().all(|m| !m["done_at"].is_null()).then_some(()));
        let price = micros(&sent["messages"][0]["cost"]);
        let mut charged = 0;
        for (end, status, reason, costs, tried, taken) in cases {
            let message = all().into_iter().find(|m| m["to"] == magic(end)).unwrap();
            let cost = if costs { price } else { 0 };
            charged += cost;
            assert_eq!(outcome(&message), (status, reason, cost), "{message}");
            assert_eq!((stage.judge().tried(&magic(end)), stage.judge().taken_by(&magic(end))), (tried, taken), "{end}");
        }
        assert_eq!((before - app.available(), app.held()), (charged, 0));
        app.audited();
        stage.judge().nothing_twice();
        // The doubled and the late receipts have come, and told nothing new.
        until("the doubled receipts have come", || {
            let judge = stage.judge();
            let both = |end: &str| judge.receipts(&magic(end)).len() == 2;
            (both("11") && both("14") && both("15") && both("16")).then_some(())
        });
        let finals = |events: &[Value], end: &str| {
            let told: Vec<String> = events
                .iter()
                .filter(|e| e["data"]["to"] == magic(end) && e["type"] != "message.sent")
                .map(|e| e["type"].as_str().unwrap().to_owned())
                .collect();
            told
        };
        let events = until("the events are numbered", || {
            let events = app.events();
            (finals(&events, "16").len() == 1).then_some(events)
        });
        for end in ["11", "12", "14", "15", "16"] {
            assert_eq!(finals(&events, end), ["message.delivered"], "{end}");
        }
    }

    fn an_unapplied_receipt_is_counted_not_dropped(stage) {
        let app = stage.start();
        let id = app.sent(&magic("16"), "And a receipt of nobody");
        app.message_until(&id, "delivered");
        until("the parked receipt is counted", || {
            let metrics = String::from_utf8(app.get("/metrics").body).unwrap();
            let line = metrics.lines().find(|l| l.starts_with("carillon_receipts_parked_total{carrier=\"simulator\"} "))?.to_owned();
            (line.rsplit(' ').next()? != "0").then_some(())
        });
    }

    fn one_failed_part_fails_a_long_message_and_is_told(stage) {
        let app = stage.start();
        let text = "A long text in two parts. ".repeat(8);
        let id = app.sent(&magic("18"), &text);
        let message = app.message_until(&id, "failed");
        assert_eq!(message["reason"], "part_2_of_2_undelivered", "{message}");
        assert_eq!(message["segments"], 2);
        assert_eq!(micros(&message["cost"]), 2 * micros(&message["unit_price"]));
        let parts = app.read(&format!("/v1/messages/{id}"))["parts"].clone();
        let seen: Vec<(i64, &str)> =
            parts.as_array().unwrap().iter().map(|p| (p["part"].as_i64().unwrap(), p["status"].as_str().unwrap())).collect();
        assert_eq!(seen, [(1, "delivered"), (2, "undelivered")]);
        assert_eq!(parts[1]["error"], "001");
        app.audited();
    }

    fn every_way_of_splitting_arrives(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let text = "Ціна 5 € – лише сьогодні. ".repeat(6);
        for (n, (mode, submits)) in [("udh", 3), ("udh16", 3), ("sar", 3), ("payload", 1), ("cut", 1)].into_iter().enumerate() {
            let to = format!("+44740020000{n}");
            let body = json!({"to": [to], "sender": "CARILLON", "text": text, "split_mode": mode});
            let sent = app.post("/v1/messages", &body).ok(202);
            let message = app.message_until(sent["messages"][0]["id"].as_str().unwrap(), "delivered");
            assert_eq!(message["segments"], if mode == "cut" { 1 } else { 3 }, "{mode}");
            assert_eq!(stage.judge().taken_by(&to), submits, "{mode}");
            // What was handed over is the text.
            let octets: String = {
                let judge = stage.judge();
                let mut parts: Vec<_> = judge.taken().into_iter().filter(|s| s.dest.ends_with(&to[1..])).collect();
                parts.sort_by_key(|s| (s.udh.as_ref().map(|u| u[u.len() - 2..].to_owned()), s.sar.map(|s| s.sequence)));
                parts.iter().map(|s| s.text_hex.as_str()).collect()
            };
            let units: Vec<u16> = (0..octets.len() / 4).map(|n| u16::from_str_radix(&octets[n * 4..n * 4 + 4], 16).unwrap()).collect();
            let received = String::from_utf16(&units).unwrap();
            let whole = text.trim_end();
            if mode == "cut" {
                assert!(whole.starts_with(received.trim_end()) && received.chars().count() == 70, "{received}");
            } else {
                assert_eq!(received.trim_end(), whole, "{mode}");
            }
        }
        app.audited();
    }

    fn without_a_receipt_a_message_ends_as_no_report_charged(stage) {
        stage.set("CARILLON_WORKER__RECEIPT_HOURS", 0.0004); // 1.4 s
        let app = stage.start();
        let silent = app.sent(&magic("13"), "No receipt ever");
        let accepted = app.sent(&magic("22"), "Accepted only");
        for id in [silent, accepted] {
            let message = app.message_until(&id, "no_report");
            assert_eq!(outcome(&message).1, Some("no_receipt_in_time"));
            assert_eq!(micros(&message["cost"]), micros(&message["unit_price"]));
        }
        assert_eq!(app.held(), 0);
        app.audited();
    }

    fn a_lost_answer_is_doubt_and_a_late_one_resolves_it(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        carrier(&stage, json!({"response_seconds": 1}));
        let before = app.available();
        let id = app.sent(&magic("08"), "The answer takes five seconds");
        let doubtful = app.message_until(&id, "in_doubt");
        assert_eq!(outcome(&doubtful), ("in_doubt", Some("no_answer"), 0));
        let price = micros(&doubtful["unit_price"]);
        assert_eq!((before - app.available(), app.held()), (price, price), "the money stays held");
        app.message_until(&id, "delivered");
        assert_eq!((before - app.available(), app.held()), (price, 0));
        stage.judge().nothing_twice();
        app.audited();
    }

    fn a_receipt_resolves_a_doubt_with_one_charge(stage) {
        stage.set("CARILLON_WORKER__SETTLE_SECONDS", 0.5);
        let _simulator = stage.simulator(2500);
        let app = stage.start();
        carrier(&stage, json!({"response_seconds": 1}));
        let before = app.available();
        let id = app.sent(&magic("10"), "No answer, but a receipt");
        let price = micros(&app.message_until(&id, "in_doubt")["unit_price"]);
        assert_eq!(app.held(), price);
        let message = app.message_until(&id, "delivered");
        assert_eq!(micros(&message["cost"]), price);
        assert_eq!((before - app.available(), app.held()), (price, 0));
        let captures = app.pages("/v1/balance/entries?kind=capture");
        assert_eq!(captures.len(), 1, "{captures:?}");
        assert_eq!(stage.judge().taken_by(&magic("10")), 1);
        app.audited();
    }

    fn a_reset_connection_leaves_a_doubt_that_its_receipt_resolves(stage) {
        stage.set("CARILLON_WORKER__SETTLE_SECONDS", 0.5);
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let id = app.sent(&magic("17"), "The connection is reset");
        let other = app.sent("+447400100001", "Goes on");
        app.message_until(&id, "delivered");
        app.message_until(&other, "delivered");
        assert_eq!(stage.judge().taken_by(&magic("17")), 1);
        stage.judge().nothing_twice();
        app.audited();
    }

    fn a_doubt_to_the_end_is_unknown_and_releases_its_money(stage) {
        stage.set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.0004); // 1.4 s
        let _simulator = stage.simulator(50);
        let app = stage.start();
        carrier(&stage, json!({"response_seconds": 1}));
        let before = app.available();
        let id = app.sent(&magic("09"), "Never an answer");
        let message = app.message_until(&id, "unknown");
        assert_eq!(outcome(&message), ("unknown", Some("in_doubt_to_the_end"), 0));
        assert_eq!((app.available(), app.held()), (before, 0));
        assert_eq!(stage.judge().tried(&magic("09")), 1, "not sent again");
        app.audited();
    }

    fn a_carrier_that_comes_back_is_used_again(stage) {
        let simulator = stage.simulator(50);
        let address = stage.simulator_address().to_owned();
        let app = stage.start();
        let first = app.sent("+447400100001", "One");
        app.message_until(&first, "delivered");
        simulator.kill();
        let waiting = app.sent("+447400100002", "Two");
        crate::harness::stays(Duration::from_millis(700), "the message waits", || {
            app.message(&waiting)["status"] == "queued"
        });
        let log = stage.path("simulator.jsonl");
        let command = stage.command(&["simulator", "--listen", &address, "--receipt-delay-ms", "50", "--log", log.to_str().unwrap()]);
        let _again = crate::harness::Process::spawn("simulator", command, stage.path("simulator.log"));
        within(Duration::from_secs(30), "it is sent after all", || {
            (app.message(&waiting)["status"] == "delivered").then_some(())
        });
        stage.judge().nothing_twice();
        app.audited();
    }
}
