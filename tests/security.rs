//! Who may do what: every operation of the document without a token, with a wrong one, with one that lacks the scope,
//! and with another account's token on ids that are real.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{App, Client, Stage, numbers, until};

/// Operations that anybody may call, since their address is signed.
const OPEN: [&str; 2] = ["carrier_callbacks.receive", "exports.download"];

/// Paths that anybody may read and that are not operations of the document.
const PAGES: [&str; 7] = ["/", "/openapi.json", "/reference", "/problems", "/healthz", "/readyz", "/metrics"];

struct Operation {
    id: String,
    method: String,
    path: String,
    scope: Option<String>,
    /// Whether it takes the operator's token, rather than an account's.
    operator: bool,
}

fn operations(app: &Client) -> Vec<Operation> {
    let document = app.with_token("").read("/openapi.json");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security = &operation["security"][0];
            let operator = security["operator"][0].as_str();
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                scope: operator.or(security["bearer"][0].as_str()).map(str::to_owned),
                operator: operator.is_some(),
            });
        }
    }
    assert!(all.len() > 60, "{}", all.len());
    all
}

/// A real id for each path that has one, made with the first account's token, and what must look the same afterwards.
fn belongings(stage: &Stage, app: &Client) -> BTreeMap<String, String> {
    let id = |made: Value| made["id"].as_str().unwrap().to_owned();
    let group = app.group("Mine", &numbers(0, 3));
    let contact = app.pages(&format!("/v1/contacts?group_id={group}"))[0]["id"].as_str().unwrap().to_owned();
    let import = app.pages("/v1/contacts/imports")[0]["id"].as_str().unwrap().to_owned();
    let listed = id(app.upload_to("/v1/blacklist/imports", "mine.csv", b"phone\n+447400199998\n", &[]).ok(202));
    let of_sender = [("sender", "carillon")];
    let unsubscribed = b"phone\n+447400199995\n";
    let unsubscribed = id(app.upload_to("/v1/unsubscribes/imports", "mine.csv", unsubscribed, &of_sender).ok(202));
    let sent = app.draft_to(&group, "Mine");
    app.launch(&sent).ok(202);
    app.campaign_until(&sent, "completed");
    let message = app.messages_of(&sent)[0]["id"].as_str().unwrap().to_owned();
    let draft = app.draft_to(&group, "Mine, later");
    let sender = id(app.post("/v1/senders", &json!({"value": "MINE"})).ok(201));
    stage.admin(&["senders", "approve", &sender]);
    let digits = id(app.post("/v1/senders", &json!({"value": "447400900000"})).ok(201));
    stage.admin(&["senders", "approve", &digits]);
    // The simulator's number that writes back.
    let asked = json!({"to": ["+12015550128"], "sender": "447400900000", "text": "Will you come?"});
    app.post("/v1/messages", &asked).ok(202);
    let inbound =
        until("it has written", || Some(app.pages("/v1/inbound-messages").first()?["id"].as_str()?.to_owned()));
    let trashed_group = app.group("Thrown away", &numbers(900, 1));
    let trashed_contact =
        app.pages(&format!("/v1/contacts?group_id={trashed_group}"))[0]["id"].as_str().unwrap().to_owned();
    app.delete(&format!("/v1/contacts/{trashed_contact}")).ok(204);
    app.delete(&format!("/v1/groups/{trashed_group}")).ok(204);
    let looked = id(app
        .post("/v1/contact-jobs", &json!({"select": {"duplicates": {"by": ["email"]}}, "dry_run": true}))
        .ok(202));
    let export = id(app.post("/v1/exports", &json!({"kind": "blacklist", "format": "csv"})).ok(202));
    // What is compared later must have come to rest.
    for path in [
        format!("contact-jobs/{looked}"),
        format!("blacklist/imports/{listed}"),
        format!("unsubscribes/imports/{unsubscribed}"),
        format!("exports/{export}"),
    ] {
        until("it ends", || Some(app.read(&format!("/v1/{path}"))).filter(|job| !job["finished_at"].is_null()));
    }
    BTreeMap::from([
        ("/v1/trash/contacts/{id}".to_owned(), trashed_contact),
        ("/v1/trash/groups/{id}".to_owned(), trashed_group),
        ("/v1/api-tokens/{id}".to_owned(), id(app.post("/v1/api-tokens", &json!({"description": "mine", "scopes": ["account:read"]})).ok(201)["token"].clone())),
        ("/v1/blacklist/{id}".to_owned(), id(app.post("/v1/blacklist", &json!({"phone": "+447400199999"})).ok(201))),
        ("/v1/blacklist/imports/{id}".to_owned(), listed),
        ("/v1/campaigns/{id}".to_owned(), draft),
        ("/v1/contact-fields/{id}".to_owned(), id(app.post("/v1/contact-fields", &json!({"key": "mine", "title": "Mine", "type": "text"})).ok(201))),
        ("/v1/contact-jobs/{id}".to_owned(), looked),
        ("/v1/contacts/imports/{id}".to_owned(), import),
        ("/v1/contacts/{id}".to_owned(), contact),
        ("/v1/exports/{id}".to_owned(), export),
        ("/v1/files/{id}".to_owned(), id(app.upload_to("/v1/files", "mine.csv", b"phone\n+447400199996\n", &[]).ok(201))),
        ("/v1/groups/{id}".to_owned(), group),
        ("/v1/inbound-messages/{id}".to_owned(), inbound),
        ("/v1/unsubscribes/imports/{id}".to_owned(), unsubscribed),
        ("/v1/unsubscribes/{id}".to_owned(), id(app.post("/v1/unsubscribes", &json!({"phone": "+447400199997", "sender": "CARILLON"})).ok(201))),
        ("/v1/message-filters/{id}".to_owned(), id(app.post("/v1/message-filters", &json!({"name": "Mine", "conditions": {"country": "GB"}})).ok(201))),
        ("/v1/messages/{id}".to_owned(), message),
        ("/v1/reports/campaigns/{id}".to_owned(), sent),
        ("/v1/segments/{id}".to_owned(), id(app.post("/v1/segments", &json!({"name": "Mine", "filter": {"field": "age", "gte": 18}})).ok(201))),
        ("/v1/senders/{id}".to_owned(), sender),
        ("/v1/templates/{id}".to_owned(), id(app.post("/v1/templates", &json!({"name": "Mine", "body": "Mine"})).ok(201))),
    ])
}

