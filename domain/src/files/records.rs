//! Separated text cut into records, from UTF-8 bytes, with every quantity bounded while reading.
//!
//! Own code and not the `csv` crate, because that grows its buffer with an unclosed quote (the whole file as one cell)
//! and takes such a file as complete. Here nothing beyond the limits is kept, and a quote that swallowed lines is an error.
//!
//! States of a cell: start → plain or quoted → (quote seen) → ended.
//! Invariants: lines are physical lines (in a list, places of the list); a record without any value is skipped; a record is given only if all of it was
//! understood.

use std::io::BufRead;

use super::error::{Code, FileError};
use super::{Limits, Record};

/// The cell that is being read.
enum State {
    Start,
    Plain,
    /// Since the line given.
    Quoted(u64),
    /// A quote inside a quoted cell: its end, or the first half of a doubled one.
    QuoteSeen(u64),
}

/// Records of `text`. `separator` `None` means that a line is one cell.
pub(super) struct Records<T> {
    text: T,
    separator: Option<u8>,
    /// The separator ends the record as the end of a line does.
    is_list: bool,
    cell_bytes: usize,
    cell_chars: usize,
    columns: usize,
    line: u64,
    after_cr: bool,
    done: bool,
    cells: Vec<String>,
    cell: Vec<u8>,
    /// Number of the current cell, which runs on past the limit of columns.
    index: usize,
    problem: Option<FileError>,
}

impl<T: BufRead> Records<T> {
    pub(super) fn new(text: T, separator: Option<u8>, limits: &Limits) -> Self {
        Self {
            text,
            separator,
            is_list: false,
            // One byte more than the longest allowed cell can have, so that "too long" is still seen.
            cell_bytes: limits.cell_chars.saturating_mul(4).saturating_add(1),
            cell_chars: limits.cell_chars,
            columns: limits.columns,
            line: 1,
            after_cr: false,
            done: false,
            cells: Vec::new(),
            cell: Vec::new(),
            index: 0,
            problem: None,
        }
    }

    /// Each cell as a record of its own.
    pub(super) fn list(text: T, separator: Option<u8>, limits: &Limits) -> Self {
        Self { is_list: true, ..Self::new(text, separator, limits) }
    }

    /// Skips the first line, which is not data (`sep=;`).
    pub(super) fn skip_line(&mut self) -> Result<(), FileError> {
        let separator = self.separator.take();
        let skipped = self.read_record().map(|_| ());
        self.separator = separator;
        self.cells.clear();
        skipped
    }

    /// The next record that has a value, `None` at the end.
    pub(super) fn next_record(&mut self) -> Option<Result<Record, FileError>> {
        while !self.done {
            self.index = 0;
            let result = self.read_record();
            let cells = std::mem::take(&mut self.cells);
            let problem = self.problem.take();
            match result {
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
                Ok(line) => match problem {
                    Some(problem) => return Some(Err(problem)),
                    None if cells.iter().all(|cell| cell.trim().is_empty()) => {}
                    None => return Some(Ok(Record { line, cells })),
                },
            }
        }
        None
    }

