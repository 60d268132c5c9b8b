//! What networks and databases do to a delivery: connections that break, fall silent or bring nonsense, and a database
//! that is away. What carriers do is in `delivery`, what kills do in `crashes` and `chaos/`.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::harness::{App, Proxy, Scripted, Stage, Towards, micros, numbers, stays, until};

/// A server whose carrier is the simulator behind a network of ours.
fn behind_a_network(stage: &mut Stage, settings: Value) -> (App, Proxy) {
    let network = Proxy::to(stage.simulator_address());
    let settings = crate::harness::merged(json!({"address": network.address, "system_id": "carillon"}), settings);
    stage.set("CARILLON_SIMULATOR__RUN", false).unset("CARILLON_SIMULATOR__ADDRESS");
    let _ = stage.run(&["migrate"]);
    stage.admin(&["carriers", "set", "simulator", &settings.to_string()]);
    let app = stage.start();
    let binds = settings["binds"].as_u64().unwrap() as usize;
    until("it is bound", || (stage.judge().binds() == binds).then_some(()));
    (app, network)
}

/// Every message has an end that agrees with what the carrier took, and its price.
fn agrees_with_the_carrier(stage: &Stage, messages: &[Value]) -> BTreeMap<String, usize> {
    let judge = stage.judge();
    judge.nothing_twice();
    let taken = judge.numbers();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for message in messages {
        let (was_taken, status) =
            (taken.contains(message["to"].as_str().unwrap()), message["status"].as_str().unwrap());
        assert_eq!(status, if was_taken { "delivered" } else { "unknown" }, "{message}");
        let price = if was_taken { micros(&message["unit_price"]) } else { 0 };
        assert_eq!(micros(&message["cost"]), price, "{message}");
        *ends.entry(status.to_owned()).or_default() += 1;
    }
    ends
}

