//! The refused rows of an import as one CSV file, streamed a page at a time: a million of them costs no more memory than
//! a hundred.

use actix_web::{
    HttpResponse, get,
    http::header::CONTENT_DISPOSITION,
    web::{Bytes, Data},
};
use domain::{
    db::Window,
    files::output::{Cell, csv_line},
    ids::ImportId,
    imports::{self, Import, Kind, RowError},
    scope::AccountScope,
};
use futures_util::stream::unfold;

use crate::{
    App,
    shared::{auth::Auth, path::Id, problem::Failure},
};

/// Rows read at a time.
const PAGE: usize = 2_000;
const TITLES: [&str; 6] = ["line", "column", "field", "code", "detail", "value"];

/// Such a file, without its byte order mark.
pub(in crate::v1) const EXAMPLE: &str = "line,column,field,code,detail,value\r\n\
    17,Mobile phone,phone,phone_too_short,fewer than 7 digits,12345\r\n";

/// The answer that goes on until the last refused row.
pub(in crate::v1) fn stream(app: Data<App>, scope: AccountScope, import: Import) -> HttpResponse {
    let name = format!("attachment; filename=\"{}-errors.csv\"", import.id);
    // None before the first page: the titles. Else the last line that was given.
    let pages = unfold(Some(None), move |state: Option<Option<i64>>| {
        let (app, scope, import) = (app.clone(), scope.clone(), import.clone());
        async move {
            let Some(after) = state? else {
                let titles = TITLES.map(|title| Cell::text(Some(title)));
                let start = format!("\u{feff}{}", csv_line(&titles, b','));
                return Some((Ok(Bytes::from(start)), Some(Some(-1))));
            };
            let window = Window { limit: PAGE, after: Some(after) };
            match imports::errors(app.db.read(), &scope, import.id, window).await {
                Ok((rows, more)) => {
                    let next = rows.last().map(|row| row.line).filter(|_| more);
                    let lines: String = rows.iter().map(|row| line(&import, row)).collect();
                    Some((Ok(Bytes::from(lines)), next.map(Some)))
                }
                Err(error) => {
                    tracing::warn!(%error, "a download of refused rows ended early");
                    Some((Err(actix_web::error::ErrorInternalServerError("ended early")), None))
                }
            }
        }
    });
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(pages)
}

fn line(import: &Import, row: &RowError) -> String {
    let RowError { line, code, detail, field, value } = row;
    let column = field.as_deref().and_then(|field| import.column_of(field));
    let cells = [
        Cell::Number(line.to_string().into()),
        Cell::text(column),
        Cell::text(field.as_deref()),
        Cell::text(Some(code)),
        Cell::text(Some(detail)),
        Cell::text(value.as_deref()),
    ];
    csv_line(&cells, b',')
}

/// Download the refused rows of an import
///
/// All of them as CSV (UTF-8 with a byte order mark, commas), in the order of the file: its line, the column of the file,
/// the field, a stable code, a sentence, and what stood there (at most 100 characters; text that a spreadsheet would take
/// for a formula has an apostrophe before it). Kept for 30 days after the import's end. For example,
/// `curl -O …/v1/contacts/imports/imp_01kazsw6e3f8e9xq2m4r7t5v0b/errors.csv`.
#[utoipa::path(
    operation_id = "imports.errors_csv",
    tag = "Imports",
    security(("bearer" = ["contacts:read"])),
    params(("id" = ImportId, Path)),
    responses((status = OK, description = "The refused rows.", body = String, content_type = "text/csv", example = json!(EXAMPLE))),
)]
#[get("/contacts/imports/{id}/errors.csv")]
pub(super) async fn errors_csv(
    app: Data<App>,
    Auth(scope): Auth,
    Id(id): Id<ImportId>,
) -> Result<HttpResponse, Failure> {
    let import = imports::find(app.db.read(), &scope, Kind::Contacts, id).await?;
    Ok(stream(app, scope, import))
}
