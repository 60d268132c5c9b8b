//! Quiet hours of an account: campaigns wait for their end, single sends do not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{App, Process, Stage, numbers, stays, until};

/// The time of day by UTC so many minutes from now, as `HH:MM`.
fn clock(minutes: i64) -> String {
    let now = domain::clock::Clock::system().now().0 / 60_000_000;
    let at = (now + minutes).rem_euclid(1440);
    format!("{:02}:{:02}", at / 60, at % 60)
}

/// Quiet hours from now on, or from so many minutes ago to so many ahead.
fn quiet(app: &App, from: i64, to: i64, clock_of: &str) -> Value {
    let hours = json!({"from": clock(from), "to": clock(to), "clock": clock_of});
    let account = app.patch("/v1/account", &json!({"quiet_hours": hours})).ok(200);
    assert_eq!(account["quiet_hours"], hours);
    hours
}

fn again(stage: &Stage) -> Process {
    let log = stage.path("simulator.jsonl");
    let arguments = ["simulator", "--listen", stage.simulator_address(), "--receipt-delay-ms", "50", "--log"];
    Process::spawn(
        "simulator",
        stage.command(&[&arguments[..], &[log.to_str().unwrap()]].concat()),
        stage.path("simulator.log"),
    )
}

fn chunks(stage: &Stage, condition: &str) -> usize {
    stage.count(&format!("SELECT COUNT(*) FROM chunks WHERE campaign_id IS NOT NULL AND {condition}"))
}

