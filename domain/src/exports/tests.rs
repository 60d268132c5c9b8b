//! Exports on a real database.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};

use super::*;
use crate::{
    Code, contact_fields, contacts,
    contacts::Column,
    files, groups,
    testing::{Stage, stages, write_tx},
    uploads,
};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn order(kind: Kind, format: Format) -> Order {
    Order { kind, format, separator: None, fields: None, group_ids: None, contact_ids: None, filter: None }
}

async fn asked(stage: &Stage, order: Order) -> Result<Export> {
    write_tx!(stage, tx => create(&tx, &stage.scope, order))
}

/// Runs to the end; the export, and its table as it is read again: titles and rows.
async fn exported(stage: &Stage, order: Order) -> (Export, Vec<String>, Vec<Vec<String>>) {
    let queued = asked(stage, order).await.unwrap();
    assert_eq!((queued.status, queued.file), (ExportStatus::Queued, None));
    run(&stage.db, &stage.system, queued.id, "test").await.unwrap();
    let done = get(stage.db.read(), &stage.scope, queued.id).await.unwrap();
    assert_eq!(done.status, ExportStatus::Completed, "{done:?}");
    let mut file = uploads::fetch(stage.db.read(), &stage.scope, done.file.unwrap()).await.unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(done.bytes, i64::try_from(bytes.len()).ok());
    let options = files::Options { header: Some(true), ..files::Options::default() };
    let limits = files::Limits::default();
    let mut table = files::open_source(Box::new(Cursor::new(bytes)), &done.file_name, &limits, &options).unwrap();
    let rows = std::iter::from_fn(|| table.next_row()).map(|row| row.unwrap().cells).collect();
    (done, table.header.clone(), rows)
}

async fn contact(stage: &Stage, n: usize, groups: &[GroupId]) -> contacts::Contact {
    let new = contacts::New {
        phone: format!("+447400{:06}", 100_000 + n),
        columns: vec![(Column::FirstName, format!("=Name{n}"))],
        group_ids: groups.to_vec(),
        ..contacts::New::default()
    };
    write_tx!(stage, tx => contacts::create(&tx, &stage.scope, new)).unwrap()
}

async fn group(stage: &Stage, name: &str) -> GroupId {
    let new = groups::New { name: name.into(), ..groups::New::default() };
    write_tx!(stage, tx => groups::create(&tx, &stage.scope, new)).unwrap().id
}

#[tokio::test]
async fn contacts_come_with_the_fields_that_were_chosen() {
    for stage in stages().await {
        let field = contact_fields::New {
            key: "visits".into(),
            title: "Visits so far".into(),
            kind: contact_fields::FieldType::Number,
            choices: Vec::new(),
        };
        write_tx!(stage, tx => contact_fields::create(&tx, &stage.scope, field)).unwrap();
        let (one, two) = (group(&stage, "One").await, group(&stage, "Two").await);
        let made = contact(&stage, 1, &[one, two]).await;
        let patch = contacts::Patch {
            fields: serde_json::json!({ "visits": 1.5 }).as_object().unwrap().clone(),
            ..contacts::Patch::default()
        };
        write_tx!(stage, tx => contacts::update(&tx, &stage.scope, made.id, patch, None)).unwrap();
        for format in [Format::Csv, Format::Xlsx] {
            let fields = ["phone", "first_name", "fields.visits", "groups", "consent", "country"];
            let chosen = Order { fields: Some(fields.map(str::to_owned).to_vec()), ..order(Kind::Contacts, format) };
            let (done, titles, rows) = exported(&stage, chosen).await;
            assert_eq!(titles, ["phone", "first_name", "fields.visits", "groups", "consent", "country"]);
            assert_eq!(rows, [["+447400100001", "=Name1", "1.5", "One, Two", "unknown", "GB"]], "{format}");
            assert_eq!((done.done, done.total), (1, Some(1)));
            let (_, all, _) = exported(&stage, order(Kind::Contacts, format)).await;
            assert_eq!(all.len(), CONTACT_FIELDS.len() + 1, "every field when none is chosen");
        }
    }
}

