//! An uploaded file of any octets, text or workbook: rows as wide as the header, or an error.
#![no_main]

use std::io::Cursor;

use domain::files::{Limits, Options, open_source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Some((choice, octets)) = octets.split_first() else { return };
    let limits = Limits {
        unpacked_bytes: 1 << 20,
        shared_bytes: 1 << 18,
        rows: 100,
        columns: 20,
        cell_chars: 100,
        entries: 20,
        ..Limits::default()
    };
    let encodings = [None, Some("utf-16le"), Some("windows-1251"), Some("cp866"), Some("shift_jis")];
    let options = Options {
        header: [None, Some(true), Some(false)][usize::from(*choice) % 3],
        separator: [None, Some(b';'), Some(b'\t')][usize::from(*choice / 3) % 3],
        encoding: encodings[usize::from(*choice / 9) % 5].map(str::to_owned),
        sheet: None,
    };
    let Ok(mut table) = open_source(Box::new(Cursor::new(octets.to_vec())), "a", &limits, &options) else { return };
    let columns = table.header.len();
    assert!(columns <= limits.columns);
    let mut rows = 0;
    while let Some(row) = table.next_row() {
        rows += 1;
        assert!(rows <= limits.rows + 1);
        match row {
            Ok(row) => {
                assert_eq!(row.cells.len(), columns);
                assert!(row.cells.iter().all(|cell| cell.chars().count() <= limits.cell_chars));
            }
            Err(error) if error.fatal => assert!(table.next_row().is_none()),
            Err(_) => {}
        }
    }
});