both! {
    fn campaigns_wait_for_their_end_and_single_sends_do_not(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        quiet(&app, -60, 60, "account");
        let phones = numbers(1, 20);
        let draft = app.draft(json!({"text": "Hello", "audience": {"phones": phones}}));
        app.launch(&draft).ok(202);
        app.campaign_until(&draft, "sending");
        assert!(app.held() > 0, "its money is held");
        app.message_until(&app.sent("+447400155555", "Your code is 1234"), "delivered");
        stays(Duration::from_secs(2), "nothing of the campaign leaves", || stage.judge().taken().len() == 1);
        assert_eq!(chunks(&stage, "status = 'scheduled' AND closes_at > send_at"), 1);
        let told = app.read(&format!("/v1/numbers/{}/blocks", phones[0]));
        assert_eq!((&told["blocked"], &told["blocks"][0]["reason"]), (&json!(false), &json!("quiet_hours")), "{told}");
        let ends: domain::clock::Timestamp = told["blocks"][0]["until"].as_str().unwrap().parse().unwrap();
        let left = domain::clock::Clock::system().now().until(ends);
        assert!(left > Duration::from_secs(57 * 60) && left <= Duration::from_secs(3600), "{left:?}");
        // A pause does not get round them, and once there are none it goes on.
        app.step(&draft, "pause").ok(200);
        app.step(&draft, "resume").ok(200);
        stays(Duration::from_secs(1), "nothing leaves after a pause either", || stage.judge().taken().len() == 1);
        assert_eq!(app.patch("/v1/account", &json!({"quiet_hours": null})).ok(200)["quiet_hours"], Value::Null);
        app.campaign_until(&draft, "completed");
        assert_eq!(stage.judge().taken().len(), 21);
        assert_eq!(app.read(&format!("/v1/numbers/{}/blocks", phones[0]))["blocks"], json!([]));
        app.audited();
    }

    fn hours_that_become_quiet_stop_what_is_being_sent(stage) {
        stage.set("CARILLON_SIMULATOR__WINDOW", 5).set("CARILLON_SIMULATOR__BINDS", 1);
        let simulator = stage.simulator(50);
        let app = stage.start();
        simulator.kill(); // nothing leaves
        let open = |what: &str| until(what, || (chunks(&stage, "status IN ('ready', 'claimed') AND closes_at IS NULL") == 1).then_some(()));
        let plain = app.draft(json!({"text": "Hello", "audience": {"phones": numbers(1, 30)}}));
        app.launch(&plain).ok(202);
        open("the plain one is open");
        let spread = app.draft(json!({"text": "Hi", "audience": {"phones": numbers(1, 12)}, "pacing": {"spread_minutes": 1}}));
        app.launch(&spread).ok(202);
        app.campaign_until(&spread, "sending");
        quiet(&app, -60, 60, "account");
        let placed = "status = 'scheduled' AND closes_at > send_at";
        until("all are placed after the quiet hours", || (chunks(&stage, placed) == 13).then_some(()));
        let _simulator = again(&stage);
        stays(Duration::from_secs(2), "nothing leaves", || stage.judge().taken().is_empty());
        let moments = stage.count("SELECT COUNT(DISTINCT send_at) FROM chunks WHERE campaign_id IS NOT NULL");
        assert!((6..=12).contains(&moments), "the spread one is spread after them too: {moments} moments");
        quiet(&app, 300, 360, "account");
        app.campaign_until(&plain, "completed");
        app.campaign_until(&spread, "completed");
        stage.judge().nothing_twice();
        assert_eq!(stage.judge().taken().len(), 42);
        assert_eq!(chunks(&stage, "closes_at IS NULL"), 0, "they close when the next quiet hours begin");
        app.audited();
    }

    fn the_clock_of_each_recipient_counts(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        // London is with UTC or an hour ahead, New Jersey four or five behind.
        quiet(&app, -180, 180, "recipient");
        let (here, there) = ("+447400100001", "+12015550100");
        let draft = app.draft(json!({"text": "Hello", "audience": {"phones": [here, there]}}));
        app.launch(&draft).ok(202);
        until("it has left for New Jersey", || (stage.judge().taken_by(there) == 1).then_some(()));
        stays(Duration::from_secs(2), "London is asleep", || stage.judge().taken_by(here) == 0);
        let reasons = |phone: &str| app.read(&format!("/v1/numbers/{phone}/blocks"))["blocks"].as_array().unwrap().len();
        assert_eq!((reasons(here), reasons(there)), (1, 0));
        app.patch("/v1/account", &json!({"quiet_hours": null})).ok(200);
        app.campaign_until(&draft, "completed");
        app.audited();
    }

    fn the_time_zone_that_was_set_for_a_contact_goes_before_its_number(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        quiet(&app, -180, 180, "recipient");
        let (here, there) = ("+447400100001", "+12015550100");
        // The British one lives in New Jersey, and the other way round.
        for (phone, zone) in [(here, "America/New_York"), (there, "Europe/London")] {
            let made = app.post("/v1/contacts", &json!({"phone": phone, "time_zone": zone})).ok(201);
            assert_eq!((&made["time_zone"], &made["time_zone_set"]), (&json!(zone), &json!(true)));
        }
        let draft = app.draft(json!({"text": "Hello", "audience": {"phones": [here, there]}}));
        app.launch(&draft).ok(202);
        until("it has left for the British number", || (stage.judge().taken_by(here) == 1).then_some(()));
        stays(Duration::from_secs(2), "the American one is asleep", || stage.judge().taken_by(there) == 0);
        let reasons = |phone: &str| app.read(&format!("/v1/numbers/{phone}/blocks"))["blocks"].as_array().unwrap().len();
        assert_eq!((reasons(here), reasons(there)), (0, 1));
        // A contact is changed: what was prepared stays, blocks tell what is now.
        let id = app.read(&format!("/v1/contacts?phone={}", there.replace('+', "%2B")))["data"][0]["id"].as_str().unwrap().to_owned();
        let back = app.patch(&format!("/v1/contacts/{id}"), &json!({"time_zone": null})).ok(200);
        assert_eq!((&back["time_zone"], &back["time_zone_set"]), (&json!("America/New_York"), &json!(false)));
        assert_eq!(reasons(there), 0);
        app.patch(&format!("/v1/contacts/{id}"), &json!({"time_zone": "Denver"})).refused(422, "invalid_request");
        app.patch("/v1/account", &json!({"quiet_hours": null})).ok(200);
        app.campaign_until(&draft, "completed");
        app.audited();
    }

    fn what_never_opens_is_refused_or_skipped_without_charge(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let before = app.available();
        let set = |clock: &str| {
            let hours = json!({"from": "11:00", "to": "15:00", "clock": clock});
            app.patch("/v1/account", &json!({"quiet_hours": hours})).ok(200);
        };
        let pacing = json!({"window": {"from": "12:00", "to": "12:30"}});
        let draft = app.draft(json!({"text": "Hello", "audience": {"phones": numbers(1, 3)}, "pacing": pacing}));
        set("account");
        app.launch(&draft).refused(422, "never_open");
        // At noon by UTC it is quiet in London, but not everywhere: that shows recipient by recipient.
        set("recipient");
        app.launch(&draft).ok(202);
        let done = app.campaign_until(&draft, "completed");
        assert_eq!(done["messages"], json!({"skipped": 3}), "{done}");
        assert!(app.messages_of(&draft).iter().all(|m| m["status"] == "skipped" && m["reason"] == "quiet_hours"));
        let report = app.read(&format!("/v1/reports/campaigns/{draft}"));
        assert_eq!((&report["by_reason"][0]["key"], &report["by_reason"][0]["messages"]), (&json!("quiet_hours"), &json!(3)));
        assert_eq!((app.available(), app.held()), (before, 0));
        until("the skips are told", || {
            app.events().iter().any(|e| e["type"] == "message.skipped" && e["data"]["reason"] == "quiet_hours").then_some(())
        });
        app.audited();
    }

    fn wrong_quiet_hours_are_refused_with_their_place(stage) {
        let app = stage.start();
        let set = |hours: Value| app.patch("/v1/account", &json!({"quiet_hours": hours}));
        for (hours, pointer) in [
            (json!({"from": "9:00", "to": "20:00", "clock": "account"}), "/quiet_hours/from"),
            (json!({"from": "21:00", "to": "24:00", "clock": "account"}), "/quiet_hours/to"),
            (json!({"from": "09:00", "to": "09:00", "clock": "account"}), "/quiet_hours/to"),
            (json!({"from": "09:00", "to": "08:30", "clock": "recipient"}), "/quiet_hours/to"),
        ] {
            let told = set(hours.clone()).refused(422, "invalid_request");
            assert_eq!(told["errors"][0]["pointer"], pointer, "{hours}: {told}");
        }
        set(json!({"from": "21:00", "to": "08:00"})).refused(422, "invalid_request");
        set(json!({"from": "21:00", "to": "08:00", "clock": "moon"})).refused(422, "invalid_request");
        assert_eq!(app.read("/v1/account")["quiet_hours"], Value::Null);
    }
}
