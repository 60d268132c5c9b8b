//! kill -9, and what must hold after it: nothing lost, nothing sent twice, nothing charged twice. The simulator is a
//! process of its own that outlives the server; its log is the judge.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::harness::{App, Stage, micros, numbers, stays, until, within};

const NUMBER: &str = "+12015550109"; // no answer ever and no receipt
const RECEIPT_ONLY: &str = "+12015550110"; // no answer, but a receipt

/// 0 … `below`.
fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    domain::ids::fill_random(&mut bytes);
    u64::from_le_bytes(bytes) % below
}

/// Starts a server, sends to a number that never answers, and kills the server when the simulator has the message.
fn killed_with_one_on_its_way(stage: &Stage, number: &str) -> (App, String, i64, i64) {
    let app = stage.start();
    let before = app.available();
    let id = app.sent(number, "On its way");
    until("the simulator has it", || (stage.judge().tried(number) == 1).then_some(()));
    assert_eq!(app.message(&id)["status"], "submitting");
    app.kill();
    let app = stage.start();
    let message = app.message_until(&id, "in_doubt");
    let price = micros(&message["unit_price"]);
    assert_eq!((before - app.available(), app.held()), (price, price), "the money stays held");
    (app, id, before, price)
}

fn statuses(messages: &[Value]) -> BTreeSet<&str> {
    messages.iter().map(|m| m["status"].as_str().unwrap()).collect()
}