#[tokio::test]
async fn groups_and_ids_narrow_it_and_nobody_is_in_it_twice() {
    for stage in stages().await {
        let (one, two) = (group(&stage, "One").await, group(&stage, "Two").await);
        let mut ids = Vec::new();
        for n in 0..9 {
            let groups: &[GroupId] = match n % 3 {
                0 => &[one],
                1 => &[one, two],
                _ => &[],
            };
            ids.push(contact(&stage, n, groups).await.id);
        }
        let phones = async |order: Order| {
            let (done, _, rows) = exported(&stage, order).await;
            assert_eq!((done.done, done.total), (i64::try_from(rows.len()).unwrap(), Some(done.done)));
            rows.into_iter().map(|row| row[0][7..].to_owned()).collect::<Vec<_>>()
        };
        let everybody = || order(Kind::Contacts, Format::Csv);
        let of = |group_ids: Vec<GroupId>| Order { group_ids: Some(group_ids), ..everybody() };
        let sorted = |mut all: Vec<String>| {
            all.sort_unstable();
            all
        };
        assert_eq!(phones(everybody()).await.len(), 9);
        let none = asked(&stage, of(vec![])).await.unwrap_err();
        assert_eq!(none.faults[0].pointer, "/group_ids", "nobody is not everybody");
        assert_eq!(sorted(phones(of(vec![two])).await), ["100001", "100004", "100007"]);
        let both = sorted(phones(of(vec![one, two])).await);
        assert_eq!(both, ["100000", "100001", "100003", "100004", "100006", "100007"]);
        let named = Order { contact_ids: Some(ids[7..].to_vec()), ..everybody() };
        assert_eq!(sorted(phones(named).await), ["100007", "100008"]);
        let filter = serde_json::json!({ "field": "first_name", "any_of": ["=Name3", "=name5"] });
        let matching = Order { filter: serde_json::from_value(filter).ok(), ..everybody() };
        assert_eq!(sorted(phones(matching).await), ["100003", "100005"]);
        // Another account's contacts are nobody's.
        let stranger = Stage::like(&stage, &stage.stranger().await);
        let theirs = Order { contact_ids: Some(ids.clone()), ..everybody() };
        assert_eq!(exported(&stranger, theirs).await.2, Vec::<Vec<String>>::new());
        assert_eq!(asked(&stranger, of(vec![one])).await.unwrap_err().faults[0].pointer, "/group_ids/0");
    }
}

#[tokio::test]
async fn many_pages_are_one_table() {
    for stage in stages().await {
        let csv: String = (0..4_100).map(|n| format!("+447400{},Ann\n", 100_000 + n)).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, csv.as_bytes()).unwrap();
        let groups = vec!["All".to_owned(), "Again".to_owned()];
        let import = crate::imports::Order { file_name: "a.csv".into(), groups, ..Default::default() };
        let kind = crate::imports::Kind::Contacts;
        let queued = crate::imports::create(&stage.db, &stage.scope, kind, file.path(), import).await.unwrap();
        crate::imports::run(&stage.db, &stage.system, queued.id, "test").await.unwrap();
        for group_ids in [None, Some(queued.group_ids)] {
            let (done, _, rows) = exported(&stage, Order { group_ids, ..order(Kind::Contacts, Format::Csv) }).await;
            let phones: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
            assert_eq!((rows.len(), phones.len(), done.done), (4_100, 4_100, 4_100));
        }
    }
}

#[tokio::test]
async fn lists_come_too() {
    for stage in stages().await {
        write_tx!(stage, tx => crate::blacklist::add(&tx, &stage.scope, "+447400100001", Some("asked, twice".into())))
            .unwrap();
        let sql = "INSERT INTO unsubscribes (id, account_id, phone, sender, source, created_at) \
            VALUES ($1, $2, 447400100002, 'SHOP', 'api', $3)";
        let now = stage.clock.now();
        let values = crate::vals![crate::ids::UnsubscribeId::new(now), stage.scope.account(), now];
        write_tx!(stage, tx => crate::db::Sql::run(&tx, sql, values)).unwrap();
        let (_, titles, rows) = exported(&stage, order(Kind::Blacklist, Format::Csv)).await;
        assert_eq!(titles[..3], ["phone", "reason", "source"]);
        assert_eq!(rows[0][..3], ["+447400100001", "asked, twice", "api"]);
        let (_, titles, rows) = exported(&stage, order(Kind::Unsubscribes, Format::Xlsx)).await;
        assert_eq!(
            (&titles[..2], &rows[0][..2]),
            (&["phone", "sender"].map(str::to_owned)[..], &["+447400100002", "SHOP"].map(str::to_owned)[..])
        );
        let fields = Some(vec!["sender".to_owned()]);
        let error = asked(&stage, Order { fields, ..order(Kind::Blacklist, Format::Csv) }).await.unwrap_err();
        assert_eq!(error.faults[0].code, "unknown_field");
    }
}

#[tokio::test]
async fn the_address_is_signed_and_ends_with_the_file() {
    for stage in stages().await {
        let keys = Keyring::parse(KEY).unwrap();
        let (done, ..) = exported(&stage, order(Kind::Contacts, Format::Csv)).await;
        let address = done.address(&keys, stage.clock.now()).unwrap().unwrap();
        let signature = address.split('/').nth(4).unwrap().to_owned();
        let open = async |id, signature: &str| by_address(stage.db.read(), &stage.system, &keys, id, signature).await;
        let (scope, export, upload) = open(done.id, &signature).await.unwrap();
        assert_eq!((scope.account(), export.id, Some(upload.id)), (stage.scope.account(), done.id, done.file));
        let other = ExportId::new(stage.clock.now());
        for (id, signature) in [(done.id, "00".repeat(32)), (other, signature.clone()), (done.id, String::new())] {
            assert_eq!(open(id, &signature).await.unwrap_err().code, Code::NotFound);
        }
        stage.clock.advance(KEPT);
        assert_eq!(open(done.id, &signature).await.unwrap_err().code, Code::NotFound);
        assert_eq!(done.address(&keys, stage.clock.now()).unwrap(), None);
        stage.clock.advance(Duration::from_secs(1));
        write_tx!(stage, tx => uploads::sweep(&tx, &stage.system)).unwrap();
        assert_eq!((stage.count("files").await, stage.count("exports").await), (0, 1));
        // At last the row goes too.
        stage.clock.advance(Duration::from_secs(31 * 24 * 3600));
        sweep(&stage.db, &stage.system).await.unwrap();
        assert_eq!(stage.count("exports").await, 0);
    }
}

