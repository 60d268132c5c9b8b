//! Ported numbers: what the operator says of them decides prices and routes, and contacts show it.

use serde_json::{Value, json};

use crate::harness::{Client, Stage, micros};

/// In the range of one operator, and ported to another.
const PORTED: &str = "+447400100001";
const STAYED: &str = "+447400100002";

/// A live account whose prices go by operator, and which sends by routes alone.
fn account(stage: &Stage, app: &Client, deck: &str) -> Client {
    let file = stage.path("mno.csv");
    std::fs::write(&file, deck).unwrap();
    stage.admin(&["rates", "import", file.to_str().unwrap(), "--deck", "mno"]);
    let made = stage.admin(&["accounts", "create", "--name", "Acme", "--countries", "*", "--deck", "mno"]);
    let id = made.split_whitespace().nth(1).unwrap().to_owned();
    stage.admin(&["top-up", &id, "500.00", "--key", "first"]);
    stage.admin(&["senders", "grant", &id, "CARILLON"]);
    let token = stage.admin(&["tokens", "create", &id]);
    app.with_token(token.split_whitespace().nth(1).unwrap())
}

fn carrier(operator: &Client, stage: &Stage, name: &str, of: Value) {
    let settings = json!({"address": stage.simulator_address(), "system_id": name, "binds": 1});
    let made = operator.post("/v1/admin/carriers", &json!({"name": name, "settings": settings})).ok(201);
    let route = json!({"name": name, "carrier_id": made["id"], "country": "GB", "operator": of});
    operator.post("/v1/admin/routes", &route).ok(201);
}

/// The log-in that took the message to a number last.
fn taken_by(stage: &Stage, number: &str) -> String {
    let judge = stage.judge();
    let taken = judge.taken();
    let last = taken.iter().rfind(|submit| submit.dest.trim_start_matches('+') == number.trim_start_matches('+'));
    last.unwrap().system_id.to_string()
}

both! {
    fn a_ported_number_is_priced_and_routed_by_the_operator_that_has_it(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let made = app.post("/v1/contacts", &json!({"phone": PORTED})).ok(201);
        let issued = made["operator"].as_str().unwrap().to_owned();
        assert_eq!(made["ported"], false);
        let acme = account(&stage, &app, &format!("country,operator,price\nGB,,0.05\nGB,{issued},0.04\nGB,Newcomer,0.02\n"));
        carrier(&operator, &stage, "old", json!(issued));
        let sent = |number: &str| {
            let id = acme.sent(number, "Hello");
            let done = acme.message_until(&id, "delivered");
            (done["operator"].as_str().unwrap().to_owned(), micros(&done["cost"]), taken_by(&stage, number))
        };
        let before = (issued.clone(), 40_000, "old".to_owned());
        let after = ("Newcomer".to_owned(), 20_000, "new".to_owned());
        assert_eq!(sent(PORTED), before);
        let path = format!("/v1/admin/ported-numbers/{PORTED}");
        operator.get(&path).refused(404, "not_found");

        let body = json!({"numbers": [{"phone": PORTED, "operator": "Newcomer"}]});
        assert_eq!(operator.post("/v1/admin/ported-numbers", &body).ok(200), json!({"stored": 1, "removed": 0}));
        assert_eq!(operator.read(&path)["operator"], "Newcomer");
        carrier(&operator, &stage, "new", json!("Newcomer")); // a name that routes know since a number is its own
        assert_eq!(operator.pages("/v1/admin/ported-numbers?operator=Newcomer").len(), 1);
        assert_eq!((sent(PORTED), sent(STAYED)), (after.clone(), before.clone()));
        // A campaign to contacts and bare numbers goes the same way, at the price that was estimated.
        let held = acme.post("/v1/contacts", &json!({"phone": PORTED, "time_zone": "Asia/Tokyo"})).ok(201);
        assert_eq!((&held["operator"], &held["ported"]), (&json!("Newcomer"), &json!(true)));
        let audience = json!({"phones": [STAYED], "contact_ids": [held["id"]]});
        let draft = acme.draft(json!({"text": "Hello", "audience": audience}));
        let estimate = acme.post(&format!("/v1/campaigns/{draft}/estimate"), &json!({})).ok(200);
        assert_eq!(micros(&estimate["cost"]), 60_000, "{estimate}");
        acme.launch(&draft).ok(202);
        assert_eq!(acme.campaign_until(&draft, "completed")["messages"]["delivered"], 2);
        assert_eq!((taken_by(&stage, PORTED), taken_by(&stage, STAYED)), ("new".to_owned(), "old".to_owned()));
        let report = acme.read(&format!("/v1/reports/campaigns/{draft}"));
        assert!(report["by_operator"].as_array().unwrap().iter().any(|line| line["key"] == "Newcomer"), "{report}");
        assert_eq!(acme.pages("/v1/contacts?operator=Newcomer").len(), 1);
        // No account can say it: the price is not the customer's to choose.
        acme.patch(&format!("/v1/contacts/{}", held["id"].as_str().unwrap()), &json!({"operator": "Newcomer"})).refused(422, "invalid_request");
        acme.post("/v1/admin/ported-numbers", &body).refused(403, "wrong_token");

        operator.delete(&path).ok(204);
        assert_eq!(sent(PORTED), before);
        acme.audited();
    }

    fn lists_come_by_the_command_too(stage) {
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        let file = stage.path("ported.csv");
        let import = |text: &str, more: &[&str]| {
            std::fs::write(&file, text).unwrap();
            stage.run(&[&["admin", "ported-numbers", "import", file.to_str().unwrap()], more].concat())
        };
        let many: String = (0..12_000).map(|n| format!("+4474001{n:05},O2\n")).collect();
        assert!(import(&format!("phone,operator\n{many}"), &[]).unwrap().contains("12000 stored, 0 removed"));
        assert!(stage.admin(&["ported-numbers", "get", PORTED]).contains("O2"));
        let shown = import("phone,operator\n+447400100001,EE\n+447400100002,\n", &["--whole", "+44"]).unwrap();
        assert!(shown.contains("1 stored, 11999 removed"), "{shown}");
        let left = operator.pages("/v1/admin/ported-numbers");
        assert_eq!((left.len(), &left[0]["phone"], &left[0]["operator"]), (1, &json!(PORTED), &json!("EE")));
        assert!(import("phone,operator\n", &["--whole", "44"]).unwrap_err().contains("no numbers"));
        assert!(import("phone,operator\n12,O2\n", &[]).unwrap_err().contains("line 2"));
        stage.admin(&["ported-numbers", "delete", PORTED]);
        assert_eq!(operator.pages("/v1/admin/ported-numbers").len(), 0);
    }
}
