//! The main job from end to end: import, blacklist, template, estimate, launch, receipts, report, audit.
//!
//! Over the small contact bases of `fixtures/`, and over the larger ones of the folder that `CARILLON_SHARED_DATA`
//! names, in which `expected.json` tells what must come out.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Value, json};

use crate::harness::{Client, micros};

/// A contact base and what it must give.
struct Base {
    csv: PathBuf,
    /// The same rows, written by other programs.
    workbooks: Vec<PathBuf>,
    rows: i64,
    duplicates: i64,
    invalid: i64,
    /// E.164, sorted; when it is known.
    numbers: Option<Vec<String>>,
    unique: usize,
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/contacts")
}

fn bases() -> Vec<Base> {
    let here = fixtures();
    let mut bases = vec![Base {
        csv: here.join("mixed.csv"),
        workbooks: ["mixed.xlsx", "mixed.xls", "office.xlsx", "office.xls"].map(|name| here.join(name)).to_vec(),
        rows: 12,
        duplicates: 0,
        invalid: 0,
        numbers: None,
        unique: 12,
    }];
    if let Some(shared) = std::env::var_os("CARILLON_SHARED_DATA") {
        let at = PathBuf::from(shared).join("contacts");
        let expected: Value = serde_json::from_slice(&std::fs::read(at.join("expected.json")).unwrap()).unwrap();
        let world = &expected["contacts_world"];
        let number = |key: &str| world[key].as_i64().unwrap();
        bases.push(Base {
            csv: at.join("contacts_world.csv"),
            workbooks: vec![at.join("contacts_world.xlsx")],
            rows: number("rows"),
            duplicates: number("duplicates"),
            invalid: number("invalid"),
            numbers: Some(serde_json::from_value(world["e164"].clone()).unwrap()),
            unique: number("unique") as usize,
        });
    }
    bases
}

const MAPPING: &str = r#"{"phone": "Mobile phone", "first_name": "First name", "last_name": "Last name",
    "birth_date": "Birthday", "fields.city": "City", "fields.discount_card": "Discount card"}"#;

fn fields(app: &Client) {
    for key in ["city", "discount_card"] {
        app.post("/v1/contact-fields", &json!({"key": key, "title": key, "type": "text"})).ok(201);
    }
}

fn import(app: &Client, file: &std::path::Path, group: &str) -> Value {
    let name = file.file_name().unwrap().to_str().unwrap();
    let content = std::fs::read(file).unwrap();
    app.import(name, &content, &[("mapping", MAPPING), ("groups", group), ("merge", "update")])
}