#[tokio::test]
async fn a_dead_run_is_begun_anew_and_two_runs_make_one_file() {
    for stage in stages().await {
        contact(&stage, 1, &[]).await;
        let queued = asked(&stage, order(Kind::Contacts, Format::Csv)).await.unwrap();
        // A worker took it and died.
        let sql = "UPDATE exports SET status = 'running', lease_owner = 'dead', lease_until = $1, done = 1";
        let until = stage.clock.now().plus(Duration::from_secs(10));
        write_tx!(stage, tx => crate::db::Sql::run(&tx, sql, crate::vals![until])).unwrap();
        run(&stage.db, &stage.system, queued.id, "early").await.unwrap();
        assert_eq!(get(stage.db.read(), &stage.scope, queued.id).await.unwrap().status, ExportStatus::Running);
        assert_eq!(sweep(&stage.db, &stage.system).await.unwrap(), 0);
        stage.clock.advance(Duration::from_secs(11));
        assert_eq!(sweep(&stage.db, &stage.system).await.unwrap(), 1);
        let (a, b) = tokio::join!(
            run(&stage.db, &stage.system, queued.id, "one"),
            run(&stage.db, &stage.system, queued.id, "two")
        );
        a.unwrap();
        b.unwrap();
        let done = get(stage.db.read(), &stage.scope, queued.id).await.unwrap();
        assert_eq!((done.status, done.done, stage.count("files").await), (ExportStatus::Completed, 1, 1));
        write_tx!(stage, tx => delete(&tx, &stage.scope, done.id)).unwrap();
        assert_eq!((stage.count("files").await, stage.count("exports").await), (0, 0));
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    for stage in stages().await {
        let base = || order(Kind::Contacts, Format::Csv);
        let named = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        for (order, pointer) in [
            (Order { fields: named(&["phone", "shoe_size"]), ..base() }, "/fields/1"),
            (Order { fields: named(&["phone", "phone"]), ..base() }, "/fields/1"),
            (Order { fields: named(&["fields.nope"]), ..base() }, "/fields/0"),
            (Order { fields: named(&[]), ..base() }, "/fields"),
            (Order { separator: Some("x".into()), ..base() }, "/separator"),
            (
                Order {
                    filter: serde_json::from_value(serde_json::json!({ "field": "shoe", "equals": 1 })).ok(),
                    ..base()
                },
                "/filter/field",
            ),
            (
                Order {
                    filter: Some(Default::default()),
                    contact_ids: Some(vec![ContactId::new(stage.clock.now())]),
                    ..base()
                },
                "",
            ),
            (Order { separator: Some(";".into()), ..order(Kind::Contacts, Format::Xlsx) }, "/separator"),
            (Order { contact_ids: Some(Vec::new()), ..base() }, "/contact_ids"),
            (
                Order {
                    contact_ids: Some(vec![ContactId::new(stage.clock.now())]),
                    ..order(Kind::Blacklist, Format::Csv)
                },
                "/contact_ids",
            ),
        ] {
            let error = asked(&stage, order).await.unwrap_err();
            assert_eq!((error.code, error.faults[0].pointer.as_str()), (Code::InvalidRequest, pointer));
        }
        for _ in 0..MAX_OPEN {
            asked(&stage, base()).await.unwrap();
        }
        assert_eq!(asked(&stage, base()).await.unwrap_err().code, Code::LimitReached);
    }
}

#[tokio::test]
async fn the_time_zone_that_counts_is_exported() {
    for stage in stages().await {
        for (phone, zone) in [("+380501235821", None), ("+12015550123", Some("America/Denver")), ("+79123450689", None)]
        {
            stage.clock.advance(std::time::Duration::from_secs(1)); // the order of ids is that of making
            let columns = zone.map(|zone| (Column::TimeZone, zone.to_owned())).into_iter().collect();
            let new = contacts::New { phone: phone.into(), columns, ..contacts::New::default() };
            write_tx!(stage, tx => contacts::create(&tx, &stage.scope, new)).unwrap();
        }
        let change = crate::accounts::Change { time_zone: Some("Asia/Omsk".into()), ..Default::default() };
        write_tx!(stage, tx => crate::accounts::update(&tx, &stage.scope, None, change)).unwrap();
        let fields = ["phone", "time_zone"].map(str::to_owned).to_vec();
        let chosen = Order { fields: Some(fields), ..order(Kind::Contacts, Format::Csv) };
        let (_, _, rows) = exported(&stage, chosen).await;
        let expected =
            [["+380501235821", "Europe/Kyiv"], ["+12015550123", "America/Denver"], ["+79123450689", "Asia/Omsk"]];
        assert_eq!(rows, expected);
    }
}
