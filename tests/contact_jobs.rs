//! Contact jobs and merges through the API: clean-ups after campaigns, deleting by group, duplicates.

use serde_json::{Value, json};

use crate::harness::{App, Client, numbers, until};

/// The magic number that ends with these digits.
fn magic(end: &str) -> String {
    format!("+120155501{end}")
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// Waits for the end of a job.
fn ended(app: &Client, job: &Value) -> Value {
    let path = format!("/v1/contact-jobs/{}", job["id"].as_str().unwrap());
    until("the contact job ends", || Some(app.read(&path)).filter(|j| !j["finished_at"].is_null()))
}

/// Does a job, and gives what became of the contacts.
fn done(app: &App, body: &Value) -> Value {
    let job = ended(app, &app.post("/v1/contact-jobs", body).ok(202));
    assert_eq!(job["status"], "completed", "{job}");
    job["result"].clone()
}

both! {
    fn who_was_not_reached_is_counted_and_cleaned_up(stage) {
        let app = stage.start();
        let phones: Vec<String> = ["00", "01", "02", "03", "20"].map(magic).into();
        let group = app.group("Everybody", &phones);
        let campaign = app.draft_to(&group, "Hello");
        app.launch(&campaign).ok(202);
        app.campaign_until(&campaign, "completed");
        let of_campaign = json!({"campaign": {"campaign_id": campaign, "statuses": ["undelivered", "rejected", "expired", "failed"]}});
        let counted = done(&app, &json!({"select": of_campaign, "dry_run": true}));
        assert_eq!(counted, json!({"matched": 4, "changed": 0}));
        let target = id(&app.post("/v1/groups", &json!({"name": "Unreached"})).ok(201));
        let moved = done(&app, &json!({"select": of_campaign, "action": "add_to_group", "group_id": target}));
        assert_eq!(moved, json!({"matched": 4, "changed": 4}));
        assert_eq!(app.read(&format!("/v1/groups/{target}"))["contacts_count"], 4);
        let unreached = json!({"undelivered": {"last": 1}});
        let counted = done(&app, &json!({"select": unreached, "action": "trash", "dry_run": true}));
        assert_eq!((counted, app.pages("/v1/contacts").len()), (json!({"matched": 4, "changed": 0}), 5));
        let listed = done(&app, &json!({"select": unreached, "action": "blacklist", "reason": "dead"}));
        assert_eq!(listed, json!({"matched": 4, "changed": 4}));
        let entry = &app.pages("/v1/blacklist?source=clean_up")[0];
        assert_eq!(entry["reason"], "dead");
        assert!(entry["source_id"].as_str().unwrap().starts_with("cjb_"), "{entry}");
        assert_eq!(done(&app, &json!({"select": unreached, "action": "trash"})), json!({"matched": 4, "changed": 4}));
        assert_eq!((app.pages("/v1/contacts").len(), app.pages("/v1/trash/contacts").len()), (1, 4));
        let shown = app.pages("/v1/contact-jobs");
        assert_eq!(shown.len(), 5);
        assert_eq!(shown[0]["select"]["campaign"]["campaign_id"], json!(campaign));
        assert_eq!((&shown[3]["action"], &shown[3]["reason"]), (&json!("blacklist"), &json!("dead")));
    }

    fn what_was_sent_before_the_contact_was_made_counts(stage) {
        let app = stage.start();
        let dead = magic("01");
        let sent = app.sent(&dead, "Hello");
        app.message_until(&sent, "undelivered");
        let contact = id(&app.post("/v1/contacts", &json!({"phone": dead})).ok(201));
        let unreached = json!({"undelivered": {"last": 1}});
        assert_eq!(done(&app, &json!({"select": unreached, "dry_run": true})), json!({"matched": 1, "changed": 0}));
        // The filter by failures in a row means the same.
        let filter = json!({"filter": {"field": "failures_in_row", "gte": 1}});
        until("the outcome is read", || {
            let found = app.post("/v1/contacts/search", &filter).ok(200);
            (found["data"][0]["id"] == json!(contact)).then_some(())
        });
        assert_eq!(done(&app, &json!({"select": unreached, "action": "trash"})), json!({"matched": 1, "changed": 1}));
    }

    fn a_group_goes_with_those_that_are_nowhere_else(stage) {
        let app = stage.start();
        let (tag, other) = (app.group("Tag", &numbers(0, 4)), app.group("Other", &numbers(3, 2)));
        let select = json!({"group": {"group_id": tag, "only_here": true}});
        assert_eq!(done(&app, &json!({"select": select, "action": "trash"})), json!({"matched": 3, "changed": 3}));
        assert_eq!(app.read(&format!("/v1/groups/{tag}"))["contacts_count"], 1);
        assert_eq!(app.read(&format!("/v1/groups/{other}"))["contacts_count"], 2);
        let key = |app: &App| {
            let body = json!({"select": {"group": {"group_id": tag}}, "action": "delete"});
            app.ask("POST", "/v1/contact-jobs").key("once").json(&body).go().ok(202)
        };
        let (first, second) = (key(&app), key(&app));
        assert_eq!(first["id"], second["id"], "the same request is one job");
        ended(&app, &first);
        assert_eq!(app.pages("/v1/contacts").len(), 1);
        let path = format!("/v1/contact-jobs/{}", id(&first));
        app.post(&format!("{path}/cancel"), &json!({})).refused(409, "conflict");
        app.get(&format!("{path}/duplicates")).refused(409, "conflict");
        let stream = String::from_utf8(app.get(&format!("{path}/progress")).body).unwrap();
        assert!(stream.starts_with("event: progress\ndata: {\"done\":1,\"total\":1}\n\nevent: completed\ndata: {"), "{stream}");
        for (body, pointer) in [
            (json!({"select": {}}), "/select"),
            (json!({"select": {"group": {"group_id": tag}, "undelivered": {"last": 1}}, "action": "trash"}), "/select"),
            (json!({"select": {"group": {"group_id": tag}}}), "/action"),
            (json!({"select": {"group": {"group_id": tag}}, "action": "add_to_group"}), "/group_id"),
            (json!({"select": {"group": {"group_id": tag}}, "action": "trash", "reason": "x"}), "/reason"),
            (json!({"select": {"group": {"group_id": tag}}, "action": "merge"}), "/action"),
            (json!({"select": {"undelivered": {"last": 21}}, "dry_run": true}), "/select/undelivered/last"),
            (json!({"select": {"duplicates": {"by": ["shoe"]}}, "dry_run": true}), "/select/duplicates/by/0"),
        ] {
            let problem = app.post("/v1/contact-jobs", &body).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        let few = app.post("/v1/api-tokens", &json!({"description": "few", "scopes": ["contacts:write"]})).ok(201);
        let few = app.with_token(few["secret"].as_str().unwrap());
        let body = json!({"select": {"group": {"group_id": other}}, "action": "blacklist"});
        few.post("/v1/contact-jobs", &body).refused(403, "scope_missing");
    }

    fn who_matches_a_filter_or_is_named_joins_and_leaves_groups(stage) {
        let app = stage.start();
        let all = app.group("All", &[numbers(0, 3), vec!["+33612345678".to_owned()]].concat());
        let some = id(&app.post("/v1/groups", &json!({"name": "Some"})).ok(201));
        let british = json!({"filter": {"all": [{"field": "country", "equals": "GB"}, {"field": "group", "equals": all}]}});
        let add = json!({"select": british, "action": "add_to_group", "group_id": some});
        assert_eq!(done(&app, &add), json!({"matched": 3, "changed": 3}));
        let one = app.pages(&format!("/v1/contacts?group_id={some}"))[0]["id"].clone();
        let named = json!({"select": {"contact_ids": [one, "con_01kazsw6e3f8e9xq2m4r7t5v0b"]}, "action": "remove_from_group", "group_id": some});
        assert_eq!(done(&app, &named), json!({"matched": 1, "changed": 1}));
        assert_eq!(app.read(&format!("/v1/groups/{some}"))["contacts_count"], 2);
        let values = json!({"contacts": [{"contact_id": one, "values": {"first_name": "Ann"}}]});
        app.post(&format!("/v1/groups/{all}/contacts/values"), &values).ok(200);
        let new = id(&app.post("/v1/groups", &json!({"name": "New"})).ok(201));
        let shift = json!({"select": british, "action": "move_to_group", "from_group_id": all, "group_id": new});
        let job = ended(&app, &app.post("/v1/contact-jobs", &shift).ok(202));
        assert_eq!(job["result"], json!({"matched": 3, "changed": 3}), "{job}");
        assert_eq!((&job["action"], &job["from_group_id"], &job["group_id"]), (&json!("move_to_group"), &json!(all), &json!(new)));
        assert_eq!(app.read(&format!("/v1/groups/{all}"))["contacts_count"], 1);
        let with = app.pages(&format!("/v1/groups/{new}/contacts?with_values=true"));
        assert_eq!((with.len(), &with[0]["values"]["first_name"]), (1, &json!("Ann")), "{with:?}");
        let back = json!({"select": {"group": {"group_id": new}}, "action": "add_to_group", "from_group_id": new, "group_id": all});
        assert_eq!(done(&app, &back), json!({"matched": 3, "changed": 3}));
        assert_eq!(app.pages(&format!("/v1/groups/{all}/contacts?with_values=true")).len(), 1);
        for (body, pointer) in [
            (json!({"select": british, "action": "move_to_group", "group_id": new}), "/from_group_id"),
            (json!({"select": british, "action": "move_to_group", "group_id": new, "from_group_id": new}), "/from_group_id"),
            (json!({"select": british, "action": "move_to_group", "from_group_id": new}), "/group_id"),
            (json!({"select": british, "action": "remove_from_group", "group_id": new, "from_group_id": all}), "/from_group_id"),
        ] {
            let problem = app.post("/v1/contact-jobs", &body).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        assert_eq!(done(&app, &json!({"select": british, "action": "trash"})), json!({"matched": 3, "changed": 3}));
        assert_eq!(app.pages("/v1/contacts").len(), 1);
        let wrong = json!({"select": {"filter": {"field": "shoe", "equals": 42}}, "dry_run": true});
        let problem = app.post("/v1/contact-jobs", &wrong).refused(422, "invalid_request");
        assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with("/select/filter"), "{problem}");
    }

    fn a_large_group_is_blacklisted_by_a_job(stage) {
        let app = stage.start();
        let group = app.group("Many", &numbers(0, 13_000));
        let answer = app.post(&format!("/v1/groups/{group}/blacklist"), &json!({"reason": "left"}));
        let job = answer.ok(202);
        assert_eq!((&job["action"], &job["progress"]["total"]), (&json!("blacklist"), &json!(13_000)));
        let job = ended(&app, &job);
        assert_eq!((&job["status"], &job["result"]), (&json!("completed"), &json!({"matched": 13_000, "changed": 13_000})), "{job}");
        let again = ended(&app, &app.post(&format!("/v1/groups/{group}/blacklist"), &json!({})).ok(202));
        assert_eq!(again["result"], json!({"matched": 13_000, "changed": 0}));
    }

    fn duplicates_are_found_and_merged(stage) {
        let app = stage.start();
        let make = |n: usize, email: &str, name: Value| -> String {
            let body = json!({"phone": numbers(n, 1)[0], "email": email, "first_name": name});
            id(&app.post("/v1/contacts", &body).ok(201))
        };
        let (a, b) = (make(0, "anna@example.com", json!("Anna")), make(1, "Anna@Example.com", Value::Null));
        let (c, d) = (make(2, "bob@example.com", json!("Bob")), make(3, "bob@example.com", json!("Robert")));
        make(4, "carl@example.com", json!("Carl"));
        let by_email = json!({"duplicates": {"by": ["email"]}});
        let job = ended(&app, &app.post("/v1/contact-jobs", &json!({"select": by_email, "dry_run": true})).ok(202));
        assert_eq!(job["result"]["matched"], 2, "{job}");
        let path = format!("/v1/contact-jobs/{}/duplicates", id(&job));
        let sets = app.pages(&path);
        assert_eq!(sets.len(), 2);
        let first = app.read(&format!("{path}?limit=1"));
        assert_eq!((&first["data"][0], &first["has_more"]), (&sets[0], &json!(true)));
        let next = app.read(&format!("{path}?limit=1&after={}", first["next_cursor"].as_str().unwrap()));
        assert_eq!(next["data"][0], sets[1]);
        let annas = sets.iter().find(|s| s["contacts"][0]["id"] == json!(a)).unwrap();
        assert_eq!((&annas["found"], &annas["contacts"][1]["values"]), (&json!(2), &json!({"email": "Anna@Example.com"})));

        let body = json!({"survivor_id": a, "contact_ids": [b], "prefer": {"email": b}});
        let merged = app.post("/v1/contacts/merge", &body).ok(200);
        assert_eq!((&merged["merged"], &merged["contact"]["email"], &merged["contact"]["first_name"]), (&json!(1), &json!("Anna@Example.com"), &json!("Anna")));
        let again = app.post("/v1/contacts/merge", &body).ok(200);
        assert_eq!((&again["merged"], &again["contact"]), (&json!(0), &merged["contact"]));
        app.post("/v1/contacts/merge", &json!({"survivor_id": b, "contact_ids": [a]})).refused(409, "conflict");
        app.get(&format!("/v1/contacts/{b}")).refused(404, "not_found");
        assert_eq!(app.pages("/v1/trash/contacts").len(), 1);

        let result = done(&app, &json!({"select": by_email, "action": "merge", "survivor": "newest"}));
        assert_eq!(result, json!({"matched": 1, "changed": 1}));
        app.get(&format!("/v1/contacts/{c}")).refused(404, "not_found");
        assert_eq!(app.read(&format!("/v1/contacts/{d}"))["first_name"], "Robert");
        assert_eq!(app.pages("/v1/contacts").len(), 3);

        let e = make(5, "CARL@example.com", json!("Charles"));
        let club = app.group("Club", &[numbers(4, 1)[0].clone()]);
        for narrow in [json!({"group_id": club}), json!({"filter": {"field": "first_name", "equals": "Carl"}})] {
            let mut among = json!({"by": ["email"]});
            among.as_object_mut().unwrap().extend(narrow.as_object().unwrap().clone());
            let job = app.post("/v1/contact-jobs", &json!({"select": {"duplicates": among}, "dry_run": true})).ok(202);
            let job = ended(&app, &job);
            assert_eq!(job["result"]["matched"], 0, "the other one is not in it: {job}");
            assert_eq!(job["select"]["duplicates"]["by"], json!(["email"]));
        }
        let job = json!({"select": by_email, "action": "trash", "survivor": "newest"});
        let job = ended(&app, &app.post("/v1/contact-jobs", &job).ok(202));
        assert_eq!(job["result"], json!({"matched": 1, "changed": 1}), "{job}");
        assert_eq!((&job["action"], &job["survivor"]), (&json!("trash"), &json!("newest")));
        assert_eq!(app.read(&format!("/v1/contacts/{e}"))["first_name"], "Charles");
        assert_eq!((app.pages("/v1/contacts").len(), app.pages("/v1/trash/contacts").len()), (3, 3));
        for (body, pointer) in [
            (json!({"select": by_email, "action": "delete"}), "/action"),
            (json!({"select": {"duplicates": {"by": ["phone"]}}, "action": "trash"}), "/action"),
            (json!({"select": {"contact_ids": [a]}, "action": "trash", "survivor": "oldest"}), "/survivor"),
            (json!({"select": {"duplicates": {"by": ["email"], "group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b"}}, "dry_run": true}), "/select/duplicates/group_id"),
            (json!({"select": {"duplicates": {"by": ["email"], "filter": {"field": "shoe", "exists": true}}}, "dry_run": true}), "/select/duplicates/filter/field"),
        ] {
            let problem = app.post("/v1/contact-jobs", &body).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
    }

    fn two_that_merge_crosswise_end_with_one(stage) {
        let app = stage.start();
        for round in 0..3 {
            let made = |n: usize| id(&app.post("/v1/contacts", &json!({"phone": numbers(round * 2 + n, 1)[0]})).ok(201));
            let (a, b) = (made(0), made(1));
            let before = app.pages("/v1/contacts").len();
            let merge = |into: &str, from: &str| {
                let body = json!({"survivor_id": into, "contact_ids": [from]});
                app.post("/v1/contacts/merge", &body).status
            };
            let statuses: Vec<u16> = std::thread::scope(|threads| {
                let (one, two) = (threads.spawn(|| merge(&a, &b)), threads.spawn(|| merge(&b, &a)));
                vec![one.join().unwrap(), two.join().unwrap()]
            });
            assert_eq!(app.pages("/v1/contacts").len(), before - 1, "{statuses:?}");
            let mut sorted = statuses.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [200, 409], "{statuses:?}");
        }
    }
}
