//! Tests over whole files made in memory; the parts' own rules are tested through them wherever they can be seen there.

mod bad;
mod fuzz;
mod output;
mod shared;
mod text;
mod workbook;
mod xls;

use std::io::{Cursor, Write};

use super::{FileError, Limits, Options, Row, Table, open_source};

fn open_bytes(bytes: impl AsRef<[u8]>, name: &str) -> Result<Table, FileError> {
    open_with(bytes, name, &Limits::default(), &Options::default())
}

fn open_with(bytes: impl AsRef<[u8]>, name: &str, limits: &Limits, options: &Options) -> Result<Table, FileError> {
    open_source(Box::new(Cursor::new(bytes.as_ref().to_vec())), name, limits, options)
}

/// All that a table gives, errors included.
fn all(mut table: Table) -> Vec<Result<Row, FileError>> {
    std::iter::from_fn(|| table.next_row()).collect()
}

/// The cells of all rows, every one of which must be good.
fn cells(table: Table) -> Vec<Vec<String>> {
    all(table).into_iter().map(|row| row.unwrap().cells).collect()
}

/// The code with which a file ends, at opening or later.
fn refusal(bytes: impl AsRef<[u8]>, name: &str, limits: &Limits) -> FileError {
    match open_with(bytes, name, limits, &Options::default()) {
        Err(error) => error,
        Ok(table) => all(table).into_iter().find_map(Result::err).expect("the file is refused"),
    }
}

fn code(bytes: impl AsRef<[u8]>, name: &str) -> &'static str {
    refusal(bytes, name, &Limits::default()).code()
}

/// A ZIP archive of these parts.
fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of one sheet with this `sheetData` content, number formats 14 (date), 22 (moment), `00000`, `dd\.mm\.yyyy;@`
/// as styles 1 to 4, and the shared strings given.
fn workbook(rows: &str, strings: &[&str]) -> Vec<u8> {
    let sheet = format!("<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData>{rows}</sheetData></worksheet>");
    let strings: String = strings.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
    let strings = format!("<sst>{strings}</sst>");
    zip(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", RELS),
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", BOOK_RELS),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", &strings),
        ("xl/worksheets/sheet1.xml", &sheet),
        (
            "xl/worksheets/sheet2.xml",
            "<worksheet><sheetData><row><c><v>79031234567</v></c></row></sheetData></worksheet>",
        ),
    ])
}

const RELS: &str = r#"<Relationships><Relationship Id="rId1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK_RELS: &str = r#"<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId2" Type="http://x/worksheet" Target="/xl/worksheets/sheet2.xml"/>
<Relationship Id="rId3" Type="http://x/styles" Target="styles.xml"/>
<Relationship Id="rId4" Type="http://x/sharedStrings" Target="../xl/sharedStrings.xml"/></Relationships>"#;
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="00000"/>
<numFmt numFmtId="165" formatCode="dd\.mm\.yyyy;@"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/><xf numFmtId="14"/></cellStyleXfs>
<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>"#;
