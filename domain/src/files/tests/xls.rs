//! XLS workbooks: those of LibreOffice and of a library that Excel reads, and ones made by hand to be wrong.

use std::io::Cursor;

use proptest::prelude::*;

use super::super::{Code, Format, Limits, Options, open_source};
use super::{all, cells, code, open_bytes, refusal};

const MIXED: &[u8] = include_bytes!("../../../../tests/fixtures/contacts/mixed.xls");
const NUMBERS: &[u8] = include_bytes!("../../../../tests/fixtures/contacts/numbers.xls");
const OFFICE: &[u8] = include_bytes!("../../../../tests/fixtures/contacts/office.xls");
const OFFICE_XML: &[u8] = include_bytes!("../../../../tests/fixtures/contacts/office.xlsx");
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000a;
const NUMBER: u16 = 0x0203;

/// A container with one stream.
fn ole(name: &str, stream: &[u8]) -> Vec<u8> {
    let mut data = stream.to_vec();
    data.resize(data.len().max(4096).next_multiple_of(512), 0);
    let sectors = data.len() / 512;
    let tables = (sectors + 2).div_ceil(127);
    let mut header = vec![0_u8; 512];
    header[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    header[30] = 9;
    let mut put = |at: usize, value: usize| {
        header[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
    };
    let none = 0xffff_fffe;
    [(44, tables), (48, tables), (60, none), (68, none)].into_iter().for_each(|(at, value)| put(at, value));
    (0..109).for_each(|n| put(76 + 4 * n, if n < tables { n } else { 0xffff_ffff }));
    let follows = (0..sectors).map(|n| if n + 1 == sectors { none } else { tables + 2 + n });
    let mut table: Vec<usize> = vec![0xffff_fffd; tables];
    table.push(none);
    table.extend(follows);
    table.resize(tables * 128, 0xffff_ffff);
    let entry = |name: &str, first: usize, size: usize| {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u16::try_from(entry.len() + 2).unwrap();
        entry.resize(128, 0);
        entry[64..66].copy_from_slice(&length.to_le_bytes());
        entry[116..120].copy_from_slice(&u32::try_from(first).unwrap().to_le_bytes());
        entry[120..124].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
        entry
    };
    let mut directory = entry("Root Entry", none, 0);
    directory.extend(entry(name, tables + 1, data.len()));
    directory.resize(512, 0);
    let table = table.into_iter().flat_map(|n| u32::try_from(n).unwrap().to_le_bytes());
    header.into_iter().chain(table).chain(directory).chain(data).collect()
}

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [kind.to_le_bytes(), u16::try_from(data.len()).unwrap().to_le_bytes()]
        .concat()
        .into_iter()
        .chain(data.iter().copied())
        .collect()
}

fn number(row: u16, column: u16, value: f64) -> Vec<u8> {
    let place = [row, column, 0].into_iter().flat_map(u16::to_le_bytes);
    record(NUMBER, &place.chain(value.to_le_bytes()).collect::<Vec<_>>())
}

/// A workbook of one sheet with these records, and more among the globals.
fn workbook(globals: &[u8], sheet: &[u8]) -> Vec<u8> {
    let begin = |kind: u16| record(BOF, &[0x0600_u16, kind].into_iter().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    let (first, end) = (begin(5), record(EOF, &[]));
    let start = first.len() + globals.len() + end.len() + 4 + 10;
    let name = [u32::try_from(start).unwrap().to_le_bytes().as_slice(), &[0, 0, 2, 0, b'A', b'B']].concat();
    let stream = [first.as_slice(), globals, &record(0x0085, &name), &end, &begin(0x10), sheet, &end].concat();
    ole("Workbook", &stream)
}

#[test]
fn the_same_cells_as_in_text() {
    let text = open_bytes(include_bytes!("../../../../tests/fixtures/contacts/mixed.csv"), "mixed.csv").unwrap();
    let book = open_bytes(MIXED, "mixed.xls").unwrap();
    assert_eq!((book.format, book.encoding, book.has_header), (Format::Xls, None, true));
    assert_eq!(book.header, text.header);
    assert_eq!(cells(book), cells(text), "of the first visible sheet that has rows");
}

#[test]
fn the_sheet_that_is_asked_for_is_read() {
    let book = |sheet: Option<&str>| {
        let options = Options { sheet: sheet.map(str::to_owned), ..Options::default() };
        open_source(Box::new(Cursor::new(MIXED.to_vec())), "mixed.xls", &Limits::default(), &options)
    };
    for wanted in [None, Some("People"), Some(" people "), Some("2")] {
        let table = book(wanted).unwrap();
        assert_eq!(
            (table.sheets.as_slice(), table.sheet.as_deref()),
            (["Empty", "People"].map(str::to_owned).as_slice(), Some("People"))
        );
    }
    for (wanted, expected) in
        [("Empty", Code::Empty), ("1", Code::Empty), ("Hidden", Code::SheetUnknown), ("3", Code::SheetUnknown)]
    {
        let error = book(Some(wanted)).map(|_| ()).unwrap_err();
        assert_eq!((error.code, error.fatal), (expected, true), "{wanted}");
    }
}

#[test]
fn what_libreoffice_writes_in_either_format() {
    let text = cells(open_bytes(include_bytes!("../../../../tests/fixtures/contacts/mixed.csv"), "mixed.csv").unwrap());
    let (book, xml) = (open_bytes(OFFICE, "office.xls").unwrap(), open_bytes(OFFICE_XML, "office.xlsx").unwrap());
    assert_eq!((book.format, xml.format), (Format::Xls, Format::Xlsx));
    assert_eq!((book.header.len(), &book.header), (15, &xml.header));
    let rows = cells(book);
    assert_eq!(rows, cells(xml));
    assert_eq!(
        rows.iter().map(|row| row[..7].to_vec()).collect::<Vec<_>>(),
        text,
        "phones, dates and cards as in the text"
    );
    for (n, row) in (0_u64..).zip(&rows) {
        let home = (447_400_100_000 + n).to_string();
        let joined = format!("2024-02-{:02} 04:{n:02}:06", n + 1);
        assert_eq!(row[7..9], [home, joined], "a phone typed as a number, and a moment");
        // One formula for the whole column, which the records of a shared formula tell of.
        let next = row[5].parse::<u64>().unwrap() + 1;
        assert_eq!(row[9..11], [format!("{} {}", row[1], row[2]), next.to_string()]);
        let flag = if n % 2 == 0 { "false" } else { "true" };
        assert_eq!(
            row[11..14],
            [flag.to_owned(), format!("{n:05}"), format!("0.{}", n + 1).trim_end_matches('0').to_owned()]
        );
        assert_eq!(row[14], if row[4] == "Київ" { "Київ" } else { "" }, "an empty text is no value");
    }
}

#[test]
fn numbers_dates_and_long_texts_are_what_was_typed() {
    let rows = cells(open_bytes(NUMBERS, "numbers.xls").unwrap());
    assert_eq!(rows.len(), 300);
    assert_eq!(rows[0][..7], ["447400100000", "1990-01-01", "2024-02-03 04:05:06", "00000", "0.25", "true", ""]);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row[0], (447_400_100_000 + n).to_string(), "shown by Excel as 4.47E+11");
        assert_eq!((row[3].clone(), row[5].as_str()), (format!("{n:05}"), if n % 2 == 0 { "true" } else { "false" }));
        // The table of texts is longer than a record.
        let note = if n % 3 == 0 {
            format!("Note {n} {}", "x".repeat(n % 50))
        } else {
            format!("Ёлкина № {n} {}", "ж".repeat(n % 60))
        };
        assert_eq!(row[7], note);
    }
}