fn whole_job(app: &Client, base: &Base) {
    let before = app.available();
    assert!(before > 0);
    fields(app);
    let imported = import(app, &base.csv, "World");
    let result = &imported["result"];
    assert_eq!(imported["status"], "completed", "{imported}");
    assert_eq!(
        [&result["rows"], &result["created"], &result["duplicates"], &result["invalid"]],
        [&json!(base.rows), &json!(base.unique), &json!(base.duplicates), &json!(base.invalid)]
    );
    let errors = imported["errors"].as_array().unwrap();
    assert_eq!(errors.len() as i64, base.invalid);
    assert!(errors.iter().all(|e| e["line"].as_i64().is_some_and(|l| l > 1) && e["code"].is_string()), "{errors:?}");
    let group = imported["groups"][0]["id"].as_str().unwrap();
    let contacts = app.pages(&format!("/v1/contacts?group_id={group}"));
    let mut phones: Vec<&str> = contacts.iter().map(|c| c["phone"].as_str().unwrap()).collect();
    phones.sort_unstable();
    assert_eq!(phones.len(), base.unique);
    if let Some(numbers) = &base.numbers {
        assert_eq!(&phones, numbers);
    }

    let stop = contacts[0]["phone"].as_str().unwrap();
    app.post("/v1/blacklist", &json!({"phone": stop, "reason": "asked to stop"})).ok(201);
    let long = " Show it at the till before Sunday evening.".repeat(4);
    let body = format!("Hello {{{{first_name|default:\"friend\"}}}}, card {{{{fields.discount_card}}}}.{long}");
    let template = app.post("/v1/templates", &json!({"name": "Card", "body": body})).ok(201);
    let id = app.draft(json!({"template_id": template["id"], "audience": {"group_ids": [group]}, "split_mode": "udh"}));
    let estimate = app.step(&id, "estimate").ok(200);
    assert_eq!(estimate["messages"], json!(base.unique - 1), "{estimate}");
    assert_eq!(estimate["skipped"], json!([{"reason": "blacklisted", "count": 1}]));
    assert_eq!(estimate["affordable"], true);

    let launch = |key: &str| app.ask("POST", &format!("/v1/campaigns/{id}/launch")).key(key).json(&json!({})).go();
    let first = launch("the-first");
    let again = launch("the-first");
    assert_eq!(first.ok(202), again.ok(202), "a replay is the same answer");
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    launch("another").refused(409, "campaign_not_draft");
    let campaign = app.campaign_until(&id, "completed");

    let messages = app.messages_of(&id);
    assert_eq!(messages.len(), base.unique);
    let to: BTreeSet<&str> = messages.iter().map(|m| m["to"].as_str().unwrap()).collect();
    assert_eq!(to.into_iter().collect::<Vec<_>>(), phones, "one message per contact, no number twice");
    let (skipped, live): (Vec<&Value>, Vec<&Value>) = messages.iter().partition(|m| m["to"] == stop);
    for m in &live {
        assert_eq!(m["status"], "delivered", "{m}");
        let segments = m["segments"].as_i64().unwrap();
        assert!(segments > 1 && micros(&m["cost"]) > 0, "{m}");
        assert_eq!(micros(&m["cost"]), micros(&m["unit_price"]) * segments, "{m}");
    }
    assert!(live.iter().map(|m| micros(&m["unit_price"])).collect::<BTreeSet<_>>().len() > 1, "one price only");
    assert_eq!(skipped.len(), 1);
    assert_eq!((&skipped[0]["status"], &skipped[0]["reason"]), (&json!("skipped"), &json!("blacklisted")));
    assert_eq!(micros(&skipped[0]["cost"]), 0);
    let total: i64 = messages.iter().map(|m| micros(&m["cost"])).sum();
    assert_eq!(micros(&estimate["cost"]), total);
    assert_eq!(micros(&campaign["cost"]), total);
    assert_eq!((before - app.available(), app.held()), (total, 0));
    let report = app.read(&format!("/v1/reports/campaigns/{id}"));
    let statuses: i64 = report["by_status"].as_object().unwrap().values().map(|n| n.as_i64().unwrap()).sum();
    assert_eq!(statuses as usize, messages.len());
    let by_country: i64 = report["by_country"].as_array().unwrap().iter().map(|r| micros(&r["cost"])).sum();
    assert_eq!((by_country, micros(&report["cost"])), (total, total));
    let classes = report["by_sender_class"].as_array().unwrap();
    assert_eq!(classes.len(), 1, "{report}");
    assert_eq!(classes[0]["key"], live[0]["sender_class"]);
    assert_eq!((&classes[0]["messages"], micros(&classes[0]["cost"])), (&report["messages"], total));
    app.audited();
}

