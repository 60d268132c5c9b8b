//! Carriers and routes by the operator's API: changed while the server runs, watched, and the way of each message.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::harness::{Client, Scripted, Stage, micros, numbers, until};

/// Makes a carrier to the simulator under a log-in of its own; its id.
fn carrier(operator: &Client, stage: &Stage, name: &str) -> String {
    let settings = json!({"address": stage.simulator_address(), "system_id": name, "binds": 1});
    let made = operator.post("/v1/admin/carriers", &json!({"name": name, "settings": settings})).ok(201);
    made["id"].as_str().unwrap().to_owned()
}

fn route(operator: &Client, carrier: &str, more: Value) -> String {
    let body = crate::harness::merged(json!({"name": format!("to {carrier}"), "carrier_id": carrier}), more);
    operator.post("/v1/admin/routes", &body).ok(201)["id"].as_str().unwrap().to_owned()
}

fn health_until(operator: &Client, carrier: &str, state: &str) -> Value {
    until(&format!("{carrier} is {state}"), || {
        Some(operator.read(&format!("/v1/admin/carriers/{carrier}/health"))).filter(|h| h["state"] == state)
    })
}

/// How many messages each log-in of the simulator took.
fn taken(stage: &Stage) -> BTreeMap<String, usize> {
    let mut by = BTreeMap::new();
    for submit in stage.judge().taken() {
        *by.entry(submit.system_id.clone()).or_default() += 1;
    }
    by
}

/// A live account with money, the sender CARILLON and no carrier of its own: `(id, client)`.
fn live(stage: &Stage, app: &Client) -> (String, Client) {
    let made = stage.admin(&["accounts", "create", "--name", "Acme", "--countries", "*"]);
    let id = made.split_whitespace().nth(1).unwrap().to_owned();
    stage.admin(&["top-up", &id, "500.00", "--key", "first"]);
    stage.admin(&["senders", "grant", &id, "CARILLON"]);
    let token = stage.admin(&["tokens", "create", &id]);
    (id, app.with_token(token.split_whitespace().nth(1).unwrap()))
}

