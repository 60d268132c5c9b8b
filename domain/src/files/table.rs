//! The table over a file: opening it, its header and width, and its rows one by one.
//!
//! Opening reads a sample of the first records (bounded in number and bytes) to find the header and the width; the sample
//! is then given out first, so the file is read once.
//! Invariants: all rows have as many cells as the header; after a fatal error there are no more rows.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::cells::unguard;
use super::decoded::Decoded;
use super::error::{Code, FileError};
use super::kind::{Kind, must_be_xls, sniff};
use super::records::Records;
use super::sheets::Sheets;
use super::xls::Biff;
use super::xlsx::Sheet;
use super::{Limits, Options, Record, encoding, header, list, separator};

/// Records looked at before the first is given out.
const SAMPLE_RECORDS: usize = 64;

/// Bytes of cells after which the sample ends even with fewer records.
const SAMPLE_BYTES: usize = 1 << 20;

/// Bytes of text from which the separator is detected.
const SEPARATOR_SAMPLE: u64 = 64 * 1024;

/// Anything a table can be read from.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// The format found, by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Separated text, whatever the extension.
    Csv,
    /// An Office Open XML workbook.
    Xlsx,
    /// A workbook of Excel 97–2003 (BIFF8).
    Xls,
}

impl Format {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
        }
    }
}

/// One data row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// 1-based: the physical line of a text file where the record starts, or the row number of the sheet.
    pub line: u64,
    /// As many cells as the table has columns; missing ones are empty.
    pub cells: Vec<String>,
}

enum Reader {
    Text(Box<Records<Decoded<Box<dyn Source>>>>),
    Sheet(Box<Sheet>),
    Old(Box<Biff>),
}

impl Reader {
    fn next_record(&mut self) -> Option<Result<Record, FileError>> {
        match self {
            Self::Text(records) => records.next_record(),
            Self::Sheet(sheet) => sheet.next_record(),
            Self::Old(sheet) => sheet.next_record(),
        }
    }
}

/// An opened table. Rows come from [`Table::next_row`].
pub struct Table {
    /// The format found.
    pub format: Format,
    /// The text encoding found or given, by its WHATWG name; `None` for workbooks.
    pub encoding: Option<&'static str>,
    /// The separator found or given; `None` for workbooks and for text of one column.
    pub separator: Option<u8>,
    /// Column titles, or `Column 1`…; never empty.
    pub header: Vec<String>,
    /// Whether the titles stand in the file.
    pub has_header: bool,
    /// Whether the text is a list of numbers with separators between them: each is a row of one cell, and a line is its
    /// place in the list.
    pub is_list: bool,
    /// The visible sheets of a workbook, in their order; none of a text.
    pub sheets: Vec<String>,
    /// The one of them that is read.
    pub sheet: Option<String>,
    reader: Reader,
    sample: VecDeque<Result<Record, FileError>>,
    rows_left: u64,
    max_rows: u64,
    finished: bool,
}

/// Opens the stored file `path`, uploaded under the name `filename`.
///
/// # Errors
/// Every fatal [`Code`]; what is wrong within the first rows is found here, later faults by [`Table::next_row`].
pub fn open(path: &Path, filename: &str, limits: &Limits, options: &Options) -> Result<Table, FileError> {
    open_source(Box::new(File::open(path)?), filename, limits, options)
}

/// As [`open`], for bytes from anywhere.
///
/// # Errors
/// As [`open`].
pub fn open_source(
    mut source: Box<dyn Source>,
    filename: &str,
    limits: &Limits,
    options: &Options,
) -> Result<Table, FileError> {
    let size = source.seek(SeekFrom::End(0))?;
    if size > limits.bytes {
        let detail = format!("the file has {size} bytes, at most {} are read", limits.bytes);
        return Err(FileError::fatal(Code::TooLarge, detail));
    }
    if size == 0 {
        return Err(empty());
    }
    match sniff(&mut source, filename)? {
        Kind::Zip => {
            let (sheet, sheets) = Sheet::open(source, limits, options.sheet.as_deref())?;
            Table::over(Reader::Sheet(Box::new(sheet)), About::workbook(Format::Xlsx, sheets), limits, options)
        }
        Kind::Ole => {
            let (sheet, sheets) = Biff::open(source, limits, options.sheet.as_deref())?;
            must_be_xls(filename)?;
            Table::over(Reader::Old(Box::new(sheet)), About::workbook(Format::Xls, sheets), limits, options)
        }
        Kind::Text => open_text(source, filename, limits, options),
    }
}

