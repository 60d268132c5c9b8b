//! Files that must be refused, quickly and with a reason.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use super::super::{Code, Limits, Options};
use super::{all, code, open_bytes, open_with, refusal, workbook, zip};

/// Runs `check` and demands that it does not grow with what a hostile file claims to be. A sound build takes a fraction
/// of a second; the bound leaves room for a debug build on a machine that does other things, and still fails a reader
/// that walks millions of cells.
fn quickly<T>(check: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = check();
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    result
}

/// Limits that small examples reach.
pub(super) fn tight() -> Limits {
    Limits { rows: 3, columns: 4, cell_chars: 10, entries: 20, ..Limits::default() }
}

#[test]
fn empty_files() {
    for text in ["", "\n\r\n", "\u{feff}", ";;;\n", "sep=;\n", "sep=;"] {
        assert_eq!(code(text, "a.csv"), "file_empty", "{text:?}");
    }
    assert_eq!(code([0xff, 0xfe], "a.txt"), "file_empty");
    assert_eq!(code(workbook("<row><c/></row><row/>", &[]), "a.xlsx"), "file_empty");
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    for table in [
        open_bytes("phone;name\n", "a.csv").unwrap(),
        open_bytes(workbook("<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c></row>", &["phone", "name"]), "a.xlsx")
            .unwrap(),
    ] {
        assert_eq!(table.header, ["phone", "name"]);
        assert!(all(table).is_empty());
    }
}

#[test]
fn each_limit_of_text() {
    let row = "79031234567;Ann\n";
    assert_eq!(refusal(row, "a.csv", &Limits { bytes: 15, ..tight() }).code, Code::TooLarge);
    let rows = all(open_with(row.repeat(4), "a.csv", &tight(), &Options::default()).unwrap());
    assert_eq!(rows.len(), 4);
    let error = rows[3].as_ref().unwrap_err();
    assert_eq!((error.code, error.line, error.fatal), (Code::TooManyRows, Some(4), true));
    let error = refusal("1;2;3;4;5\n", "a.csv", &tight());
    assert_eq!((error.code, error.line, error.column, error.fatal), (Code::TooManyColumns, Some(1), Some(5), true));
    let rows =
        all(open_with("phone\n79031234567\nабвгдежзий\n7903123\n", "a.csv", &tight(), &Options::default()).unwrap());
    let error = rows[0].as_ref().unwrap_err();
    assert_eq!((error.code, error.line, error.column, error.fatal), (Code::CellTooLong, Some(2), Some(1), false));
    assert_eq!(rows[1].as_ref().unwrap().cells[0].chars().count(), 10);
    assert_eq!(rows.len(), 3);
}

#[test]
fn each_limit_of_workbooks() {
    let row = "<row><c><v>7903123</v></c></row>";
    let book = workbook(&row.repeat(4), &["shared"]);
    assert_eq!(refusal(&book, "a.xlsx", &tight()).code, Code::TooManyRows);
    assert_eq!(refusal(&book, "a.xlsx", &Limits { bytes: 100, ..tight() }).code, Code::TooLarge);
    assert_eq!(refusal(&book, "a.xlsx", &Limits { unpacked_bytes: 1000, ..tight() }).code, Code::UnpackedTooLarge);
    assert_eq!(refusal(&book, "a.xlsx", &Limits { entries: 7, ..tight() }).code, Code::TooManyEntries);
    assert_eq!(refusal(&book, "a.xlsx", &Limits { shared_bytes: 9, ..tight() }).code, Code::UnpackedTooLarge);
    let error = refusal(workbook("<row><c r=\"E1\"><v>1</v></c></row>", &[]), "a.xlsx", &tight());
    assert_eq!((error.code, error.line, error.column, error.fatal), (Code::TooManyColumns, Some(1), Some(5), true));
    for cell in [
        "<c t=\"str\"><v>12345678901</v></c>",
        "<c t=\"s\"><v>0</v></c>",
        "<c t=\"inlineStr\"><is><t>12345678901</t></is></c>",
    ] {
        let book = workbook(&format!("{row}<row>{cell}</row>{row}"), &["12345678901"]);
        let rows = all(open_with(book, "a.xlsx", &tight(), &Options::default()).unwrap());
        let error = rows[1].as_ref().unwrap_err();
        assert_eq!((error.code, error.line, error.column, error.fatal), (Code::CellTooLong, Some(2), Some(1), false));
        assert_eq!(rows[2].as_ref().unwrap().line, 3);
    }
}

