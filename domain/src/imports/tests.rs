//! Imports on a real database: counts, merge types, resuming, racing, refusing.

mod accept;
mod consent;
mod looking;
mod merging;
mod racing;
mod resuming;
mod waiting;

use std::io::Write;

use super::{Counts, Import, ImportStatus, Kind, MergeType, Order, create, get, run};
use crate::{
    db::Window,
    error::Result,
    testing::{Stage, stages},
};

/// Accepts `bytes` under a name.
async fn accept(stage: &Stage, bytes: &[u8], name: &str, order: Order) -> Result<Import> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    create(&stage.db, &stage.scope, Kind::Contacts, file.path(), Order { file_name: name.into(), ..order }).await
}

/// Accepts and runs.
async fn import(stage: &Stage, csv: &str, merge: MergeType) -> Import {
    let queued = accept(stage, csv.as_bytes(), "a.csv", Order { merge, ..Order::default() }).await.unwrap();
    finish(stage, &queued).await
}

async fn finish(stage: &Stage, import: &Import) -> Import {
    run(&stage.db, &stage.system, import.id, "test").await.unwrap();
    get(stage.db.read(), &stage.scope, import.id).await.unwrap()
}

/// created, updated, unchanged, duplicates, invalid
fn five(c: Counts) -> [i64; 5] {
    assert_eq!(c.done, c.created + c.updated + c.unchanged + c.duplicates + c.invalid);
    [c.created, c.updated, c.unchanged, c.duplicates, c.invalid]
}

/// A workbook whose one sheet has these rows.
fn workbook(rows: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let links =
        "<Relationships><Relationship Id=\"r1\" Type=\"http://x/worksheet\" Target=\"sheet.xml\"/></Relationships>";
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    for (name, content) in [
        ("xl/workbook.xml", "<workbook><sheets><sheet id=\"r1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", links),
        ("xl/sheet.xml", &sheet),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A list of `n` good British numbers with names.
fn many(n: u32) -> String {
    let rows = (0..n).map(|i| format!("+447400{:06},Name {i}\n", 100_000 + i));
    std::iter::once("Phone,First name\n".to_owned()).chain(rows).collect()
}

/// The example bases of `CARILLON_SHARED_DATA` with their expected counts.
#[tokio::test]
async fn the_example_bases_give_their_counts() {
    let Some(folder) = std::env::var_os("CARILLON_SHARED_DATA") else { return };
    let folder = std::path::PathBuf::from(folder).join("contacts");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    for stage in stages().await {
        for (name, base, country) in [
            ("contacts_world.csv", "contacts_world", None),
            ("contacts_world.xlsx", "contacts_world", None),
            ("contacts_ru_cp1251.csv", "contacts_ru", Some("RU".parse().unwrap())),
            ("contacts_ru_utf16.csv", "contacts_ru", Some("RU".parse().unwrap())),
        ] {
            let scope = stage.stranger().await;
            let order = Order {
                file_name: name.into(),
                groups: vec!["World".into()],
                default_country: country,
                ..Order::default()
            };
            let queued = create(&stage.db, &scope, Kind::Contacts, folder.join(name).as_path(), order).await.unwrap();
            run(&stage.db, &stage.system, queued.id, "test").await.unwrap();
            let done = get(stage.db.read(), &scope, queued.id).await.unwrap();
            let want = |key: &str| expected[base][key].as_i64().unwrap();
            assert_eq!(done.status, ImportStatus::Completed, "{name}");
            assert_eq!(done.counts.done, want("rows"), "{name}");
            assert_eq!(five(done.counts), [want("unique"), 0, 0, want("duplicates"), want("invalid")], "{name}");
            assert_eq!(done.total, Some(want("rows")));
            let (refused, _) =
                super::errors(stage.db.read(), &scope, done.id, Window { limit: 200, after: None }).await.unwrap();
            assert_eq!(i64::try_from(refused.len()).unwrap(), want("invalid"));
            let mut phones = Vec::new();
            let filter = crate::contacts::Filter { group: Some(done.group_ids[0]), ..Default::default() };
            let mut after = None;
            loop {
                let (page, more) =
                    crate::contacts::list(stage.db.read(), &scope, &filter, Window { limit: 200, after })
                        .await
                        .unwrap();
                after = page.last().map(|c| c.id);
                phones.extend(page.iter().map(|c| c.phone.to_string()));
                if !more {
                    break;
                }
            }
            phones.sort_unstable();
            assert_eq!(serde_json::json!(phones), expected[base]["e164"], "{name}: the very same numbers");
        }
        assert_eq!(stage.count("files").await, 0, "files are deleted when their import ends");
    }
}
