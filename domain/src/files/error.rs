//! What can be wrong with an uploaded table, as one closed list of codes.
//!
//! Invariant: a *fatal* error means the file is refused or abandoned at that point and no further row is given;
//! a *row* error costs exactly the record it names and reading goes on. Which of the two it is is said by the error
//! itself ([`FileError::fatal`]), not guessed from the code.

use std::io;

use serde::Serialize;

/// The reason a file or one of its rows was refused. `as_str` is stable: it goes into the API, reports and docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "&'static str")]
pub enum Code {
    /// More bytes than [`Limits::bytes`](super::Limits::bytes).
    TooLarge,
    /// Unpacks to more than the limit, or says so.
    UnpackedTooLarge,
    /// More packed entries than [`Limits::entries`](super::Limits::entries).
    TooManyEntries,
    /// More data rows than [`Limits::rows`](super::Limits::rows).
    TooManyRows,
    /// A value to the right of column [`Limits::columns`](super::Limits::columns).
    TooManyColumns,
    /// Row error: a cell of more than [`Limits::cell_chars`](super::Limits::cell_chars) characters.
    CellTooLong,
    /// Row error: values beyond the last column of the table.
    RowTooLong,
    /// Row error: a quoted cell runs over lines and is not followed by a separator.
    QuoteBroken,
    /// A quoted cell is still open where the file ends.
    QuoteUnclosed,
    /// Damaged or cut: packed data, XML or structure is not what the format demands.
    Broken,
    /// Not a format that is read, or not the one the file name says.
    FormatUnknown,
    /// No row at all.
    Empty,
    /// The text encoding is unknown (fatal), or bytes that the encoding does not have (row error).
    Encoding,
    /// Zero bytes in a text file.
    NulBytes,
    /// Protected by a password.
    Encrypted,
    /// The workbook has no sheet of the name or number that is asked for.
    SheetUnknown,
    /// An option given for the import is itself wrong (unknown encoding, impossible separator).
    OptionInvalid,
    /// The stored file could not be read from disk; a retry may help.
    Unreadable,
}

impl Code {
    /// All codes, for documentation and tests.
    pub const ALL: [Self; 18] = [
        Self::TooLarge,
        Self::UnpackedTooLarge,
        Self::TooManyEntries,
        Self::TooManyRows,
        Self::TooManyColumns,
        Self::CellTooLong,
        Self::RowTooLong,
        Self::QuoteBroken,
        Self::QuoteUnclosed,
        Self::Broken,
        Self::FormatUnknown,
        Self::Empty,
        Self::Encoding,
        Self::NulBytes,
        Self::Encrypted,
        Self::SheetUnknown,
        Self::OptionInvalid,
        Self::Unreadable,
    ];

    /// The stable text of the code, always starting with `file_`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "file_too_large",
            Self::UnpackedTooLarge => "file_unpacked_too_large",
            Self::TooManyEntries => "file_too_many_entries",
            Self::TooManyRows => "file_too_many_rows",
            Self::TooManyColumns => "file_too_many_columns",
            Self::CellTooLong => "file_cell_too_long",
            Self::RowTooLong => "file_row_too_long",
            Self::QuoteBroken => "file_quote_broken",
            Self::QuoteUnclosed => "file_quote_unclosed",
            Self::Broken => "file_broken",
            Self::FormatUnknown => "file_format_unknown",
            Self::Empty => "file_empty",
            Self::Encoding => "file_encoding",
            Self::NulBytes => "file_nul_bytes",
            Self::Encrypted => "file_encrypted",
            Self::SheetUnknown => "file_sheet_unknown",
            Self::OptionInvalid => "file_option_invalid",
            Self::Unreadable => "file_unreadable",
        }
    }
}

impl From<Code> for &'static str {
    fn from(code: Code) -> Self {
        code.as_str()
    }
}

/// One refusal, with the place in the file where it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{detail}")]
pub struct FileError {
    /// The reason.
    pub code: Code,
    /// One English sentence for people; never the contents of a cell, which may be personal data.
    pub detail: String,
    /// 1-based line of a text file or row number of a sheet where the record starts.
    pub line: Option<u64>,
    /// 1-based column of the table.
    pub column: Option<usize>,
    /// `true`: nothing more is read. `false`: only this record is lost.
    pub fatal: bool,
}

impl FileError {
    pub(super) fn fatal(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), line: None, column: None, fatal: true }
    }

    pub(super) fn row(code: Code, detail: impl Into<String>, line: u64) -> Self {
        Self { code, detail: detail.into(), line: Some(line), column: None, fatal: false }
    }

    pub(super) fn broken(detail: impl Into<String>) -> Self {
        Self::fatal(Code::Broken, detail)
    }

    pub(super) fn at(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    pub(super) fn in_column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    /// A row error where the whole file depends on that row (its header).
    pub(super) fn into_fatal(mut self) -> Self {
        self.fatal = true;
        self
    }

    /// The stable code, such as `file_broken`.
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }
}

/// Our readers sit below libraries that only carry `io::Error`: the refusal travels inside it and is taken out here.
impl From<&io::Error> for FileError {
    fn from(error: &io::Error) -> Self {
        if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<FileError>()) {
            return inner.clone();
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::broken("the file is cut short"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Self::broken("the packed data is damaged"),
            _ => Self::fatal(Code::Unreadable, format!("the file could not be read: {error}")),
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        Self::other(error)
    }
}
