//! The blacklist filled from a file, a group and a campaign: what is added, what was there, whence and why.

use serde_json::{Value, json};

use crate::harness::{App, numbers, until};

/// The magic number that ends with these digits.
fn magic(end: &str) -> String {
    format!("+120155501{end}")
}

/// The entry of a number.
fn entry(app: &App, phone: &str) -> Value {
    let found = app.pages(&format!("/v1/blacklist?phone={}", phone.replace('+', "%2B")));
    assert!(found.len() <= 1, "{found:?}");
    found.into_iter().next().unwrap_or_default()
}

/// Phone, reason, source and where from.
fn whence(entry: &Value) -> [&Value; 4] {
    ["phone", "reason", "source", "source_id"].map(|field| &entry[field])
}

/// Waits for the end of an import.
fn ended(app: &App, import: &Value) -> Value {
    let path = format!("/v1/blacklist/imports/{}", import["id"].as_str().unwrap());
    until("the import ends", || Some(app.read(&path)).filter(|i| !i["finished_at"].is_null()))
}

both! {
    fn a_file_fills_it_once_and_tells_each_refused_row(stage) {
        let app = stage.start();
        app.post("/v1/blacklist", &json!({"phone": "+447400100003", "reason": "asked to stop"})).ok(201);
        let file = "Phone,Reason,Name\n+447400100001,rude,Ann\n+447400100002,,Bob\n+447400100003,late,Cyd\n\
                    +447400100001,again,Ann\n12,short,Dan\n";
        let long = format!("+447400100004,{},Eve\n", "x".repeat(501));
        let file = format!("{file}{long}");
        let upload = || app.upload_to("/v1/blacklist/imports", "complaints.csv", file.as_bytes(), &[("reason", "complaints")]);
        let first = ended(&app, &upload().ok(202));
        assert_eq!(first["status"], "completed", "{first}");
        assert_eq!(first["mapping"], json!({"phone": "Phone", "reason": "Reason"}));
        let counts = json!({"rows": 6, "added": 2, "present": 1, "duplicates": 1, "invalid": 2, "ambiguous": 0});
        assert_eq!((&first["result"], &first["progress"]), (&counts, &json!({"done": 6, "total": 6})));
        let told = |e: &Value| (e["line"].as_i64().unwrap(), e["code"].as_str().unwrap().to_owned(), e["field"].clone());
        let errors: Vec<_> = first["errors"].as_array().unwrap().iter().map(told).collect();
        assert_eq!(errors, [(6, "phone_too_short".to_owned(), json!("phone")), (7, "too_long".to_owned(), json!("reason"))]);
        let id = first["id"].as_str().unwrap();
        assert_eq!(app.pages(&format!("/v1/blacklist/imports/{id}/errors")).len(), 2);
        let stream = String::from_utf8(app.get(&format!("/v1/blacklist/imports/{id}/progress")).body).unwrap();
        assert!(stream.contains("event: completed\ndata: {") && stream.contains("\"added\":2"), "{stream}");

        assert_eq!(whence(&entry(&app, "+447400100001")), [&json!("+447400100001"), &json!("rude"), &json!("import"), &json!(id)]);
        assert_eq!(entry(&app, "+447400100002")["reason"], "complaints", "a row without a reason has the import's");
        assert_eq!(whence(&entry(&app, "+447400100003"))[1..], [&json!("asked to stop"), &json!("api"), &Value::Null]);
        assert!(app.pages("/v1/contacts").is_empty(), "an import for the blacklist makes no contacts");
        let again = ended(&app, &upload().ok(202));
        assert_eq!((&again["result"]["added"], &again["result"]["present"]), (&json!(0), &json!(3)));
        assert_eq!(app.pages("/v1/blacklist").len(), 3);
        assert_eq!(app.pages("/v1/blacklist?source=import").len(), 2);
        let sent = app.send(&["+447400100001", "+447400100009"], "Hello").ok(202);
        assert_eq!(sent["messages"][0]["reason"], "blacklisted", "{sent}");

        // The two kinds of import do not show each other's.
        app.get(&format!("/v1/contacts/imports/{id}")).refused(404, "not_found");
        app.get(&format!("/v1/contacts/imports/{id}/errors")).refused(404, "not_found");
        assert!(app.pages("/v1/contacts/imports").is_empty());
        assert_eq!(app.pages("/v1/blacklist/imports").len(), 2);
        let told = until("the event has its place", || {
            app.events().into_iter().find(|e| e["type"] == "import.completed")
        });
        assert_eq!((&told["data"]["kind"], &told["data"]["created"]), (&json!("blacklist"), &json!(2)), "{told}");
        let refused = |fields: &[(&str, &str)], code: &str| {
            app.upload_to("/v1/blacklist/imports", "a.csv", file.as_bytes(), fields).refused(422, code)
        };
        refused(&[("groups", "Regulars")], "invalid_request");
        refused(&[("merge", "skip")], "invalid_request");
        refused(&[("mapping", "{\"phone\": \"Phone\", \"first_name\": \"Name\"}")], "unknown_field");
        refused(&[("mapping", "{\"phone\": \"Mobile\"}")], "unknown_column");
        refused(&[("reason", &"x".repeat(501))], "invalid_request");
        app.upload("a.csv", file.as_bytes(), &[("reason", "not of contacts")]).refused(422, "invalid_request");
        assert_eq!(app.pages("/v1/blacklist/imports").len(), 2);
    }

    fn a_group_is_added_whole_and_only_once(stage) {
        let app = stage.start();
        let group = app.group("Left", &numbers(0, 6_000)); // more than one piece
        let known = numbers(0, 1).remove(0);
        app.post("/v1/blacklist", &json!({"phone": known, "reason": "asked to stop"})).ok(201);
        let path = format!("/v1/groups/{group}/blacklist");
        // Two at once.
        let answers: Vec<Value> = std::thread::scope(|threads| {
            let add = || app.post(&path, &json!({"reason": "left the club"})).ok(200);
            let both = [threads.spawn(add), threads.spawn(add)];
            both.map(|one| one.join().unwrap()).into()
        });
        let sum = |field: &str| answers.iter().map(|a| a[field].as_u64().unwrap()).sum::<u64>();
        assert_eq!((sum("added"), sum("present")), (5_999, 6_001), "{answers:?}");
        assert_eq!(app.post(&path, &json!({})).ok(200), json!({"added": 0, "present": 6_000}));
        assert_eq!(entry(&app, &known)["reason"], "asked to stop", "who is there already stays as it was");
        let last = entry(&app, &numbers(5_999, 1)[0]);
        assert_eq!(whence(&last)[1..], [&json!("left the club"), &json!("group"), &json!(group)]);
        assert_eq!(app.pages("/v1/blacklist?source=group").len(), 5_999);
        app.post(&path, &json!({"reason": "x".repeat(501)})).refused(422, "invalid_request");
        app.post("/v1/groups/grp_01kazsw6e3f8e9xq2m4r7t5v0b/blacklist", &json!({})).refused(404, "not_found");
        app.get("/v1/blacklist?source=hearsay").refused(400, "invalid_parameter");
    }

    fn a_number_tells_what_stands_against_it(stage) {
        let app = stage.start();
        let phone = "+447400100001";
        let path = format!("/v1/numbers/{phone}/blocks");
        assert_eq!(app.read(&path), json!({"phone": phone, "blocked": false, "blocks": []}));
        app.post("/v1/unsubscribes", &json!({"phone": phone, "sender": "CARILLON", "reason": "by mail"})).ok(201);
        let reasons = |app: &App| -> Vec<Value> {
            app.read(&path)["blocks"].as_array().unwrap().iter().map(|b| b["reason"].clone()).collect()
        };
        assert_eq!((&app.read(&path)["blocked"], reasons(&app)), (&json!(false), vec![json!("unsubscribed")]));
        let group = app.post("/v1/groups", &json!({"name": "Never", "stop_list": true})).ok(201)["id"].clone();
        let new = json!({"phone": phone, "consent": {"status": "refused", "source": "letter"}, "group_ids": [group]});
        let contact = app.post("/v1/contacts", &new).ok(201)["id"].clone();
        let entry = app.post("/v1/blacklist", &json!({"phone": phone, "reason": "rude"})).ok(201);
        let told = app.read(&path);
        assert_eq!(reasons(&app), ["blacklisted", "consent_refused", "stop_list", "unsubscribed"]);
        let [listed, refused, stopped, unsubscribed] = told["blocks"].as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!([&listed["id"], &listed["text"], &listed["source"], &listed["since"]], [&entry["id"], &json!("rude"), &json!("api"), &entry["created_at"]]);
        assert_eq!([&refused["contact_id"], &refused["source"]], [&contact, &json!("letter")]);
        assert_eq!([&stopped["group_id"], &stopped["group_name"]], [&group, &json!("Never")]);
        assert_eq!([&unsubscribed["sender"], &unsubscribed["text"]], [&json!("CARILLON"), &json!("by mail")]);
        assert_eq!(app.read(&path.replace('+', ""))["blocks"], told["blocks"]);
        assert_eq!(app.read(&path.replace('+', "%2B"))["blocks"], told["blocks"]);
        // What is told is what a send skips for, in this order.
        assert_eq!(app.send(&[phone], "Hello").ok(202)["messages"][0]["reason"], "blacklisted");
        app.delete(&format!("/v1/contacts/{}", contact.as_str().unwrap())).ok(204);
        assert_eq!(reasons(&app), ["blacklisted", "unsubscribed"]);
        app.get("/v1/numbers/12/blocks").refused(400, "invalid_parameter");
        let few = app.post("/v1/api-tokens", &json!({"description": "few", "scopes": ["contacts:read"]})).ok(201);
        app.with_token(few["secret"].as_str().unwrap()).get(&path).refused(403, "scope_missing");
    }

    fn a_campaigns_unreached_are_added_from_its_report(stage) {
        let app = stage.start();
        let phones = ["00", "01", "02", "03", "20"].map(magic);
        let id = app.draft(json!({"text": "Hello", "audience": {"phones": phones}}));
        app.launch(&id).ok(202);
        app.campaign_until(&id, "completed");
        let path = format!("/v1/campaigns/{id}/blacklist");
        let asked = json!({"statuses": ["undelivered", "rejected"], "reason": "dead numbers"});
        assert_eq!(app.post(&path, &asked).ok(200), json!({"added": 2, "present": 0}));
        assert_eq!(app.post(&path, &asked).ok(200), json!({"added": 0, "present": 2}));
        let all = json!({"statuses": ["undelivered", "rejected", "expired", "failed"]});
        assert_eq!(app.post(&path, &all).ok(200), json!({"added": 2, "present": 2}));
        assert_eq!(whence(&entry(&app, &magic("01")))[1..], [&json!("dead numbers"), &json!("campaign"), &json!(id)]);
        assert_eq!(entry(&app, &magic("02"))["reason"], Value::Null);
        assert_eq!(entry(&app, &magic("00")), Value::Null, "who was reached is not added");
        let copy = app.step(&id, "copy").ok(201)["id"].as_str().unwrap().to_owned();
        let estimate = app.step(&copy, "estimate").ok(200);
        assert_eq!(estimate["skipped"], json!([{"reason": "blacklisted", "count": 4}]));
        for wrong in [json!([]), json!(["sent"]), json!(["undelivered", "queued"])] {
            app.post(&path, &json!({"statuses": wrong})).refused(422, "invalid_request");
        }
        app.post(&path, &json!({})).refused(422, "invalid_request");
        app.post("/v1/campaigns/cmp_01kazsw6e3f8e9xq2m4r7t5v0b/blacklist", &asked).refused(404, "not_found");
    }
}
