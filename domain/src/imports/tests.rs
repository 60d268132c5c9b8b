//! Imports on a real database: counts, merge types, resuming, racing, refusing.

mod accept;
mod cancelling;
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

/// The example bases of `CARILLON_SHARED_DATA`, and each again in every encoding that it can be in.
fn bases(folder: &std::path::Path) -> Vec<(String, Vec<u8>, &'static str)> {
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut all: Vec<(String, Vec<u8>, &'static str)> = [
        ("contacts_world.csv", "contacts_world"),
        ("contacts_world.xlsx", "contacts_world"),
        ("contacts_ru_cp1251.csv", "contacts_ru"),
        ("contacts_ru_utf16.csv", "contacts_ru"),
    ]
    .map(|(name, base)| (name.to_owned(), file(name), base))
    .into();
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.decode(&all[2].1);
    let cyrillic = cyrillic.into_owned();
    let world = String::from_utf8(all[0].1.clone()).unwrap();
    for (base, text) in [("contacts_ru", &cyrillic), ("contacts_world", &world)] {
        let mut add = |what: &str, bytes: Vec<u8>| all.push((format!("{base}_{what}.csv"), bytes, base));
        add("utf8", text.clone().into_bytes());
        add("bom", format!("\u{feff}{}", text.trim_start_matches('\u{feff}')).into_bytes());
        add("utf16le", utf16(text, false));
        add("utf16be", utf16(text, true));
    }
    all.push(("contacts_ru_cp866.csv".into(), encoding_rs::IBM866.encode(&cyrillic).0.into_owned(), "contacts_ru"));
    all
}

#[tokio::test]
async fn the_example_bases_give_their_counts() {
    let Some(folder) = std::env::var_os("CARILLON_SHARED_DATA") else { return };
    let folder = std::path::PathBuf::from(folder).join("contacts");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    for stage in stages().await {
        for (name, bytes, base) in bases(&folder) {
            let scope = stage.stranger().await;
            let own = Stage::like(&stage, &scope);
            let country = expected[base]["default_country"].as_str().map(|code| code.parse().unwrap());
            let order = Order { groups: vec!["World".into()], default_country: country, ..Order::default() };
            let queued = accept(&own, &bytes, &name, order).await.unwrap();
            let done = finish(&own, &queued).await;
            let want = |key: &str| expected[base][key].as_i64().unwrap();
            assert_eq!(done.status, ImportStatus::Completed, "{name}");
            assert_eq!(done.counts.done, want("rows"), "{name}");
            assert_eq!(five(done.counts), [want("unique"), 0, 0, want("duplicates"), want("invalid")], "{name}");
            assert_eq!(done.total, Some(want("rows")));
            let window = Window { limit: 200, after: None };
            let (refused, _) = super::errors(stage.db.read(), &scope, done.id, window).await.unwrap();
            assert_eq!(i64::try_from(refused.len()).unwrap(), want("invalid"));
            let sql = "SELECT phone FROM contacts WHERE account_id = $1";
            let phones: Vec<i64> =
                crate::db::Sql::column(stage.db.read(), sql, crate::vals![scope.account()]).await.unwrap();
            let mut phones: Vec<String> = phones.iter().map(|phone| format!("+{phone}")).collect();
            phones.sort_unstable();
            assert_eq!(serde_json::json!(phones), expected[base]["e164"], "{name}: the very same numbers");
            let group = crate::groups::get(stage.db.read(), &scope, done.group_ids[0]).await.unwrap();
            assert_eq!(group.contacts, want("unique"), "{name}");
        }
        assert_eq!(stage.count("files").await, 0, "files are deleted when their import ends");
    }
}