#[test]
fn a_cell_in_the_last_corner_of_the_sheet() {
    let rows = "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    let error = quickly(|| refusal(workbook(rows, &[]), "a.xlsx", &Limits::default()));
    assert_eq!((error.code, error.line, error.column), (Code::TooManyColumns, Some(1_048_576), Some(16_384)));
    let rows = "<row r=\"1\"><c r=\"A1\"><v>79031234567</v></c></row><row r=\"1048576\"><c r=\"A1048576\"><v>79031234568</v></c></row>";
    assert_eq!(quickly(|| all(open_bytes(workbook(rows, &[]), "a.xlsx").unwrap())).len(), 2);
    for beyond in [
        "<row r=\"1048577\"><c><v>1</v></c></row>",
        "<row><c r=\"XFE1\"><v>1</v></c></row>",
        "<row r=\"3\"><c><v>1</v></c></row><row r=\"3\"/>",
        "<row r=\"x\"/>",
        "<row><c r=\"ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ1\"/></row>",
        "<row><c r=\"12\"/></row>",
    ] {
        assert_eq!(code(workbook(beyond, &[]), "a.xlsx"), "file_broken", "{beyond}");
    }
}

#[test]
fn a_million_columns() {
    let error = quickly(|| refusal("x;".repeat(1_000_000), "a.csv", &Limits::default()));
    assert_eq!((error.code, error.column), (Code::TooManyColumns, Some(201)));
    // Empty ones are what formatted columns become; they cost nothing.
    let table =
        open_bytes(format!("phone{}\n79031234567;a{}\n", ";".repeat(100_000), ";".repeat(100_000)), "a.csv").unwrap();
    assert_eq!(table.header.len(), 200);
}

#[test]
fn one_quoted_cell_is_the_whole_file() {
    let text = format!("phone;name\n79031234567;\"{}", "строка, \n".repeat(200_000));
    let error = quickly(|| refusal(&text, "a.csv", &Limits::default()));
    assert_eq!((error.code, error.line, error.fatal), (Code::QuoteUnclosed, Some(2), true));
}

#[test]
fn nul_bytes() {
    assert_eq!(refusal("phone;name\n7903\0;Ann\n", "a.csv", &Limits::default()).code, Code::NulBytes);
    assert_eq!(refusal("phone;name\n7903\0;Ann\n", "a.csv", &Limits::default()).line, Some(2));
    let wide: Vec<u8> = "\u{feff}phone\n7903\0\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(code(wide, "a.csv"), "file_nul_bytes");
}

#[test]
fn content_decides_and_the_name_may_not_lie() {
    let book = workbook("<row><c><v>79031234567</v></c></row>", &[]);
    for (bytes, name) in [
        (book.clone(), "a.csv"),
        (book.clone(), "a.TXT"),
        (book.clone(), "a.xls"),
        (b"79031234567\n".to_vec(), "a.xlsx"),
        (b"%PDF-1.7 79031234567".to_vec(), "a.csv"),
        (b"\x89PNG\r\n\x1a\n".to_vec(), "a.csv"),
        (b"\xff\xd8\xff\xe0".to_vec(), "a"),
        (b"  <!DOCTYPE html>".to_vec(), "a.xls"),
        (b"\xef\xbb\xbf<?xml version=\"1.0\"?>".to_vec(), "a.csv"),
        (zip(&[("a.txt", "7903")]), "a.xlsx"),
        (zip(&[("mimetype", "x"), ("content.xml", "x")]), "a.xlsx"),
        (zip(&[("word/document.xml", "x")]), "a.docx"),
    ] {
        assert_eq!(code(bytes, name), "file_format_unknown", "{name}");
    }
    assert_eq!(code(b"\xff\xfe\0\0p\0\0\0", "a.csv"), "file_encoding");
    assert!(open_bytes(book, "no extension").is_ok());
    assert!(open_bytes("79031234567\n", "a.dat").is_ok());
}

