//! The rows of one worksheet, cell by cell as they stand in its XML.
//!
//! Invariants: only cells that are there cost anything (the declared dimension is not read, gaps are not walked through);
//! a cell without a value does not exist, however far out its formatting reaches; row numbers grow.

use std::io::Read;
use std::sync::Arc;

use quick_xml::events::BytesStart;

use super::super::error::{Code, FileError};
use super::super::{Limits, Record};
use super::strings::Strings;
use super::styles::Styles;
use super::value::{iso_date, number, unescape};
use super::xml::{Step, Xml, attribute};

/// Rows and columns a worksheet can have.
const MAX_ROW: u64 = 1_048_576;
const MAX_COLUMN: usize = 16_384;

/// What all sheets of a workbook share.
#[derive(Clone, Default)]
pub(super) struct Book {
    pub strings: Arc<Strings>,
    pub styles: Arc<Styles>,
    pub date1904: bool,
}

/// How the value of a cell is stored.
#[derive(Clone, Copy)]
enum Stored {
    Number,
    Shared,
    Text,
    Boolean,
    Error,
    IsoDate,
}

/// A cell that was just opened: its column from 0, its style and its kind.
struct Cell {
    column: usize,
    style: usize,
    stored: Stored,
}

/// Reader of the records of a sheet.
pub(super) struct SheetReader<R> {
    xml: Xml<R>,
    book: Book,
    columns: usize,
    cell_chars: usize,
    row: u64,
    done: bool,
}

impl<R: Read> SheetReader<R> {
    /// `part` is the unpacked XML of the sheet.
    pub(super) fn new(part: R, book: Book, limits: &Limits) -> Result<Self, FileError> {
        let mut xml = Xml::new(part);
        loop {
            match xml.step()? {
                Step::Open(start) if start.local_name().as_ref() == "sheetData" => break,
                Step::End => return Err(FileError::broken("a sheet of the workbook has no data element")),
                _ => {}
            }
        }
        Ok(Self { xml, book, columns: limits.columns, cell_chars: limits.cell_chars, row: 0, done: false })
    }

