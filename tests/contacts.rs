//! Contacts by a filter: what is found over HTTP, also by what became of their messages.

use serde_json::json;

use crate::harness::until;

both! {
    fn the_outcome_of_the_last_message_is_found_soon_after_it(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let (fine, dead) = ("+447400100001", "+12015550101"); // the second is undelivered by the simulator's table
        app.group("Everybody", &[fine.to_owned(), dead.to_owned(), "+447400100003".to_owned()]);
        let sent = app.post("/v1/messages", &json!({"to": [fine, dead], "sender": "CARILLON", "text": "Hello"})).ok(202);
        for message in sent["messages"].as_array().unwrap() {
            let status = if message["to"] == fine { "delivered" } else { "undelivered" };
            app.message_until(message["id"].as_str().unwrap(), status);
        }
        let found_and_counted = |filter: serde_json::Value| {
            let seen = app.post("/v1/contacts/search", &json!({"filter": filter, "count": true})).ok(200);
            let phones: Vec<String> =
                seen["data"].as_array().unwrap().iter().map(|c| c["phone"].as_str().unwrap().to_owned()).collect();
            (phones, seen["count"].as_u64().unwrap())
        };
        // The page and its count are two reads: while the outcomes come in they may tell of two moments.
        let seen = |outcomes: [&str; 2]| found_and_counted(json!({"field": "last_outcome", "any_of": outcomes})).0;
        until("the outcomes are read", || (seen(["undelivered", "rejected"]) == [dead]).then_some(()));
        until("all of them", || (seen(["delivered", "expired"]) == [fine]).then_some(()));
        let found = |filter: serde_json::Value| {
            let (phones, count) = found_and_counted(filter);
            assert_eq!(count, phones.len() as u64);
            phones
        };
        assert_eq!(found(json!({"field": "last_outcome", "equals": "delivered"})), [fine]);
        assert_eq!(found(json!({"field": "last_outcome", "exists": false})), ["+447400100003"]);
        assert_eq!(found(json!({"field": "failures_in_row", "gte": 1})), [dead]);
        assert_eq!(found(json!({"field": "last_outcome_at", "within_last_days": 1})), [fine, dead]);
    }
    fn texts_meet_whatever_their_letters(stage) {
        let app = stage.start();
        let make = |n: usize, name: &str| app.post("/v1/contacts", &json!({"phone": format!("+44740010000{n}"), "first_name": name})).ok(201);
        for (n, name) in ["ΣΊΣΥΦΟΣ", "İstanbul", "Straße", "STRASSE", "Jose\u{301}", "José"].into_iter().enumerate() {
            make(n, name);
        }
        let found = |filter: serde_json::Value| -> Vec<String> {
            let seen = app.post("/v1/contacts/search", &json!({"filter": filter})).ok(200);
            seen["data"].as_array().unwrap().iter().map(|c| c["first_name"].as_str().unwrap().to_owned()).collect()
        };
        for (name, wanted) in [
            ("Σίσυφος", vec!["ΣΊΣΥΦΟΣ"]),
            ("istanbul", vec!["İstanbul"]),
            ("ISTANBUL", vec!["İstanbul"]),
            ("strasse", vec!["Straße", "STRASSE"]),
            ("STRAßE", vec!["Straße", "STRASSE"]),
            ("Jose\u{301}", vec!["José", "José"]),
        ] {
            assert_eq!(found(json!({"field": "first_name", "equals": name})), wanted, "{name}");
            assert_eq!(found(json!({"field": "first_name", "starts_with": name})), wanted, "{name}");
            assert_eq!(found(json!({"field": "search", "contains": name})), wanted, "{name}");
        }
        let select = json!({"duplicates": {"by": ["first_name"]}});
        let job = app.post("/v1/contact-jobs", &json!({"select": select, "dry_run": true})).ok(202);
        let path = format!("/v1/contact-jobs/{}", job["id"].as_str().unwrap());
        let job = until("the job ends", || Some(app.read(&path)).filter(|j| j["status"] == "completed"));
        assert_eq!(job["result"]["matched"], 2, "the streets and the Josés");
    }

    fn a_language_has_one_tag(stage) {
        let app = stage.start();
        let make = |n: usize, tag: &str| app.post("/v1/contacts", &json!({"phone": format!("+44740010000{n}"), "language": tag})).ok(201);
        let made: Vec<_> = ["EN", "en", "En-gb", "en-GB"].into_iter().enumerate().map(|(n, tag)| make(n, tag)).collect();
        let tags: Vec<_> = made.iter().map(|contact| contact["language"].as_str().unwrap()).collect();
        assert_eq!(tags, ["en", "en", "en-GB", "en-GB"]);
        assert_eq!(app.import("more.csv", b"phone,language\n+447400100009,PT-br\n", &[])["result"]["created"], 1);
        let again = app.import("more.csv", b"phone,language\n+447400100009,PT-br\n", &[]);
        assert_eq!(again["result"]["unchanged"], 1, "the same file changes nothing");
        let figures = app.post("/v1/contacts/statistics", &json!({})).ok(200);
        let mut shares: Vec<String> = figures["by_language"].as_array().unwrap().iter().map(|s| s.to_string()).collect();
        shares.sort();
        assert_eq!(shares, [r#"{"count":1,"value":"pt-BR"}"#, r#"{"count":2,"value":"en"}"#, r#"{"count":2,"value":"en-GB"}"#]);
        let path = format!("/v1/contacts/{}", made[0]["id"].as_str().unwrap());
        assert_eq!(app.patch(&path, &json!({"language": "zh-HANT-tw"})).ok(200)["language"], "zh-Hant-TW");
        let search = json!({"filter": {"field": "language", "equals": "EN-gb"}});
        assert_eq!(app.post("/v1/contacts/search", &search).ok(200)["data"].as_array().unwrap().len(), 2);
    }

    fn a_blank_text_is_no_value(stage) {
        let app = stage.start();
        app.post("/v1/contact-fields", &json!({"key": "city", "title": "City", "type": "text"})).ok(201);
        let made = app.post("/v1/contacts", &json!({"phone": "+447400100001", "first_name": " ", "fields": {"city": "  "}})).ok(201);
        assert_eq!((&made["first_name"], &made["fields"]), (&json!(null), &json!({})));
        let path = format!("/v1/contacts/{}", made["id"].as_str().unwrap());
        assert_eq!(app.patch(&path, &json!({"fields": {"city": "York"}})).ok(200)["fields"], json!({"city": "York"}));
        let group = app.group("Here", &["+447400100001".to_owned()]);
        let set = |city: &str| {
            let body = json!({"contacts": [{"contact_id": made["id"], "values": {"fields": {"city": city}}}]});
            app.post(&format!("/v1/groups/{group}/contacts/values"), &body).ok(200)["contacts"][0]["values"]["fields"].clone()
        };
        assert_eq!((set("Hull"), set("")), (json!({"city": "Hull"}), json!({})));
        assert_eq!(app.patch(&path, &json!({"fields": {"city": ""}})).ok(200)["fields"], json!({}));
        let missing = json!({"filter": {"field": "fields.city", "exists": false}});
        assert_eq!(app.post("/v1/contacts/search", &missing).ok(200)["data"][0]["id"], made["id"]);
    }

    fn a_region_is_told_filtered_counted_drawn_and_exported(stage) {
        let app = stage.start();
        let file = "phone\n+13125550123\n+13125550124\n+8613800138000\n+447400100001\n";
        assert_eq!(app.import("people.csv", file.as_bytes(), &[])["result"]["created"], 4);
        let search = |filter: serde_json::Value| -> Vec<String> {
            let seen = app.post("/v1/contacts/search", &json!({"filter": filter})).ok(200);
            seen["data"].as_array().unwrap().iter().map(|c| c["phone"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(search(json!({"field": "region", "equals": "illinois"})), ["+13125550123", "+13125550124"]);
        assert_eq!(search(json!({"field": "region", "any_of": ["Beijing", "Texas"]})), ["+8613800138000"]);
        assert_eq!(search(json!({"field": "region", "exists": false})), ["+447400100001"]);
        let first = &app.pages("/v1/contacts?phone=%2B13125550123")[0];
        assert_eq!((&first["country"], &first["region"]), (&json!("US"), &json!("Illinois")));
        let figures = app.post("/v1/contacts/statistics", &json!({})).ok(200);
        let shares = figures["by_region"].as_array().unwrap();
        assert_eq!(shares[0], json!({"country": "US", "region": "Illinois", "count": 2}));
        assert!(shares.contains(&json!({"country": "GB", "region": null, "count": 1})), "{shares:?}");
        let chart = app.ask("POST", "/v1/contacts/statistics/chart").json(&json!({"by": "region"})).go();
        assert!(String::from_utf8(chart.body).unwrap().contains("US Illinois"));
        let asked = json!({"kind": "contacts", "format": "csv", "separator": ",", "fields": ["phone", "region"]});
        let path = format!("/v1/exports/{}", app.post("/v1/exports", &asked).ok(202)["id"].as_str().unwrap());
        let done = until("the export ends", || Some(app.read(&path)).filter(|e| e["status"] == "completed"));
        let table = String::from_utf8(app.get(done["download"]["url"].as_str().unwrap()).body).unwrap();
        assert!(table.contains("'+13125550123,Illinois") && table.contains("'+8613800138000,Beijing"), "{table}");
    }

    fn a_campaign_goes_to_segments_as_they_are_when_it_is_prepared(stage) {
        let _simulator = stage.simulator(50);
        let app = stage.start();
        let phones: Vec<String> = (1..=4).map(|n| format!("+44740010000{n}")).collect();
        let group = app.group("Everybody", &phones);
        for (phone, name) in phones.iter().zip(["Anna", "Boris", "Anna", "Vera"]) {
            let found = app.pages(&format!("/v1/contacts?phone=%2B{}", &phone[1..]))[0]["id"].clone();
            app.ask("PATCH", &format!("/v1/contacts/{}", found.as_str().unwrap())).json(&json!({"first_name": name})).go().ok(200);
        }
        let segment = |name: &str, filter: serde_json::Value| {
            app.post("/v1/segments", &json!({"name": name, "filter": filter})).ok(201)["id"].clone()
        };
        let annas = segment("Annas", json!({"field": "first_name", "equals": "anna"}));
        let third = segment("Third", json!({"field": "phone", "equals": phones[2]}));
        let at = format!("/v1/segments/{}", annas.as_str().unwrap());
        assert_eq!(app.read(&format!("{at}?count=true"))["contacts_count"], 2);
        assert_eq!(app.pages(&format!("{at}/contacts")).len(), 2);
        app.post("/v1/segments", &json!({"name": "Annas", "filter": {"field": "age", "gte": 3}})).refused(409, "already_exists");

        let audience = json!({"segment_ids": [annas], "contact_ids": [], "phones": [phones[0], phones[1]], "exclude_segment_ids": [third]});
        let id = app.draft(json!({"text": "Hello", "audience": audience}));
        assert_eq!(app.step(&id, "estimate").ok(200)["messages"], 2);
        // Evaluated at launch: Vera becomes an Anna after the estimate.
        let vera = app.pages(&format!("/v1/contacts?phone=%2B{}", &phones[3][1..]))[0]["id"].clone();
        app.ask("PATCH", &format!("/v1/contacts/{}", vera.as_str().unwrap())).json(&json!({"first_name": "ANNA"})).go().ok(200);
        app.launch(&id).ok(202);
        let done = app.campaign_until(&id, "completed");
        assert_eq!(done["messages"], json!({"delivered": 3}), "{done}");
        stage.judge().nothing_twice();

        // A group that a segment names is deleted: the campaign is refused and says why.
        let grouped = segment("Grouped", json!({"field": "group", "equals": group}));
        let id = app.draft(json!({"text": "Hello", "audience": {"segment_ids": [grouped]}}));
        app.ask("DELETE", &format!("/v1/groups/{group}")).go().ok(204);
        app.launch(&id).refused(409, "conflict");
        let id = app.draft(json!({"text": "Hello", "audience": {"segment_ids": [annas]}}));
        app.ask("DELETE", &at).go().ok(204);
        app.launch(&id).refused(422, "invalid_request");
        app.post("/v1/campaigns", &json!({"name": "x", "sender": "CARILLON", "text": "Hello", "audience": {"segment_ids": [annas]}}))
            .refused(422, "invalid_request");
    }
}
