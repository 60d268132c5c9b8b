//! Bytes of every kind end in rows or in an error, never in a panic; and what is written is read.

use proptest::prelude::*;

use super::super::{Options, Table};
use super::bad::tight;
use super::{all, open_with, workbook};

/// Reads to the end; rows must be as wide as the header, and nothing follows a fatal error.
fn survive(bytes: &[u8], name: &str, options: &Options) {
    let Ok(mut table) = open_with(bytes, name, &tight(), options) else { return };
    let columns = table.header.len();
    while let Some(row) = table.next_row() {
        match row {
            Ok(row) => assert_eq!(row.cells.len(), columns),
            Err(error) if error.fatal => assert!(table.next_row().is_none()),
            Err(_) => {}
        }
    }
}

/// A table is handed to the thread that imports it.
#[test]
fn tables_can_be_sent() {
    fn sent<T: Send>() {}
    sent::<Table>();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600), header in any::<Option<bool>>()) {
        survive(&bytes, "a", &Options { header, ..Options::default() });
        let utf16 = Options { header, encoding: Some("utf-16le".into()), ..Options::default() };
        survive(&bytes, "a.csv", &utf16);
    }

    #[test]
    fn any_text_of_special_characters(text in "[\"\r\n;,|\ta0+é ']{0,200}") {
        survive(text.as_bytes(), "a.csv", &Options::default());
    }

    #[test]
    fn workbooks_with_changed_bytes(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = workbook("<row><c><v>79031234567</v></c></row><row><c t=\"s\" s=\"1\"><v>0</v></c></row>", &["a"]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survive(&bytes, "a.xlsx", &Options::default());
    }

    #[test]
    fn any_sheet_xml(rows in "(<row>|</row>|<c r=\"[A-Z]{1,3}1\" t=\"(s|d|b|e|n)\" s=\"[0-9]\">|<c>|</c>|<v>|</v>|<is>|<t>|</t>|</is>|[0-9.e&;_x-]{1,6}){0,30}") {
        survive(&workbook(&rows, &["a"]), "a.xlsx", &Options::default());
    }

    #[test]
    fn any_cell_values(value in "[0-9.eE+-]{1,25}", style in 0..6) {
        let rows = format!("<row><c s=\"{style}\"><v>{value}</v></c></row>");
        survive(&workbook(&rows, &[]), "a.xlsx", &Options::default());
    }

    #[test]
    fn what_is_written_is_read(rows in proptest::collection::vec(proptest::collection::vec("[a-zA-Zа-я0-9\";,\n\r ]{0,8}", 3), 1..3)) {
        let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |row: &Vec<String>| row.iter().map(quote).collect::<Vec<_>>().join(";");
        let text: String = rows.iter().map(|row| line(row) + "\r\n").collect();
        let (separator, encoding) = (Some(b';'), Some("utf-8".into()));
        let options = Options { header: Some(false), separator, encoding, sheet: None };
        let kept: Vec<_> = rows.into_iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).collect();
        match open_with(text, "a.csv", &tight(), &options) {
            Err(error) => prop_assert!(kept.is_empty(), "{error}"),
            Ok(table) => {
                let columns = table.header.len();
                for (row, mut expected) in all(table).into_iter().zip(kept) {
                    expected.truncate(columns);
                    prop_assert_eq!(row.unwrap().cells, expected);
                }
            }
        }
    }
}
