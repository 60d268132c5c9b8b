//! Contacts, fields, groups, blacklist and imports over HTTP.

use domain::{ids::ImportId, imports, scope::SystemScope};
use serde_json::{Value, json};

use crate::test_app::start;

/// The parts of a form as a body, with its content type.
fn form(parts: &[(&str, &str)], file: Option<(&str, &str)>) -> (String, String) {
    let mut body = String::new();
    for (name, value) in parts {
        body.push_str(&format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    if let Some((name, content)) = file {
        body.push_str(&format!(
            "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n"
        ));
    }
    body.push_str("--xx--\r\n");
    ("multipart/form-data; boundary=xx".to_owned(), body)
}

#[actix_web::test]
async fn a_contact_with_a_field_and_a_group_lives_and_dies() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let field = json!({"key": "city", "title": "City", "type": "text"});
    assert_eq!(t.ask("POST", "/v1/contact-fields", &token).json(&field).send().await.status, 201);
    let again = t.ask("POST", "/v1/contact-fields", &token).json(&field).send().await;
    assert_eq!(again.problem(), (409, "already_exists".to_owned()));
    let group = t.ask("POST", "/v1/groups", &token).json(&json!({"name": "VIP"})).send().await.json();
    let new = json!({
        "phone": "07400 123456", "first_name": "Anna", "fields": {"city": "Leeds"}, "group_ids": [group["id"]],
        "consent": {"status": "given", "source": "web form"}, "metadata": {"a": "b"}, "external_id": "crm-17"
    });
    let made = t.ask("POST", "/v1/contacts", &token).json(&new).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    let contact = made.json();
    assert_eq!((&contact["phone"], &contact["country"]), (&json!("+447400123456"), &json!("GB")));
    assert_eq!(contact["group_ids"], json!([group["id"]]));
    let taken = t.ask("POST", "/v1/contacts", &token).json(&json!({"phone": "+447400123456"})).send().await;
    assert_eq!(taken.problem(), (409, "already_exists".to_owned()));
    assert!(taken.json()["detail"].as_str().unwrap().contains(contact["id"].as_str().unwrap()));

    let path = format!("/v1/contacts/{}", contact["id"].as_str().unwrap());
    let got = t.ask("GET", &path, &token).send().await;
    assert_eq!(got.json(), contact);
    assert_eq!(t.ask("GET", &path, &token).header("if-none-match", got.header("etag")).send().await.status, 304);
    let patch = json!({"first_name": null, "fields": {"city": null}, "metadata": {"c": "d"}, "consent": null});
    let changed = t.ask("PATCH", &path, &token).header("if-match", got.header("etag")).json(&patch).send().await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let now = changed.json();
    assert_eq!(
        [&now["first_name"], &now["fields"], &now["metadata"], &now["consent"]["status"]],
        [&json!(null), &json!({}), &json!({"a": "b", "c": "d"}), &json!("unknown")]
    );
    let late = t.ask("PATCH", &path, &token).header("if-match", got.header("etag")).json(&patch).send().await;
    assert_eq!(late.problem(), (412, "version_mismatch".to_owned()));
    let wrong = t.ask("PATCH", &path, &token).json(&json!({"fields": {"x": 1}, "email": "no"})).send().await;
    assert_eq!(wrong.json()["errors"].as_array().unwrap().len(), 2);

    for (query, count) in [
        (format!("group_id={}", group["id"].as_str().unwrap()), 1),
        ("phone=%2B447400123456".to_owned(), 1),
        ("phone=+447400123456".to_owned(), 1),
        ("external_id=crm-17&consent=unknown&country=gb".to_owned(), 1),
        ("created_before=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let seen = t.ask("GET", &format!("/v1/contacts?{query}"), &token).send().await;
        assert_eq!(seen.json()["data"].as_array().map(Vec::len), Some(count), "{query} {seen:?}");
    }
    let nowhere = t.ask("GET", "/v1/contacts?group_id=grp_01kazsw6e3f8e9xq2m4r7t5v0b", &token).send().await;
    assert_eq!(nowhere.problem(), (404, "not_found".to_owned()));
    let (_, stranger) = t.owner().await;
    assert_eq!(t.ask("GET", &path, &stranger).send().await.status, 404);
    assert_eq!(t.ask("DELETE", &path, &token).send().await.status, 204);
    assert_eq!(t.ask("GET", &path, &token).send().await.status, 404);
}

#[actix_web::test]
async fn members_and_the_blacklist() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let mut ids = Vec::new();
    for phone in ["+447400123456", "+447400123457"] {
        ids.push(
            t.ask("POST", "/v1/contacts", &token).json(&json!({"phone": phone})).send().await.json()["id"].clone(),
        );
    }
    let mut groups = Vec::new();
    for name in ["A", "B"] {
        t.pass(1); // lists are in the order of making, which a clock that stands still does not tell
        groups.push(t.ask("POST", "/v1/groups", &token).json(&json!({"name": name})).send().await.json());
    }
    let path = |n: usize, rest: &str| format!("/v1/groups/{}{rest}", groups[n]["id"].as_str().unwrap());
    let added = t.ask("POST", &path(0, "/contacts"), &token).json(&json!({"contact_ids": ids})).send().await;
    assert_eq!(added.json(), json!({"changed": 2, "unchanged": 0, "not_found": []}), "{added:?}");
    let to = json!({"to_group_id": groups[1]["id"]});
    assert_eq!(t.ask("POST", &path(0, "/contacts/copy"), &token).json(&to).send().await.json()["changed"], 2);
    assert_eq!(t.ask("POST", &path(0, "/contacts/move"), &token).json(&to).send().await.json()["changed"], 2);
    let removed = json!({"contact_ids": [ids[0]]});
    assert_eq!(t.ask("POST", &path(1, "/contacts/remove"), &token).json(&removed).send().await.json()["changed"], 1);
    let counts: Vec<Value> = t.ask("GET", "/v1/groups", &token).send().await.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["contacts_count"].clone())
        .collect();
    assert_eq!(counts, [0, 1]);
    let patched =
        t.ask("PATCH", &path(0, ""), &token).json(&json!({"description": null, "stop_list": true})).send().await;
    assert_eq!(patched.json()["stop_list"], true);
    assert_eq!(t.ask("DELETE", &path(0, ""), &token).send().await.status, 204);

    let entry = json!({"phone": "+447400123456", "reason": "asked to stop"});
    let first = t.ask("POST", "/v1/blacklist", &token).json(&entry).send().await;
    let second = t.ask("POST", "/v1/blacklist", &token).json(&entry).send().await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 200));
    assert_eq!(first.json(), second.json());
    let found = t.ask("GET", "/v1/blacklist?phone=%2B447400123456", &token).send().await.json();
    assert_eq!(found["data"], json!([first.json()]));
    let path = format!("/v1/blacklist/{}", first.json()["id"].as_str().unwrap());
    assert_eq!(t.ask("GET", &path, &token).send().await.status, 200);
    assert_eq!(t.ask("DELETE", &path, &token).send().await.status, 204);
    let bad = t.ask("POST", "/v1/blacklist", &token).json(&json!({"phone": "12"})).send().await;
    assert_eq!(bad.json()["errors"][0]["pointer"], "/phone");
}

