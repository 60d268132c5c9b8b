//! The example bases: the project's own small ones, and the large shared ones where `CARILLON_SHARED_DATA` names a folder
//! with `contacts/`.

use std::path::PathBuf;

use super::super::{Limits, Options, Table, open};
use super::{cells, open_bytes};

fn own(name: &str) -> Table {
    let bytes: &[u8] = match name {
        "mixed.csv" => include_bytes!("../../../../tests/fixtures/contacts/mixed.csv"),
        "mixed.xlsx" => include_bytes!("../../../../tests/fixtures/contacts/mixed.xlsx"),
        "ru_cp1251.csv" => include_bytes!("../../../../tests/fixtures/contacts/ru_cp1251.csv"),
        _ => include_bytes!("../../../../tests/fixtures/contacts/ru_utf16.csv"),
    };
    open_bytes(bytes, name).unwrap()
}

/// The shared file, or the project's own example of the same kind.
fn base(shared: &str, fallback: &str) -> (Table, bool) {
    match std::env::var_os("CARILLON_SHARED_DATA") {
        Some(folder) => {
            let path = PathBuf::from(folder).join("contacts").join(shared);
            (open(&path, shared, &Limits::default(), &Options::default()).unwrap(), true)
        }
        None => (own(fallback), false),
    }
}

#[test]
fn text_and_workbook_hold_the_same_cells() {
    let (text, shared) = base("contacts_world.csv", "mixed.csv");
    let (book, _) = base("contacts_world.xlsx", "mixed.xlsx");
    assert_eq!((text.separator, text.encoding), (Some(b','), Some("UTF-8")));
    assert_eq!(text.header, book.header);
    let rows = cells(text);
    assert_eq!(rows.len(), if shared { 1045 } else { 12 });
    assert_eq!(rows, cells(book));
}

#[test]
fn two_encodings_hold_the_same_rows() {
    let (cyrillic, shared) = base("contacts_ru_cp1251.csv", "ru_cp1251.csv");
    let (wide, _) = base("contacts_ru_utf16.csv", "ru_utf16.csv");
    assert_eq!((cyrillic.encoding, wide.encoding), (Some("windows-1251"), Some("UTF-16LE")));
    assert_eq!((cyrillic.separator, wide.separator), (Some(b';'), Some(b';')));
    assert_eq!(cyrillic.header, wide.header);
    let rows = cells(cyrillic);
    assert_eq!(rows.len(), if shared { 320 } else { 6 });
    assert_eq!(rows, cells(wide));
}

#[test]
fn the_own_examples_are_always_read() {
    for (name, rows) in [("mixed.csv", 12), ("mixed.xlsx", 12), ("ru_cp1251.csv", 6), ("ru_utf16.csv", 6)] {
        let table = own(name);
        assert!(table.has_header);
        assert_eq!(cells(table).len(), rows, "{name}");
    }
}
