//! What an import would make of a file.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, post,
    web::{Data, Payload},
};
use domain::files::DateOrder;
use domain::imports::{self, By, Kind, Preview, PreviewRow, Suggestion};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ImportUpload, upload};
use crate::{
    App,
    shared::{auth::Auth, problem::Failure, reply::Reply},
};

/// A field that a column probably feeds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"field": "phone", "column": 2, "by": "title"}))]
pub struct ImportSuggestion {
    /// The field, as in `mapping`.
    pub field: String,
    /// The number of the column, from 1.
    pub column: usize,
    /// What it goes by.
    pub by: By,
}

impl From<Suggestion> for ImportSuggestion {
    fn from(suggestion: Suggestion) -> Self {
        let Suggestion { field, column, by } = suggestion;
        Self { field, column: column.saturating_add(1), by }
    }
}

/// One of the first rows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"line": 2, "cells": ["Anna", "07400 123456"], "phone": "+447400123456", "error": null}))]
pub struct ImportPreviewRow {
    /// The line of the text file, the row of the sheet, or the place in a list of numbers between separators.
    pub line: u64,
    /// As many as there are columns.
    pub cells: Vec<String>,
    /// What the number reads as, E.164; null when it cannot be read, or no column is mapped to it.
    pub phone: Option<String>,
    /// Why the number cannot be read, or of unsubscribes the sender: a stable word, such as `phone_too_short` or
    /// `unknown_sender`.
    pub error: Option<String>,
}

impl From<PreviewRow> for ImportPreviewRow {
    fn from(row: PreviewRow) -> Self {
        let PreviewRow { line, cells, phone, error } = row;
        Self { line, cells, phone, error: error.map(str::to_owned) }
    }
}

/// What an import would make of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "format": "csv",
    "encoding": "windows-1251",
    "separator": ";",
    "header": true,
    "is_list": false,
    "sheets": [],
    "sheet": null,
    "columns": ["First name", "Mobile phone"],
    "suggestions": [{"field": "first_name", "column": 1, "by": "title"}, {"field": "phone", "column": 2, "by": "title"}],
    "mapping": {"phone": "Mobile phone", "first_name": "First name"},
    "date_order": null,
    "rows": 2,
    "first_rows": [
        {"line": 2, "cells": ["Anna", "07400 123456"], "phone": "+447400123456", "error": null},
        {"line": 3, "cells": ["Bob", "12"], "phone": null, "error": "phone_too_short"}
    ]
}))]
pub struct ImportPreview {
    /// `csv` (any separated text), `xlsx` or `xls`, by the content.
    pub format: String,
    /// The encoding of a text file, by its WHATWG name; null for a workbook.
    pub encoding: Option<String>,
    /// The character between cells; null for a workbook and for text of one column.
    pub separator: Option<String>,
    /// Whether the first row holds titles.
    pub header: bool,
    /// Whether it is a list of numbers with separators between them, each of them a row.
    pub is_list: bool,
    /// The visible sheets of a workbook, in their order; empty for a text.
    pub sheets: Vec<String>,
    /// The one of them that is read; null for a text.
    pub sheet: Option<String>,
    /// The titles, or `Column 1` and so on.
    pub columns: Vec<String>,
    /// What columns probably feed, in their order.
    pub suggestions: Vec<ImportSuggestion>,
    /// Field to column, as sent or, if it was left out, as suggested: may be sent to the import as it is.
    pub mapping: BTreeMap<String, String>,
    /// What comes first in dates with slashes: as sent, or as the first 50 rows prove by a date that has one reading only;
    /// null when they do not, and the day is taken to come first.
    pub date_order: Option<DateOrder>,
    /// How many rows there are; null for a workbook, whose rows are counted by its import.
    pub rows: Option<u64>,
    /// The first rows, at most 20; those that are refused as rows are left out.
    pub first_rows: Vec<ImportPreviewRow>,
}

impl From<Preview> for ImportPreview {
    fn from(seen: Preview) -> Self {
        let Preview {
            format,
            encoding,
            separator,
            header,
            is_list,
            sheets,
            sheet,
            columns,
            suggestions,
            mapping,
            date_order,
            rows,
            first,
        } = seen;
        Self {
            format: format.as_str().to_owned(),
            encoding: encoding.map(str::to_owned),
            separator: separator.map(String::from),
            header,
            is_list,
            sheets,
            sheet,
            columns,
            suggestions: suggestions.into_iter().map(Into::into).collect(),
            mapping,
            date_order,
            rows,
            first_rows: first.into_iter().map(Into::into).collect(),
        }
    }
}

/// Preview an import
///
/// Takes the same form as the import and imports nothing: it tells the format, the encoding, the separator and the titles
/// that were found, which of the contact fields each column probably feeds (by its title, else by what stands in it), and the
/// first 20 rows with what their numbers read as. What would refuse the import is refused here. To send a large file only
/// once, store it with `POST /v1/files` and send its `file_id` here and to the import. With curl:
/// `curl -F file=@people.csv …/v1/contacts/imports/preview`.
#[utoipa::path(
    operation_id = "imports.preview",
    tag = "Imports",
    security(("bearer" = ["contacts:write"])),
    request_body(content = ImportUpload, content_type = "multipart/form-data", description = "The file and how to read it."),
    responses((status = OK, description = "What an import would make of it.", body = ImportPreview)),
    extensions(("x-errors" = json!(["file_refused", "not_found", "unknown_column", "unknown_field"]))),
)]
#[post("/contacts/imports/preview")]
pub(super) async fn preview(
    app: Data<App>,
    Auth(scope): Auth,
    req: HttpRequest,
    payload: Payload,
) -> Result<Reply<ImportPreview>, Failure> {
    let received = upload::receive(&req, payload, Kind::Contacts).await?;
    let seen = imports::preview(&app.db, &scope, Kind::Contacts, received.upload(), received.order.clone()).await?;
    Ok(Reply::ok(seen.into()))
}