    /// Reads to the end of a record and gives the line it began on; its cells or its problem are in `self`.
    fn read_record(&mut self) -> Result<u64, FileError> {
        let first_line = self.line;
        let mut state = State::Start;
        loop {
            let chunk = self.text.fill_buf()?;
            let Some(&byte) = chunk.first() else {
                self.done = true;
                return match state {
                    State::Quoted(opened) => {
                        let detail = format!("the quote opened on line {opened} is never closed");
                        Err(FileError::fatal(Code::QuoteUnclosed, detail).at(opened))
                    }
                    _ => self.end_cell(first_line).map(|()| first_line),
                };
            };
            let quoted = matches!(state, State::Quoted(_));
            if std::mem::take(&mut self.after_cr) && byte == b'\n' {
                // The second half of a line end that has been counted and acted upon.
                self.text.consume(1);
                if quoted {
                    self.keep(b"\n");
                }
                continue;
            }
            let plain = plain_run(chunk, self.separator, quoted);
            if plain > 0 {
                keep(&mut self.cell, chunk.get(..plain).unwrap_or_default(), self.cell_bytes);
                self.text.consume(plain);
                state = self.after_plain(state, first_line);
                continue;
            }
            self.text.consume(1);
            if byte == 0 {
                return Err(FileError::fatal(Code::NulBytes, "a zero byte in the text").at(self.line));
            }
            if matches!(byte, b'\n' | b'\r') {
                self.line += 1;
                self.after_cr = byte == b'\r';
            }
            state = match (state, byte) {
                (State::Start, b'"') => State::Quoted(self.line),
                (State::Quoted(opened), b'"') => State::QuoteSeen(opened),
                (State::QuoteSeen(opened), b'"') => {
                    self.keep(b"\"");
                    State::Quoted(opened)
                }
                (state @ (State::Quoted(_) | State::Plain), other) if quoted || other == b'"' => {
                    self.keep(&[other]);
                    state
                }
                (_, b'\n' | b'\r') => return self.end_cell(first_line).map(|()| first_line),
                (_, _separator) if self.is_list => {
                    self.line += 1;
                    return self.end_cell(first_line).map(|()| first_line);
                }
                (_, _separator) => {
                    self.end_cell(first_line)?;
                    self.index += 1;
                    State::Start
                }
            };
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        keep(&mut self.cell, bytes, self.cell_bytes);
    }

    /// Text after a closing quote: `"Rose" Ltd` on one line is `Rose Ltd`, as in spreadsheets; over several lines
    /// it means that a quote was lost and rows were swallowed.
    fn after_plain(&mut self, state: State, first_line: u64) -> State {
        match state {
            State::Quoted(opened) => State::Quoted(opened),
            State::QuoteSeen(opened) if opened != self.line => {
                let detail = format!("a quote on line {opened} runs to line {}: the lines between are lost", self.line);
                self.note(FileError::row(Code::QuoteBroken, detail, first_line));
                State::Plain
            }
            _ => State::Plain,
        }
    }

    fn end_cell(&mut self, first_line: u64) -> Result<(), FileError> {
        let cell = std::mem::take(&mut self.cell);
        let column = self.index + 1;
        if self.index >= self.columns {
            // Empty cells without end are what spreadsheets write for formatted columns; values there are refused.
            if cell.is_empty() {
                return Ok(());
            }
            let detail = format!("more than {} columns", self.columns);
            return Err(FileError::fatal(Code::TooManyColumns, detail).at(first_line).in_column(column));
        }
        match String::from_utf8(cell) {
            // A cell cut at the byte limit may end inside a character: that is "too long", not "bad bytes".
            Err(error) if error.as_bytes().len() >= self.cell_bytes => self.too_long(first_line, column),
            Err(_) => {
                let detail = "bytes that are not text in the file's encoding";
                self.note(FileError::row(Code::Encoding, detail, first_line).in_column(column));
            }
            Ok(text) if text.len() > self.cell_chars && text.chars().count() > self.cell_chars => {
                self.too_long(first_line, column);
            }
            Ok(text) => self.cells.push(text),
        }
        Ok(())
    }

    fn too_long(&mut self, line: u64, column: usize) {
        let detail = format!("a cell of more than {} characters", self.cell_chars);
        self.note(FileError::row(Code::CellTooLong, detail, line).in_column(column));
    }

    /// The first problem of a record is the one reported.
    fn note(&mut self, problem: FileError) {
        self.problem.get_or_insert(problem);
    }
}

/// How many bytes from the start of `chunk` are ordinary text in this state.
fn plain_run(chunk: &[u8], separator: Option<u8>, quoted: bool) -> usize {
    let special = |byte: u8| match byte {
        b'"' | b'\n' | b'\r' | 0 => true,
        other => !quoted && Some(other) == separator,
    };
    chunk.iter().position(|byte| special(*byte)).unwrap_or(chunk.len())
}

/// Appends, but never beyond `limit` bytes: the rest is only counted as "too long".
fn keep(cell: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let room = limit.saturating_sub(cell.len());
    cell.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}
