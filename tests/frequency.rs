//! Frequency caps of an account: how often campaigns may write to a number.

use serde_json::{Value, json};

use crate::harness::{App, micros, numbers, until};

/// Lets it be about noon by the account's clock, so that no day ends under the test.
fn noon(app: &App) {
    let hour = domain::clock::Clock::system().now().0 / 3_600_000_000 % 24;
    app.patch("/v1/account", &json!({"time_zone": format!("Etc/GMT{:+}", hour - 12)})).ok(200);
}

fn cap(app: &App, caps: Value) {
    let account = app.patch("/v1/account", &json!({"frequency_caps": caps})).ok(200);
    assert_eq!(account["frequency_caps"], caps);
}

both! {
    fn two_campaigns_at_the_same_time_write_to_each_number_once(stage) {
        stage.set("CARILLON_SIMULATOR__BINDS", 4).set("CARILLON_SIMULATOR__WINDOW", 20);
        let _simulator = stage.simulator(50);
        let app = stage.start();
        noon(&app);
        cap(&app, json!([{"messages": 1, "days": 1}]));
        let before = app.available();
        let (phones, back): (Vec<String>, Vec<String>) = (numbers(0, 600), numbers(0, 600).into_iter().rev().collect());
        let drafts = [("One", &phones), ("Two", &back)].map(|(text, to)| app.draft(json!({"text": text, "audience": {"phones": to}})));
        std::thread::scope(|s| {
            for draft in &drafts {
                s.spawn(|| app.launch(draft).ok(202));
            }
        });
        let done = drafts.each_ref().map(|draft| app.campaign_until(draft, "completed"));
        let (judge, mut left, mut skipped) = (stage.judge(), 0, 0);
        assert!(phones.iter().all(|phone| judge.taken_by(phone) == 1), "each number once");
        for (draft, done) in drafts.iter().zip(&done) {
            left += done["messages"]["delivered"].as_i64().unwrap_or(0);
            skipped += done["messages"]["skipped"].as_i64().unwrap_or(0);
            let over = app.pages(&format!("/v1/messages?campaign_id={draft}&status=skipped&reason=frequency_cap"));
            assert!(over.iter().all(|m| micros(&m["cost"]) == 0));
            assert_eq!(over.len(), usize::try_from(done["messages"]["skipped"].as_i64().unwrap_or(0)).unwrap());
        }
        assert_eq!((left, skipped), (600, 600), "{done:?}");
        let spent: i64 = done.iter().map(|done| micros(&done["cost"])).sum();
        assert_eq!((before - app.available(), app.held()), (spent, 0), "what was skipped is not charged");
        let events = until("every skip is told", || {
            let events = app.events();
            let told = events.iter().filter(|e| e["type"] == "message.skipped").count();
            (told == 600).then_some(events)
        });
        let one = events.iter().find(|e| e["type"] == "message.skipped").unwrap();
        assert_eq!((&one["data"]["status"], &one["data"]["reason"]), (&json!("skipped"), &json!("frequency_cap")));
        let trace = app.read(&format!("/v1/messages/{}/trace", one["data"]["id"].as_str().unwrap()));
        assert!(trace["events"].as_array().unwrap().iter().any(|e| e["type"] == "message.skipped"), "{trace}");

        // A number tells until when; single sends go on.
        let told = app.read(&format!("/v1/numbers/{}/blocks", phones[0]));
        assert_eq!((&told["blocked"], &told["blocks"][0]["reason"]), (&json!(false), &json!("frequency_cap")), "{told}");
        let ends: domain::clock::Timestamp = told["blocks"][0]["until"].as_str().unwrap().parse().unwrap();
        let left = domain::clock::Clock::system().now().until(ends).as_secs() / 3600;
        assert!((10..=12).contains(&left), "until midnight by the account's clock: {left} h");
        app.message_until(&app.sent(&phones[0], "Your code is 1234"), "delivered");
        // Another campaign to the same: nobody is left, and it ends.
        let third = app.draft(json!({"text": "Three", "audience": {"phones": phones[..5]}}));
        app.launch(&third).ok(202);
        assert_eq!(app.campaign_until(&third, "completed")["messages"], json!({"skipped": 5}));
        // Without a cap everybody is written to again, and nothing of it counts later.
        cap(&app, json!([]));
        let fourth = app.draft(json!({"text": "Four", "audience": {"phones": phones[..5]}}));
        app.launch(&fourth).ok(202);
        assert_eq!(app.campaign_until(&fourth, "completed")["messages"], json!({"delivered": 5}));
        cap(&app, json!([{"messages": 2, "days": 1}]));
        assert_eq!(app.read(&format!("/v1/numbers/{}/blocks", phones[0]))["blocks"], json!([]));
        app.audited();
    }

    fn wrong_caps_are_refused_with_their_place(stage) {
        let app = stage.start();
        let set = |caps: Value| app.patch("/v1/account", &json!({"frequency_caps": caps}));
        for (caps, pointer) in [
            (json!([{"messages": 0, "days": 1}]), "/frequency_caps/0/messages"),
            (json!([{"messages": 1, "days": 1}, {"messages": 1001, "days": 2}]), "/frequency_caps/1/messages"),
            (json!([{"messages": 1, "days": 91}]), "/frequency_caps/0/days"),
            (json!([{"messages": 1, "days": 7}, {"messages": 2, "days": 7}]), "/frequency_caps/1/days"),
            (json!((1..=6).map(|n| json!({"messages": n, "days": n})).collect::<Vec<_>>()), "/frequency_caps"),
        ] {
            let told = set(caps.clone()).refused(422, "invalid_request");
            assert_eq!(told["errors"][0]["pointer"], pointer, "{caps}: {told}");
        }
        set(json!([{"messages": 1}])).refused(422, "invalid_request");
        cap(&app, json!([{"messages": 1, "days": 1}, {"messages": 1000, "days": 90}]));
        assert_eq!(app.patch("/v1/account", &json!({"frequency_caps": null})).ok(200)["frequency_caps"], json!([]));
    }
}
