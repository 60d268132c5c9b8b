//! kill -9 at a chosen moment, and what must hold after it: nothing lost, nothing sent twice, nothing charged twice. The
//! simulator is a process of its own that outlives the server; its log is the judge. Kills at random, again and again,
//! are in `chaos/`.

use std::time::Duration;

use crate::harness::{App, Stage, micros, numbers, until};

const NUMBER: &str = "+12015550109"; // no answer ever and no receipt
const RECEIPT_ONLY: &str = "+12015550110"; // no answer, but a receipt

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

    fn kills_while_importing_lose_no_row_and_count_none_twice(stage) {
        let app = stage.start();
        let mut rows: Vec<String> = numbers(0, 12_000).iter().map(|n| format!("{n},Ann\n")).collect();
        // Bad rows and repeated numbers all along: what is refused and what is a duplicate is known again after a kill.
        for place in (0..12_000).step_by(100).rev() {
            rows.insert(place + 50, format!("12,Bad{place}\n"));
            rows.insert(place + 99, format!("{},Twice\n", numbers(place / 2, 1)[0]));
        }
        let file = format!("phone,first_name\n{}", rows.concat());
        let import = app.upload("people.csv", file.as_bytes(), &[("groups", "All")]).ok(202);
        let path = format!("/v1/contacts/imports/{}", import["id"].as_str().unwrap());
        let mut running = Some(app);
        for share in [1, 2] {
            let app = running.take().unwrap();
            until("some rows are read", || {
                let now = app.read(&path);
                (now["progress"]["done"].as_i64()? > 3_000 * share || now["status"] == "completed").then_some(())
            });
            app.kill();
            running = Some(stage.start());
        }
        let app = running.unwrap();
        let import = until("the import ends", || Some(app.read(&path)).filter(|i| i["status"] == "completed"));
        let result = ["rows", "created", "duplicates", "invalid"].map(|key| import["result"][key].as_i64().unwrap());
        assert_eq!(result, [12_240, 12_000, 120, 120], "{import}");
        assert_eq!(app.read(&format!("/v1/groups/{}", import["groups"][0]["id"].as_str().unwrap()))["contacts_count"], 12_000);
        assert_eq!(stage.count("SELECT COUNT(*) FROM contacts"), 12_000);
        assert_eq!(stage.count("SELECT COUNT(*) FROM import_errors"), 120);
        assert_eq!(stage.count("SELECT COUNT(*) FROM contacts WHERE version > 1"), 0, "none was written twice");
    }

    fn a_kill_while_exporting_leaves_one_whole_file(stage) {
        let app = stage.start();
        app.group("All", &numbers(0, 8_000));
        let export = app.post("/v1/exports", &serde_json::json!({"kind": "contacts", "format": "xlsx"})).ok(202);
        let path = format!("/v1/exports/{}", export["id"].as_str().unwrap());
        until("it runs", || (app.read(&path)["status"] != "queued").then_some(()));
        app.kill();
        let app = stage.start();
        let done = until("it ends", || Some(app.read(&path)).filter(|e| e["status"] == "completed"));
        assert_eq!(done["progress"], serde_json::json!({"done": 8_000, "total": 8_000}));
        let answer = app.get(done["download"]["url"].as_str().unwrap());
        assert_eq!(serde_json::json!(answer.body.len()), done["bytes"]);
        let again = app.import("again.xlsx", &answer.body, &[]);
        assert_eq!(again["result"]["unchanged"], 8_000, "{again}");
        assert_eq!(stage.count("SELECT COUNT(*) FROM files"), 1);
    }
}