#[actix_web::test]
async fn an_import_is_accepted_followed_and_told() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let csv = "Mobile phone,Name\n+447400123456,Anna\n+447400123456,Again\n12,Short\n";
    let parts = [
        ("mapping", r#"{"phone": "Mobile phone", "first_name": "2"}"#),
        ("groups", "World, More"),
        ("merge", "update"),
    ];
    let (kind, body) = form(&parts, Some(("C:/people/a.csv", csv)));
    let accepted = t.ask("POST", "/v1/contacts/imports", &token).body(&kind, body).send().await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let queued = accepted.json();
    assert_eq!((&queued["status"], &queued["file_name"]), (&json!("queued"), &json!("a.csv")));
    assert_eq!(queued["result"], json!(null));
    assert_eq!(queued["groups"][0]["name"], "World");

    let id = queued["id"].as_str().unwrap();
    let system = SystemScope { clock: t.clock.clone() };
    imports::run(&t.app.db, &system, id.parse::<ImportId>().unwrap(), "test").await.unwrap();
    let path = format!("/v1/contacts/imports/{id}");
    let done = t.ask("GET", &path, &token).send().await.json();
    assert_eq!(done["status"], "completed");
    let counts =
        json!({"rows": 3, "created": 1, "updated": 0, "unchanged": 0, "duplicates": 1, "invalid": 1, "ambiguous": 0});
    assert_eq!(done["result"], counts);
    assert_eq!(done["progress"], json!({"done": 3, "total": 3}));
    let told = &done["errors"][0];
    assert_eq!((&told["line"], &told["code"], &told["value"]), (&json!(4), &json!("phone_too_short"), &json!("12")));
    let page = t.ask("GET", &format!("{path}/errors?limit=1"), &token).send().await.json();
    assert_eq!(page["data"], done["errors"]);
    let stream = t.ask("GET", &format!("{path}/progress"), &token).send().await;
    assert_eq!(stream.header("content-type"), "text/event-stream");
    let events = String::from_utf8(stream.body.to_vec()).unwrap();
    assert!(events.starts_with("event: progress\ndata: {\"done\":3,\"total\":3}\n\nevent: completed\n"), "{events}");
    let list = t.ask("GET", "/v1/contacts/imports", &token).send().await.json();
    assert_eq!(list["data"][0]["id"], id);
    let (_, stranger) = t.owner().await;
    for rest in ["", "/errors", "/progress"] {
        assert_eq!(t.ask("GET", &format!("{path}{rest}"), &stranger).send().await.status, 404);
    }
}

