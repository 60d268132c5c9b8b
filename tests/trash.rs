//! The trash through the API: what is deleted is nowhere, comes back as it was, and goes for good when it is purged.

use serde_json::{Value, json};

use crate::harness::{App, numbers};

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

fn make(app: &App, body: &Value) -> Value {
    app.post("/v1/contacts", body).ok(201)
}

both! {
    fn what_is_deleted_is_nowhere_and_comes_back_as_it_was(stage) {
        let app = stage.start();
        let group = app.group("Regulars", &numbers(0, 3));
        let all = app.pages(&format!("/v1/contacts?group_id={group}"));
        let (gone, path) = (all[0].clone(), format!("/v1/contacts/{}", id(&all[0])));
        app.ask("DELETE", &path).header("if-match", "\"9.0000\"").go().refused(412, "version_mismatch");
        app.delete(&path).ok(204);
        app.get(&path).refused(404, "not_found");
        app.patch(&path, &json!({"first_name": "Nobody"})).refused(404, "not_found");
        app.delete(&path).refused(404, "not_found");
        assert_eq!(app.pages("/v1/contacts").len(), 2);
        assert_eq!(app.pages(&format!("/v1/contacts?group_id={group}")).len(), 2);
        assert_eq!(app.read(&format!("/v1/groups/{group}"))["contacts_count"], 2);
        let draft = app.draft_to(&group, "Hello");
        assert_eq!(app.step(&draft, "estimate").ok(200)["messages"], 2);
        let bad = json!({"name": "n", "sender": "CARILLON", "text": "x", "audience": {"contact_ids": [gone["id"]]}});
        app.post("/v1/campaigns", &bad).refused(422, "invalid_request");

        let trashed = app.pages("/v1/trash/contacts");
        assert_eq!(trashed.len(), 1);
        assert_eq!(trashed[0]["contact"], gone);
        let in_trash = format!("/v1/trash/contacts/{}", id(&gone));
        assert_eq!(app.read(&in_trash), trashed[0]);
        let phone = gone["phone"].as_str().unwrap().replace('+', "%2B");
        assert_eq!(app.pages(&format!("/v1/trash/contacts?phone={phone}")).len(), 1);
        let back = app.post(&format!("{in_trash}/restore"), &json!({})).ok(200);
        for field in ["id", "phone", "first_name", "group_ids", "consent", "created_at", "fields"] {
            assert_eq!(back[field], gone[field], "{field}");
        }
        assert_eq!(app.read(&format!("/v1/groups/{group}"))["contacts_count"], 3);
        app.get(&in_trash).refused(404, "not_found");
        app.post(&format!("{in_trash}/restore"), &json!({})).refused(404, "not_found");

        // For good.
        app.delete(&format!("{path}?permanently=true")).ok(204);
        assert!(app.pages("/v1/trash/contacts").is_empty());
        assert_eq!(app.read(&format!("/v1/groups/{group}"))["contacts_count"], 2);
        let (one, two) = (id(&all[1]), id(&all[2]));
        for id in [&one, &two] {
            app.delete(&format!("/v1/contacts/{id}")).ok(204);
        }
        app.delete(&format!("/v1/trash/contacts/{one}")).ok(204);
        app.delete(&format!("/v1/trash/contacts/{one}")).refused(404, "not_found");
        let asked = json!({"contact_ids": [one, two, id(&gone)]});
        assert_eq!(app.post("/v1/trash/contacts/purge", &asked).ok(200), json!({"purged": 1}));
        let lost = app.post("/v1/trash/contacts/restore", &asked).ok(200);
        assert_eq!(lost["not_found"].as_array().unwrap().len(), 3);
    }

    fn a_number_in_the_trash_is_made_and_imported_anew(stage) {
        let app = stage.start();
        let refused = json!({"phone": "+447400100001", "first_name": "Old", "consent": {"status": "refused", "source": "letter"}});
        let old = make(&app, &refused);
        app.delete(&format!("/v1/contacts/{}", id(&old))).ok(204);
        let file = b"phone,first_name,consent\n+447400100001,New,given\n+447400100002,Other,given\n";
        let import = app.import("people.csv", file, &[]);
        assert_eq!(import["result"]["created"], 2, "{import}");
        let new = app.pages("/v1/contacts?phone=%2B447400100001")[0].clone();
        assert_ne!(new["id"], old["id"]);
        let told = |contact: &Value| (contact["consent"]["status"].clone(), contact["consent"]["source"].clone());
        assert_eq!(told(&new), (json!("refused"), json!("letter")), "an opt-out is not revived by a file");
        let sent = app.send(&["+447400100001"], "Hello").ok(202);
        assert_eq!(sent["messages"][0]["reason"], "consent_refused", "{sent}");
        let other = app.pages("/v1/contacts?phone=%2B447400100002")[0].clone();
        assert_eq!(told(&other), (json!("given"), import["id"].clone()));
        let proof = app.pages(&format!("/v1/contacts/{}/consents", id(&other)));
        assert_eq!((proof.len(), &proof[0]["source"], &proof[0]["api_token_id"]), (1, &import["id"], &Value::Null));
        let path = format!("/v1/trash/contacts/{}/restore", id(&old));
        let problem = app.post(&path, &json!({})).refused(409, "already_exists");
        assert!(problem["detail"].as_str().unwrap().contains(new["id"].as_str().unwrap()), "{problem}");
        let several = app.post("/v1/trash/contacts/restore", &json!({"contact_ids": [old["id"]]})).ok(200);
        assert_eq!(several["taken"], json!([{"id": old["id"], "taken_by": new["id"]}]));

        // The person says so.
        let path = format!("/v1/contacts/{}", id(&new));
        let patched = app.patch(&path, &json!({"consent": {"source": "letter of May"}})).ok(200);
        assert_eq!(told(&patched), (json!("refused"), json!("letter of May")));
        let patched = app.patch(&path, &json!({"consent": {"status": "given", "source": "web form"}})).ok(200);
        assert_eq!(told(&patched), (json!("given"), json!("web form")));
        let proof = app.pages(&format!("{path}/consents"));
        let told: Vec<&Value> = proof.iter().map(|p| &p["status"]).collect();
        assert_eq!(told, ["refused", "refused", "given"]);
        assert!(proof[2]["api_token_id"].as_str().unwrap().starts_with("tok_"));
    }

    fn a_number_that_is_restored_and_made_at_once_lives_once(stage) {
        let app = stage.start();
        let phone = "+447400100001";
        let first = make(&app, &json!({"phone": phone}));
        for _ in 0..3 {
            let live = app.pages("/v1/contacts");
            app.delete(&format!("/v1/contacts/{}", id(&live[0]))).ok(204);
            let path = format!("/v1/trash/contacts/{}/restore", id(&first));
            let statuses: Vec<u16> = std::thread::scope(|threads| {
                let restore = || app.post(&path, &json!({})).status;
                let create = || app.post("/v1/contacts", &json!({"phone": phone})).status;
                let all = [threads.spawn(restore), threads.spawn(create), threads.spawn(restore), threads.spawn(create)];
                all.map(|one| one.join().unwrap()).into()
            });
            let won = statuses.iter().filter(|status| **status < 300).count();
            assert_eq!((won, app.pages("/v1/contacts").len()), (1, 1), "{statuses:?}");
            assert!(statuses.iter().all(|status| [200, 201, 404, 409].contains(status)), "{statuses:?}");
        }
    }

    fn groups_are_deleted_together_and_restored(stage) {
        let app = stage.start();
        let (a, b) = (app.group("A", &numbers(0, 3)), app.group("B", &numbers(0, 2)));
        let unknown = "grp_01kazsw6e3f8e9xq2m4r7t5v0b";
        let done = app.post("/v1/groups/delete", &json!({"group_ids": [a, b, unknown]})).ok(200);
        assert_eq!(done["not_found"], json!([unknown]));
        assert_eq!(done["deleted"].as_array().unwrap().len(), 2);
        assert!(app.pages("/v1/groups").is_empty());
        assert_eq!(app.pages("/v1/contacts").len(), 3, "the contacts stay");
        app.get(&format!("/v1/contacts?group_id={a}")).refused(404, "not_found");
        let trashed = app.pages("/v1/trash/groups");
        assert_eq!(trashed.iter().map(|g| g["contacts_count"].as_i64().unwrap()).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(app.read(&format!("/v1/trash/groups/{a}")), trashed[0]);
        let other = app.group("A", &numbers(5, 1));
        let path = format!("/v1/trash/groups/{a}/restore");
        let problem = app.post(&path, &json!({})).refused(409, "already_exists");
        assert!(problem["detail"].as_str().unwrap().contains(&other), "{problem}");
        app.patch(&format!("/v1/groups/{other}"), &json!({"name": "Other"})).ok(200);
        assert_eq!(app.post(&path, &json!({})).ok(200)["contacts_count"], 3);
        app.delete(&format!("/v1/trash/groups/{b}")).ok(204);
        app.delete(&format!("/v1/trash/groups/{b}")).refused(404, "not_found");
        app.delete(&format!("/v1/groups/{a}?permanently=true")).ok(204);
        assert!(app.pages("/v1/trash/groups").is_empty());
        app.patch("/v1/account", &json!({"trash_days": 0})).refused(422, "invalid_request");
        app.patch("/v1/account", &json!({"trash_days": 7})).ok(200);
        app.delete(&format!("/v1/groups/{other}")).ok(204);
        let at = |field: &str| -> domain::clock::Timestamp {
            app.pages("/v1/trash/groups")[0][field].as_str().unwrap().parse().unwrap()
        };
        assert_eq!(at("purge_at").0 - at("trashed_at").0, 7 * 86_400 * 1_000_000);
        app.post("/v1/groups/delete", &json!({"group_ids": []})).refused(422, "invalid_request");
    }

    fn a_campaign_writes_what_holds_in_its_group(stage) {
        let app = stage.start();
        app.post("/v1/contact-fields", &json!({"key": "city", "title": "City", "type": "text"})).ok(201);
        let (a, b) = (app.group("A", &numbers(0, 2)), app.group("B", &numbers(0, 2)));
        let contacts = app.pages(&format!("/v1/contacts?group_id={a}"));
        let (one, two) = (id(&contacts[0]), id(&contacts[1]));
        app.patch(&format!("/v1/contacts/{one}"), &json!({"fields": {"city": "York"}})).ok(200);
        let set = |group: &str, body: Value| app.post(&format!("/v1/groups/{group}/contacts/values"), &json!({"contacts": [body]}));
        let shown = set(&a, json!({"contact_id": one, "values": {"first_name": "Ann"}})).ok(200);
        assert_eq!(shown["contacts"][0]["values"]["first_name"], "Ann");
        set(&b, json!({"contact_id": one, "values": {"first_name": "Mrs Smith", "fields": {"city": "Leeds"}}})).ok(200);
        for (values, pointer) in [
            (json!({"birth_date": "1.1.1990"}), "/contacts/0/values/birth_date"),
            (json!({"fields": {"town": "Leeds"}}), "/contacts/0/values/fields/town"),
        ] {
            let problem = set(&a, json!({"contact_id": one, "values": values})).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
        let stranger = json!({"contact_id": "con_01kazsw6e3f8e9xq2m4r7t5v0b", "values": {"first_name": "X"}});
        assert_eq!(set(&a, stranger).refused(422, "invalid_request")["errors"][0]["pointer"], "/contacts/0/contact_id");
        set(&a, json!({"contact_id": one, "values": {"language": "en"}})).refused(422, "invalid_request");
        let with = |group: &str| app.pages(&format!("/v1/groups/{group}/contacts?with_values=true"));
        assert_eq!((with(&a).len(), app.pages(&format!("/v1/groups/{a}/contacts")).len()), (1, 2));

        let texts = |audience: Value| -> Vec<String> {
            let draft = app.draft(json!({"text": "{{first_name}}, {{fields.city|default:\"nowhere\"}}", "audience": audience}));
            app.launch(&draft).ok(202);
            app.campaign_until(&draft, "completed");
            let messages = app.messages_of(&draft);
            let mut texts: Vec<String> = messages.iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
            texts.sort();
            texts
        };
        assert_eq!(texts(json!({"group_ids": [a]})), ["Ann, York", "Name1, nowhere"]);
        assert_eq!(texts(json!({"group_ids": [b]})), ["Mrs Smith, Leeds", "Name1, nowhere"]);
        assert_eq!(texts(json!({"group_ids": [a, b]}))[0], "Ann, Leeds", "value by value, the first group first");
        assert_eq!(texts(json!({"contact_ids": [one]})), ["Name0, York"]);

        // Copied and moved along; a member keeps what it has.
        let c = app.post("/v1/groups", &json!({"name": "C"})).ok(201)["id"].as_str().unwrap().to_owned();
        app.post(&format!("/v1/groups/{a}/contacts/copy"), &json!({"to_group_id": c})).ok(200);
        assert_eq!(with(&c)[0]["values"]["first_name"], "Ann");
        app.post(&format!("/v1/groups/{b}/contacts/move"), &json!({"to_group_id": c, "contact_ids": [one]})).ok(200);
        assert_eq!(with(&c)[0]["values"]["first_name"], "Ann");
        set(&c, json!({"contact_id": one, "values": {"first_name": null, "fields": {"city": "Hull"}}})).ok(200);
        assert_eq!(texts(json!({"group_ids": [c]})), ["Name0, Hull", "Name1, nowhere"]);
        let field = id(&app.pages("/v1/contact-fields")[0]);
        app.delete(&format!("/v1/contact-fields/{field}")).ok(204);
        assert!(with(&c).is_empty(), "the values of a field go with it");
        set(&a, json!({"contact_id": one, "values": null})).ok(200);
        assert!(with(&a).is_empty());
        let two_only = set(&a, json!({"contact_id": two, "values": {"company": "Acme"}})).ok(200);
        assert_eq!(two_only["contacts"][0]["values"]["company"], "Acme");
    }

    fn members_of_a_group_join_and_leave_another(stage) {
        let app = stage.start();
        let (a, b) = (app.group("A", &numbers(0, 3)), app.group("B", &numbers(2, 3)));
        let (add, remove) = (format!("/v1/groups/{a}/contacts"), format!("/v1/groups/{a}/contacts/remove"));
        let changed = |done: Value| (done["changed"].as_u64().unwrap(), done["unchanged"].as_u64().unwrap());
        assert_eq!(changed(app.post(&add, &json!({"group_id": b})).ok(200)), (2, 1));
        assert_eq!(changed(app.post(&remove, &json!({"group_id": b})).ok(200)), (3, 0));
        assert_eq!(app.read(&format!("/v1/groups/{a}"))["contacts_count"], 2);
        assert_eq!(changed(app.post(&remove, &json!({"group_id": a})).ok(200)), (2, 0));
        assert_eq!(app.pages("/v1/contacts").len(), 5, "the contacts stay");
        app.post(&add, &json!({"group_id": a})).refused(422, "invalid_request");
        let unknown = json!({"group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"});
        for path in [&add, &remove] {
            app.post(path, &unknown).refused(422, "invalid_request");
            app.post(path, &json!({})).refused(422, "invalid_request");
        }
    }

    fn a_choice_is_renamed_with_its_values(stage) {
        let app = stage.start();
        let field = json!({"key": "size", "title": "Size", "type": "choice", "choices": ["S", "M"]});
        let field = id(&app.post("/v1/contact-fields", &field).ok(201));
        let contact = id(&make(&app, &json!({"phone": "+447400100001", "fields": {"size": "M"}})));
        let path = format!("/v1/contact-fields/{field}/choices/replace");
        let done = app.post(&path, &json!({"from": "M", "to": "Medium"})).ok(200);
        assert_eq!((&done["field"]["choices"], &done["contacts_changed"]), (&json!(["S", "Medium"]), &json!(1)));
        assert_eq!(app.read(&format!("/v1/contacts/{contact}"))["fields"], json!({"size": "Medium"}));
        app.post(&path, &json!({"from": "M", "to": "Medium"})).refused(422, "invalid_request");
        let done = app.post(&path, &json!({"from": "Medium", "to": null})).ok(200);
        assert_eq!(done["field"]["choices"], json!(["S"]));
        assert_eq!(app.read(&format!("/v1/contacts/{contact}"))["fields"], json!({}));
        // A value whose choice went by a change of the list.
        app.patch(&format!("/v1/contact-fields/{field}"), &json!({"choices": ["S", "M", "L"]})).ok(200);
        app.patch(&format!("/v1/contacts/{contact}"), &json!({"fields": {"size": "M"}})).ok(200);
        app.patch(&format!("/v1/contact-fields/{field}"), &json!({"choices": ["S", "L"]})).ok(200);
        let done = app.post(&path, &json!({"from": "M", "to": "L"})).ok(200);
        assert_eq!((&done["field"]["choices"], &done["contacts_changed"]), (&json!(["S", "L"]), &json!(1)));
        assert_eq!(app.read(&format!("/v1/contacts/{contact}"))["fields"], json!({"size": "L"}));
        let text = id(&app.post("/v1/contact-fields", &json!({"key": "t", "title": "T", "type": "text"})).ok(201));
        app.post(&format!("/v1/contact-fields/{text}/choices/replace"), &json!({"from": "a", "to": "b"})).refused(409, "conflict");
    }
}
