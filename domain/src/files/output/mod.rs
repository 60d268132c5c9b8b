//! Tables written for people's spreadsheets: CSV and XLSX, a row at a time.
//!
//! Invariants: memory does not grow with the table; no cell becomes a formula when the file is opened, and a number such
//! as `+447400123456` stays the text that it is; what is written here, [`super::open`] reads back as the same cells.

mod csv;
mod xlsx;

use std::borrow::Cow;
use std::io::{self, Seek, Write};

use self::csv::BYTE_ORDER_MARK;
pub use self::csv::csv_line;
use self::xlsx::Workbook;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text, also dates and phone numbers.
    Text(Cow<'a, str>),
    /// A decimal number, as `-12.5`.
    Number(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// Text, or nothing.
    pub fn text(value: Option<&'a str>) -> Self {
        value.map_or(Self::Empty, |text| Self::Text(Cow::Borrowed(text)))
    }
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Separated text in UTF-8 with a byte order mark, which spreadsheets need to know the encoding by.
    Csv {
        /// An ASCII character.
        separator: u8,
    },
    /// An Office Open XML workbook.
    Xlsx,
}

/// A table that is being written.
pub struct Output<W: Write + Seek>(Kind<W>);

enum Kind<W: Write + Seek> {
    Csv { target: W, separator: u8 },
    Xlsx(Box<Workbook<W>>),
}

impl<W: Write + Seek> Output<W> {
    /// Begins a table with these titles.
    ///
    /// # Errors
    /// When the target cannot be written.
    pub fn new(mut target: W, form: Form, titles: &[String]) -> io::Result<Self> {
        let mut output = match form {
            Form::Csv { separator } => {
                target.write_all(BYTE_ORDER_MARK.as_bytes())?;
                Self(Kind::Csv { target, separator })
            }
            Form::Xlsx => return Ok(Self(Kind::Xlsx(Box::new(Workbook::new(target, titles)?)))),
        };
        let titles: Vec<Cell<'_>> = titles.iter().map(|title| Cell::text(Some(title))).collect();
        output.row(&titles)?;
        Ok(output)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When the target cannot be written.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Csv { target, separator } => target.write_all(csv_line(cells, *separator).as_bytes()),
            Kind::Xlsx(workbook) => workbook.row(cells),
        }
    }

    /// Ends the table and gives its target back.
    ///
    /// # Errors
    /// When the target cannot be written.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Kind::Csv { mut target, .. } => {
                target.flush()?;
                Ok(target)
            }
            Kind::Xlsx(workbook) => workbook.finish(),
        }
    }
}