both! {
    fn a_carrier_is_changed_and_watched_while_the_server_runs(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let id = carrier(&operator, &stage, "acme");
        let health = health_until(&operator, &id, "up");
        let bind = &health["binds"][0];
        assert_eq!((&health["connected"], &bind["n"], &bind["window_size"]), (&json!(1), &json!(0), &json!(500)));
        assert!(bind["owner"].as_str().unwrap().starts_with("worker-"), "{bind}");
        assert!(bind["since"].is_string() && bind["reported_at"].is_string() && bind["retry_at"].is_null(), "{bind}");
        let path = format!("/v1/admin/carriers/{id}");
        operator.patch(&path, &json!({"settings": {"binds": 3, "window": 7}})).ok(200);
        let health = until("three connections are up", || {
            let health = health_until(&operator, &id, "up");
            (health["connected"] == 3).then_some(health)
        });
        assert_eq!(health["binds"][2]["window_size"], 7);
        // Nobody listens there.
        operator.patch(&path, &json!({"settings": {"address": "127.0.0.1:1", "binds": 1}})).ok(200);
        let health = until("it backs off", || {
            Some(health_until(&operator, &id, "down")).filter(|h| h["binds"][0]["state"] == "backing_off")
        });
        let bind = &health["binds"][0];
        assert!(bind["last_error"].as_str().is_some_and(|e| !e.is_empty()), "{bind}");
        assert!(bind["retry_at"].is_string() && bind["last_error_at"].is_string(), "{bind}");
        operator.patch(&path, &json!({"settings": {"address": stage.simulator_address()}})).ok(200);
        health_until(&operator, &id, "up");
        operator.patch(&path, &json!({"enabled": false})).ok(200);
        let health = until("it is unbound", || {
            Some(health_until(&operator, &id, "disabled")).filter(|h| h["binds"][0]["state"] == "unassigned")
        });
        assert_eq!(health["connected"], 0);
        let shown = stage.admin(&["carriers", "show", "acme"]);
        assert!(shown.contains("disabled") && shown.contains("\"window\": 7") && shown.contains("unassigned"), "{shown}");
        assert!(stage.admin(&["carriers", "list"]).contains("acme"));
        stage.admin(&["carriers", "delete", "acme"]);
        operator.get(&path).refused(404, "not_found");
    }

    fn weights_share_a_campaign_and_every_carrier_gets_its_chunks(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let (a, b) = (carrier(&operator, &stage, "a"), carrier(&operator, &stage, "b"));
        let (_, acme) = live(&stage, &app);
        route(&operator, &a, json!({"country": "GB", "weight": 30, "cost": {"amount": "0.01", "currency": "EUR"}}));
        route(&operator, &b, json!({"country": "GB", "weight": 10}));
        let group = acme.group("Everybody", &numbers(0, 1200));
        let id = acme.draft_to(&group, "Hello");
        acme.launch(&id).ok(202);
        let done = acme.campaign_until(&id, "completed");
        assert_eq!(done["messages"]["delivered"], 1200, "{done}");
        let by = taken(&stage);
        assert_eq!(by.values().sum::<usize>(), 1200, "{by:?}");
        assert!((800..1000).contains(&by["a"]) && (200..400).contains(&by["b"]), "{by:?}");
        acme.audited();
        assert_eq!(acme.held(), 0);
    }

    fn a_message_goes_its_way_and_the_trace_tells_why(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let (a, b) = (carrier(&operator, &stage, "a"), carrier(&operator, &stage, "b"));
        let (account, acme) = live(&stage, &app);
        acme.send(&["+447400100001"], "Hello").refused(422, "no_route");
        let french = route(&operator, &a, json!({"country": "FR"}));
        let skipped = acme.send(&["+447400100001"], "Hello").ok(202)["messages"][0].clone();
        assert_eq!((&skipped["status"], &skipped["reason"]), (&json!("skipped"), &json!("no_route")));
        let draft = acme.draft(json!({"text": "Hello", "audience": {"phones": ["+447400100001"]}}));
        acme.launch(&draft).refused(422, "no_route");
        let british = route(&operator, &b, json!({"country": "GB", "account_id": account, "cost": {"amount": "0.011", "currency": "EUR"}}));
        let id = acme.sent("+447400100001", "Hello");
        acme.message_until(&id, "delivered");
        assert_eq!(taken(&stage), BTreeMap::from([("b".to_owned(), 1)]));

        let trace = acme.read(&format!("/v1/messages/{id}/trace"));
        let way = &trace["way"];
        assert_eq!((&way["carrier_id"], &way["route_id"]), (&json!(b), &json!(british)));
        assert_eq!((&way["carrier_now"], &way["route_now"]), (&json!(b), &json!(british)));
        let considered: BTreeMap<&str, (&Value, &Value)> = way["considered"].as_array().unwrap().iter()
            .map(|c| (c["route_id"].as_str().unwrap(), (&c["mismatch"], &c["rank"]))).collect();
        let expected = BTreeMap::from([(french.as_str(), (json!("country"), Value::Null)), (british.as_str(), (Value::Null, json!(1)))]);
        assert_eq!(considered.len(), expected.len());
        for (route, (mismatch, rank)) in &expected {
            assert_eq!(considered[route], (mismatch, rank), "{way}");
        }
        for hidden in ["carrier_name", "route_name", "unit_cost", "held_by"] {
            assert!(way[hidden].is_null(), "{hidden} is the operator's: {way}");
        }
        let part = &trace["parts"][0];
        assert_eq!((&part["carrier_id"], &part["status"]), (&json!(b), &json!("delivered")));
        assert!(part["carrier_ref_raw"].as_str().is_some_and(|r| !r.is_empty()), "{part}");
        let ledger = trace["ledger"].as_array().unwrap();
        assert_eq!(ledger.iter().map(|l| l["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["hold", "capture"]);
        let price = micros(&trace["message"]["cost"]);
        assert!(price > 0 && ledger.iter().all(|l| micros(&l["amount"]) == price && micros(&l["entry_total"]) == price), "{ledger:?}");
        let told: Vec<&str> = trace["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert_eq!(told, ["message.sent", "message.delivered"]);
        let streamed: Vec<Value> = until("the events have their places", || {
            let all: Vec<Value> = acme.events().iter().filter(|e| e["data"]["id"] == json!(id)).map(|e| e["id"].clone()).collect();
            (all.len() == 2).then_some(all)
        });
        assert_eq!(trace["events"].as_array().unwrap().iter().map(|e| e["id"].clone()).collect::<Vec<_>>(), streamed);

        let full = operator.read(&format!("/v1/admin/messages/{id}/trace"));
        assert_eq!((&full["way"]["carrier_name"], &full["message"]), (&json!("b"), &trace["message"]));
        assert_eq!(micros(&full["way"]["unit_cost"]), 11_000);
        app.get(&format!("/v1/messages/{id}/trace")).refused(404, "not_found");
        operator.get("/v1/admin/messages/msg_01kazsw6e3f8e9xq2m4r7t5v0b/trace").refused(404, "not_found");

        // What is stored stays; what is looked at anew is of now.
        operator.delete(&format!("/v1/admin/routes/{british}")).ok(204);
        let later = acme.read(&format!("/v1/messages/{id}/trace"));
        assert_eq!((&later["way"]["route_id"], &later["way"]["route_now"]), (&json!(british), &Value::Null));
        assert_eq!(later["way"]["considered"].as_array().unwrap().len(), 1);
    }

    fn a_test_environment_stays_with_its_own_carrier(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let real = carrier(&operator, &stage, "real");
        route(&operator, &real, json!({}));
        let id = app.sent("+447400100001", "Hello");
        app.message_until(&id, "delivered");
        assert_eq!(taken(&stage), BTreeMap::from([("carillon".to_owned(), 1)]), "the demo's test account");
        let trace = app.read(&format!("/v1/messages/{id}/trace"));
        assert_eq!(trace["way"]["route_id"], Value::Null);
        assert_eq!(trace["way"]["considered"][0]["mismatch"], "test_environment");
    }

    fn a_carrier_that_is_down_is_passed_over(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let (first, second) = (carrier(&operator, &stage, "first"), carrier(&operator, &stage, "second"));
        let (_, acme) = live(&stage, &app);
        route(&operator, &first, json!({"priority": 1}));
        route(&operator, &second, json!({"priority": 2}));
        health_until(&operator, &first, "up");
        operator.patch(&format!("/v1/admin/carriers/{first}"), &json!({"settings": {"address": "127.0.0.1:1"}})).ok(200);
        health_until(&operator, &first, "down");
        // After ten seconds without any connection it counts as down.
        until("messages go the other way", || {
            std::thread::sleep(Duration::from_millis(500));
            acme.send(&["+447400100001"], "Hello").ok(202);
            taken(&stage).contains_key("second").then_some(())
        });
        operator.patch(&format!("/v1/admin/carriers/{first}"), &json!({"settings": {"address": stage.simulator_address()}})).ok(200);
        health_until(&operator, &first, "up");
        until("what waited for the first goes out", || (acme.held() == 0).then_some(()));
        let id = acme.sent("+447400100002", "Hello");
        acme.message_until(&id, "delivered");
        assert_eq!(acme.read(&format!("/v1/messages/{id}/trace"))["way"]["carrier_id"], json!(first));
        acme.audited();
    }

    fn a_carrier_that_answers_with_faults_is_passed_over_until_it_is_well(stage) {
        let _simulator = stage.simulator(50);
        let ill = Scripted::answering("17");
        ill.answer_with(8); // ESME_RSYSERR
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let settings = json!({"address": ill.address.to_string(), "system_id": "first", "binds": 1});
        let first = operator.post("/v1/admin/carriers", &json!({"name": "first", "settings": settings})).ok(201);
        let first = first["id"].as_str().unwrap().to_owned();
        let second = carrier(&operator, &stage, "second");
        let (_, acme) = live(&stage, &app);
        route(&operator, &first, json!({"priority": 1}));
        route(&operator, &second, json!({"priority": 2}));
        health_until(&operator, &first, "up");
        for n in 0..30 {
            acme.send(&[&format!("+4474001000{n:02}")], "Hello").ok(202);
        }
        let health = health_until(&operator, &first, "degraded");
        assert!(health["binds"][0]["tripped_until"].is_string(), "{health}");
        let id = acme.sent("+447400100099", "Hello");
        acme.message_until(&id, "delivered");
        assert!(taken(&stage).contains_key("second"));
        ill.answer_with(0);
        health_until(&operator, &first, "up");
        let id = acme.sent("+447400100098", "Hello");
        acme.message_until(&id, "sent");
        assert_eq!(acme.read(&format!("/v1/messages/{id}/trace"))["way"]["carrier_id"], json!(first));
    }

    fn what_waits_for_a_carrier_with_faults_takes_another_route(stage) {
        let _simulator = stage.simulator(50);
        let ill = Scripted::answering("17");
        ill.answer_with(8); // ESME_RSYSERR
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let settings = json!({"address": ill.address.to_string(), "system_id": "first", "binds": 1, "window": 10});
        let first = operator.post("/v1/admin/carriers", &json!({"name": "first", "settings": settings})).ok(201);
        let first = first["id"].as_str().unwrap().to_owned();
        let second = carrier(&operator, &stage, "second");
        let (_, acme) = live(&stage, &app);
        route(&operator, &first, json!({"priority": 1}));
        route(&operator, &second, json!({"priority": 2}));
        health_until(&operator, &first, "up");
        health_until(&operator, &second, "up");
        let group = acme.group("Everybody", &numbers(0, 300));
        let draft = acme.draft_to(&group, "Hello");
        acme.launch(&draft).ok(202);
        let number = |name: &str| {
            let page = String::from_utf8(app.get("/metrics").body).unwrap();
            page.lines().find_map(|l| l.strip_prefix(&format!("{name}{{carrier=\"first\"}} "))?.parse::<i64>().ok())
        };
        until("the breaker is told", || (number("carillon_carrier_tripped") == Some(1)).then_some(()));
        let done = acme.campaign_until(&draft, "completed");
        assert_eq!(done["messages"]["delivered"], 300, "{done}");
        assert_eq!(taken(&stage), BTreeMap::from([("second".to_owned(), 300)]));
        assert!(ill.submits() < 100, "{} were tried", ill.submits());
        let moved = acme.messages_of(&draft).into_iter().find_map(|message| {
            let way = acme.read(&format!("/v1/messages/{}/trace", message["id"].as_str().unwrap()))["way"].clone();
            way["tries"].as_array().unwrap().iter().any(|t| t["outcome"] == "moved").then_some(way)
        });
        let way = moved.expect("one that was moved is told");
        let told = way["tries"].as_array().unwrap().iter().find(|t| t["outcome"] == "moved").unwrap();
        assert_eq!((&told["carrier_id"], &told["error"], &way["carrier_id"]), (&json!(first), &json!("carrier_down"), &json!(second)), "{way}");
        acme.audited();
        assert_eq!(acme.held(), 0);
        // Its numbers go with it.
        for route in operator.pages("/v1/admin/routes").iter().filter(|r| r["carrier_id"] == json!(first)) {
            operator.delete(&format!("/v1/admin/routes/{}", route["id"].as_str().unwrap())).ok(204);
        }
        stage.sql("UPDATE chunks SET settled_at = 1 WHERE settled_at IS NULL AND status = 'done'");
        operator.delete(&format!("/v1/admin/carriers/{first}")).ok(204);
        until("its numbers are gone", || {
            let page = String::from_utf8(app.get("/metrics").body).unwrap();
            (!page.contains("carrier=\"first\"")).then_some(())
        });
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(number("carillon_carrier_binds"), None, "and stay so");
    }

    fn a_refused_message_takes_the_next_route_and_no_carrier_twice(stage) {
        stage.set("CARILLON_WORKER__SETTLE_SECONDS", 1);
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let names = ["first", "second", "third"];
        let carriers = names.map(|name| carrier(&operator, &stage, name));
        let (_, acme) = live(&stage, &app);
        let cost = |n: usize| json!({"amount": format!("0.01{n}"), "currency": "EUR"});
        let routes: Vec<String> = carriers.iter().enumerate()
            .map(|(n, carrier)| route(&operator, carrier, json!({"priority": n + 1, "cost": cost(n)}))).collect();
        carriers.iter().for_each(|carrier| drop(health_until(&operator, carrier, "up")));

        // Refused by the first, taken by the second: one charge, and the trace tells both.
        let id = acme.sent("+12015550132", "Hello");
        let message = acme.message_until(&id, "delivered");
        assert_eq!((&message["error"], &message["reason"]), (&Value::Null, &Value::Null));
        let way = operator.read(&format!("/v1/admin/messages/{id}/trace"))["way"].clone();
        let attempts = way["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{way}");
        assert_eq!((&attempts[0]["carrier_id"], &attempts[0]["route_id"]), (&json!(carriers[0]), &json!(routes[0])));
        assert_eq!((&attempts[0]["carrier_name"], &attempts[0]["error"]), (&json!("first"), &json!("ESME_RSUBMITFAIL")));
        assert_eq!((&way["carrier_id"], &way["route_id"], micros(&way["unit_cost"])), (&json!(carriers[1]), &json!(routes[1]), 11_000));
        let told = acme.read(&format!("/v1/messages/{id}/trace"));
        assert!(told["way"]["attempts"][0]["carrier_name"].is_null(), "names are the operator's");

        // Refused by all: once each, then the end, uncharged.
        let before = acme.available();
        let lost = acme.sent("+12015550105", "Hello");
        let rejected = acme.message_until(&lost, "rejected");
        assert_eq!((&rejected["error"], &rejected["reason"]), (&json!("ESME_RSUBMITFAIL"), &json!("refused_by_carrier")));
        let way = acme.read(&format!("/v1/messages/{lost}/trace"))["way"].clone();
        assert_eq!(way["attempts"].as_array().unwrap().len(), 2);
        let judge = stage.judge();
        assert_eq!(judge.tries("+12015550105").iter().map(|s| s.system_id.as_str()).collect::<Vec<_>>(), names);
        assert_eq!((acme.available(), acme.held()), (before, 0));

        // One whose answer is lost may be with the carrier: it goes nowhere else.
        let doubtful = acme.sent("+12015550117", "Hello");
        acme.message_until(&doubtful, "delivered");
        assert_eq!(stage.judge().tried("+12015550117"), 1);
        acme.audited();
    }

    fn a_campaign_leads_its_refused_messages_on(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let carriers = ["first", "second"].map(|name| carrier(&operator, &stage, name));
        let (_, acme) = live(&stage, &app);
        for (n, carrier) in carriers.iter().enumerate() {
            route(&operator, carrier, json!({"priority": n + 1}));
            health_until(&operator, carrier, "up");
        }
        let mut phones = numbers(1, 30);
        phones.extend(["+12015550132".to_owned(), "+12015550105".to_owned()]);
        let draft = acme.draft(json!({"text": "Hello", "audience": {"phones": phones}}));
        acme.launch(&draft).ok(202);
        let done = acme.campaign_until(&draft, "completed");
        let by = taken(&stage);
        let took = |name: &str| by.get(name).copied().unwrap_or(0);
        assert_eq!((took("first"), took("second")), (30, 1), "{by:?} {done}");
        assert_eq!((&done["messages"]["delivered"], &done["messages"]["rejected"]), (&json!(31), &json!(1)), "{done}");
        acme.audited();
        assert_eq!(acme.held(), 0);
    }

    fn a_scheduled_send_over_two_carriers_holds_for_each(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let (a, b) = (carrier(&operator, &stage, "a"), carrier(&operator, &stage, "b"));
        let (_, acme) = live(&stage, &app);
        route(&operator, &a, json!({"country": "GB"}));
        route(&operator, &b, json!({"country": "US"}));
        let soon = domain::clock::Clock::system().now().plus(Duration::from_secs(2)).to_string();
        let body = json!({"to": ["+447400100001", "+12015550100"], "sender": "CARILLON", "text": "Hello", "send_at": soon});
        let sent = acme.post("/v1/messages", &body).ok(202);
        let before = acme.available();
        assert_eq!(acme.held(), 0, "nothing is held before its time");
        for message in sent["messages"].as_array().unwrap() {
            acme.message_until(message["id"].as_str().unwrap(), "delivered");
        }
        assert_eq!(before - acme.available(), micros(&sent["cost"]));
        assert_eq!(taken(&stage), BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 1)]));
        acme.audited();
    }

    fn the_key_of_passwords_is_changed_and_not_lost(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        assert!(stage.path("carillon-data/secret.keys").exists(), "made at the first start");
        let operator_token = stage.operator("*");
        let settings = json!({"address": stage.simulator_address(), "system_id": "acme", "password": "opensesa", "binds": 1});
        let made = app.with_token(&operator_token).post("/v1/admin/carriers", &json!({"name": "acme", "settings": settings})).ok(201);
        let id = made["id"].as_str().unwrap().to_owned();
        health_until(&app.with_token(&operator_token), &id, "up");
        app.terminate();
        let old = std::fs::read_to_string(stage.path("carillon-data/secret.keys")).unwrap();
        let new = domain::secrets::Keyring::generate();
        stage.set("CARILLON_SECRET_KEYS", format!("{new},{}", old.trim()));
        stage.start().terminate();
        stage.set("CARILLON_SECRET_KEYS", &new);
        let app = stage.start();
        health_until(&app.with_token(&operator_token), &id, "up");
        assert!(!app.log_text().contains("opensesa"));
        app.terminate();
        // Without any key the server does not start, and makes none that could not open what is there.
        stage.unset("CARILLON_SECRET_KEYS");
        stage.set("CARILLON_DATA_DIR", stage.path("elsewhere").display());
        let error = stage.run(&["serve"]).unwrap_err();
        assert!(error.contains("secret_keys") && !stage.path("elsewhere/secret.keys").exists(), "{error}");
    }
}