/// The real path of an operation; `None` when it has no id in it.
fn real(path: &str, ids: &BTreeMap<String, String>) -> Option<String> {
    let end = path.find("{id}")? + 4;
    let id = ids.get(path.get(..end)?).unwrap_or_else(|| panic!("no id was made for {path}: add it to `belongings`"));
    Some(path.replace("{id}", id))
}

/// A body that the operation would accept.
fn body(operation: &str, stranger: &Client) -> Value {
    let own = || stranger.pages("/v1/groups")[0]["id"].clone();
    let contact = || stranger.pages("/v1/contacts")[0]["id"].clone();
    match operation {
        "blacklist.add_campaign" => json!({"statuses": ["delivered"]}),
        "contact_fields.replace_choice" => json!({"from": "S", "to": "M"}),
        "groups.set_values" => json!({"contacts": [{"contact_id": contact(), "values": null}]}),
        "contact_fields.update" => json!({"title": "Theirs"}),
        "groups.add_contacts" | "groups.remove_contacts" => json!({"contact_ids": [contact()]}),
        "groups.copy_contacts" | "groups.move_contacts" => json!({"to_group_id": own()}),
        "message_filters.update" | "templates.update" | "groups.update" | "segments.update" | "campaigns.update" => {
            json!({"name": "Theirs"})
        }
        "api_tokens.update" => json!({"description": "Theirs"}),
        "contacts.update" => json!({"first_name": "Theirs"}),
        _ => json!({}),
    }
}

fn stranger(stage: &Stage) -> String {
    let (id, token) = stage.account("Stranger", "100.00", &["--countries", "*"]);
    stage.admin(&["senders", "grant", &id, "CARILLON"]);
    token
}

