//! Campaigns that are spread over a period and kept to allowed hours.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{numbers, stays, until};

/// The time of day by UTC, in minutes.
fn minute_of_day() -> i64 {
    domain::clock::Clock::system().now().0 / 60_000_000 % 1440
}

both! {
    fn a_campaign_is_spread_evenly(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let began = Instant::now();
        let audience = json!({"phones": numbers(1, 60)});
        let draft = app.draft(json!({"text": "Hello", "audience": audience, "pacing": {"spread_minutes": 1}}));
        app.launch(&draft).ok(202);
        // Five every five seconds.
        let sent = |at: u64| {
            std::thread::sleep(Duration::from_secs(at).saturating_sub(began.elapsed()));
            stage.judge().taken().len()
        };
        let (early, middle) = (sent(12), sent(32));
        assert!((5..=20).contains(&early), "after 12 s {early} of 60");
        assert!((22..=40).contains(&middle), "after 32 s {middle} of 60");
        app.campaign_until(&draft, "completed");
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(55), "done after {took:?}");
        assert_eq!(stage.judge().taken().len(), 60);
        app.audited();
    }

    fn one_connection_with_work_uses_all_of_the_limit(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let carrier = operator.read("/v1/admin/carriers")["data"][0]["id"].as_str().unwrap().to_owned();
        let limited = json!({"settings": {"binds": 4, "parts_per_second": 40}});
        operator.patch(&format!("/v1/admin/carriers/{carrier}"), &limited).ok(200);
        until("it is bound anew", || {
            let health = operator.read(&format!("/v1/admin/carriers/{carrier}/health"));
            let new = |bind: &Value| bind["state"] == "connected" && bind["owner"].as_str().is_some_and(|o| o.ends_with(".2"));
            health["binds"].as_array()?.iter().all(new).then_some(())
        });
        // One chunk, which one connection takes.
        let messages: Vec<Value> = numbers(0, 200).iter().map(|to| json!({"to": to})).collect();
        let batch = json!({"sender": "CARILLON", "text": "Bulk", "messages": messages});
        app.ask("POST", "/v1/messages/batches").key("bulk").json(&batch).go().ok(202);
        until("all left", || (stage.judge().taken().len() == 200).then_some(()));
        let mut at: Vec<i64> = stage.judge().taken().iter().map(|submit| submit.at).collect();
        at.sort_unstable();
        let took = Duration::from_micros(u64::try_from(at[199] - at[0]).unwrap());
        // A share of a quarter would take 20 s; a machine that is busy, more than 5.
        assert!(took < Duration::from_secs(14), "{took:?} for 200 at 40 a second");
        let most = at.iter().map(|from| at.iter().filter(|t| (*from..from + 1_000_000).contains(t)).count()).max().unwrap();
        assert!(most <= 50, "{most} in a second");
    }

    fn what_is_urgent_overtakes_what_waits(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let carrier = operator.read("/v1/admin/carriers")["data"][0]["id"].as_str().unwrap().to_owned();
        let slow = json!({"settings": {"binds": 1, "parts_per_second": 10}});
        operator.patch(&format!("/v1/admin/carriers/{carrier}"), &slow).ok(200);
        until("it is bound anew", || {
            let bind = operator.read(&format!("/v1/admin/carriers/{carrier}/health"))["binds"][0].clone();
            (bind["state"] == "connected" && bind["owner"].as_str()?.ends_with(".0.2")).then_some(())
        });
        let messages: Vec<Value> = numbers(0, 300).iter().map(|to| json!({"to": to})).collect();
        let batch = json!({"sender": "CARILLON", "text": "Bulk", "messages": messages});
        app.ask("POST", "/v1/messages/batches").key("bulk").json(&batch).go().ok(202);
        until("the batch is on its way", || (stage.judge().taken().len() > 5).then_some(()));
        let (notes, code) = (numbers(500, 50), numbers(600, 1));
        let left = |to: &[String]| {
            let is = |dest: &str| to.iter().any(|n| n.trim_start_matches('+') == dest.trim_start_matches('+'));
            stage.judge().taken().iter().filter(|submit| is(&submit.dest)).count()
        };
        let send = |to: &[String], text: &str, priority: Value| {
            let body = json!({"sender": "CARILLON", "text": text, "to": to, "priority": priority});
            app.ask("POST", "/v1/messages").key(text).json(&body).go().ok(202);
        };
        send(&notes, "Note", Value::Null);
        until("the notes are on their way", || (left(&notes) > 0).then_some(()));
        send(&code, "Code", json!("otp"));
        let accepted = domain::clock::Clock::system().now().0;
        until("the code is there", || (left(&code) == 1).then_some(()));
        let dest = |n: &str| n.trim_start_matches('+').to_owned();
        let order: Vec<(i64, String)> = stage.judge().taken().into_iter().map(|s| (s.at, dest(&s.dest))).collect();
        let at = order.iter().find(|(_, to)| *to == dest(&code[0])).unwrap().0;
        let between = order.iter().filter(|(then, _)| (accepted..at).contains(then)).count();
        assert!(between <= 25, "{between} left before the code, which a carrier of 10 a second was given after {} ms", (at - accepted) / 1000);
        assert!(left(&numbers(0, 300)) < 60, "the notes overtook the batch");
        app.ask("POST", "/v1/messages").key("wrong").json(&json!({"sender": "CARILLON", "text": "Hi", "to": ["+447400100001"], "priority": "first"}))
            .go().refused(422, "invalid_request");
    }

    fn a_closed_window_keeps_everything_until_it_opens(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        // Hours away from now, whatever the time is.
        let (from, to) = if minute_of_day() < 720 { ("18:00", "19:00") } else { ("06:00", "07:00") };
        let window = json!({"from": from, "to": to});
        let draft = app.draft(json!({"text": "Hello", "audience": {"phones": numbers(1, 20)}, "pacing": {"window": window}}));
        app.launch(&draft).ok(202);
        app.campaign_until(&draft, "sending");
        stays(Duration::from_secs(2), "nothing leaves", || stage.judge().taken().is_empty());
        let held = app.held();
        assert!(held > 0, "its money is held");
        let shown = app.campaign(&draft);
        assert_eq!(shown["pacing"]["window"], json!({"from": window["from"], "to": window["to"], "weekdays": [], "zone": "account"}));
        // Its chunk waits; paused, resumed and cancelled it gives everything back.
        assert_eq!(stage.count("SELECT COUNT(*) FROM chunks WHERE status = 'scheduled' AND closes_at IS NOT NULL"), 1);
        app.step(&draft, "pause").ok(200);
        app.step(&draft, "resume").ok(200);
        stays(Duration::from_secs(1), "nothing leaves after a pause either", || stage.judge().taken().is_empty());
        app.step(&draft, "cancel").ok(200);
        until("its money is back", || (app.held() == 0).then_some(()));
        app.audited();
    }

    fn a_window_that_closes_stops_the_campaign_and_opens_it_again(stage) {
        stage.set("CARILLON_SIMULATOR__WINDOW", 5).set("CARILLON_SIMULATOR__BINDS", 1);
        let simulator = stage.simulator(50);
        let app = stage.start();
        simulator.kill(); // nothing leaves
        let draft = app.draft(json!({"text": "Hello", "audience": {"phones": numbers(1, 40)},
            "pacing": {"window": {"from": "00:00", "to": "24:00", "zone": "recipient"}}}));
        app.launch(&draft).ok(202);
        until("its chunk is open", || (stage.count("SELECT COUNT(*) FROM chunks WHERE status IN ('ready', 'claimed') AND zone IS NOT NULL AND closes_at IS NOT NULL") == 1).then_some(()));
        // The window closes now: what has not left waits for the next one, which is at midnight or has begun already.
        let past = "UPDATE chunks SET closes_at = 1 WHERE closes_at IS NOT NULL";
        stage.sql(past);
        until("it has a new slot", || (stage.count("SELECT COUNT(*) FROM chunks WHERE closes_at > 1") == 1).then_some(()));
        app.kill();
        let _simulator = stage.simulator(50);
        let app = stage.start();
        app.campaign_until(&draft, "completed");
        stage.judge().nothing_twice();
        assert_eq!(stage.judge().taken().len(), 40);
        app.audited();
    }

    fn a_wrong_pacing_is_refused_with_its_place(stage) {
        let app = stage.start();
        let draft = |pacing: Value| app.post("/v1/campaigns", &json!({"name": "x", "sender": "CARILLON", "text": "Hi",
            "audience": {"phones": numbers(1, 1)}, "pacing": pacing}));
        for (pacing, pointer) in [
            (json!({"spread_minutes": 0}), "/pacing/spread_minutes"),
            (json!({"spread_minutes": 40321}), "/pacing/spread_minutes"),
            (json!({"window": {"from": "9", "to": "20:00"}}), "/pacing/window/from"),
            (json!({"window": {"from": "09:00", "to": "09:05"}}), "/pacing/window/to"),
            (json!({"window": {"from": "09:00", "to": "20:00", "weekdays": [8]}}), "/pacing/window/weekdays/0"),
        ] {
            let told = draft(pacing.clone()).refused(422, "invalid_request");
            assert_eq!(told["errors"][0]["pointer"], pointer, "{pacing}: {told}");
        }
        draft(json!({"window": {"from": "09:00", "to": "20:00", "zone": "moon"}})).refused(422, "invalid_request");
        let made = draft(json!({"spread_minutes": 5})).ok(201);
        let path = format!("/v1/campaigns/{}", made["id"].as_str().unwrap());
        assert_eq!(app.patch(&path, &json!({"pacing": null})).ok(200)["pacing"], Value::Null);
    }
}