fn open_text(
    mut source: Box<dyn Source>,
    filename: &str,
    limits: &Limits,
    options: &Options,
) -> Result<Table, FileError> {
    let encoding = encoding::detect(&mut source, options.encoding.as_deref())?;
    source.seek(SeekFrom::Start(0))?;
    let mut sample = Vec::new();
    Decoded::new(&mut source, encoding).take(SEPARATOR_SAMPLE).read_to_end(&mut sample)?;
    let complete = u64::try_from(sample.len()).is_ok_and(|length| length < SEPARATOR_SAMPLE);
    let found = separator::detect(&sample, complete, options.separator, limits)?;
    source.seek(SeekFrom::Start(0))?;
    let is_list = options.header != Some(true) && list::is_list(&sample, complete, filename, &found, limits);
    let text = Decoded::new(source, encoding);
    let mut records = if is_list {
        Records::list(text, found.separator, limits)
    } else {
        Records::new(text, found.separator, limits)
    };
    if found.skip_first {
        records.skip_line()?;
    }
    let sheets = Sheets::default();
    let about =
        About { format: Format::Csv, encoding: Some(encoding.name()), separator: found.separator, is_list, sheets };
    Table::over(Reader::Text(Box::new(records)), about, limits, options)
}

/// What was found out about a file before its rows.
struct About {
    format: Format,
    encoding: Option<&'static str>,
    separator: Option<u8>,
    is_list: bool,
    sheets: Sheets,
}

impl About {
    fn workbook(format: Format, sheets: Sheets) -> Self {
        Self { format, encoding: None, separator: None, is_list: false, sheets }
    }
}

impl Table {
    fn over(
        mut reader: Reader,
        About { format, encoding, separator, is_list, sheets }: About,
        limits: &Limits,
        options: &Options,
    ) -> Result<Self, FileError> {
        let mut sample = read_sample(&mut reader)?;
        let whole: Vec<Record> = sample.iter().filter_map(|record| record.as_ref().ok().cloned()).collect();
        let first_readable = sample.front().is_some_and(Result::is_ok);
        let has_header = !is_list && options.header.unwrap_or_else(|| first_readable && header::is_header(&whole));
        let titles = match sample.pop_front() {
            None => return Err(empty()),
            Some(Err(error)) if has_header => return Err(error.into_fatal()),
            Some(Ok(record)) if has_header => record.cells.into_iter().map(unguard).collect(),
            Some(other) => {
                sample.push_front(other);
                Vec::new()
            }
        };
        // In text a row longer than its header has a stray separator: its values are shifted, and the row is refused.
        // In a sheet every cell has its place, so a column without a title is only that.
        let longest = whole.iter().map(|record| width(&record.cells)).max().unwrap_or(1);
        let columns = if has_header && format == Format::Csv { titles.len() } else { longest.max(titles.len()) };
        Ok(Self {
            format,
            encoding,
            separator,
            header: header::names(&titles, columns),
            has_header,
            is_list,
            sheet: sheets.names.get(sheets.chosen).cloned(),
            sheets: sheets.names,
            reader,
            sample,
            rows_left: limits.rows,
            max_rows: limits.rows,
            finished: false,
        })
    }

    /// The next data row. A row error (`fatal: false`) costs that row only; after a fatal one, `None` follows.
    pub fn next_row(&mut self) -> Option<Result<Row, FileError>> {
        if self.finished {
            return None;
        }
        let record = match self.sample.pop_front() {
            Some(record) => record,
            None => self.reader.next_record()?,
        };
        let result = self.take_row(record);
        self.finished = result.as_ref().is_err_and(|error| error.fatal);
        Some(result)
    }

    fn take_row(&mut self, record: Result<Record, FileError>) -> Result<Row, FileError> {
        let line = match &record {
            Ok(record) => Some(record.line),
            Err(error) if error.fatal => None,
            Err(error) => error.line,
        };
        // The place is known for every record, good or bad: both are counted.
        if let Some(line) = line {
            self.rows_left = self.rows_left.checked_sub(1).ok_or_else(|| {
                FileError::fatal(Code::TooManyRows, format!("more than {} rows", self.max_rows)).at(line)
            })?;
        }
        fitted(record?, self.header.len())
    }

    /// Up to `most` of the first rows, without taking them; those with errors are left out.
    pub fn peek(&self, most: usize) -> Vec<Row> {
        let whole = self.sample.iter().flatten().cloned();
        whole.filter_map(|record| fitted(record, self.header.len()).ok()).take(most).collect()
    }
}

/// The record as a row of the table's width.
fn fitted(record: Record, columns: usize) -> Result<Row, FileError> {
    let Record { line, mut cells } = record;
    if width(&cells) > columns {
        let detail = format!("more values than the {columns} columns of the table");
        return Err(FileError::row(Code::RowTooLong, detail, line).in_column(columns + 1));
    }
    cells.resize(columns, String::new());
    Ok(Row { line, cells: cells.into_iter().map(unguard).collect() })
}

fn read_sample(reader: &mut Reader) -> Result<VecDeque<Result<Record, FileError>>, FileError> {
    let mut sample = VecDeque::new();
    let mut bytes = 0;
    while sample.len() < SAMPLE_RECORDS && bytes < SAMPLE_BYTES {
        match reader.next_record() {
            None => break,
            Some(Err(error)) if error.fatal => return Err(error),
            Some(record) => {
                bytes += record.iter().flat_map(|record| &record.cells).map(String::len).sum::<usize>();
                sample.push_back(record);
            }
        }
    }
    Ok(sample)
}

/// Columns up to the last one with a value.
fn width(cells: &[String]) -> usize {
    cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
}

fn empty() -> FileError {
    FileError::fatal(Code::Empty, "the file has no rows")
}