fn two(stage: &Stage) -> (App, Client) {
    stage.start().terminate();
    let token = stranger(stage);
    let app = stage.start();
    let stranger = app.with_token(&token);
    stranger.group("Theirs", &numbers(500, 2));
    (app, stranger)
}

both! {
    fn every_operation_asks_for_a_token(stage) {
        let app = stage.start();
        let nobody = app.with_token("");
        let wrong = ["nonsense", "crl_test_0000000000000000000000000000000000000", "crl_live_", "Bearer", "crl_test_0123456789abcdefghijklmnopqrstuw"];
        for Operation { id, method, path, scope, operator } in operations(&app) {
            assert_eq!(operator, path.starts_with("/v1/admin/"), "{id}");
            if OPEN.contains(&id.as_str()) {
                continue;
            }
            assert!(scope.is_some(), "{id} names no scope: the front door would let anybody in");
            let path = path.replace("{id}", "cmp_01kazsw6e3f8e9xq2m4r7t5v0b");
            let ask = |client: &Client| {
                let ask = client.ask(&method, &path);
                let ask = if matches!(method.as_str(), "POST" | "PATCH") { ask.key("k").json(&json!({})) } else { ask };
                ask.go()
            };
            ask(&nobody).refused(401, "unauthorized");
            for token in wrong {
                ask(&app.with_token(token)).refused(401, "unauthorized");
            }
            let basic = nobody.ask(&method, &path).header("authorization", "Basic Y3JsOmNybA==");
            let basic = if matches!(method.as_str(), "POST" | "PATCH") { basic.json(&json!({})) } else { basic };
            basic.go().refused(401, "unauthorized");
        }
        for page in PAGES {
            let answer = nobody.get(page);
            assert!([200, 307].contains(&answer.status), "{page}: {answer:?}");
        }
    }

    fn every_operation_asks_for_its_scope(stage) {
        let app = stage.start();
        let scopes: Vec<&str> = domain::scope::Scopes::ALL.iter().map(|s| s.0).filter(|s| *s != "*").collect();
        let mut without = BTreeMap::new();
        for scope in &scopes {
            let others: Vec<&str> = scopes.iter().copied().filter(|s| s != scope).collect();
            let made = app.post("/v1/api-tokens", &json!({"description": format!("all but {scope}"), "scopes": others})).ok(201);
            without.insert((*scope).to_owned(), app.with_token(made["secret"].as_str().unwrap()));
        }
        let scopes: Vec<&str> = domain::scope::Scopes::OPERATOR.iter().map(|s| s.0).filter(|s| *s != "*").collect();
        let mut of_operator = BTreeMap::new();
        for scope in &scopes {
            let others: Vec<&str> = scopes.iter().copied().filter(|s| s != scope).collect();
            of_operator.insert((*scope).to_owned(), app.with_token(&stage.operator(&others.join(","))));
        }
        for Operation { id, method, path, scope, operator } in operations(&app) {
            let Some(scope) = scope else { continue };
            let clients = if operator { &of_operator } else { &without };
            let client = clients.get(&scope).unwrap_or_else(|| panic!("{id} asks for {scope}, which no token can have"));
            let path = path.replace("{id}", "cmp_01kazsw6e3f8e9xq2m4r7t5v0b");
            let ask = client.ask(&method, &path);
            let ask = if matches!(method.as_str(), "POST" | "PATCH") { ask.key("k").json(&json!({})) } else { ask };
            let problem = ask.go().refused(403, "scope_missing");
            assert!(problem["detail"].as_str().unwrap().contains(&scope), "{problem}");
        }
        // A token hands on no more than it has.
        let few = &without["messages:write"];
        few.post("/v1/api-tokens", &json!({"description": "more", "scopes": ["messages:write"]})).refused(403, "scope_missing");
        few.post("/v1/api-tokens", &json!({"description": "more", "scopes": ["*"]})).refused(403, "scope_missing");
    }

    fn a_token_of_the_other_kind_opens_nothing(stage) {
        let app = stage.start();
        let operator = app.with_token(&stage.operator("*"));
        for Operation { id, method, path, operator: its_own, .. } in operations(&app).into_iter().filter(|o| o.scope.is_some()) {
            let path = path.replace("{id}", "car_01kazsw6e3f8e9xq2m4r7t5v0b");
            let client: &Client = if its_own { &app } else { &operator };
            let ask = client.ask(&method, &path);
            let ask = if matches!(method.as_str(), "POST" | "PATCH") { ask.key(&id).json(&json!({})) } else { ask };
            ask.go().refused(403, "wrong_token");
        }
    }

    fn an_operator_token_ends_when_it_is_revoked(stage) {
        let app = stage.start();
        let made = stage.admin(&["operator-tokens", "create", "--description", "console", "--scopes", "carriers:read"]);
        let (id, secret) = made.trim().split_once("  ").unwrap();
        let console = app.with_token(secret);
        console.get("/v1/admin/carriers").ok(200);
        let listed = stage.admin(&["operator-tokens", "list"]);
        assert!(listed.contains(id) && listed.contains("console") && !listed.contains(secret), "{listed}");
        stage.admin(&["operator-tokens", "revoke", id]);
        console.get("/v1/admin/carriers").refused(401, "unauthorized");
        let error = stage.run(&["admin", "operator-tokens", "create", "--scopes", "everything"]).unwrap_err();
        assert!(error.contains("/scopes/0"), "{error}");
    }

    fn another_account_finds_nothing_by_real_ids(stage) {
        let (app, stranger) = two(&stage);
        let ids = belongings(&stage, &app);
        let mine = |app: &Client| -> Vec<Value> {
            ids.iter().map(|(path, id)| app.read(&path.replace("{id}", id))).collect()
        };
        let before = mine(&app);
        let mut walked = 0;
        for Operation { id, method, path, .. } in operations(&app).into_iter().filter(|o| !o.operator && o.scope.is_some()) {
            let Some(path) = real(&path, &ids) else { continue };
            let ask = stranger.ask(&method, &path);
            let ask = if matches!(method.as_str(), "POST" | "PATCH") { ask.key(&id).json(&body(&id, &stranger)) } else { ask };
            ask.go().refused(404, "not_found");
            walked += 1;
        }
        assert!(walked > 35, "{walked}");
        assert_eq!(mine(&app), before, "nothing of mine has changed");

        // Ids in bodies and queries find as little.
        let id = |path: &str| ids[path].clone();
        let content = |change: Value| crate::harness::merged(json!({"name": "n", "sender": "CARILLON", "text": "x"}), change);
        for audience in [
            json!({"group_ids": [id("/v1/groups/{id}")]}),
            json!({"contact_ids": [id("/v1/contacts/{id}")]}),
            json!({"phones": ["+447400100001"], "exclude_group_ids": [id("/v1/groups/{id}")]}),
        ] {
            let problem = stranger.post("/v1/campaigns", &content(json!({"audience": audience}))).refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["code"], "not_found");
        }
        let template = json!({"text": null, "template_id": id("/v1/templates/{id}")});
        stranger.post("/v1/campaigns", &content(crate::harness::merged(template.clone(), json!({"audience": {"phones": ["+447400100001"]}})))).refused(422, "invalid_request");
        stranger.post("/v1/messages", &crate::harness::merged(json!({"to": ["+447400100001"], "sender": "CARILLON"}), template)).refused(422, "invalid_request");
        stranger.send(&["+447400100001"], "{{fields.mine}}").refused(422, "unknown_marker");
        let other_sender = json!({"to": ["+447400100001"], "sender": "MINE", "text": "x"});
        stranger.post("/v1/messages", &other_sender).refused(422, "sender_not_approved");
        let new = stranger.post("/v1/contacts", &json!({"phone": "+447400155555", "group_ids": [id("/v1/groups/{id}")]}));
        assert!([404, 422].contains(&new.status), "{new:?}");
        let own = stranger.pages("/v1/groups")[0]["id"].as_str().unwrap().to_owned();
        let added = stranger.post(&format!("/v1/groups/{own}/contacts"), &json!({"contact_ids": [id("/v1/contacts/{id}")]})).ok(200);
        assert_eq!((&added["changed"], &added["not_found"]), (&json!(0), &json!([id("/v1/contacts/{id}")])));
        for verb in ["copy", "move"] {
            let moved = stranger.post(&format!("/v1/groups/{own}/contacts/{verb}"), &json!({"to_group_id": id("/v1/groups/{id}")}));
            assert!([404, 422].contains(&moved.status), "{moved:?}");
        }
        for list in [
            format!("/v1/messages?campaign_id={}", id("/v1/reports/campaigns/{id}")),
            format!("/v1/messages?contact_id={}", id("/v1/contacts/{id}")),
            "/v1/campaigns?name_contains=November".to_owned(),
            "/v1/blacklist".to_owned(),
            "/v1/unsubscribes".to_owned(),
            "/v1/unsubscribes/imports".to_owned(),
            "/v1/templates".to_owned(),
            "/v1/contact-fields".to_owned(),
        ] {
            assert_eq!(stranger.pages(&list), Vec::<Value>::new(), "{list}");
        }
        let listed = stranger.get(&format!("/v1/contacts?group_id={}", id("/v1/groups/{id}")));
        assert!(listed.status == 404 || listed.json()["data"] == json!([]), "{listed:?}");
        assert_eq!(stranger.pages("/v1/contacts").len(), 2);
        // Neither does the stream of events, and a key is the account's own.
        until("my events are there", || (!app.events().is_empty()).then_some(()));
        let theirs: Vec<String> = stranger.events().iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(theirs, ["import.completed"], "their own import and nothing else");
        let both = json!({"to": ["+447400100001"], "sender": "CARILLON", "text": "x"});
        let first = app.ask("POST", "/v1/messages").key("shared").json(&both).go().ok(202);
        let other = stranger.ask("POST", "/v1/messages").key("shared").json(&both).go().ok(202);
        assert_ne!(first["batch_id"], other["batch_id"]);
        assert_eq!(mine(&app), before, "nothing of mine has changed");
        app.audited();
        stranger.audited();
    }

    fn a_receipt_and_a_number_stay_with_their_account(stage) {
        let (app, stranger) = two(&stage);
        let ours = app.sent("+12015550101", "Ours");
        let theirs = stranger.sent("+12015550101", "Theirs");
        app.message_until(&ours, "undelivered");
        stranger.message_until(&theirs, "undelivered");
        app.post("/v1/blacklist", &json!({"phone": "+447400100001"})).ok(201);
        let sent = stranger.send(&["+447400100001"], "Not on their list").ok(202);
        assert_eq!(sent["messages"][0]["status"], "queued");
        assert_eq!((app.pages("/v1/messages").len(), stranger.pages("/v1/messages").len()), (1, 2));
    }

    fn a_token_ends_when_it_is_revoked(stage) {
        let app = stage.start();
        let made = app.post("/v1/api-tokens", &json!({"description": "brief", "scopes": ["*"]})).ok(201);
        let secret = made["secret"].as_str().unwrap();
        let brief = app.with_token(secret);
        brief.get("/v1/account").ok(200);
        let path = format!("/v1/api-tokens/{}", made["token"]["id"].as_str().unwrap());
        let shown = app.read(&path).to_string();
        assert!(!shown.contains(secret), "the secret is shown once");
        app.delete(&path).ok(204);
        brief.get("/v1/account").refused(401, "unauthorized");
    }

    fn the_log_names_nobody(stage) {
        let app = stage.start();
        let id = app.draft(json!({"text": "A word for Annabella only", "audience": {"phones": ["+447400177777"]}}));
        app.launch(&id).ok(202);
        app.campaign_until(&id, "completed");
        app.import("people.csv", b"phone,first_name\n+447400166666,Annabella\n12,Annabella\n", &[]);
        app.get("/v1/messages?to=%2B447400177777").ok(200);
        app.send(&["+10000000000"], "Annabella").refused(422, "invalid_request");
        let log = app.log_text();
        assert!(log.contains("campaigns.launch"), "the log is there");
        for personal in ["447400177777", "447400166666", "Annabella", crate::harness::TOKEN] {
            assert!(!log.contains(personal), "the log has {personal}");
        }
    }
}