    /// The next row that has a value, `None` at the end.
    pub(super) fn next_record(&mut self) -> Option<Result<Record, FileError>> {
        while !self.done {
            let row = self.next_row();
            self.done |= row.as_ref().is_err_and(|error| error.fatal);
            match row {
                Ok(Some(cells)) if cells.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(Some(cells)) => return Some(Ok(Record { line: self.row, cells })),
                Ok(None) => self.done = true,
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    fn next_row(&mut self) -> Result<Option<Vec<String>>, FileError> {
        loop {
            match self.xml.step()? {
                Step::Open(start) if start.local_name().as_ref() == "row" => {
                    let given = attribute(&start, "r").map(|row| row.parse::<u64>());
                    let row =
                        given.unwrap_or(Ok(self.row + 1)).ok().filter(|row| (self.row + 1..=MAX_ROW).contains(row));
                    let Some(row) = row else {
                        return Err(FileError::broken("the row numbers of the sheet are out of order").at(self.row + 1));
                    };
                    self.row = row;
                    return self.read_row().map(Some);
                }
                Step::Open(_) => self.xml.skip()?,
                Step::Text(_) => {}
                Step::End => return Ok(None),
                Step::Close => {
                    // The rest of the part is read too: only then is its checksum known to be right.
                    while !matches!(self.xml.step()?, Step::End) {}
                    return Ok(None);
                }
            }
        }
    }

    /// The cells of the row just opened. The whole row is read even when a cell of it is refused.
    fn read_row(&mut self) -> Result<Vec<String>, FileError> {
        let outside = self.xml.depth().saturating_sub(1);
        let mut cells: Vec<String> = Vec::new();
        let mut problem = None;
        let mut next = 0;
        while self.xml.depth() > outside {
            let cell = match self.xml.step()? {
                Step::Open(start) if start.local_name().as_ref() == "c" => Some(cell(&start, next)?),
                Step::Open(_) => None,
                _ => continue,
            };
            let Some(cell) = cell else {
                self.xml.skip()?;
                continue;
            };
            next = cell.column + 1;
            let text = self.read_cell(&cell)?;
            if text.is_empty() {
                continue;
            }
            if cell.column >= self.columns {
                let detail = format!("a value to the right of column {}", self.columns);
                return Err(FileError::fatal(Code::TooManyColumns, detail).at(self.row).in_column(cell.column + 1));
            }
            if text.len() > self.cell_chars && text.chars().count() > self.cell_chars {
                let detail = format!("a cell of more than {} characters", self.cell_chars);
                problem.get_or_insert(FileError::row(Code::CellTooLong, detail, self.row).in_column(cell.column + 1));
            }
            if cells.len() <= cell.column {
                cells.resize(cell.column + 1, String::new());
            }
            if let Some(place) = cells.get_mut(cell.column) {
                *place = text;
            }
        }
        problem.map_or(Ok(cells), Err)
    }

    /// The text of the cell just opened; formulas give their stored result.
    fn read_cell(&mut self, cell: &Cell) -> Result<String, FileError> {
        enum Part {
            Value,
            Inline,
            Other,
        }
        let outside = self.xml.depth().saturating_sub(1);
        // So much that "too long" is still seen, even if every character was written as an escape of seven.
        let limit = self.cell_chars.saturating_mul(8).saturating_add(8);
        let mut text = String::new();
        while self.xml.depth() > outside {
            let part = match self.xml.step()? {
                Step::Open(start) => match start.local_name().as_ref() {
                    "v" => Part::Value,
                    "is" => Part::Inline,
                    _ => Part::Other,
                },
                _ => continue,
            };
            match part {
                Part::Value => self.xml.text(&mut text, limit)?,
                Part::Inline => self.xml.rich_text(&mut text, limit)?,
                Part::Other => self.xml.skip()?,
            }
        }
        if text.is_empty() {
            return Ok(text);
        }
        Ok(match cell.stored {
            Stored::Number => number(&text, self.book.styles.get(cell.style), self.book.date1904),
            Stored::Text => unescape(&text),
            Stored::Error => String::new(),
            Stored::IsoDate => iso_date(&text),
            Stored::Boolean => if text.trim() == "0" { "false" } else { "true" }.to_owned(),
            Stored::Shared => {
                let shared = text.trim().parse().ok().and_then(|index| self.book.strings.get(index));
                unescape(shared.ok_or_else(|| {
                    FileError::broken("a cell refers to a text that the workbook does not have")
                        .at(self.row)
                        .in_column(cell.column + 1)
                })?)
            }
        })
    }
}

/// Reads the attributes of `c`; a cell without a reference follows the one before.
fn cell(start: &BytesStart<'_>, next: usize) -> Result<Cell, FileError> {
    let mut cell = Cell { column: next, style: 0, stored: Stored::Number };
    for attribute in start.attributes().with_checks(false).flatten() {
        let value = attribute.value.as_ref();
        match attribute.key.as_ref() {
            "r" => cell.column = column(value).unwrap_or(MAX_COLUMN),
            "s" => cell.style = value.parse().unwrap_or(0),
            "t" => {
                cell.stored = match value {
                    "s" => Stored::Shared,
                    "b" => Stored::Boolean,
                    "e" => Stored::Error,
                    "d" => Stored::IsoDate,
                    "str" | "inlineStr" => Stored::Text,
                    _ => Stored::Number,
                }
            }
            _ => {}
        }
    }
    if cell.column >= MAX_COLUMN {
        return Err(FileError::broken("a cell has no place in the sheet"));
    }
    Ok(cell)
}

/// The column of a reference such as `AB12`, from 0.
fn column(reference: &str) -> Option<usize> {
    let mut column = 0_usize;
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    for letter in letters {
        column = column.checked_mul(26)?.checked_add(usize::from(letter.to_ascii_uppercase() - b'A') + 1)?;
    }
    column.checked_sub(1)
}
