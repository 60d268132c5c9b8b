//! What an import would make of a file, without doing it: how it is read, what its columns are called, which field each
//! probably feeds, and its first rows.

use super::{
    Kind, Order, Upload,
    create::{Looked, Titles, look},
    plan,
    suggest::Suggestion,
};
use crate::{
    db::Db,
    error::Result,
    files::{DateOrder, Format},
    phone::{self, Rule},
    scope::AccountScope,
};

/// Rows that are shown.
const SHOWN: usize = 20;

/// A file, looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// By its content.
    pub format: Format,
    /// The encoding of a text, by its WHATWG name.
    pub encoding: Option<&'static str>,
    /// The character between the cells of a text of more than one column.
    pub separator: Option<char>,
    /// Whether the first row holds titles.
    pub header: bool,
    /// Whether it is a list of numbers with separators between them.
    pub is_list: bool,
    /// Titles, or `Column 1`…
    pub columns: Vec<String>,
    /// Which field each column probably feeds.
    pub suggestions: Vec<Suggestion>,
    /// Field to column: as asked for, or as suggested; checked if it was asked for.
    pub mapping: std::collections::BTreeMap<String, String>,
    /// What comes first in dates with slashes: as told, or as the first rows prove.
    pub date_order: Option<DateOrder>,
    /// How many rows there are; `None` for a workbook, which is counted when it is imported.
    pub rows: Option<u64>,
    /// The first rows.
    pub first: Vec<PreviewRow>,
}

/// A row, and what its number reads as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// The line of the text, the row of the sheet, or the place in the list.
    pub line: u64,
    /// As many as there are columns.
    pub cells: Vec<String>,
    /// The number in E.164; none while no column is mapped to it, or when it cannot be read.
    pub phone: Option<String>,
    /// Why the number cannot be read.
    pub error: Option<&'static str>,
}

/// Looks at a file as [`super::create`] would. Nothing is stored.
///
/// # Errors
/// `file_refused`; `unknown_column`, `unknown_field` and `invalid_request` for a mapping that was given.
pub async fn preview<'a>(
    db: &Db,
    scope: &AccountScope,
    kind: Kind,
    upload: impl Into<Upload<'a>>,
    order: Order,
) -> Result<Preview> {
    let Looked { titles, suggestions, suggested, rule, fields, .. } =
        look(db, scope, kind, upload.into(), &order, true).await?;
    let Titles { format, encoding, separator, header, has_header, is_list, dates, first, rows } = titles;
    let phone = match &order.mapping {
        Some(mapping) => {
            let columns = plan::resolve(kind, mapping, &header, &fields)?;
            columns.into_iter().find(|(target, _)| target == "phone").map(|(_, column)| column)
        }
        None => suggestions.iter().find(|s| s.field == "phone").map(|s| s.column),
    };
    let rule = order.default_country.map_or(rule, Rule::ImportCountry);
    let shown = first.into_iter().take(SHOWN).map(|row| {
        let read = phone.and_then(|column| row.cells.get(column)).map(|cell| phone::parse(cell.trim(), &rule));
        let (phone, error) = match read {
            None => (None, None),
            Some(Ok(parsed)) => (Some(parsed.number.to_string()), None),
            Some(Err(error)) => (None, Some(error.code)),
        };
        PreviewRow { line: row.line, cells: row.cells, phone, error }
    });
    Ok(Preview {
        format,
        encoding,
        separator: separator.map(char::from),
        header: has_header,
        is_list,
        first: shown.collect(),
        columns: header,
        suggestions,
        mapping: order.mapping.unwrap_or(suggested),
        date_order: order.date_order.or(dates),
        rows,
    })
}
