//! What is written is read back as the same cells, and no cell is a formula.

use std::io::Cursor;

use proptest::prelude::*;

use super::super::output::{Cell, Form, Output, csv_line};
use super::super::{Limits, Options, open_source};
use super::all;

const FORMS: [(Form, &str); 3] =
    [(Form::Csv { separator: b',' }, "a.csv"), (Form::Csv { separator: b';' }, "a.csv"), (Form::Xlsx, "a.xlsx")];

fn written(form: Form, titles: &[&str], rows: &[Vec<Cell<'_>>]) -> Vec<u8> {
    let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    let mut output = Output::new(Cursor::new(Vec::new()), form, &titles).unwrap();
    for row in rows {
        output.row(row).unwrap();
    }
    output.finish().unwrap().into_inner()
}

fn read(bytes: Vec<u8>, name: &str) -> Vec<Vec<String>> {
    let options = Options { header: Some(true), ..Options::default() };
    let table = open_source(Box::new(Cursor::new(bytes)), name, &Limits::default(), &options).unwrap();
    all(table).into_iter().map(|row| row.unwrap().cells).collect()
}

#[test]
fn numbers_stay_text_and_formulas_stay_what_was_typed() {
    let evil = [
        "+447400123456",
        "=HYPERLINK(\"http://x\")",
        "'=quoted",
        "''@",
        "=\"0044\"",
        "a,b;c\"d",
        "two\nlines",
        "Ёлкина <&>",
    ];
    for (form, name) in FORMS {
        let row: Vec<Cell<'_>> = evil.iter().map(|text| Cell::text(Some(text))).collect();
        let more = [Cell::Empty, Cell::Number("-12.5".into())];
        let titles = ["a", "b", "c", "d", "e", "f", "g", "h", "=i", "j"];
        let bytes = written(form, &titles, &[row.iter().chain(&more).cloned().collect()]);
        let mut expected: Vec<String> = evil.iter().map(|text| (*text).to_owned()).collect();
        expected.extend([String::new(), "-12.5".to_owned()]);
        assert_eq!(read(bytes, name), [expected], "{form:?}");
    }
}

#[test]
fn lines_are_what_spreadsheets_expect() {
    let cells = [Cell::text(Some("+447400123456")), Cell::Empty, Cell::text(Some("a;b")), Cell::Number("-1".into())];
    assert_eq!(csv_line(&cells, b';'), "'+447400123456;;\"a;b\";-1\r\n");
    let bytes = written(Form::Csv { separator: b';' }, &["Имя"], &[]);
    assert_eq!(bytes, "\u{feff}Имя\r\n".as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_comes_back(text in "[-=+@|'\"a_x05FD;,\t\nЯ<&\u{7}]{0,12}") {
        let text = text.trim().to_owned();
        for (form, name) in FORMS {
            let bytes = written(form, &["a", "b"], &[vec![Cell::text(Some(&text)), Cell::text(Some("x"))]]);
            let csv = String::from_utf8_lossy(&bytes).into_owned();
            let cells = read(bytes, name).remove(0);
            let same = cells[0] == text
                // Control characters are told, not kept.
                || (text.contains('\u{7}') && form == Form::Xlsx);
            prop_assert!(same, "{form:?}: {text:?} came back as {:?} from {csv:?}", cells[0]);
        }
    }
}
