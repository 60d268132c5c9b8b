//! Exports: made by the worker, fetched by a signed address, and read as what they are.

use std::io::Read as _;

use serde_json::{Value, json};

use crate::harness::{Client, numbers, until};

/// Asks for an export and waits for its end.
fn exported(app: &Client, body: &Value) -> Value {
    let queued = app.post("/v1/exports", body).ok(202);
    let path = format!("/v1/exports/{}", queued["id"].as_str().unwrap());
    until("the export ends", || Some(app.read(&path)).filter(|e| e["status"] == "completed" || e["status"] == "failed"))
}

both! {
    fn contacts_are_exported_and_imported_again_without_a_change(stage) {
        let app = stage.start();
        app.post("/v1/contact-fields", &json!({"key": "city", "title": "City", "type": "text"})).ok(201);
        let rows: String = numbers(0, 40).iter().map(|n| format!("{n},=1+1,\"Łódź, \"\"centre\"\"\",yes\n")).collect();
        let mapping = r#"{"phone": "phone", "first_name": "first_name", "fields.city": "city", "consent": "consent"}"#;
        let file = format!("phone,first_name,city,consent\n{rows}");
        let import = app.import("people.csv", file.as_bytes(), &[("groups", "Some"), ("mapping", mapping)]);
        let group = import["groups"][0]["id"].clone();
        app.import("others.csv", b"phone\n+447400190000\n", &[]);
        let nobody = app.with_token("");
        for format in ["csv", "xlsx"] {
            let fields = ["phone", "first_name", "fields.city", "consent", "consent_at", "groups"];
            let done = exported(&app, &json!({"kind": "contacts", "format": format, "group_ids": [group], "fields": fields}));
            assert_eq!((&done["status"], &done["progress"]), (&json!("completed"), &json!({"done": 40, "total": 40})), "{done}");
            let url = done["download"]["url"].as_str().unwrap();
            let answer = nobody.get(url);
            assert_eq!(answer.status, 200, "the address needs no token");
            assert_eq!(json!(answer.body.len()), done["bytes"]);
            assert!(answer.header("content-disposition").contains(done["file_name"].as_str().unwrap()));
            let text = if format == "csv" {
                String::from_utf8(answer.body.clone()).unwrap()
            } else {
                let mut archive = zip::ZipArchive::new(std::io::Cursor::new(answer.body.clone())).unwrap();
                let mut sheet = String::new();
                archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
                assert!(!sheet.contains("<f"), "no formulas");
                sheet
            };
            assert!(text.contains("+447400100000") && text.contains("Łódź"), "{text}");
            if format == "csv" {
                let dangerous = text.lines().skip(1).flat_map(|line| line.split(';')).filter(|c| c.starts_with(['=', '+', '-', '@']));
                assert_eq!(dangerous.count(), 0, "{text}");
            }
            // What was exported is understood without a word, and is what is there.
            let again = app.import(done["file_name"].as_str().unwrap(), &answer.body, &[]);
            let counts = ["created", "updated", "unchanged", "invalid"].map(|k| again["result"][k].as_i64().unwrap());
            assert_eq!(counts, [0, 0, 40, 0], "{again}");
            let mut wrong: Vec<String> = url.split('/').map(str::to_owned).collect();
            wrong[4] = "0".repeat(64);
            nobody.get(&wrong.join("/")).refused(404, "not_found");
            let id = done["id"].as_str().unwrap();
            app.with_token(&stage.account(&format!("Stranger {format}"), "1.00", &[]).1).get(&format!("/v1/exports/{id}")).refused(404, "not_found");
            app.delete(&format!("/v1/exports/{id}")).ok(204);
            nobody.get(url).refused(404, "not_found");
        }
    }

    fn own_fields_of_every_type_come_back_by_themselves(stage) {
        let app = stage.start();
        // Two share a title, and one has that of a built-in field.
        for (key, title, kind) in [
            ("city", "City", "text"), ("town", "City", "text"), ("spent", "Company", "number"), ("since", "Since", "date"), ("vip", "VIP", "boolean"),
        ] {
            app.post("/v1/contact-fields", &json!({"key": key, "title": title, "type": kind})).ok(201);
        }
        app.post("/v1/contact-fields", &json!({"key": "size", "title": "Size", "type": "choice", "choices": ["S", "L, wide"]})).ok(201);
        let all = [
            json!({"city": "Łódź", "town": "'=1+1", "spent": 1.125, "since": "1990-02-03", "vip": true, "size": "L, wide"}),
            json!({"city": "n/a", "spent": -12345678.5, "vip": false}),
            json!({"town": "1,250", "spent": 123456789012345_i64}),
            json!({"spent": 1e-7, "size": "S"}),
        ];
        for (number, fields) in numbers(0, 9).iter().zip(&all) {
            app.post("/v1/contacts", &json!({"phone": number, "fields": fields, "sex": "female", "link": "https://example.com/?a=b"})).ok(201);
        }
        for format in ["csv", "xlsx"] {
            let done = exported(&app, &json!({"kind": "contacts", "format": format}));
            let file = app.with_token("").get(done["download"]["url"].as_str().unwrap()).body;
            let seen = app.form("/v1/contacts/imports/preview", Some((done["file_name"].as_str().unwrap(), &file)), &[]).ok(200);
            for key in ["city", "town", "spent", "since", "vip", "size"] {
                assert_eq!(seen["mapping"][format!("fields.{key}")], json!(format!("fields.{key}")), "{seen}");
            }
            let again = app.import(done["file_name"].as_str().unwrap(), &file, &[("merge", "replace")]);
            assert_eq!((&again["result"]["unchanged"], &again["result"]["invalid"]), (&json!(4), &json!(0)), "{again}");
            // And in an empty account with the same fields.
            for contact in app.pages("/v1/contacts") {
                app.delete(&format!("/v1/contacts/{}?permanently=true", contact["id"].as_str().unwrap())).ok(204);
            }
            let anew = app.import(done["file_name"].as_str().unwrap(), &file, &[]);
            assert_eq!(anew["result"]["created"], 4, "{anew}");
            let fields: Vec<Value> = app.pages("/v1/contacts").into_iter().map(|c| c["fields"].clone()).collect();
            assert_eq!(fields, all, "{format}");
        }
    }

    fn lists_are_exported_and_another_process_gives_the_file_out(stage) {
        let app = stage.start();
        app.post("/v1/blacklist", &json!({"phone": "+447400199999", "reason": "asked"})).ok(201);
        app.post("/v1/unsubscribes", &json!({"phone": "+447400199998", "sender": "CARILLON"})).ok(201);
        let listed = exported(&app, &json!({"kind": "blacklist", "format": "csv", "separator": ",", "fields": ["phone", "reason"]}));
        let unsubscribed = exported(&app, &json!({"kind": "unsubscribes", "format": "csv", "fields": ["sender", "phone"]}));
        app.post("/v1/exports", &json!({"kind": "blacklist", "format": "xlsx", "fields": ["first_name"]})).refused(422, "invalid_request");
        app.post("/v1/exports", &json!({"kind": "everything", "format": "xlsx"})).refused(422, "invalid_request");
        let weak = app.post("/v1/api-tokens", &json!({"description": "weak", "scopes": ["contacts:read"]})).ok(201);
        let weak = app.with_token(weak["secret"].as_str().unwrap());
        weak.post("/v1/exports", &json!({"kind": "blacklist", "format": "csv"})).refused(403, "scope_missing");
        // The file is in the database, not with the process that made it.
        app.terminate();
        let app = stage.start();
        let text = |export: &Value| String::from_utf8(app.get(export["download"]["url"].as_str().unwrap()).body).unwrap();
        assert_eq!(text(&listed), "\u{feff}phone,reason\r\n'+447400199999,asked\r\n");
        assert_eq!(text(&unsubscribed), "\u{feff}sender;phone\r\nCARILLON;'+447400199998\r\n");
        assert_eq!(app.pages("/v1/exports").len(), 2);
        let events = app.get(&format!("/v1/exports/{}/progress", listed["id"].as_str().unwrap()));
        let events = String::from_utf8(events.body).unwrap();
        assert!(events.starts_with("event: progress\ndata: {\"done\":1,\"total\":1}\n\nevent: completed\n"), "{events}");
    }
}
