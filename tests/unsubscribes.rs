//! Who wants nothing from a sender: by request, by `STOP` in many languages; what skips them; what `START` undoes.

use serde_json::{Value, json};

use crate::harness::{App, Stage, until};

/// Two senders that can be answered.
const ONE: &str = "447400900000";
const TWO: &str = "44723";

/// The magic number that ends with these digits.
fn magic(end: &str) -> String {
    format!("+120155501{end}")
}

fn numeric_senders(stage: &Stage, app: &App) {
    for value in [ONE, TWO] {
        let made = app.post("/v1/senders", &json!({"value": value})).ok(201);
        stage.admin(&["senders", "approve", made["id"].as_str().unwrap()]);
    }
}

/// Sends a text; the status and the reason of its message.
fn send(app: &App, to: &str, sender: &str, text: &str) -> (Value, Value) {
    let body = json!({"to": [to], "sender": sender, "text": text});
    let message = app.post("/v1/messages", &body).ok(202)["messages"][0].clone();
    (message["status"].clone(), message["reason"].clone())
}

/// What is on a list for a number: sender and source of each.
fn listed(app: &App, list: &str, phone: &str) -> Vec<(Value, Value)> {
    let all = app.pages(&format!("/v1/{list}?phone={}", phone.replace('+', "%2B")));
    all.into_iter().map(|e| (e["sender"].clone(), e["source"].clone())).collect()
}

/// Waits for the end of an import.
fn ended(app: &App, import: &Value) -> Value {
    let path = format!("/v1/unsubscribes/imports/{}", import["id"].as_str().unwrap());
    until("the import ends", || Some(app.read(&path)).filter(|i| !i["finished_at"].is_null()))
}

/// Number, sender and reason of all there are, in order.
fn pairs(app: &App) -> Vec<[String; 3]> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let all = app.pages("/v1/unsubscribes");
    let mut all: Vec<_> = all.iter().map(|e| ["phone", "sender", "reason"].map(|field| text(&e[field]))).collect();
    all.sort_unstable();
    all
}

