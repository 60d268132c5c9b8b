//! Contacts: made or changed by the integrator's own id, and picked out of any text.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::Client;

fn put(app: &Client, external_id: &str, body: Value) -> crate::harness::Answer {
    app.ask("PUT", &format!("/v1/contacts/by-external-id/{external_id}")).json(&body).go()
}

fn fixture(name: &str) -> String {
    let own = format!("{}/tests/fixtures/contacts", env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var("CARILLON_SHARED_DATA").map_or(own, |shared| format!("{shared}/contacts"));
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

/// The numbers of `quick_add.txt`.
fn expected() -> BTreeSet<String> {
    if std::env::var_os("CARILLON_SHARED_DATA").is_none() {
        return fixture("quick_add_expected.txt").lines().map(str::to_owned).collect();
    }
    let all: Value = serde_json::from_str(&fixture("expected.json")).unwrap();
    serde_json::from_value(all["quick_add"]["e164"].clone()).unwrap()
}

both! {
    fn a_contact_is_put_by_the_integrators_own_id_as_often_as_wanted(stage) {
        let app = stage.start();
        let new = json!({
            "phone": "+447400100001", "first_name": "Anna", "consent": {"status": "given", "source": "shop"}
        });
        put(&app, "crm%2F17", json!({"first_name": "Anna"})).refused(422, "invalid_request");
        let made = put(&app, "crm%2F17", new.clone());
        let (first, etag) = (made.ok(201), made.header("etag").to_owned());
        assert_eq!((first["external_id"].as_str(), first["first_name"].as_str()), (Some("crm/17"), Some("Anna")));
        // The same again changes nothing, not even the time of the consent.
        let again = put(&app, "crm%2F17", new);
        assert_eq!((again.ok(200), again.header("etag")), (first.clone(), etag.as_str()));
        // What is left out stays, null clears.
        let changed = put(&app, "crm%2F17", json!({"first_name": null, "last_name": "Smith"})).ok(200);
        assert_eq!((&changed["id"], &changed["first_name"], &changed["last_name"]), (&first["id"], &json!(null), &json!("Smith")));
        assert_eq!(changed["consent"], first["consent"]);
        // The phone's contact gets the id, if it has none.
        let other = app.post("/v1/contacts", &json!({"phone": "+447400100002"})).ok(201);
        let adopted = put(&app, "crm-18", json!({"phone": "+44 7400 100002", "external_id": "crm-18"})).ok(200);
        assert_eq!((&adopted["id"], &adopted["external_id"]), (&other["id"], &json!("crm-18")));
        put(&app, "crm-19", json!({"phone": "+447400100002"})).refused(409, "already_exists");
        put(&app, "crm%2F17", json!({"phone": "+447400100002"})).refused(409, "already_exists");
        put(&app, "crm-18", json!({"external_id": "crm-20"})).refused(422, "invalid_request");
        let (once, twice) = (put(&app, "%20crm-18%20", json!({"external_id": "crm-18 "})), put(&app, "crm-18", json!({})));
        assert_eq!((&once.ok(200)["id"], &twice.ok(200)["id"]), (&other["id"], &other["id"]), "spaces around it do not count");
        for status in [201, 200] {
            put(&app, "%20x%20", json!({"phone": "+447400100004"})).ok(status);
        }
        let blank = put(&app, "%20", json!({"phone": "+447400100005"})).refused(422, "invalid_request");
        assert_eq!(blank["errors"][0]["pointer"], "/external_id");
        put(&app, &"x".repeat(201), json!({"phone": "+447400100003"})).refused(422, "invalid_request");
        let stale = app.ask("PUT", "/v1/contacts/by-external-id/crm-18").header("if-match", "\"999-x\"").json(&json!({"last_name": "Late"}));
        stale.go().refused(412, "version_mismatch");
        assert_eq!(app.pages("/v1/contacts").len(), 3);
    }

    fn two_that_put_the_same_contact_at_once_make_one(stage) {
        let app = stage.start();
        let base = app.base.clone();
        let threads: Vec<_> = (0..4).map(|n| {
            let client = Client::new(&base, crate::harness::TOKEN);
            std::thread::spawn(move || put(&client, "crm-1", json!({"phone": "+447400100001", "first_name": format!("Anna{n}")})).status)
        }).collect();
        let statuses: Vec<u16> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert!(statuses.iter().all(|s| matches!(s, 200 | 201)), "{statuses:?}");
        assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 1, "{statuses:?}");
        assert_eq!(app.pages("/v1/contacts").len(), 1);
    }

    fn numbers_are_picked_out_of_a_pasted_text(stage) {
        let app = stage.start();
        let text = fixture("quick_add.txt");
        let group = app.post("/v1/groups", &json!({"name": "Pasted"})).ok(201)["id"].clone();
        let dry = app.post("/v1/contacts/quick-add", &json!({"text": text, "dry_run": true})).ok(200);
        let phones = |answer: &Value| -> Vec<String> {
            answer["found"].as_array().unwrap().iter().map(|f| f["phone"].as_str().unwrap().to_owned()).collect()
        };
        let found: BTreeSet<String> = phones(&dry).into_iter().collect();
        assert_eq!(found, expected(), "no dates, no prices, no orders");
        let characters: Vec<char> = text.chars().collect();
        for one in dry["found"].as_array().unwrap() {
            let at = |key: &str| usize::try_from(one[key].as_u64().unwrap()).unwrap();
            let place: String = characters[at("start")..at("start") + at("length")].iter().collect();
            assert_eq!(one["text"], json!(place));
            assert_eq!((&one["new"], &one["contact_id"]), (&json!(true), &json!(null)));
        }
        assert_eq!(app.pages("/v1/contacts").len(), 0, "a dry run changes nothing");
        app.post("/v1/contacts", &json!({"phone": phones(&dry)[0], "first_name": "Kept"})).ok(201);
        let done = app.post("/v1/contacts/quick-add", &json!({"text": text, "group_ids": [group]})).ok(200);
        let all = json!(found.len());
        assert_eq!((&done["created"], &done["existing"]), (&json!(found.len() - 1), &json!(1)));
        assert_eq!(app.read(&format!("/v1/groups/{}", group.as_str().unwrap()))["contacts_count"], all);
        assert_eq!(app.pages("/v1/contacts").iter().filter(|c| c["first_name"] == "Kept").count(), 1);
        assert!(done["found"].as_array().unwrap().iter().all(|f| f["contact_id"].is_string()));
        let again = app.post("/v1/contacts/quick-add", &json!({"text": text})).ok(200);
        assert_eq!((&again["created"], &again["existing"]), (&json!(0), &all));
        // National forms of a country that is told.
        let national = |body: Value| phones(&app.post("/v1/contacts/quick-add", &body).ok(200));
        assert_eq!(national(json!({"text": "call 07400 100001", "dry_run": true})), Vec::<String>::new());
        assert_eq!(national(json!({"text": "call 07400 100001", "default_country": "GB", "dry_run": true})), ["+447400100001"]);
        let orders = "Commande n° 0612346970, EUR 0612346971, a+447400123456@x.com; portable 0612346972";
        assert_eq!(national(json!({"text": orders, "default_country": "FR", "dry_run": true})), ["+33612346972"]);
        app.post("/v1/contacts/quick-add", &json!({"text": "", "default_country": "Narnia"})).refused(422, "invalid_request");
        app.post("/v1/contacts/quick-add", &json!({"text": "1".repeat(200_001)})).refused(422, "invalid_request");
        app.post("/v1/contacts/quick-add", &json!({"text": "x", "group_ids": ["grp_01kazsw6e3f8e9xq2m4r7t5v0b"]})).refused(422, "invalid_request");
    }
}
