//! What cells of a workbook become.

use super::super::{Code, Limits, Options};
use super::{all, cells, open_bytes, open_with, workbook, zip};

fn row(cells_xml: &str) -> Vec<String> {
    let rows = format!(
        "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>phone</t></is></c></row>
        <row r=\"2\"><c r=\"A2\"><v>79031234567</v></c></row><row r=\"3\">{cells_xml}</row>"
    );
    cells(open_bytes(workbook(&rows, &["shared", "R&amp;D &#x41;", "_x0041__x000D_\n_xZZZZ_", ""]), "a.xlsx").unwrap())
        .remove(1)
}

fn value(attributes: &str, stored: &str) -> String {
    row(&format!("<c r=\"A3\" {attributes}><f>1+1</f><v>{stored}</v></c>")).remove(0)
}

#[test]
fn the_sheet_that_is_asked_for_is_read() {
    let sheet = |rows: &str| format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let cell = |text: &str| format!("<row><c t=\"inlineStr\"><is><t>{text}</t></is></c></row>");
    let links: String = (1..=4)
        .map(|n| format!("<Relationship Id=\"r{n}\" Type=\"http://x/worksheet\" Target=\"s{n}.xml\"/>"))
        .collect();
    let book = zip(&[
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name=\"2\" id=\"r1\"/><sheet name=\"A &amp; Б\" id=\"r2\"/>\
             <sheet name=\"Hidden\" state=\"hidden\" id=\"r3\"/><sheet name=\"Last\" id=\"r4\"/></sheets></workbook>",
        ),
        ("xl/_rels/workbook.xml.rels", &format!("<Relationships>{links}</Relationships>")),
        ("xl/s1.xml", &sheet("")),
        ("xl/s2.xml", &sheet(&cell("second"))),
        ("xl/s3.xml", &sheet(&cell("third"))),
        ("xl/s4.xml", &sheet(&cell("fourth"))),
    ]);
    let open = |wanted: Option<&str>| {
        let options = Options { header: Some(false), sheet: wanted.map(str::to_owned), ..Options::default() };
        open_with(&book, "a.xlsx", &Limits::default(), &options)
    };
    let names = ["2", "A & Б", "Last"].map(str::to_owned);
    for (wanted, name, first) in [
        (None, "A & Б", "second"),
        (Some("a & б"), "A & Б", "second"),
        (Some("Last"), "Last", "fourth"),
        (Some("3"), "Last", "fourth"),
    ] {
        let table = open(wanted).unwrap();
        assert_eq!((table.sheets.as_slice(), table.sheet.as_deref()), (names.as_slice(), Some(name)));
        assert_eq!(cells(table), [[first]], "{wanted:?}");
    }
    let refused = |wanted| open(Some(wanted)).map(|_| ()).unwrap_err();
    assert_eq!(refused("2").code, Code::Empty, "a name goes before a number");
    for wanted in ["Hidden", "4", "0", ""] {
        let error = refused(wanted);
        assert!(error.code == Code::SheetUnknown && error.detail.contains("\"Last\""), "{wanted}: {error}");
    }
    let text = Options { sheet: Some("Last".into()), ..Options::default() };
    assert_eq!(open_with("phone\n", "a.csv", &Limits::default(), &text).unwrap().sheets, Vec::<String>::new());
}

#[test]
fn numbers_are_what_was_typed() {
    for (stored, shown) in [
        ("380501234567", "380501234567"),
        ("3.80501234567E11", "380501234567"),
        ("380501234567.0", "380501234567"),
        ("12345678901234567890", "12345678901234567890"),
        ("0.10000000000000001", "0.1"),
        ("0.30000000000000004", "0.3"),
        ("10.5", "10.5"),
        ("-5", "-5"),
        ("1E3", "1000"),
        ("-0.0", "0"),
        ("text", "text"),
    ] {
        assert_eq!(value("", stored), shown);
    }
    assert_eq!(value("s=\"3\"", "42"), "00042");
}

