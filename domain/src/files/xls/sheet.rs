//! The rows of one worksheet, from the records of its cells.
//!
//! Invariants: row numbers grow; a cell without a value does not exist; what is nested in a sheet (charts) is passed over.

use super::super::error::{Code, FileError};
use super::super::xlsx::number;
use super::super::{Limits, Record as Row};
use super::records::{Record, Records, f64_at, u16_at, u32_at};
use super::{BOF, Book, EOF, cut, text};

const NUMBER: u16 = 0x0203;
const RK: u16 = 0x027e;
const MULRK: u16 = 0x00bd;
const LABELSST: u16 = 0x00fd;
const LABEL: u16 = 0x0204;
const RSTRING: u16 = 0x00d6;
const BOOLERR: u16 = 0x0205;
const FORMULA: u16 = 0x0006;
const STRING: u16 = 0x0207;

/// Cells that one record tells of: their row, their first column and their texts.
struct Cells {
    row: u16,
    column: u16,
    texts: Vec<String>,
}

/// Reader of the records of a sheet.
pub(super) struct SheetReader {
    records: Records,
    book: Book,
    columns: usize,
    cell_chars: usize,
    /// Read already, of the row after the one that was given last.
    ahead: Option<Cells>,
    row: Option<u16>,
    /// The end of the sheet has been read, though not all rows before it given.
    ended: bool,
    done: bool,
}

impl SheetReader {
    /// The sheet whose beginning stands at `start` of the stream.
    pub(super) fn new(records: Records, start: u64, book: Book, limits: &Limits) -> Result<Self, FileError> {
        let mut records = records.go_to(start);
        if records.next()?.is_none_or(|first| first.kind != BOF) {
            return Err(FileError::broken("a sheet of the workbook is not where it should be"));
        }
        let (columns, cell_chars) = (limits.columns, limits.cell_chars);
        Ok(Self { records, book, columns, cell_chars, ahead: None, row: None, ended: false, done: false })
    }

    pub(super) fn into_records(self) -> Records {
        self.records
    }

