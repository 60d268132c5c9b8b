//! The inside of a workbook: a sheet, its shared strings and its styles, each of any text, well packed.
#![no_main]

use std::io::{Cursor, Write};

use domain::files::{Limits, Options, open_source};
use libfuzzer_sys::fuzz_target;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const FIXED: [(&str, &str); 4] = [
    ("[Content_Types].xml", "<Types/>"),
    (
        "_rels/.rels",
        r#"<Relationships><Relationship Id="rId1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    ("xl/workbook.xml", r#"<workbook><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>"#),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://x/styles" Target="styles.xml"/><Relationship Id="rId3" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#,
    ),
];
const NAMES: [&str; 3] = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"];

fuzz_target!(|octets: &[u8]| {
    // The three are parted by a line of two dashes.
    let mut rest = octets;
    let mut texts = Vec::new();
    while let Some(at) = rest.windows(4).position(|w| w == b"\n--\n").filter(|_| texts.len() < 2) {
        texts.push(&rest[..at]);
        rest = &rest[at + 4..];
    }
    texts.push(rest);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let moving = NAMES.into_iter().zip(texts);
    for (name, content) in FIXED.iter().map(|(name, text)| (*name, text.as_bytes())).chain(moving) {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content).unwrap();
    }
    let bytes = zip.finish().unwrap();
    let limits = Limits {
        unpacked_bytes: 1 << 20,
        shared_bytes: 1 << 18,
        rows: 100,
        columns: 20,
        cell_chars: 100,
        entries: 20,
        ..Limits::default()
    };
    let Ok(mut table) = open_source(Box::new(bytes), "a.xlsx", &limits, &Options::default()) else { return };
    let columns = table.header.len();
    assert!(columns <= limits.columns);
    while let Some(row) = table.next_row() {
        match row {
            Ok(row) => assert_eq!(row.cells.len(), columns),
            Err(error) if error.fatal => assert!(table.next_row().is_none()),
            Err(_) => {}
        }
    }
});