both! {
    fn from_a_file_to_a_report(stage) {
        for (n, base) in bases().into_iter().enumerate() {
            if n > 0 {
                // Each base on a database of its own.
                let fresh = if stage.is_sqlite() { Some(crate::harness::Stage::sqlite()) } else { crate::harness::Stage::postgres() };
                stage = fresh.unwrap();
            }
            whole_job(&stage.start(), &base);
        }
    }

    fn a_workbook_gives_the_same_contacts_as_its_text(stage) {
        let app = stage.start();
        fields(&app);
        for base in bases() {
            let said = |c: &Value| ["phone", "first_name", "last_name", "birth_date", "fields"].map(|k| c[k].clone());
            let from_text = import(&app, &base.csv, "Text");
            let contacts = app.pages(&format!("/v1/contacts?group_id={}", from_text["groups"][0]["id"].as_str().unwrap()));
            for (n, workbook) in base.workbooks.iter().enumerate() {
                let from_book = import(&app, workbook, &format!("Workbook {n}"));
                let (a, b) = (&from_text["result"], &from_book["result"]);
                assert_eq!([&a["rows"], &a["duplicates"], &a["invalid"]], [&b["rows"], &b["duplicates"], &b["invalid"]], "{}", workbook.display());
                assert_eq!((&b["created"], &b["updated"]), (&json!(0), &json!(0)), "{} changes nothing: {b}", workbook.display());
                let same = app.pages(&format!("/v1/contacts?group_id={}", from_book["groups"][0]["id"].as_str().unwrap()));
                assert_eq!(contacts.iter().map(said).collect::<Vec<_>>(), same.iter().map(said).collect::<Vec<_>>(), "{}", workbook.display());
            }
        }
    }

    fn russian_files_in_two_encodings(stage) {
        let app = stage.start();
        let mapping = r#"{"phone": "Телефон", "last_name": "Фамилия", "first_name": "Имя", "patronymic": "Отчество", "birth_date": "Дата рождения"}"#;
        let here = fixtures();
        let mut files = vec![(here.join("ru_cp1251.csv"), here.join("ru_utf16.csv"), 6, 6, None)];
        if let Some(shared) = std::env::var_os("CARILLON_SHARED_DATA") {
            let at = PathBuf::from(shared).join("contacts");
            let expected: Value = serde_json::from_slice(&std::fs::read(at.join("expected.json")).unwrap()).unwrap();
            let ru = &expected["contacts_ru"];
            let numbers: Vec<String> = serde_json::from_value(ru["e164"].clone()).unwrap();
            let (rows, unique) = (ru["rows"].as_i64().unwrap(), numbers.len());
            files.push((at.join("contacts_ru_cp1251.csv"), at.join("contacts_ru_utf16.csv"), rows, unique, Some(numbers)));
        }
        for (cp1251, utf16, rows, unique, numbers) in files {
            let group = cp1251.display().to_string().len().to_string();
            let read = |file: &PathBuf, group: &str| {
                let name = file.file_name().unwrap().to_str().unwrap();
                let form = [("mapping", mapping), ("groups", group), ("default_country", "RU")];
                let import = app.import(name, &std::fs::read(file).unwrap(), &form);
                assert_eq!((&import["status"], &import["result"]["rows"], &import["result"]["invalid"]), (&json!("completed"), &json!(rows), &json!(0)), "{import}");
                let mut contacts = app.pages(&format!("/v1/contacts?group_id={}", import["groups"][0]["id"].as_str().unwrap()));
                contacts.sort_by_key(|c| c["phone"].as_str().unwrap().to_owned());
                contacts
            };
            let contacts = read(&cp1251, &format!("cp1251 {group}"));
            assert_eq!(contacts.len(), unique);
            if let Some(numbers) = numbers {
                assert_eq!(contacts.iter().map(|c| c["phone"].as_str().unwrap()).collect::<Vec<_>>(), numbers);
            }
            let cyrillic = |c: &Value| c["last_name"].as_str().is_some_and(|n| n.chars().all(|c| matches!(c, 'А'..='я' | 'Ё' | 'ё' | '-')));
            assert!(contacts.iter().all(cyrillic), "{:?}", contacts.first());
            let said = |c: &Value| ["phone", "first_name", "last_name", "patronymic", "birth_date"].map(|k| c[k].clone());
            let same = read(&utf16, &format!("utf16 {group}"));
            assert_eq!(contacts.iter().map(said).collect::<Vec<_>>(), same.iter().map(said).collect::<Vec<_>>());
        }
    }
}