#[test]
fn records_made_by_hand() {
    let phone = |row| number(row, 0, 79_031_234_567.0 + f64::from(row));
    let rows = [phone(0), number(0, 1, 2.5), phone(7)].concat();
    let lines: Vec<_> =
        all(open_bytes(workbook(&[], &rows), "a.xls").unwrap()).into_iter().map(|r| r.unwrap()).collect();
    assert_eq!((lines[0].line, lines[1].line), (1, 8));
    assert_eq!(
        (lines[0].cells.as_slice(), lines[1].cells.as_slice()),
        (["79031234567", "2.5"].map(str::to_owned).as_slice(), ["79031234574", ""].map(str::to_owned).as_slice())
    );
    // A chart inside the sheet has cells of its own.
    let nested = [phone(0), record(BOF, &[0; 4]), number(9, 9, 1.0), record(EOF, &[]), phone(1)].concat();
    assert_eq!(all(open_bytes(workbook(&[], &nested), "a.xls").unwrap()).len(), 2);
}

#[test]
fn what_is_wrong_is_told() {
    let phone = number(0, 0, 79_031_234_567.0);
    let good = || workbook(&[], &phone);
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (workbook(&record(0x002f, &[0; 6]), &phone), "a.xls", "file_encrypted"),
        (ole("EncryptedPackage", b"x"), "a.xlsx", "file_encrypted"),
        (ole("WordDocument", b"x"), "a.xls", "file_format_unknown"),
        (ole("Book", b"x"), "a.xls", "file_format_unknown"),
        (ole("Workbook", &record(BOF, &[0, 5, 5, 0])), "a.xls", "file_format_unknown"),
        (good(), "a.xlsx", "file_format_unknown"),
        (good(), "a.csv", "file_format_unknown"),
        (workbook(&[], &[]), "a.xls", "file_empty"),
        (workbook(&[], &[number(3, 0, 79_031_234_567.0), phone.clone()].concat()), "a.xls", "file_broken"),
        (workbook(&[], &record(0x00fd, &[0; 10])), "a.xls", "file_broken"),
        (workbook(&[], &record(NUMBER, &[0; 5])), "a.xls", "file_broken"),
        (workbook(&record(0x00fc, &[0xff; 40]), &phone), "a.xls", "file_broken"),
        (good()[..1500].to_vec(), "a.xls", "file_broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1more".to_vec(), "a.xls", "file_broken"),
    ];
    for (n, (bytes, name, expected)) in cases.into_iter().enumerate() {
        assert_eq!(code(bytes, name), expected, "case {n}");
    }
    let mut circle = good();
    circle[512 + 4 * 2..512 + 4 * 3].copy_from_slice(&2_u32.to_le_bytes());
    assert_eq!(code(circle, "a.xls"), "file_broken", "a chain of sectors in a circle");
    let wide = refusal(workbook(&[], &number(0, 255, 1.0)), "a.xls", &Limits::default());
    assert_eq!((wide.code, wide.column), (Code::TooManyColumns, Some(256)));
    let tight = Limits { shared_bytes: 100, ..Limits::default() };
    assert_eq!(refusal(NUMBERS, "a.xls", &tight).code, Code::UnpackedTooLarge);
    assert_eq!(refusal(NUMBERS, "a.xls", &Limits { rows: 10, ..Limits::default() }).code, Code::TooManyRows);
    let short = Limits { cell_chars: 20, ..Limits::default() };
    let table = open_source(Box::new(Cursor::new(NUMBERS.to_vec())), "a.xls", &short, &Options::default()).unwrap();
    let long =
        all(table).into_iter().filter(|row| row.as_ref().is_err_and(|e| e.code == Code::CellTooLong && !e.fatal));
    assert!(long.count() > 100);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_a_workbook_ends_in_rows_or_an_error(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = MIXED.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(table) = open_bytes(bytes, "a.xls") {
            let columns = table.header.len();
            prop_assert!(all(table).into_iter().flatten().all(|row| row.cells.len() == columns));
        }
    }

    #[test]
    fn any_records_end_in_rows_or_an_error(records in proptest::collection::vec((0_usize..12, proptest::collection::vec(any::<u8>(), 0..24)), 0..12)) {
        let kinds = [0x0203, 0x027e, 0x00bd, 0x00fd, 0x0204, 0x00d6, 0x0205, 0x0006, 0x0207, 0x003c, 0x0809, 0x000a];
        let sheet: Vec<u8> = records.iter().flat_map(|(kind, data)| record(kinds[*kind], data)).collect();
        if let Ok(table) = open_bytes(workbook(&[], &sheet), "a.xls") {
            all(table);
        }
    }
}
