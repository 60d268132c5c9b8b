//! Previews, stored uploads and groups by id.

use std::path::Path;

use super::{
    super::{By, Upload, preview},
    *,
};
use crate::{Code, files::Format, groups, testing::write_tx, uploads};

async fn look(stage: &Stage, bytes: &[u8], name: &str, order: Order) -> Result<super::super::Preview> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let path: &Path = file.path();
    preview(&stage.db, &stage.scope, Kind::Contacts, path, Order { file_name: name.into(), ..order }).await
}

#[tokio::test]
async fn a_preview_tells_how_a_file_is_read_and_stores_nothing() {
    for stage in stages().await {
        let (csv, _, _) =
            encoding_rs::WINDOWS_1251.encode("Имя;Тел;Что\nАнна;+7 910 787 39 04;a@example.com\nПётр;12;\n");
        let seen = look(&stage, &csv, "a.csv", Order::default()).await.unwrap();
        assert_eq!((seen.format, seen.encoding, seen.separator), (Format::Csv, Some("windows-1251"), Some(';')));
        assert!(seen.header && !seen.is_list);
        assert_eq!(
            (seen.columns.as_slice(), seen.rows),
            (["Имя", "Тел", "Что"].map(str::to_owned).as_slice(), Some(2))
        );
        let suggested: Vec<_> = seen.suggestions.iter().map(|s| (s.field.as_str(), s.column, s.by)).collect();
        assert_eq!(suggested, [("first_name", 0, By::Title), ("phone", 1, By::Title), ("email", 2, By::Content)]);
        assert_eq!(seen.mapping["email"], "Что");
        let read: Vec<_> = seen.first.iter().map(|row| (row.line, row.phone.as_deref(), row.error)).collect();
        assert_eq!(read, [(2, Some("+79107873904"), None), (3, None, Some("phone_too_short"))]);
        // With a country and a mapping of one's own.
        let order = Order {
            default_country: Some("RU".parse().unwrap()),
            mapping: Some([("phone".to_owned(), "1".to_owned())].into()),
            ..Order::default()
        };
        let seen = look(&stage, b"9107873904\n", "a.txt", order.clone()).await.unwrap();
        assert_eq!(seen.first[0].phone.as_deref(), Some("+79107873904"));
        let bad = Order { mapping: Some([("phone".to_owned(), "7".to_owned())].into()), ..order };
        assert_eq!(look(&stage, b"9107873904\n", "a.txt", bad).await.unwrap_err().code, Code::UnknownColumn);
        assert_eq!(look(&stage, b"", "a.txt", Order::default()).await.unwrap_err().code, Code::FileRefused);
        assert_eq!((stage.count("files").await, stage.count("imports").await), (0, 0));
    }
}

#[tokio::test]
async fn a_stored_upload_is_looked_at_and_imported_as_often_as_wanted() {
    for stage in stages().await {
        let bytes: &[u8] = b"+447400100001, +447400100002,+447400100003";
        let id = uploads::store(&stage.db, &stage.scope, "list.txt", bytes, uploads::KEPT).await.unwrap();
        let seen =
            preview(&stage.db, &stage.scope, Kind::Contacts, Upload::Stored(id), Order::default()).await.unwrap();
        assert!(seen.is_list && seen.rows == Some(3), "{seen:?}");
        for counts in [[3, 0, 0, 0, 0], [0, 0, 3, 0, 0]] {
            let order = Order::default();
            let queued = create(&stage.db, &stage.scope, Kind::Contacts, Upload::Stored(id), order).await.unwrap();
            assert_eq!(queued.file_name, "list.txt");
            let done = finish(&stage, &queued).await;
            assert_eq!((done.status, five(done.counts)), (ImportStatus::Completed, counts));
        }
        assert_eq!(stage.count("files").await, 1, "it stays until it expires or is deleted");
        let stranger = stage.stranger().await;
        let order = Order::default();
        let error = create(&stage.db, &stranger, Kind::Contacts, Upload::Stored(id), order).await.unwrap_err();
        assert_eq!(error.code, Code::NotFound);
        assert_eq!(write_tx!(stage, tx => uploads::remove(&tx, &stranger, id)).unwrap_err().code, Code::NotFound);
        write_tx!(stage, tx => uploads::remove(&tx, &stage.scope, id)).unwrap();
        assert_eq!(stage.count("file_pieces").await, 0);
    }
}

#[tokio::test]
async fn groups_may_be_named_or_told_by_id() {
    for stage in stages().await {
        let new = groups::New { name: "There".into(), ..groups::New::default() };
        let there = write_tx!(stage, tx => groups::create(&tx, &stage.scope, new)).unwrap();
        let order = |id| Order { groups: vec!["New".into(), "There".into()], group_ids: vec![id], ..Order::default() };
        let queued = accept(&stage, b"+447400100001\n", "a.txt", order(there.id)).await.unwrap();
        assert_eq!((queued.group_ids.len(), queued.group_ids[1]), (2, there.id));
        finish(&stage, &queued).await;
        assert_eq!(groups::get(stage.db.read(), &stage.scope, there.id).await.unwrap().contacts, 1);
        // Case makes no group of its own, unless it is there.
        let named = async |names: &[&str]| {
            let groups = names.iter().map(|name| (*name).to_owned()).collect();
            let queued =
                accept(&stage, b"+447400100001\n", "a.txt", Order { groups, ..Order::default() }).await.unwrap();
            queued.group_ids
        };
        let vips = named(&["Vips", "VIPS", "vips"]).await;
        assert_eq!(vips.len(), 1);
        assert_eq!(groups::get(stage.db.read(), &stage.scope, vips[0]).await.unwrap().name, "Vips");
        assert_eq!(named(&["ЛЮДИ", "виПс", "THERE", "vIpS"]).await[2..], [there.id, vips[0]]);
        let new = groups::New { name: "VIPS".into(), ..groups::New::default() };
        let other = write_tx!(stage, tx => groups::create(&tx, &stage.scope, new)).unwrap();
        assert_eq!(named(&["VIPS", "vips"]).await, [other.id]);
        let stranger = stage.stranger().await;
        let new = groups::New { name: "Theirs".into(), ..groups::New::default() };
        let theirs = write_tx!(stage, tx => groups::create(&tx, &stranger, new)).unwrap();
        let error = accept(&stage, b"+447400100001\n", "a.txt", order(theirs.id)).await.unwrap_err();
        assert_eq!(error.faults[0].pointer, "/group_ids");
    }
}
