//! What an import would make of a file, without doing it: how it is read, what its columns are called, which field each
//! probably feeds, and its first rows.

use super::{
    Kind, Order, Upload,
    look::{Looked, Titles, look},
    plan,
    senders::Senders,
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
    /// The visible sheets of a workbook.
    pub sheets: Vec<String>,
    /// The one that is read.
    pub sheet: Option<String>,
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
    /// Why the number cannot be read, or of unsubscribes the sender.
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
    let Looked { titles, suggestions, suggested, rule, fields, senders, sender, .. } =
        look(db, scope, kind, upload.into(), &order, true).await?;
    let Titles { format, encoding, separator, header, has_header, is_list, sheets, sheet, dates, first, rows } = titles;
    let columns: Vec<(String, usize)> = match &order.mapping {
        Some(mapping) => {
            let columns = plan::resolve(kind, mapping, &header, &fields)?;
            plan::check_sender(kind, &columns, sender.as_deref())?;
            columns
        }
        None => suggestions.iter().map(|s| (s.field.clone(), s.column)).collect(),
    };
    let place = |field: &str| columns.iter().find(|(target, _)| target == field).map(|(_, column)| *column);
    let (phone, about) = (place("phone"), place("sender"));
    let rule = order.default_country.map_or(rule, Rule::ImportCountry);
    let senders = senders.map(|all| Senders::new(&all, sender));
    let shown = first.into_iter().take(SHOWN).map(|row| {
        let cell = |column: usize| row.cells.get(column).map(|cell| cell.trim());
        let (phone, error) = match phone.and_then(cell).map(|cell| phone::parse(cell, &rule)) {
            None => (None, None),
            Some(Ok(parsed)) => (Some(parsed.number.to_string()), None),
            Some(Err(error)) => (None, Some(error.code)),
        };
        let of_sender = || senders.as_ref()?.read(about.and_then(cell).unwrap_or_default()).err();
        let error = error.or_else(|| of_sender().map(|e| e.code));
        PreviewRow { line: row.line, cells: row.cells, phone, error }
    });
    Ok(Preview {
        format,
        encoding,
        separator: separator.map(char::from),
        header: has_header,
        is_list,
        sheets,
        sheet,
        first: shown.collect(),
        columns: header,
        suggestions,
        mapping: order.mapping.unwrap_or(suggested),
        date_order: order.date_order.or(dates),
        rows,
    })
}