both! {
    fn a_file_unsubscribes_from_one_sender_or_from_that_of_each_row(stage) {
        let app = stage.start();
        numeric_senders(&stage, &app);
        app.post("/v1/unsubscribes", &json!({"phone": "+447400100003", "sender": "CARILLON", "reason": "by mail"})).ok(201);
        let to = "/v1/unsubscribes/imports";
        // The same number for two senders is no duplicate; a sender in another case and with a plus is known.
        let file = format!(
            "Phone,Sender,Reason,Name\n+447400100001,carillon,rude,Ann\n+447400100001,+{ONE},,Ann\n+447400100002,,,Bob\n\
             +447400100003,CARILLON,late,Cyd\n+447400100002,{TWO},again,Bob\n12,{TWO},,Dan\n+447400100004,NOBODY,,Eve\n"
        );
        let form = [("sender", TWO), ("reason", "of old")];
        let seen = app.upload_to(&format!("{to}/preview"), "a.csv", file.as_bytes(), &form).ok(200);
        assert_eq!(seen["mapping"], json!({"phone": "Phone", "sender": "Sender", "reason": "Reason"}));
        let wrong: Vec<&Value> = seen["first_rows"].as_array().unwrap().iter().map(|row| &row["error"]).collect();
        let null = Value::Null;
        assert_eq!(wrong, [&null, &null, &null, &null, &null, &json!("phone_too_short"), &json!("unknown_sender")]);
        assert_eq!(app.pages("/v1/unsubscribes").len(), 1, "a preview does nothing");

        let queued = app.upload_to(to, "a.csv", file.as_bytes(), &form).ok(202);
        assert_eq!((&queued["sender"], &queued["reason"]), (&json!(TWO), &json!("of old")));
        let done = ended(&app, &queued);
        let counts = json!({"rows": 7, "added": 3, "present": 1, "duplicates": 1, "invalid": 2, "ambiguous": 0});
        assert_eq!((&done["status"], &done["result"]), (&json!("completed"), &counts), "{done}");
        let told = |e: &Value| [e["line"].to_string(), e["code"].to_string(), e["field"].to_string(), e["value"].to_string()];
        let errors: Vec<_> = done["errors"].as_array().unwrap().iter().map(told).collect();
        assert_eq!(errors, [
            ["7", "\"phone_too_short\"", "\"phone\"", "\"12\""].map(str::to_owned),
            ["8", "\"unknown_sender\"", "\"sender\"", "\"NOBODY\""].map(str::to_owned),
        ]);
        let expected = [
            ["+447400100001", ONE, "of old"],
            ["+447400100001", "CARILLON", "rude"],
            ["+447400100002", TWO, "of old"],
            ["+447400100003", "CARILLON", "by mail"],
        ];
        assert_eq!(pairs(&app), expected.map(|row| row.map(str::to_owned)), "what is there keeps its reason");
        let id = done["id"].as_str().unwrap();
        let imported = app.pages("/v1/unsubscribes?source=import");
        assert!(imported.len() == 3 && imported.iter().all(|e| e["source_id"] == json!(id)), "{imported:?}");
        assert_eq!(app.pages(&format!("{to}/{id}/errors")).len(), 2);
        let csv = String::from_utf8(app.get(&format!("{to}/{id}/errors.csv")).body).unwrap();
        assert!(csv.contains("unknown_sender") && csv.contains("Sender"), "{csv}");
        let stream = String::from_utf8(app.get(&format!("{to}/{id}/progress")).body).unwrap();
        assert!(stream.contains("event: completed\ndata: {") && stream.contains("\"added\":3"), "{stream}");
        assert_eq!(send(&app, "+447400100001", ONE, "Hello"), (json!("skipped"), json!("unsubscribed")));
        assert_eq!(send(&app, "+447400100001", TWO, "Hello").0, "queued");
        assert!(app.pages("/v1/contacts").is_empty() && app.pages("/v1/blacklist").is_empty());
        let event = until("the event has its place", || app.events().into_iter().find(|e| e["type"] == "import.completed"));
        assert_eq!((&event["data"]["kind"], &event["data"]["created"]), (&json!("unsubscribes"), &json!(3)), "{event}");

        // Each kind of import shows its own.
        for other in ["/v1/contacts/imports", "/v1/blacklist/imports"] {
            app.get(&format!("{other}/{id}")).refused(404, "not_found");
            assert!(app.pages(other).is_empty());
        }
        assert_eq!(app.pages(to).len(), 1);
        let list = b"+447400100007\n+447400100008\n";
        let refused = |fields: &[(&str, &str)], pointer: &str| {
            let problem = app.upload_to(to, "a.txt", list, fields).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        };
        refused(&[], "/sender");
        refused(&[("sender", "NOBODY")], "/sender");
        refused(&[("sender", TWO), ("merge", "skip")], "/merge");
        refused(&[("sender", TWO), ("reason", &"x".repeat(501))], "/reason");
        app.upload_to(&format!("{to}/preview"), "a.txt", list, &[("mapping", "{\"phone\": \"1\"}")]).refused(422, "invalid_request");
        app.upload_to("/v1/blacklist/imports", "a.txt", list, &[("sender", TWO)]).refused(422, "invalid_request");
        app.upload_to(to, "a.txt", list, &[("mapping", "{\"phone\": \"1\", \"email\": \"1\"}")]).refused(422, "unknown_field");
        let stopped = ended(&app, &app.upload_to(to, "a.txt", list, &[("sender", TWO)]).ok(202));
        assert_eq!(stopped["result"]["added"], 2, "{stopped}");
        app.post(&format!("{to}/{}/cancel", stopped["id"].as_str().unwrap()), &json!({})).refused(409, "conflict");
    }

    fn an_export_of_unsubscribes_is_imported_as_it_is(stage) {
        let app = stage.start();
        numeric_senders(&stage, &app);
        for (phone, sender, reason) in [
            ("+447400100001", "CARILLON", json!("=by mail, \"twice\"")),
            ("+447400100001", ONE, Value::Null),
            ("+447400100002", TWO, json!("по звонку")),
        ] {
            app.post("/v1/unsubscribes", &json!({"phone": phone, "sender": sender, "reason": reason})).ok(201);
        }
        let before = pairs(&app);
        for format in ["csv", "xlsx"] {
            let export = app.post("/v1/exports", &json!({"kind": "unsubscribes", "format": format})).ok(202);
            let path = format!("/v1/exports/{}", export["id"].as_str().unwrap());
            let export = until("it is made", || Some(app.read(&path)).filter(|e| e["status"] == "completed"));
            let file = app.get(export["download"]["url"].as_str().unwrap()).body;
            for entry in app.pages("/v1/unsubscribes") {
                app.delete(&format!("/v1/unsubscribes/{}", entry["id"].as_str().unwrap())).ok(204);
            }
            for (added, present) in [(3, 0), (0, 3)] {
                let name = format!("unsubscribes.{format}");
                let done = ended(&app, &app.upload_to("/v1/unsubscribes/imports", &name, &file, &[]).ok(202));
                assert_eq!(done["mapping"], json!({"phone": "phone", "sender": "sender", "reason": "reason"}));
                assert_eq!((&done["result"]["added"], &done["result"]["present"]), (&json!(added), &json!(present)), "{done}");
            }
            assert_eq!(pairs(&app), before, "{format}");
        }
    }

    fn a_pair_is_skipped_uncharged_and_told_alike_in_estimates_sends_and_campaigns(stage) {
        let app = stage.start();
        numeric_senders(&stage, &app);
        let group = app.group("Everybody", &["+447400100001".to_owned(), "+447400100002".to_owned()]);
        for phone in ["+447400100001", "+447400100009"] {
            let new = json!({"phone": phone, "sender": "CARILLON", "reason": "by mail"});
            let made = app.post("/v1/unsubscribes", &new).ok(201);
            assert_eq!([&made["source"], &made["source_id"]], [&json!("api"), &Value::Null]);
            assert_eq!(app.post("/v1/unsubscribes", &json!({"phone": phone, "sender": "CARILLON"})).ok(200), made);
        }
        let body = json!({"to": ["+447400100001", "+447400100002", "+447400100009"], "sender": "CARILLON", "text": "Hello"});
        let estimate = app.post("/v1/messages/estimate", &body).ok(200);
        let before = app.available();
        let sent = app.post("/v1/messages", &body).ok(202);
        let told = |answer: &Value| -> Vec<Value> {
            answer["messages"].as_array().unwrap().iter().map(|m| m["reason"].clone()).collect()
        };
        assert_eq!(told(&sent), [json!("unsubscribed"), Value::Null, json!("unsubscribed")]);
        assert_eq!((told(&estimate), &estimate["cost"]), (told(&sent), &sent["cost"]));
        assert_eq!(before - app.available(), crate::harness::micros(&sent["cost"]));
        assert_eq!(send(&app, "+447400100001", ONE, "From another").0, "queued", "other senders may");

        let audience = json!({"group_ids": [group], "phones": ["+447400100009"]});
        let id = app.draft(json!({"text": "Hello", "audience": audience}));
        let estimate = app.step(&id, "estimate").ok(200);
        assert_eq!(estimate["skipped"], json!([{"reason": "unsubscribed", "count": 2}]));
        app.launch(&id).ok(202);
        let done = app.campaign_until(&id, "completed");
        assert_eq!((&done["messages"], &done["cost"]), (&json!({"delivered": 1, "skipped": 2}), &estimate["cost"]));

        app.post("/v1/unsubscribes", &json!({"phone": "12", "sender": "NOBODY"})).refused(422, "invalid_request");
        let entry = app.pages("/v1/unsubscribes?sender=CARILLON")[0].clone();
        let at = format!("/v1/unsubscribes/{}", entry["id"].as_str().unwrap());
        assert_eq!(app.read(&at), entry);
        let (_, token) = stage.account("Other", "0", &[]);
        app.with_token(&token).get(&at).refused(404, "not_found");
        app.with_token(&token).delete(&at).refused(404, "not_found");
        app.delete(&at).ok(204);
        app.get(&at).refused(404, "not_found");
        assert_eq!(send(&app, "+447400100001", "CARILLON", "Again").0, "queued");
        app.audited();
    }

    fn a_stop_is_for_the_sender_that_was_answered_and_a_start_undoes_only_stops(stage) {
        let app = stage.start();
        numeric_senders(&stage, &app);
        assert_eq!(send(&app, &magic("25"), ONE, "Buy now").0, "queued");
        until("it is unsubscribed", || (listed(&app, "unsubscribes", &magic("25")).len() == 1).then_some(()));
        let entry = app.pages("/v1/unsubscribes?source=stop_reply")[0].clone();
        assert_eq!((&entry["phone"], &entry["sender"]), (&json!(magic("25")), &json!(ONE)));
        let word = app.read(&format!("/v1/inbound-messages/{}", entry["source_id"].as_str().unwrap()));
        assert_eq!(word["keyword"], "stop");
        assert_eq!(send(&app, &magic("25"), ONE, "Again"), (json!("skipped"), json!("unsubscribed")));
        assert_eq!(send(&app, &magic("25"), "CARILLON", "By name").0, "queued");
        assert!(listed(&app, "blacklist", &magic("25")).is_empty());

        // The echo says what it is told: words in many languages, and one that is for the whole account.
        let echo = magic("24");
        for (word, sender) in [("СТОП", ONE), ("Arrêt!", TWO)] {
            send(&app, &echo, sender, word);
            let wanted = (json!(sender), json!("stop_reply"));
            until("the word is obeyed", || listed(&app, "unsubscribes", &echo).contains(&wanted).then_some(()));
        }
        let by_request = app.post("/v1/unsubscribes", &json!({"phone": magic("26"), "sender": ONE})).ok(201);
        // START from a number whose unsubscribe is the account's own, by way of the other sender.
        send(&app, &magic("26"), TWO, "Come back");
        until("it has written", || {
            (app.pages("/v1/inbound-messages?keyword=start").len() == 1).then_some(())
        });
        assert_eq!(app.pages("/v1/unsubscribes?source=api"), [by_request], "what a request did stays");

        // Everything a stop did, undone by a start.
        let all = magic("24");
        for entry in app.pages("/v1/unsubscribes?source=stop_reply") {
            app.delete(&format!("/v1/unsubscribes/{}", entry["id"].as_str().unwrap())).ok(204);
        }
        send(&app, &all, ONE, "stop all");
        until("it is on the blacklist", || {
            (listed(&app, "blacklist", &all) == [(Value::Null, json!("stop_reply"))]).then_some(())
        });
        assert_eq!(send(&app, &all, "CARILLON", "Hello"), (json!("skipped"), json!("blacklisted")));
    }
}