#[test]
fn dates_are_iso() {
    assert_eq!(value("s=\"1\"", "37309"), "2002-02-22");
    assert_eq!(value("s=\"4\"", "37309"), "2002-02-22");
    assert_eq!(value("s=\"2\"", "37309.5"), "2002-02-22 12:00:00");
    assert_eq!(value("s=\"2\"", "37309"), "2002-02-22");
    assert_eq!(value("s=\"1\"", "59"), "1900-02-28");
    assert_eq!(value("s=\"1\"", "61"), "1900-03-01");
    assert_eq!(value("t=\"d\"", "2002-02-22T00:00:00"), "2002-02-22");
    // A phone in a column formatted as dates stays a phone.
    assert_eq!(value("s=\"1\"", "380501234567"), "380501234567");
}

#[test]
fn other_kinds_of_cells() {
    assert_eq!(value("t=\"b\"", "1"), "true");
    assert_eq!(value("t=\"b\"", "0"), "false");
    assert_eq!(value("t=\"str\"", "a &lt; b"), "a < b");
    assert_eq!(value("t=\"s\"", "1"), "R&D A");
    assert_eq!(value("t=\"s\"", "2"), "A\r\n_xZZZZ_");
    assert_eq!(row("<c r=\"A3\" t=\"e\"><v>#N/A</v></c><c r=\"B3\"><v>1</v></c>"), ["", "1"]);
    let rich =
        "<c t=\"inlineStr\"><is><r><rPr><b/></rPr><t>two </t></r><r><t>runs</t></r><rPh><t>no</t></rPh></is></c>";
    assert_eq!(row(rich), ["two runs", ""][..1].to_vec());
}

#[test]
fn gaps_are_columns_and_far_formatting_is_nothing() {
    let cells = row("<c r=\"A3\"><v>1</v></c><c r=\"C3\"><v>3</v></c><c><v>4</v></c><c r=\"XFD3\" s=\"1\"/>");
    assert_eq!(cells, ["1", "", "3", "4"]);
}

#[test]
fn row_numbers_are_those_of_the_sheet() {
    let rows = "<row r=\"5\"><c r=\"B5\"><v>79031234567</v></c></row><row/><row r=\"9\"><c r=\"B9\"><v>79031234568</v></c></row>
        <row><c/><c><v>79031234569</v></c></row>";
    let table = open_bytes(workbook(rows, &[]), "a.xlsx").unwrap();
    assert!(!table.has_header);
    let lines: Vec<_> = all(table).into_iter().map(|row| row.unwrap().line).collect();
    assert_eq!(lines, [5, 9, 10]);
}

#[test]
fn the_first_visible_sheet_with_rows_is_read() {
    let sheet = |cells: &str| {
        format!("<x:worksheet><x:sheetData><x:row>{cells}</x:row></x:sheetData></x:worksheet>")
            .replace("<c", "<x:c")
            .replace("</c", "</x:c")
    };
    let book = "<workbook><workbookPr date1904=\"1\"/><sheets><sheet state=\"hidden\" r:id=\"rId1\"/>\
        <sheet r:id=\"rId2\"/><sheet r:id=\"rId3\"/></sheets></workbook>";
    let relation = |id: u8, kind: &str, target: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"http://x/{kind}\" Target=\"{target}\"/>")
    };
    let relations: String = (1..4).map(|id| relation(id, "worksheet", &format!("{id}.xml"))).collect();
    let relations = format!("<Relationships>{relations}{}</Relationships>", relation(4, "styles", "styles.xml"));
    let bytes = zip(&[
        ("_rels/.rels", super::RELS),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/styles.xml", super::STYLES),
        ("xl/1.xml", &sheet("<c><v>79031111111</v></c>")),
        ("xl/2.xml", &sheet("<c r=\"A1\" s=\"1\"/>")),
        ("xl/3.xml", &sheet("<c><v>79033333333</v></c><c s=\"1\"><v>1000</v></c>")),
    ]);
    // Days of this workbook are counted from 1904.
    assert_eq!(cells(open_bytes(bytes, "a.xlsx").unwrap()), [["79033333333", "1906-09-27"]]);
}
