//! Reading of uploaded tables: CSV and TXT in any common encoding, XLSX and XLS workbooks; and writing of tables
//! ([`output`]).
//!
//! Pure and synchronous: bytes in, rows out; no database, clock or network. A table is read as a stream, so memory does
//! not grow with the file (except the shared strings of a workbook, which have a limit of their own).
//!
//! Invariants:
//! - the content decides the format; a name that contradicts it is refused;
//! - every quantity has a limit that is checked while reading and never taken from what the file says of itself;
//! - what is refused says why, with line and column; what is accepted is all there (nothing cut, dropped or replaced);
//! - any bytes at all end in rows or in a [`FileError`], never in a panic.
//!
//! To add a format: a kind in `kind.rs`, a reader giving [`Record`]s, an arm in [`Table`].

mod cells;
mod dates;
mod decoded;
mod encoding;
mod error;
mod header;
mod kind;
mod list;
mod mapping;
pub mod output;
mod records;
mod separator;
mod table;
mod xls;
mod xlsx;

#[cfg(test)]
mod tests;

pub use dates::{DateOrder, parse_date, parse_moment};
pub use encoding::is_encoding;
pub use error::{Code, FileError};
pub use mapping::{fold_title, suggest_mapping};
pub use separator::can_separate;
pub use table::{Format, Row, Source, Table, open, open_source};

/// What a file may cost. The defaults are the platform's; tests and plans may tighten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file, bytes. Default 64 MiB.
    pub bytes: u64,
    /// Size of everything a workbook unpacks to, bytes. Default 512 MiB.
    pub unpacked_bytes: u64,
    /// Size in memory of a workbook's table of shared strings, bytes. Default 128 MiB.
    pub shared_bytes: u64,
    /// Data rows, the header not counted; rows with errors count. Default 1,000,000.
    pub rows: u64,
    /// Columns that may hold values. Default 200.
    pub columns: usize,
    /// Characters (Unicode scalar values) in one cell. Default 5,000.
    pub cell_chars: usize,
    /// Packed entries of a workbook. Default 1,000.
    pub entries: usize,
}

impl Limits {
    /// The platform's.
    pub const DEFAULT: Self = Self {
        bytes: 64 << 20,
        unpacked_bytes: 512 << 20,
        shared_bytes: 128 << 20,
        rows: 1_000_000,
        columns: 200,
        cell_chars: 5_000,
        entries: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What the person importing says about the file. Everything `None` is detected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the first row holds titles.
    pub header: Option<bool>,
    /// The ASCII character between cells of a text file; ignored for workbooks.
    pub separator: Option<u8>,
    /// A WHATWG encoding label such as `windows-1251` (also `cp866`), for text files; ignored for workbooks.
    pub encoding: Option<String>,
}

/// A record as a reader gives it: only the cells that are there, before the table's width is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    line: u64,
    cells: Vec<String>,
}