both! {
    fn killed_before_the_write_it_is_in_doubt_and_never_sent(stage) {
        const MARKED: &str = "+447400100001";
        stage.set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.001); // 3.6 s
        let simulator = stage.simulator(50);
        let address = stage.simulator_address().to_owned();
        let app = stage.start();
        let before = app.available();
        until("it is bound", || (stage.judge().binds() == 2).then_some(()));
        simulator.kill(); // with no connection nothing leaves
        let id = app.sent(MARKED, "Marked, and never written");
        let price = before - app.available();
        assert!(price > 0);
        app.kill();
        // What a pump leaves that dies between the commit of its mark and its first byte: a claimed chunk with a lease
        // that nobody renews, and a message of it that is marked.
        stage.sql("UPDATE chunks SET status = 'claimed', lease_owner = 'killed', lease_until = created_at WHERE status IN ('ready', 'claimed')");
        stage.sql("UPDATE messages SET status = 'submitting' WHERE status = 'queued'");
        let log = stage.path("simulator.jsonl");
        let command = stage.command(&["simulator", "--listen", &address, "--receipt-delay-ms", "50", "--log", log.to_str().unwrap()]);
        let _again = crate::harness::Process::spawn("simulator", command, stage.path("simulator.log"));
        let app = stage.start();
        let message = app.message_until(&id, "in_doubt");
        assert_eq!((message["reason"].as_str(), micros(&message["cost"])), (Some("interrupted"), 0), "{message}");
        assert_eq!((before - app.available(), app.held()), (price, price), "the money stays held");
        app.audited();
        // The carrier is there and takes others, but never this one.
        let other = app.sent("+447400100002", "Goes on");
        app.message_until(&other, "delivered");
        let message = app.message_until(&id, "unknown");
        assert_eq!((message["reason"].as_str(), micros(&message["cost"])), (Some("in_doubt_to_the_end"), 0));
        let charged = micros(&app.message(&other)["cost"]);
        assert_eq!((before - app.available(), app.held()), (charged, 0), "the hold is released");
        assert_eq!((stage.judge().tried(MARKED), stage.judge().taken_by("+447400100002")), (0, 1));
        app.audited();
    }

    fn killed_after_the_write_it_is_in_doubt_and_not_sent_again(stage) {
        stage.set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.001); // 3.6 s
        let _simulator = stage.simulator(50);
        let (app, id, before, _) = killed_with_one_on_its_way(&stage, NUMBER);
        let message = app.message_until(&id, "unknown");
        assert_eq!(micros(&message["cost"]), 0);
        assert_eq!((app.available(), app.held()), (before, 0));
        assert_eq!(stage.judge().tried(NUMBER), 1, "not sent again");
        app.audited();
    }

    fn killed_after_the_write_its_receipt_resolves_it(stage) {
        stage.set("CARILLON_WORKER__SETTLE_SECONDS", 0.5);
        let _simulator = stage.simulator(4000);
        let (app, id, before, price) = killed_with_one_on_its_way(&stage, RECEIPT_ONLY);
        let message = app.message_until(&id, "delivered");
        assert_eq!(micros(&message["cost"]), price);
        assert_eq!((before - app.available(), app.held()), (price, 0));
        assert_eq!(app.pages("/v1/balance/entries?kind=capture").len(), 1, "one charge");
        assert_eq!(stage.judge().tried(RECEIPT_ONLY), 1, "not sent again");
        app.audited();
    }

    fn killed_again_and_again_nothing_is_lost_and_nothing_sent_twice(stage) {
        const CONTACTS: usize = 3000;
        stage
            .set("CARILLON_SIMULATOR__BINDS", 2)
            .set("CARILLON_SIMULATOR__WINDOW", 25)
            .set("CARILLON_WORKER__SETTLE_SECONDS", 1)
            .set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.003); // 11 s
        let _simulator = stage.simulator(200);
        let mut app = stage.start();
        let before = app.available();
        let group = app.group("Everybody", &numbers(0, CONTACTS));
        let id = app.draft_to(&group, "Hello {{first_name}}");
        let estimate = app.step(&id, "estimate").ok(200);
        assert_eq!(estimate["messages"], CONTACTS);
        app.launch(&id).ok(202);
        let mut slowest = Duration::ZERO;
        for round in 0..4 {
            let taken = stage.judge().taken().len();
            // The first kill hits the preparation, as a rule; the others the sending.
            if round > 0 {
                until("it is sending", || (stage.judge().taken().len() > taken + 50 || taken >= CONTACTS).then_some(()));
            }
            let wait = Duration::from_millis(random(if round == 0 { 400 } else { 150 }));
            stays(wait, "", || true);
            let status = app.campaign(&id)["status"].clone();
            app.kill();
            let taken = stage.judge().taken().len();
            println!("round {round}: killed after {wait:?}, {status}, {taken} taken");
            let restarted = Instant::now();
            app = stage.start();
            if taken < CONTACTS - 100 {
                within(Duration::from_secs(60), "the first submit after a restart", || {
                    (stage.judge().taken().len() > taken).then_some(())
                });
                slowest = slowest.max(restarted.elapsed());
            }
        }
        println!("slowest first submit after a restart: {slowest:?}");
        let campaign = app.campaign_until(&id, "completed");
        let messages = app.messages_of(&id);
        let judge = stage.judge();
        judge.nothing_twice();
        // Nothing lost: every contact has one message with an end, and it agrees with what the carrier took.
        assert_eq!(messages.len(), CONTACTS);
        assert_eq!(messages.iter().map(|m| m["to"].as_str().unwrap()).collect::<BTreeSet<_>>().len(), CONTACTS);
        assert!(statuses(&messages).is_subset(&BTreeSet::from(["delivered", "unknown"])), "{:?}", statuses(&messages));
        let taken = judge.numbers();
        let unknown = messages.iter().filter(|m| m["status"] == "unknown").count();
        println!("{unknown} of {CONTACTS} ended as unknown");
        for message in &messages {
            let was_taken = taken.contains(message["to"].as_str().unwrap());
            assert_eq!(message["status"] == "delivered", was_taken, "{message}");
            let price = if was_taken { micros(&message["unit_price"]) } else { 0 };
            assert_eq!(micros(&message["cost"]), price, "{message}");
        }
        // Each kill can leave no more in doubt than the windows hold.
        assert!(unknown <= 4 * 2 * 25, "{unknown} in doubt to the end");
        let total: i64 = messages.iter().map(|m| micros(&m["cost"])).sum();
        assert_eq!((micros(&campaign["cost"]), before - app.available(), app.held()), (total, total, 0));
        app.audited();
        assert!(slowest < Duration::from_secs(10), "the first submit after a restart came after {slowest:?}");
    }

    fn the_end_of_a_process_by_signal_leaves_no_doubt(stage) {
        stage.set("CARILLON_SIMULATOR__WINDOW", 10).set("CARILLON_SIMULATOR__BINDS", 1);
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let group = app.group("Everybody", &numbers(0, 1500));
        let id = app.draft_to(&group, "Hello {{first_name}}");
        app.launch(&id).ok(202);
        until("it is sending", || (stage.judge().taken().len() > 100).then_some(()));
        let (status, took) = app.terminate();
        assert!(status.success(), "{status}");
        assert!(took < Duration::from_secs(25), "{took:?}");
        let taken = stage.judge().taken().len();
        assert!(taken < 1500, "the campaign was over before the signal");
        let app = stage.start();
        let doubtful = app.read(&format!("/v1/messages?campaign_id={id}&status=in_doubt"));
        assert_eq!(doubtful["data"], serde_json::json!([]));
        let campaign = app.campaign_until(&id, "completed");
        assert_eq!(campaign["messages"], serde_json::json!({"delivered": 1500}));
        stage.judge().nothing_twice();
        assert_eq!(stage.judge().numbers().len(), 1500);
        assert_eq!(app.held(), 0);
        app.audited();
    }

    fn a_kill_while_importing_loses_no_row(stage) {
        let app = stage.start();
        let rows: String = numbers(0, 2500).iter().map(|n| format!("{n},Ann\n")).collect();
        let import = app.upload("people.csv", format!("phone,first_name\n{rows}").as_bytes(), &[("groups", "All")]).ok(202);
        let path = format!("/v1/contacts/imports/{}", import["id"].as_str().unwrap());
        until("some rows are read", || {
            let now = app.read(&path);
            (now["progress"]["done"].as_i64()? > 0 || now["status"] == "completed").then_some(())
        });
        app.kill();
        let app = stage.start();
        let import = until("the import ends", || Some(app.read(&path)).filter(|i| i["status"] == "completed"));
        let result = &import["result"];
        assert_eq!(result["rows"], 2500, "{result}");
        assert_eq!(app.read(&format!("/v1/groups/{}", import["groups"][0]["id"].as_str().unwrap()))["contacts_count"], 2500);
        assert_eq!(app.pages("/v1/contacts").len(), 2500);
    }
}
