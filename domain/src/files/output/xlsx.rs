//! XLSX workbooks, written as a stream: the rows go through the packer as they come, the list of sheets at the end.
//!
//! Texts stand in their cells (`inlineStr`), so there is no table of shared ones to hold. Text is never a formula in a
//! workbook, whatever it begins with. A sheet that is full is followed by another, with the same titles.

use std::fmt::Write as _;
use std::io::{self, Seek, Write};

use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::super::cells::guard;
use super::Cell;

/// Rows of a sheet, the titles included.
const MAX_ROWS: u32 = 1_048_576;
/// Unpacked bytes of a sheet; beyond 4 GiB not every spreadsheet reads the archive.
const MAX_BYTES: usize = 2 << 30;
/// Characters that a cell may hold; more is cut, since a workbook with more is broken.
const MAX_CHARS: usize = 32_767;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

pub(super) struct Workbook<W: Write + Seek> {
    zip: ZipWriter<W>,
    titles: Vec<String>,
    sheets: u32,
    rows: u32,
    most_rows: u32,
    bytes: usize,
    line: String,
}

impl<W: Write + Seek> Workbook<W> {
    pub(super) fn new(target: W, titles: &[String]) -> io::Result<Self> {
        Self::limited(target, titles, MAX_ROWS)
    }

    /// With sheets of so many rows.
    fn limited(target: W, titles: &[String], most_rows: u32) -> io::Result<Self> {
        let mut zip = ZipWriter::new(target);
        // Sheets are what XML is, unless a part is named: so their number need not be known yet.
        let types = format!(
            "{DECLARATION}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
             <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
             </Types>"
        );
        part(&mut zip, "[Content_Types].xml", &types)?;
        let link =
            format!("<Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/>");
        part(&mut zip, "_rels/.rels", &relations(&link))?;
        let (titles, line) = (titles.to_vec(), String::new());
        let mut workbook = Self { zip, titles, sheets: 0, rows: 0, most_rows, bytes: 0, line };
        workbook.begin_sheet()?;
        Ok(workbook)
    }

    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if self.rows >= self.most_rows || self.bytes >= MAX_BYTES {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.write_row(cells)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.end_sheet()?;
        let each = |one: &dyn Fn(u32) -> String| (1..=self.sheets).map(one).collect::<String>();
        let sheets = each(&|n| format!("<sheet name=\"Sheet{n}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>"));
        let links = each(&|n| {
            format!("<Relationship Id=\"rId{n}\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>")
        });
        let book = format!(
            "{DECLARATION}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>{sheets}</sheets></workbook>"
        );
        part(&mut self.zip, "xl/workbook.xml", &book)?;
        part(&mut self.zip, "xl/_rels/workbook.xml.rels", &relations(&links))?;
        self.zip.finish().map_err(broken)
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        (self.rows, self.bytes) = (0, 0);
        let name = format!("xl/worksheets/sheet{}.xml", self.sheets);
        self.zip.start_file(name, packed()).map_err(broken)?;
        let begin = format!("{DECLARATION}<worksheet xmlns=\"{MAIN}\"><sheetData>");
        self.zip.write_all(begin.as_bytes())?;
        let titles = self.titles.clone();
        let titles: Vec<Cell<'_>> = titles.iter().map(|title| Cell::text(Some(title))).collect();
        self.write_row(&titles)
    }

    fn end_sheet(&mut self) -> io::Result<()> {
        self.zip.write_all(b"</sheetData></worksheet>")
    }

    fn write_row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.rows += 1;
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let _ = write!(line, "<row r=\"{}\">", self.rows);
        for (column, cell) in cells.iter().enumerate() {
            let row = self.rows;
            let _ = match cell {
                Cell::Empty => Ok(()),
                Cell::Number(number) => write!(line, "<c r=\"{}{row}\"><v>{number}</v></c>", letters(column)),
                Cell::Text(text) => {
                    let _ = write!(
                        line,
                        "<c r=\"{}{row}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">",
                        letters(column)
                    );
                    escape(&guard(text), &mut line);
                    write!(line, "</t></is></c>")
                }
            };
        }
        line.push_str("</row>");
        self.bytes += line.len();
        let written = self.zip.write_all(line.as_bytes());
        self.line = line;
        written
    }
}

/// Fast rather than small: a large table is packed while the database is read.
fn packed() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_level(Some(3))
}

fn part<W: Write + Seek>(zip: &mut ZipWriter<W>, name: &str, content: &str) -> io::Result<()> {
    zip.start_file(name, packed()).map_err(broken)?;
    zip.write_all(content.as_bytes())
}

fn relations(links: &str) -> String {
    let address = "http://schemas.openxmlformats.org/package/2006/relationships";
    format!("{DECLARATION}<Relationships xmlns=\"{address}\">{links}</Relationships>")
}

fn broken(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The letters of a column, counted from 0: A, B, …, Z, AA.
fn letters(column: usize) -> String {
    let mut text = String::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        let letter = u8::try_from(rest % 26).unwrap_or_default();
        text.insert(0, char::from(b'A' + letter));
        rest /= 26;
    }
    text
}

/// XML text. Characters that XML cannot have are written as `_x0007_`, as spreadsheets do, and so is what looks like that.
fn escape(text: &str, into: &mut String) {
    for (at, c) in text.char_indices().take(MAX_CHARS) {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '\t' | '\n' => into.push(c),
            '_' if is_escape(text.get(at..).unwrap_or_default()) => into.push_str("_x005F_"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(into, "_x{:04X}_", u32::from(c));
            }
            c => into.push(c),
        }
    }
}

/// Whether the text begins with something like `_x000D_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.get(1) == Some(&b'x')
        && bytes.get(6) == Some(&b'_')
        && bytes.get(2..6).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }

    #[test]
    fn a_full_sheet_is_followed_by_another() {
        let mut workbook = Workbook::limited(io::Cursor::new(Vec::new()), &["n".to_owned()], 4).unwrap();
        for n in 0..5 {
            workbook.row(&[Cell::Number(n.to_string().into())]).unwrap();
        }
        let mut archive = zip::ZipArchive::new(workbook.finish().unwrap()).unwrap();
        for (sheet, values) in [("sheet1", ["0", "1", "2"].as_slice()), ("sheet2", &["3", "4"])] {
            let mut text = String::new();
            let mut part = archive.by_name(&format!("xl/worksheets/{sheet}.xml")).unwrap();
            io::Read::read_to_string(&mut part, &mut text).unwrap();
            assert_eq!(text.matches("<row").count(), values.len() + 1, "the titles, too");
            assert!(
                text.contains("preserve\">n</t>") && values.iter().all(|v| text.contains(&format!("<v>{v}</v>"))),
                "{text}"
            );
        }
    }
}