#[test]
fn wrong_options() {
    let with = |options| open_with("79031234567\n", "a.csv", &Limits::default(), &options).err().unwrap().code();
    assert_eq!(with(Options { encoding: Some("klingon".into()), ..Options::default() }), "file_option_invalid");
    assert_eq!(with(Options { separator: Some(b'"'), ..Options::default() }), "file_option_invalid");
    assert_eq!(with(Options { separator: Some(b'7'), ..Options::default() }), "file_option_invalid");
}

/// A sheet of `size` unpacked bytes of blanks in a valid workbook.
fn bomb(size: usize) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in [
        ("_rels/.rels", super::RELS),
        ("xl/_rels/workbook.xml.rels", super::BOOK_RELS),
        ("xl/workbook.xml", "<workbook><sheets><sheet r:id=\"rId1\"/></sheets></workbook>"),
    ] {
        writer.start_file(name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    writer.write_all(b"<worksheet><sheetData>").unwrap();
    let chunk = vec![b' '; 1 << 20];
    (0..size >> 20).for_each(|_| writer.write_all(&chunk).unwrap());
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_zip_bomb_is_refused_by_what_it_declares() {
    let limits = Limits { unpacked_bytes: 8 << 20, ..Limits::default() };
    let bytes = bomb(16 << 20);
    assert!(bytes.len() < 100_000);
    assert_eq!(quickly(|| refusal(&bytes, "a.xlsx", &limits)).code, Code::UnpackedTooLarge);
}

#[test]
fn a_zip_bomb_that_lies_is_refused_by_what_it_gives() {
    let mut bytes = bomb(16 << 20);
    let declared = u32::try_from((16 << 20) + 22).unwrap().to_le_bytes();
    let at: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == declared).collect();
    assert!(!at.is_empty());
    for at in at {
        bytes[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    assert_eq!(refusal(&bytes, "a.xlsx", &Limits::default()).code, Code::UnpackedTooLarge);
    // And honest about its size, one run of text without end is still refused before it is in memory.
    assert_eq!(refusal(bomb(16 << 20), "a.xlsx", &Limits::default()).code, Code::Broken);
}

#[test]
fn many_entries() {
    let names: Vec<String> = (0..1001).map(|i| format!("e{i}")).collect();
    let parts: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(code(zip(&parts), "a.xlsx"), "file_too_many_entries");
}

#[test]
fn damaged_workbooks() {
    let good = workbook("<row><c><v>79031234567</v></c></row>", &[]);
    for cut in (30..good.len()).step_by(97) {
        assert_eq!(code(&good[..cut], "a.xlsx"), "file_broken", "cut at {cut}");
    }
    for rows in [
        "<row><c></row>",
        "<row>&amp",
        "<row><c><v>&bomb;</v></c></row>",
        "<row><c t=\"s\"><v>7</v></c></row>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>",
        &"<a>".repeat(1000),
    ] {
        assert_eq!(code(workbook(rows, &[]), "a.xlsx"), "file_broken", "{rows}");
    }
    // A changed byte inside the packed sheet is seen by structure or by checksum.
    let sheet = good.windows(24).position(|part| part == b"xl/worksheets/sheet1.xml").unwrap() + 24;
    let mut changed = good.clone();
    changed[sheet + 40] ^= 0x55;
    let result = open_bytes(&changed, "a.xlsx").map(all);
    assert!(result.is_err() || result.is_ok_and(|rows| rows.iter().any(Result::is_err)));
}

#[test]
fn codes_are_unique_and_prefixed() {
    let mut codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Code::ALL.len());
    assert!(codes.iter().all(|code| code.starts_with("file_")));
}