/// A number of the simulator's carrier, by the rest of its name and its labels.
fn number(app: &App, name: &str, more: &str) -> Option<u64> {
    let page = String::from_utf8(app.get("/metrics").body).unwrap();
    let series = format!("carillon_carrier_{name}{{carrier=\"simulator\"{more}}} ");
    page.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

/// How often it sent what cannot be used, for this reason.
fn bad_input(app: &App, reason: &str) -> Option<u64> {
    number(app, "bad_input_total", &format!(",reason=\"{reason}\""))
}

/// Whether the log has a warning of it, with the carrier's name.
fn told(stage: &Stage, reason: &str) -> bool {
    let log = std::fs::read_to_string(stage.path("serve.log")).unwrap();
    let words = ["WARN", "bad input from a carrier", "simulator", reason];
    log.lines().any(|line| words.iter().all(|word| line.contains(word)))
}

both! {
    fn links_that_break_while_a_campaign_runs_lose_nothing_and_send_nothing_twice(stage) {
        const CONTACTS: usize = 1200;
        stage.set("CARILLON_WORKER__SETTLE_SECONDS", 0.5).set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.001); // 3.6 s
        let _simulator = stage.simulator(100);
        let (app, network) = behind_a_network(&mut stage, json!({"binds": 2, "window": 20}));
        network.latency(Duration::from_millis(15));
        let before = app.available();
        let id = app.draft(json!({"text": "Broken links", "audience": {"phones": numbers(0, CONTACTS)}}));
        app.launch(&id).ok(202);
        let faults: [&dyn Fn(); 5] = [
            &|| network.reset(),
            &|| network.cut(Towards::Worker, 5),                  // in the length of an answer
            &|| network.cut(Towards::Carrier, 30),                // in the body of a submit
            &|| network.garbage(&[0xFF; 16]),                     // a PDU of 4 GiB
            &|| network.garbage(b"HTTP/1.1 400 Bad Request\r\n"), // not SMPP at all
        ];
        for (n, fault) in faults.iter().enumerate() {
            let taken = stage.judge().taken().len();
            until("it is sending", || (stage.judge().taken().len() > taken + 60).then_some(()));
            let closed = network.accepted();
            fault();
            until(&format!("it is bound again after fault {n}"), || (network.accepted() >= closed + 2).then_some(()));
        }
        assert!(stage.judge().taken().len() < CONTACTS, "the campaign was over before the last fault");
        let campaign = app.campaign_until(&id, "completed");
        let messages = app.messages_of(&id);
        assert_eq!(messages.len(), CONTACTS);
        let ends = agrees_with_the_carrier(&stage, &messages);
        println!("{ends:?}");
        // Each fault can leave no more in doubt than the windows of its two connections hold.
        assert!(ends.get("unknown").is_none_or(|n| *n <= faults.len() * 2 * 20), "{ends:?}");
        let total: i64 = messages.iter().map(|m| micros(&m["cost"])).sum();
        assert_eq!((micros(&campaign["cost"]), before - app.available(), app.held()), (total, total, 0));
        app.audited();
    }

    fn a_pdu_of_nobody_does_not_cost_the_connection(stage) {
        let _simulator = stage.simulator(50);
        let (app, network) = behind_a_network(&mut stage, json!({"binds": 1}));
        // The carrier has answered the bind when it is counted, so that nothing comes before the answer.
        until("the connection is counted", || (number(&app, "binds", "") == Some(1)).then_some(()));
        network.garbage(&[0, 0, 0, 19, 0, 0, 0x09, 0x99, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3]); // no such command
        network.garbage(&[0, 0, 0, 18, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 10, 1, 1]); // a deliver_sm without its body
        network.garbage(&[0, 0, 0, 16, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0x77, 0x77]); // an answer to nothing
        let body = b"\0\x01\x01447400100001\0\x05\0CARILLON\0\x04\0\0\0\0\0\0\0\0\x02hi"; // a receipt that names nothing
        let length = u8::try_from(16 + body.len()).unwrap();
        network.garbage(&[&[0, 0, 0, length, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 11], &body[..]].concat());
        let id = app.sent("+447400100001", "Goes on");
        app.message_until(&id, "delivered");
        let reasons = ["unknown_request", "unreadable", "answer_to_nothing", "unreadable_receipt"];
        for reason in reasons {
            until(&format!("{reason} is counted"), || (bad_input(&app, reason) == Some(1)).then_some(()));
            assert!(told(&stage, reason), "{reason} is in the log with the carrier's name");
        }
        assert_eq!(bad_input(&app, "wrong_length"), Some(0));
        assert_eq!(network.accepted(), 1, "the same connection");
        // Only what hides where the next PDU begins costs it.
        network.garbage(&[0xFF; 16]);
        until("it is bound again", || (network.accepted() == 2).then_some(()));
        assert_eq!(bad_input(&app, "wrong_length"), Some(1));
        assert!(told(&stage, "wrong_length"));
    }

    fn a_carrier_that_falls_silent_is_left_and_bound_again(stage) {
        stage.set("CARILLON_WORKER__IN_DOUBT_HOURS", 0.0004); // 1.4 s
        let _simulator = stage.simulator(50);
        let (app, network) = behind_a_network(&mut stage, json!({"binds": 1, "enquire_link_seconds": 1}));
        let before = app.available();
        let first = app.sent("+447400100001", "Heard");
        app.message_until(&first, "delivered");
        network.silent(true);
        let swallowed = app.sent("+447400100002", "Swallowed");
        // No answer to enquire_link: the connection is given up long before the answer to the submit is.
        let message = crate::harness::within(Duration::from_secs(20), "it is in doubt", || {
            Some(app.message(&swallowed)).filter(|m| m["status"] == "in_doubt")
        });
        assert_eq!((message["reason"].as_str(), micros(&message["cost"])), (Some("connection_lost"), 0), "{message}");
        let waiting = app.sent("+447400100003", "Waits");
        network.silent(false);
        app.message_until(&waiting, "delivered");
        app.message_until(&swallowed, "unknown");
        assert_eq!(stage.judge().tried("+447400100002"), 0, "not sent again");
        let charged: i64 = [&first, &waiting].iter().map(|id| micros(&app.message(id)["cost"])).sum();
        assert_eq!((before - app.available(), app.held()), (charged, 0));
        stage.judge().nothing_twice();
        app.audited();
    }

    fn while_the_database_is_away_no_receipt_is_acknowledged_and_none_is_lost(stage) {
        const MESSAGES: usize = 20;
        let _simulator = stage.simulator(1500);
        let (app, _network) = behind_a_network(&mut stage, json!({"binds": 1}));
        let to = numbers(0, MESSAGES);
        let sent = app.send(&to.iter().map(String::as_str).collect::<Vec<_>>(), "Its receipt comes").ok(202);
        let path = format!("/v1/messages?batch_id={}", sent["batch_id"].as_str().unwrap());
        let all = |status: &str| app.pages(&path).iter().filter(|m| m["status"] == status).count() == MESSAGES;
        until("every answer is recorded", || all("sent").then_some(()));
        let away = stage.database_away();
        until("every receipt has come", || (stage.judge().receipts_sent() == MESSAGES).then_some(()));
        stays(Duration::from_secs(2), "no receipt is acknowledged", || stage.judge().receipts_acknowledged() == 0);
        drop(away);
        until("every receipt is applied", || all("delivered").then_some(()));
        until("and then acknowledged", || (stage.judge().receipts_acknowledged() >= MESSAGES).then_some(()));
        assert_eq!(app.held(), 0);
        app.audited();
    }

    fn the_same_id_of_two_carriers_is_two_messages(stage) {
        let (one, other) = (Scripted::answering("00AB"), Scripted::answering("171"));
        stage.set("CARILLON_SIMULATOR__RUN", false);
        stage.run(&["migrate"]).unwrap();
        let set = |name: &str, carrier: &Scripted, ids: &str| {
            let settings = json!({"address": carrier.address, "system_id": "carillon", "binds": 1, "receipt_ids": ids});
            stage.admin(&["carriers", "set", name, &settings.to_string()]);
        };
        set("simulator", &one, "trim_zeros_fold_case");
        set("other", &other, "hex_to_decimal");
        let app = stage.start();
        let made = stage.admin(&["accounts", "create", "--name", "Acme", "--countries", "*", "--carrier", "other"]);
        let account = made.split_whitespace().nth(1).unwrap().to_owned();
        stage.admin(&["top-up", &account, "500.00", "--key", "first"]);
        stage.admin(&["senders", "grant", &account, "CARILLON"]);
        let token = stage.admin(&["tokens", "create", &account]);
        let acme = app.with_token(token.split_whitespace().nth(1).unwrap());
        let number = "+447400100001";
        let (mine, theirs) = (app.sent(number, "One"), acme.sent(number, "Other"));
        app.message_until(&mine, "sent");
        acme.message_until(&theirs, "sent");
        assert_eq!((one.submits(), other.submits()), (1, 1));
        // 171 is AB in hexadecimal: as text or as a number, either carrier's id could be the other's.
        other.receipt("AB", number, "UNDELIV");
        acme.message_until(&theirs, "undelivered");
        assert_eq!(app.message(&mine)["status"], "sent");
        one.receipt("ab", number, "DELIVRD");
        app.message_until(&mine, "delivered");
        // Once more, and the other way round: nothing that is final moves.
        one.receipt("00AB", number, "UNDELIV");
        other.receipt("00aB", number, "DELIVRD");
        until("they are acknowledged", || (one.acknowledged() == 2 && other.acknowledged() == 2).then_some(()));
        assert_eq!((app.message(&mine)["status"].as_str(), acme.message(&theirs)["status"].as_str()), (Some("delivered"), Some("undelivered")));
        app.audited();
        acme.audited();
    }
}
