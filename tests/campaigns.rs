//! Campaigns: launches that race, pausing, resuming, cancelling, times, copies, resends, and every refusal.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Stage, micros, numbers, stays, until};

/// A draft of a text to some bare numbers.
fn draft(app: &Client, text: &str, phones: &[String]) -> String {
    app.draft(json!({"text": text, "audience": {"phones": phones}}))
}

/// A running campaign of many messages to a slow carrier: one connection with a narrow window.
fn slow(stage: &mut Stage) -> crate::harness::Process {
    stage.set("CARILLON_SIMULATOR__WINDOW", 5).set("CARILLON_SIMULATOR__BINDS", 1);
    stage.simulator(50)
}

fn in_seconds(seconds: i64) -> String {
    let now = domain::clock::Clock::system().now();
    serde_json::to_value(domain::clock::Timestamp(now.0 + seconds * 1_000_000)).unwrap().as_str().unwrap().to_owned()
}

fn statuses(messages: &[Value]) -> BTreeSet<&str> {
    messages.iter().map(|m| m["status"].as_str().unwrap()).collect()
}

both! {
    fn two_launches_at_once_are_one(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let id = draft(&app, "Once", &numbers(0, 50));
        let path = format!("/v1/campaigns/{id}/launch");
        let launch = |key: &str| app.ask("POST", &path).key(key).json(&json!({})).go();
        let (first, second) = std::thread::scope(|s| {
            let (a, b) = (s.spawn(|| launch("one")), s.spawn(|| launch("two")));
            (a.join().unwrap(), b.join().unwrap())
        });
        let (won, lost) = if first.status == 202 { (first, second) } else { (second, first) };
        won.ok(202);
        lost.refused(409, "campaign_not_draft");
        let campaign = app.campaign_until(&id, "completed");
        assert_eq!(campaign["messages"], json!({"delivered": 50}));
        assert_eq!(stage.judge().taken().len(), 50);
        let launched = app.events().iter().filter(|e| e["type"] == "campaign.launched").count();
        assert_eq!(launched, 1);
        app.audited();
    }

    fn the_same_launch_sent_by_many_at_once_has_one_effect(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let id = draft(&app, "Once", &numbers(0, 20));
        let path = format!("/v1/campaigns/{id}/launch");
        let answers: Vec<_> = std::thread::scope(|s| {
            let asked: Vec<_> = (0..6).map(|_| s.spawn(|| app.ask("POST", &path).key("same").json(&json!({})).go())).collect();
            asked.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let mut bodies = Vec::new();
        for answer in &answers {
            if answer.status == 202 {
                bodies.push(answer.json());
            } else {
                let problem = answer.refused(409, "idempotency_in_flight");
                assert_eq!(problem["retryable"], true);
            }
        }
        assert!(!bodies.is_empty());
        assert!(bodies.windows(2).all(|two| two[0] == two[1]), "every answer is the first one");
        let fresh = answers.iter().filter(|a| a.status == 202 && a.header("idempotent-replayed").is_empty()).count();
        assert_eq!(fresh, 1);
        app.campaign_until(&id, "completed");
        assert_eq!(stage.judge().taken().len(), 20);
        app.audited();
    }

    fn pause_resume_and_nobody_twice(stage) {
        let _simulator = slow(&mut stage);
        let app = stage.start();
        let group = app.group("Everybody", &numbers(0, 1200));
        let id = app.draft_to(&group, "Hello {{first_name}}");
        app.step(&id, "pause").refused(409, "conflict");
        app.launch(&id).ok(202);
        until("it is sending", || (stage.judge().taken().len() > 50).then_some(()));
        let held = app.held();
        assert_eq!(app.step(&id, "pause").ok(200)["status"], "paused");
        app.step(&id, "pause").refused(409, "conflict");
        // What was under way ends, then nothing moves.
        let mut last = usize::MAX;
        until("the last window is out", || {
            let now = stage.judge().taken().len();
            let still = now == last;
            last = now;
            std::thread::sleep(Duration::from_millis(200)); // two looks apart
            still.then_some(())
        });
        assert!(last < 1200, "the campaign was over before the pause");
        stays(Duration::from_secs(1), "a paused campaign", || stage.judge().taken().len() == last);
        assert!(app.held() > 0 && app.held() <= held, "the money of the rest stays held");
        app.audited();
        assert_eq!(app.step(&id, "resume").ok(200)["status"], "sending");
        app.step(&id, "resume").refused(409, "conflict");
        let campaign = app.campaign_until(&id, "completed");
        assert_eq!(campaign["messages"], json!({"delivered": 1200}));
        stage.judge().nothing_twice();
        assert_eq!(stage.judge().numbers().len(), 1200);
        assert_eq!(app.held(), 0);
        app.audited();
    }

    fn cancel_while_it_is_sent_charges_what_left_and_releases_the_rest(stage) {
        let _simulator = slow(&mut stage);
        let app = stage.start();
        let before = app.available();
        let group = app.group("Everybody", &numbers(0, 1200));
        let id = app.draft_to(&group, "Hello {{first_name}}");
        app.launch(&id).ok(202);
        until("it is sending", || (stage.judge().taken().len() > 50).then_some(()));
        assert_eq!(app.step(&id, "cancel").ok(200)["status"], "cancelled");
        let seen = stage.judge().taken().len();
        app.step(&id, "cancel").refused(409, "conflict");
        app.step(&id, "resume").refused(409, "conflict");
        let campaign = app.finished(&id);
        assert_eq!(campaign["status"], "cancelled");
        let taken = stage.judge().taken().len();
        assert!(taken <= seen + 5, "{taken} taken, {seen} at the cancel: more than a window after it");
        assert!(taken < 1200, "the campaign was over before the cancel");
        let messages = app.messages_of(&id);
        assert_eq!(statuses(&messages), BTreeSet::from(["delivered", "cancelled"]));
        let sent = stage.judge().numbers();
        for m in &messages {
            let left = sent.contains(m["to"].as_str().unwrap());
            // Exactly one of charge and release.
            assert_eq!((m["status"] == "delivered", micros(&m["cost"]) > 0), (left, left), "{m}");
        }
        let total: i64 = messages.iter().map(|m| micros(&m["cost"])).sum();
        assert_eq!((before - app.available(), app.held(), micros(&campaign["cost"])), (total, 0, total));
        stage.judge().nothing_twice();
        app.audited();
    }

    fn cancel_while_it_is_prepared_sends_nothing_and_costs_nothing(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        let group = app.group("Everybody", &numbers(0, 2500));
        for _ in 0..3 {
            let id = app.draft_to(&group, "Hello {{first_name}}");
            app.launch(&id).ok(202);
            let answer = app.step(&id, "cancel").ok(200);
            assert_eq!(answer["status"], "cancelled");
            let campaign = app.finished(&id);
            assert_eq!(campaign["status"], "cancelled");
            let charged = micros(&campaign["cost"]);
            let taken: i64 = app.messages_of(&id).iter().map(|m| micros(&m["cost"])).sum();
            assert_eq!(charged, taken);
            app.audited();
        }
        until("no money is held", || (app.held() == 0).then_some(()));
        let spent: i64 = app.pages("/v1/messages").iter().map(|m| micros(&m["cost"])).sum();
        assert_eq!(before - app.available(), spent);
    }

    fn a_scheduled_campaign_starts_at_its_time(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        let body = json!({"text": "Later", "audience": {"phones": numbers(0, 3)}, "send_at": in_seconds(3)});
        let id = app.draft(body);
        let launched = app.launch(&id).ok(202);
        assert_eq!(launched["status"], "scheduled");
        assert_eq!((app.available(), app.held()), (before, 0), "nothing is held before its time");
        app.launch(&id).refused(409, "campaign_not_draft");
        assert!(stage.judge().taken().is_empty());
        let campaign = app.campaign_until(&id, "completed");
        assert_eq!(campaign["messages"], json!({"delivered": 3}));
        assert!(campaign["started_at"].as_str() >= campaign["send_at"].as_str(), "{campaign}");
        app.audited();
    }

    fn a_scheduled_campaign_is_changed_with_if_match_only_and_can_be_cancelled(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let id = app.draft(json!({"text": "Later", "audience": {"phones": numbers(0, 3)}, "send_at": in_seconds(3600)}));
        let path = format!("/v1/campaigns/{id}");
        app.launch(&id).ok(202);
        let etag = app.get(&path).header("etag").to_owned();
        assert!(!etag.is_empty());
        let patch = json!({"text": "Later still"});
        app.patch(&path, &patch).refused(428, "version_required");
        app.ask("PATCH", &path).header("if-match", "\"99.0000000000000000\"").json(&patch).go().refused(412, "version_mismatch");
        assert_eq!(app.campaign(&id)["text"], "Later");
        let changed = app.ask("PATCH", &path).header("if-match", &etag).json(&patch).go().ok(200);
        assert_eq!((&changed["text"], &changed["status"]), (&json!("Later still"), &json!("scheduled")));
        app.ask("PATCH", &path).header("if-match", &etag).json(&patch).go().refused(412, "version_mismatch");
        app.delete(&path).refused(409, "campaign_not_draft");
        assert_eq!(app.step(&id, "cancel").ok(200)["status"], "cancelled");
        assert!(!app.finished(&id)["finished_at"].is_null());
        assert!(stage.judge().taken().is_empty());
        assert_eq!(app.held(), 0);
    }

    fn a_due_campaign_is_started_by_the_next_process(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let id = app.draft(json!({"text": "Later", "audience": {"phones": numbers(0, 3)}, "send_at": in_seconds(1)}));
        app.launch(&id).ok(202);
        app.kill();
        stays(Duration::from_millis(1200), "nothing runs", || stage.judge().taken().is_empty());
        let app = stage.start();
        app.campaign_until(&id, "completed");
        assert_eq!(stage.judge().taken().len(), 3);
    }

    fn a_copy_is_a_draft_and_a_resend_goes_to_those_not_reached(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let phones: Vec<String> =
            ["+12015550101", "+12015550102", "+12015550104", "+447400100001"].map(str::to_owned).to_vec();
        let group = app.group("Four", &phones);
        let bare = "+12015550103".to_owned(); // no contact
        let id = app.draft(json!({"text": "First try", "audience": {"group_ids": [group], "phones": [bare]}}));
        app.step(&id, "resend").refused(409, "conflict");
        app.launch(&id).ok(202);
        let campaign = app.campaign_until(&id, "completed");
        assert_eq!(campaign["messages"], json!({"delivered": 1, "expired": 1, "rejected": 2, "undelivered": 1}));

        let copy = app.step(&id, "copy").ok(201);
        assert_eq!((&copy["status"], &copy["copied_from"], &copy["text"]), (&json!("draft"), &json!(id), &json!("First try")));
        assert_eq!(copy["audience"], campaign["audience"]);

        let again = app.post(&format!("/v1/campaigns/{id}/resend"), &json!({"statuses": ["undelivered", "expired"]})).ok(201);
        let estimate = app.step(again["id"].as_str().unwrap(), "estimate").ok(200);
        assert_eq!(estimate["messages"], 2);
        let all = app.step(&id, "resend").ok(201);
        assert_eq!(all["audience"]["phones"], json!([bare]));
        let all = all["id"].as_str().unwrap();
        assert_eq!(app.step(all, "estimate").ok(200)["messages"], 4);
        app.launch(all).ok(202);
        app.campaign_until(all, "completed");
        let to: BTreeSet<String> = app.messages_of(all).iter().map(|m| m["to"].as_str().unwrap().to_owned()).collect();
        assert_eq!(to, BTreeSet::from(["+12015550101", "+12015550102", "+12015550103", "+12015550104"].map(str::to_owned)));
        app.post(&format!("/v1/campaigns/{id}/resend"), &json!({"statuses": ["no_report"]})).refused(422, "empty_audience");
        app.audited();
    }

    fn who_is_stopped_is_skipped_and_told_why(stage) {
        let app = stage.start();
        let phones = numbers(0, 5);
        let group = app.group("Five", &phones);
        let stop = app.post("/v1/groups", &json!({"name": "Stop", "stop_list": true})).ok(201);
        let contacts = app.pages(&format!("/v1/contacts?group_id={group}"));
        let of = |phone: &str| contacts.iter().find(|c| c["phone"] == phone).unwrap()["id"].clone();
        app.post("/v1/blacklist", &json!({"phone": phones[0]})).ok(201);
        app.post(&format!("/v1/groups/{}/contacts", stop["id"].as_str().unwrap()), &json!({"contact_ids": [of(&phones[1])]})).ok(200);
        let refused = format!("/v1/contacts/{}", of(&phones[2]).as_str().unwrap());
        app.patch(&refused, &json!({"consent": {"status": "refused"}})).ok(200);
        let excluded = app.post("/v1/groups", &json!({"name": "Excluded"})).ok(201);
        app.post(&format!("/v1/groups/{}/contacts", excluded["id"].as_str().unwrap()), &json!({"contact_ids": [of(&phones[3])]})).ok(200);
        // The last one twice: by its group and by its number.
        let audience = json!({"group_ids": [group], "phones": [phones[4]], "exclude_group_ids": [excluded["id"]]});
        let id = app.draft(json!({"text": "Hello", "audience": audience}));
        let estimate = app.step(&id, "estimate").ok(200);
        assert_eq!((&estimate["messages"], estimate["skipped"].as_array().unwrap().len()), (&json!(1), 3), "{estimate}");
        app.launch(&id).ok(202);
        app.campaign_until(&id, "completed");
        let mut told: Vec<(String, String, String, i64)> = app
            .messages_of(&id)
            .iter()
            .map(|m| {
                let text = |k: &str| m[k].as_str().unwrap_or_default().to_owned();
                (text("to"), text("status"), text("reason"), micros(&m["cost"]))
            })
            .collect();
        told.sort();
        let paid = told.last().unwrap().3;
        assert!(paid > 0);
        let skipped = |n: usize, why: &str| (phones[n].clone(), "skipped".to_owned(), why.to_owned(), 0);
        assert_eq!(told, [
            skipped(0, "blacklisted"), skipped(1, "stop_list"), skipped(2, "consent_refused"),
            (phones[4].clone(), "delivered".to_owned(), String::new(), paid),
        ]);
    }

    fn refusals_leave_nothing_half_done(stage) {
        stage.start().terminate(); // the demo's deck is what the account below uses
        let deck = stage.path("deck.csv");
        std::fs::write(&deck, "country,price\nGB,0.05\nUS,0.01\n").unwrap();
        stage.admin(&["rates", "import", deck.to_str().unwrap(), "--deck", "narrow"]);
        let (_, poor) = stage.account("Poor", "0", &["--deck", "narrow", "--countries", "GB,FR"]);
        let (rich_id, rich) = stage.account("Rich", "10.00", &["--deck", "narrow", "--countries", "GB,FR"]);
        let app = stage.start();
        let (poor, rich) = (app.with_token(&poor), app.with_token(&rich));
        for owner in [&poor, &rich] {
            let id = asked_sender(owner);
            stage.admin(&["senders", "approve", &id]);
        }
        let group = rich.group("One", &numbers(0, 1));
        let empty = rich.post("/v1/groups", &json!({"name": "Empty"})).ok(201)["id"].as_str().unwrap().to_owned();
        let before = (rich.counts(), rich.available(), rich.held());
        let to_group = |sender: &str, text: &str, group: &str| json!({"name": "n", "sender": sender, "text": text, "audience": {"group_ids": [group]}});

        // Refused when it is written.
        rich.post("/v1/campaigns", &to_group("CARILLON", "Hello {{fields.nickname}}", &group)).refused(422, "unknown_marker");
        rich.post("/v1/campaigns", &to_group("CARILLON", "Hello {{nickname}}", &group)).refused(422, "unknown_marker");
        rich.post("/v1/campaigns", &to_group("CARILLON", "Hello {{first_name", &group)).refused(422, "invalid_template");
        rich.post("/v1/campaigns", &to_group("TWELVELETTER", "Hello", &group)).refused(422, "invalid_sender");
        rich.post("/v1/senders", &json!({"value": "TWELVELETTER"})).refused(422, "invalid_sender");
        let faults = rich.post("/v1/campaigns", &json!({"name": "", "sender": "CARILLON", "audience": {}})).refused(422, "invalid_request");
        let pointers: BTreeSet<&str> = faults["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, BTreeSet::from(["/name", "/template_id", "/audience"]), "every fault at once");
        rich.post("/v1/campaigns", &json!({"name": "n", "sender": "CARILLON", "text": "x", "audience": {"phones": ["12345"]}})).refused(422, "invalid_request");
        rich.post("/v1/campaigns", &json!({"name": "n", "sender": "CARILLON", "text": "x", "audience": {"phones": ["+447400100001"]}, "colour": 1})).refused(422, "invalid_request");
        assert_eq!((rich.counts(), rich.available(), rich.held()), before);

        // Refused at the launch: the draft stays a draft.
        let refused_launch = |owner: &Client, content: Value, status: u16, code: &str| {
            let id = owner.draft(content);
            let problem = owner.launch(&id).refused(status, code);
            let campaign = owner.campaign(&id);
            assert_eq!((&campaign["status"], &campaign["launched_at"], &campaign["messages"]), (&json!("draft"), &Value::Null, &json!({})), "{code}");
            owner.delete(&format!("/v1/campaigns/{id}")).ok(204);
            problem
        };
        let one = |phone: &str| json!({"text": "Hello", "audience": {"phones": [phone]}});
        let problem = refused_launch(&poor, one("+447400100001"), 402, "insufficient_funds");
        assert!(problem["detail"].as_str().unwrap().contains("0.050000"), "the shortfall is told: {problem}");
        refused_launch(&rich, one("+33612345678"), 422, "no_rate"); // allowed, but not in the deck
        refused_launch(&rich, one("+12015550100"), 422, "country_not_enabled"); // in the deck, but not allowed
        let nowhere = refused_launch(&rich, one("+10000000000"), 422, "country_not_enabled"); // a number of no country
        assert!(nowhere["detail"].as_str().unwrap().contains("unknown country"), "{nowhere}");
        refused_launch(&rich, json!({"text": "Hello", "audience": {"group_ids": [empty]}}), 422, "empty_audience");
        refused_launch(&rich, json!({"sender": "OTHER", "text": "Hello", "audience": {"group_ids": [group]}}), 422, "sender_not_approved");
        refused_launch(&rich, json!({"text": "{{last_name}}", "audience": {"group_ids": [group]}}), 422, "empty_text");
        refused_launch(&rich, json!({"text": "Long. ".repeat(400), "audience": {"group_ids": [group]}}), 422, "text_too_long");
        rich.post("/v1/blacklist", &json!({"phone": numbers(0, 1)[0]})).ok(201);
        refused_launch(&rich, json!({"text": "Hello", "audience": {"group_ids": [group]}}), 422, "empty_audience");
        rich.delete(&format!("/v1/blacklist/{}", rich.pages("/v1/blacklist")[0]["id"].as_str().unwrap())).ok(204);
        let without_key = rich.draft(one("+447400100001"));
        rich.ask("POST", &format!("/v1/campaigns/{without_key}/launch")).json(&json!({})).go().refused(400, "idempotency_key_missing");
        rich.delete(&format!("/v1/campaigns/{without_key}")).ok(204);
        assert_eq!((rich.counts(), rich.available(), rich.held()), before);
        stage.admin(&["accounts", "status", &rich_id, "suspended"]);
        rich.post("/v1/campaigns", &to_group("CARILLON", "Hello", &group)).refused(403, "account_suspended");
        rich.audited();
        poor.audited();
    }

    fn too_little_money_for_the_whole_fails_before_the_first_message(stage) {
        let _simulator = stage.simulator(50);
        stage.start().terminate();
        let deck = stage.path("deck.csv");
        std::fs::write(&deck, "country,price\nGB,0.05\n").unwrap();
        stage.admin(&["rates", "import", deck.to_str().unwrap(), "--deck", "narrow"]);
        let (_, token) = stage.account("Acme", "60.00", &["--countries", "*", "--deck", "narrow"]);
        let app = stage.start().with_token_of(&token);
        let id = asked_sender(&app);
        stage.admin(&["senders", "approve", &id]);
        // The first thousand can be paid; all of them cannot.
        let group = app.group("Many", &numbers(0, 1500));
        let id = app.draft_to(&group, "Hello");
        let estimate = app.step(&id, "estimate").ok(200);
        assert_eq!(estimate["affordable"], false, "{estimate}");
        assert_eq!(micros(&estimate["cost"]), 75_000_000);
        app.launch(&id).ok(202);
        let campaign = app.campaign_until(&id, "failed");
        assert_eq!(campaign["error"]["code"], "insufficient_funds", "{campaign}");
        assert_eq!(campaign["messages"], json!({}));
        assert!(app.messages_of(&id).is_empty());
        assert_eq!((app.available(), app.held()), (60_000_000, 0));
        assert!(stage.judge().taken().is_empty());
        let told: Vec<Value> = until("the failure is told", || {
            let told: Vec<Value> = app.events().into_iter().filter(|e| e["type"] == "campaign.failed").collect();
            (!told.is_empty()).then_some(told)
        });
        assert_eq!((told.len(), &told[0]["data"]["code"]), (1, &json!("insufficient_funds")));
        app.audited();
    }
}

/// Asks for the sender CARILLON; its id.
fn asked_sender(owner: &Client) -> String {
    owner.post("/v1/senders", &json!({"value": "CARILLON"})).ok(201)["id"].as_str().unwrap().to_owned()
}