#[actix_web::test]
async fn bad_forms_are_refused() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let csv = Some(("a.csv", "Phone\n+447400123456\n"));
    for (parts, file, expected) in [
        (vec![], None, (422, "invalid_request")),
        (vec![("mapping", "{}")], csv, (422, "invalid_request")),
        (vec![("mapping", "nonsense")], csv, (422, "invalid_request")),
        (vec![("mapping", r#"{"phone": "Mobile"}"#)], csv, (422, "unknown_column")),
        (vec![("mapping", r#"{"phone": "1", "fields.city": "1"}"#)], csv, (422, "unknown_field")),
        (vec![("merge", "overwrite")], csv, (422, "invalid_request")),
        (vec![("colour", "red")], csv, (422, "invalid_request")),
        (vec![("merge", "skip"), ("merge", "skip")], csv, (422, "invalid_request")),
        (vec![], Some(("a.xlsx", "not a workbook")), (422, "file_refused")),
        (vec![], Some(("a.csv", "")), (422, "file_refused")),
    ] {
        let (kind, body) = form(&parts, file);
        let seen = t.ask("POST", "/v1/contacts/imports", &token).body(&kind, body).send().await;
        assert_eq!(seen.problem(), (expected.0, expected.1.to_owned()), "{parts:?} {file:?} {:?}", seen.json());
    }
    let json = t.ask("POST", "/v1/contacts/imports", &token).json(&json!({})).send().await;
    assert_eq!(json.problem().0, 415);
    let torn =
        t.ask("POST", "/v1/contacts/imports", &token).body("multipart/form-data; boundary=xx", "--xx\r\nbroken").send();
    assert_eq!(torn.await.problem().0, 422);
    let large = "x".repeat(65 << 20);
    let (kind, body) = form(&[], Some(("a.csv", &large)));
    let large = t.ask("POST", "/v1/contacts/imports", &token).body(&kind, body).send().await;
    assert_eq!(large.problem(), (413, "body_too_large".to_owned()));
}

#[actix_web::test]
async fn contacts_are_searched_by_a_filter() {
    let t = start().await;
    let (_, token) = t.owner().await;
    for (phone, name, born) in [
        ("+447400123456", "Анна", "1990-11-25"),
        ("+447400123457", "Boris", "1991-01-02"),
        ("+33612345678", "ANNA", "1988-02-29"),
    ] {
        let new = json!({"phone": phone, "first_name": name, "birth_date": born});
        assert_eq!(t.ask("POST", "/v1/contacts", &token).json(&new).send().await.status, 201);
        t.pass(1);
    }
    let names = |seen: &crate::test_app::Seen| -> Vec<String> {
        let seen = seen.json();
        seen["data"].as_array().unwrap().iter().map(|c| c["first_name"].as_str().unwrap().to_owned()).collect()
    };
    let search = async |query: &str, body: Value| {
        t.ask("POST", &format!("/v1/contacts/search{query}"), &token).json(&body).send().await
    };
    let british = json!({"filter": {"all": [
        {"field": "country", "equals": "gb"}, {"not": {"field": "first_name", "equals": "bORIS"}}
    ]}, "count": true});
    let seen = search("", british).await;
    assert_eq!((names(&seen), seen.json()["count"].as_i64()), (vec!["Анна".to_owned()], Some(1)), "{seen:?}");
    let first = search("?limit=2", json!({})).await.json();
    assert_eq!((&first["has_more"], &first["count"]), (&json!(true), &json!(null)));
    let after = format!("?limit=2&after={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(names(&search(&after, json!({})).await), ["ANNA"]);
    let anna = search("", json!({"filter": {"field": "first_name", "any_of": ["анна", "anna"]}})).await;
    assert_eq!(names(&anna), ["Анна", "ANNA"]);

    let wrong = json!({"filter": {"all": [{"field": "sex", "equals": "m"}, {"field": "shoe", "exists": true}]}});
    let refused = search("", wrong).await;
    assert_eq!(refused.problem(), (422, "invalid_request".to_owned()));
    let pointers: Vec<Value> =
        refused.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/filter/all/0/equals", "/filter/all/1/field"]);
    let misspelt = search("", json!({"filter": {"any": [{"field": "sex", "equal": "male"}]}})).await;
    assert_eq!(misspelt.json()["errors"][0]["pointer"], "/filter/any/0/equal", "{misspelt:?}");
    let (_, stranger) = t.owner().await;
    let group = t.ask("POST", "/v1/groups", &stranger).json(&json!({"name": "Theirs"})).send().await.json();
    let theirs = search("", json!({"filter": {"field": "group", "equals": group["id"]}})).await;
    assert_eq!(theirs.json()["errors"][0]["code"], "not_found", "{theirs:?}");
}

#[actix_web::test]
async fn figures_and_charts_of_the_base() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let group = json!({"name": "A & <B>"});
    let group = t.ask("POST", "/v1/groups", &token).json(&group).send().await.json()["id"].clone();
    for (phone, sex) in [("+447400123456", "male"), ("+447400123457", "female"), ("+33612345678", "female")] {
        let new = json!({"phone": phone, "sex": sex, "group_ids": [group]});
        assert_eq!(t.ask("POST", "/v1/contacts", &token).json(&new).send().await.status, 201);
    }
    let all = t.ask("POST", "/v1/contacts/statistics", &token).json(&json!({})).send().await.json();
    assert_eq!(all["total"], 3, "{all}");
    assert_eq!(all["by_country"], json!([{"value": "GB", "count": 2}, {"value": "FR", "count": 1}]));
    assert_eq!(all["by_group"], json!([{"group_id": group, "name": "A & <B>", "count": 3}]));
    assert_eq!(all["by_age"], json!([{"value": null, "count": 3}]));
    let women = json!({"filter": {"field": "sex", "equals": "female"}});
    let women = t.ask("POST", "/v1/contacts/statistics", &token).json(&women).send().await.json();
    assert_eq!((&women["total"], &women["by_sex"]), (&json!(2), &json!([{"value": "female", "count": 2}])));
    let chart = t.ask("POST", "/v1/contacts/statistics/chart", &token).json(&json!({"by": "group"})).send().await;
    assert_eq!((chart.status.as_u16(), chart.header("content-type")), (200, "image/svg+xml"));
    let svg = String::from_utf8(chart.body.to_vec()).unwrap();
    assert!(
        svg.contains("A &amp; &lt;B&gt;") && svg.contains("<title id=\"title\">3 contacts by group</title>"),
        "{svg}"
    );
    let wrong = t.ask("POST", "/v1/contacts/statistics/chart", &token).json(&json!({"by": "shoe"})).send().await;
    assert_eq!(wrong.problem(), (422, "invalid_request".to_owned()));

    for (term, wanted) in [("40012345", 2), ("07400+123-45", 2), ("0033%206", 1), ("%2B33+(0)6+12", 1)] {
        let found = t.ask("GET", &format!("/v1/contacts?search={term}"), &token).send().await.json();
        assert_eq!(found["data"].as_array().map(Vec::len), Some(wanted), "{term}: {found}");
    }
    let short = t.ask("GET", "/v1/contacts?search=07", &token).send().await;
    assert_eq!(short.problem(), (400, "invalid_parameter".to_owned()));
}