    /// The next row that has a value, `None` at the end.
    pub(super) fn next_record(&mut self) -> Option<Result<Row, FileError>> {
        while !self.done {
            match self.next_row() {
                Ok(Some(row)) if row.cells.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(Some(row)) => return Some(Ok(row)),
                Ok(None) => self.done = true,
                Err(error) => {
                    self.done |= error.fatal;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn next_row(&mut self) -> Result<Option<Row>, FileError> {
        let first = match self.ahead.take() {
            Some(cells) => cells,
            None => match self.cells()? {
                Some(cells) => cells,
                None => return Ok(None),
            },
        };
        let number = first.row;
        let line = u64::from(number) + 1;
        if self.row.is_some_and(|before| before >= number) {
            return Err(FileError::broken("the rows of the sheet are out of order; save it as XLSX").at(line));
        }
        self.row = Some(number);
        let (mut cells, mut problem) = (Vec::new(), None);
        let mut next = Some(first);
        while let Some(more) = next.take() {
            if more.row != number {
                self.ahead = Some(more);
                break;
            }
            self.place(more, &mut cells, &mut problem)?;
            next = self.cells()?;
        }
        problem.map_or(Ok(Some(Row { line, cells })), Err)
    }

    /// Puts the texts of a record into their columns.
    fn place(&self, more: Cells, cells: &mut Vec<String>, problem: &mut Option<FileError>) -> Result<(), FileError> {
        let line = u64::from(more.row) + 1;
        for (column, text) in (usize::from(more.column)..).zip(more.texts) {
            if text.is_empty() {
                continue;
            }
            if column >= self.columns {
                let detail = format!("a value to the right of column {}", self.columns);
                return Err(FileError::fatal(Code::TooManyColumns, detail).at(line).in_column(column + 1));
            }
            if text.len() > self.cell_chars && text.chars().count() > self.cell_chars {
                let detail = format!("a cell of more than {} characters", self.cell_chars);
                problem.get_or_insert(FileError::row(Code::CellTooLong, detail, line).in_column(column + 1));
            }
            if cells.len() <= column {
                cells.resize(column + 1, String::new());
            }
            if let Some(place) = cells.get_mut(column) {
                *place = text;
            }
        }
        Ok(())
    }

    /// The cells of the next record that has some, `None` at the end of the sheet.
    fn cells(&mut self) -> Result<Option<Cells>, FileError> {
        let mut nested = 0_u32;
        while !self.ended {
            let Record { kind, data } = self.records.next()?.ok_or_else(cut)?;
            match kind {
                BOF => nested = nested.saturating_add(1),
                EOF if nested == 0 => self.ended = true,
                EOF => nested -= 1,
                _ if nested > 0 => {}
                NUMBER | RK | MULRK | LABELSST | LABEL | RSTRING | BOOLERR | FORMULA => {
                    let (row, column) = (u16_at(&data, 0)?, u16_at(&data, 2)?);
                    let texts = if kind == MULRK { self.many(&data)? } else { vec![self.one(kind, data)?] };
                    return Ok(Some(Cells { row, column, texts }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// The text of the one cell of a record.
    fn one(&mut self, kind: u16, data: Vec<u8>) -> Result<String, FileError> {
        let style = u16_at(&data, 4)?;
        Ok(match kind {
            NUMBER => self.number(f64_at(&data, 6)?, style),
            RK => self.number(rk(u32_at(&data, 6)?), style),
            LABELSST => {
                let index = usize::try_from(u32_at(&data, 6)?).ok();
                let shared = index.and_then(|index| self.book.strings.get(index));
                let missing = || FileError::broken("a cell refers to a text that the workbook does not have");
                shared.ok_or_else(missing)?.to_owned()
            }
            BOOLERR => match (data.get(6), data.get(7)) {
                (Some(value), Some(0)) => boolean(*value),
                _ => String::new(),
            },
            FORMULA => return self.result(&data, style),
            _ => text::read(&mut self.records, data, 6, self.cell_chars)?,
        })
    }

    /// The texts of a record of several numbers, which stand beside each other.
    fn many(&self, data: &[u8]) -> Result<Vec<String>, FileError> {
        let numbers = data.get(4..data.len().saturating_sub(2)).unwrap_or_default().chunks_exact(6);
        numbers.map(|one| Ok(self.number(rk(u32_at(one, 2)?), u16_at(one, 0)?))).collect()
    }

    /// The stored result of a formula; a text stands in a record of its own.
    fn result(&mut self, data: &[u8], style: u16) -> Result<String, FileError> {
        if u16_at(data, 12)? != 0xffff {
            return Ok(self.number(f64_at(data, 6)?, style));
        }
        match (data.get(6), data.get(8)) {
            (Some(0), _) => {}
            (Some(1), Some(value)) => return Ok(boolean(*value)),
            _ => return Ok(String::new()),
        }
        // Only records about the formula itself stand between.
        for _ in 0..4 {
            let Some(record) = self.records.next()? else { break };
            if record.kind == STRING {
                return text::read(&mut self.records, record.data, 0, self.cell_chars);
            }
        }
        Err(FileError::broken("the text of a formula is missing"))
    }

    fn number(&self, value: f64, style: u16) -> String {
        if !value.is_finite() {
            return String::new();
        }
        number(&value.to_string(), self.book.styles.get(usize::from(style)), self.book.date1904)
    }
}

/// A number in four octets: an integer of 30 bits or the upper half of a float, perhaps a hundredth of it.
fn rk(packed: u32) -> f64 {
    let value = if packed & 2 == 0 {
        f64::from_bits(u64::from(packed & !3) << 32)
    } else {
        f64::from(i32::from_ne_bytes(packed.to_ne_bytes()) >> 2)
    };
    if packed & 1 == 0 { value } else { value / 100.0 }
}

fn boolean(value: u8) -> String {
    if value == 0 { "false" } else { "true" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers() {
        let hundredths = (1234 << 2) | 3;
        assert_eq!([rk((7 << 2) | 2), rk(hundredths), rk(0x3ff0_0000), rk(0xffff_fffe)], [7.0, 12.34, 1.0, -1.0]);
    }
}
