//! XLS workbooks of Excel 97–2003 (BIFF8 in an OLE container): the sheet that is asked for, or the first visible one
//! that has rows.
//!
//! Own code and not the `calamine` crate, which holds all cells of a workbook in memory: here the shared strings are held,
//! within their limit, and the sheet is streamed. `container` finds the stream, `records` cuts it, `text` reads its
//! strings, `sheet` its cells. Formulas are never evaluated, macros never looked at.
//!
//! Invariants: each chain of sectors ends within the size of the file, each string within its limit; cells come in the
//! order of their rows, as Excel writes them (a workbook where they do not is refused).

mod container;
mod records;
mod sheet;
mod text;

use std::sync::Arc;

use self::container::{Container, Stream};
use self::records::{Record, Records, u16_at, u32_at};
use self::sheet::SheetReader;
use super::error::{Code, FileError};
use super::sheets::{Sheets, candidates, no_rows};
use super::xlsx::{Strings, Style, Styles};
use super::{Limits, Record as Row, Source};

/// Types of records that are looked at among the globals.
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000a;
const FILEPASS: u16 = 0x002f;
const DATEMODE: u16 = 0x0022;
const BOUNDSHEET: u16 = 0x0085;
const FORMAT: u16 = 0x041e;
const XF: u16 = 0x00e0;
const SST: u16 = 0x00fc;
/// The version that BIFF8 calls itself.
const BIFF8: u16 = 0x0600;

/// Sheets, formats and cell styles of a workbook; more is no workbook.
const ITEMS: usize = 10_000;

/// What all sheets of a workbook share.
#[derive(Clone, Default)]
struct Book {
    strings: Arc<Strings>,
    styles: Arc<Styles>,
    date1904: bool,
}

/// The rows of the chosen sheet.
pub(super) struct Biff(SheetReader);

impl Biff {
    /// Opens the workbook in `source` and finds the wanted sheet, or its first visible one with a value.
    ///
    /// # Errors
    /// `file_encrypted`, `file_format_unknown` for other documents in such containers, `file_sheet_unknown`, `file_empty`,
    /// `file_broken`.
    pub(super) fn open(
        source: Box<dyn Source>,
        limits: &Limits,
        wanted: Option<&str>,
    ) -> Result<(Self, Sheets), FileError> {
        let mut records = Records::new(workbook(source)?);
        let (book, sheets) = globals(&mut records, limits)?;
        let (names, starts): (Vec<String>, Vec<u64>) = sheets.into_iter().unzip();
        for chosen in candidates(&names, wanted)? {
            let Some(start) = starts.get(chosen).copied() else { continue };
            let mut probe = SheetReader::new(records, start, book.clone(), limits)?;
            match probe.next_record() {
                None => records = probe.into_records(),
                Some(Err(error)) if error.fatal => return Err(error),
                Some(_) => {
                    let rows = SheetReader::new(probe.into_records(), start, book, limits)?;
                    return Ok((Self(rows), Sheets { names, chosen }));
                }
            }
        }
        Err(no_rows(wanted))
    }

    pub(super) fn next_record(&mut self) -> Option<Result<Row, FileError>> {
        self.0.next_record()
    }
}

/// The stream of the workbook, or what the container is instead.
fn workbook(source: Box<dyn Source>) -> Result<Stream, FileError> {
    let container = Container::open(source)?;
    if container.has("EncryptedPackage") {
        return Err(encrypted());
    }
    if container.has("Workbook") {
        return container.into_stream("Workbook");
    }
    let what = if container.has("Book") {
        "a workbook of Excel 95 or older"
    } else if container.has("WordDocument") {
        "an old Word document"
    } else {
        "a document of another program"
    };
    Err(unknown(format!("this is {what}; save it as XLSX or CSV")))
}

/// Reads what stands before the sheets: strings, styles, and what each visible sheet is called and where it
/// begins.
fn globals(records: &mut Records, limits: &Limits) -> Result<(Book, Vec<(String, u64)>), FileError> {
    let first = records.next()?.ok_or_else(cut)?;
    if first.kind != BOF {
        return Err(FileError::broken("the workbook does not begin as one"));
    }
    if u16_at(&first.data, 0)? != BIFF8 {
        return Err(unknown("this is a workbook of Excel 95 or older; save it as XLSX or CSV"));
    }
    let (mut book, mut sheets) = (Book::default(), Vec::new());
    let (mut formats, mut styles): (Vec<(u16, Style)>, Vec<u16>) = (Vec::new(), Vec::new());
    loop {
        let Record { kind, data } = records.next()?.ok_or_else(cut)?;
        match kind {
            EOF => break,
            FILEPASS => return Err(encrypted()),
            DATEMODE => book.date1904 = u16_at(&data, 0)? == 1,
            // A worksheet (0) that is not hidden (0).
            BOUNDSHEET if data.get(4) == Some(&0) && data.get(5) == Some(&0) => {
                sheets.push((text::short(&data, 6), u64::from(u32_at(&data, 0)?)));
            }
            FORMAT => {
                let code = text::read(records, data.clone(), 2, limits.cell_chars)?;
                formats.push((u16_at(&data, 0)?, Styles::by_code(&code)));
            }
            XF => styles.push(u16_at(&data, 2)?),
            SST => book.strings = Arc::new(text::shared(records, data, limits)?),
            _ => {}
        }
        if sheets.len().max(formats.len()).max(styles.len()) > ITEMS {
            return Err(FileError::broken("a list inside the workbook is far too long"));
        }
    }
    let style = |format: u16| {
        let own = formats.iter().find(|(number, _)| *number == format).map(|(_, style)| *style);
        own.unwrap_or_else(|| Styles::built_in(u32::from(format)))
    };
    book.styles = Arc::new(Styles::of(styles.into_iter().map(style).collect()));
    Ok((book, sheets))
}

fn encrypted() -> FileError {
    FileError::fatal(Code::Encrypted, "the workbook is protected by a password; save it without one")
}

fn unknown(detail: impl Into<String>) -> FileError {
    FileError::fatal(Code::FormatUnknown, detail)
}

fn cut() -> FileError {
    FileError::broken("the workbook is cut short")
}
