//! `GET /v1/exports/{id}/{signature}/{name}`: the file of an export. A browser opens the address as it is, so it has no
//! token; its signature is what lets in, until the file expires.
//!
//! The file is in the database, so any process of the API can give it out; it is read a piece at a time.

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS},
    web::{Bytes, Data},
};
use domain::{
    exports::{self, Format},
    ids::{ExportId, FileId},
    scope::{AccountScope, SystemScope},
    uploads,
};
use futures_util::{Stream, stream::unfold};
use utoipa::ToSchema;

use crate::{
    App,
    shared::{
        path::{Id, part},
        problem::Failure,
    },
};

/// The file of an export: XLSX, or CSV as text.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "the file is streamed; this is for the document")]
pub struct ExportFile(Vec<u8>);

/// Download the file of an export
///
/// At the address that `download.url` of the export tells, which any browser may open: it ends with a signature instead of
/// a token, and is of no use after 24 hours, or when the export is deleted. `name` is what the file is saved as; any other
/// does as well. For example, `curl -O https://…/v1/exports/exp_01kazsw6e3f8e9xq2m4r7t5v0b/5d41…c592/contacts-2026-11-21-100000.xlsx`.
#[utoipa::path(
    operation_id = "exports.download",
    tag = "Exports",
    security(()),
    params(
        ("id" = ExportId, Path, description = "The export."),
        ("signature" = String, Path, description = "As `download.url` has it."),
        ("name" = String, Path, description = "The name of the file."),
    ),
    responses((status = OK, description = "The file, as an attachment.", content(
        (
            ExportFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            example = json!("PK… (the bytes of the workbook)")
        ),
        (
            String = "text/csv; charset=utf-8",
            example = json!("phone;first_name;fields.city;groups\r\n'+447400123456;Anna;Leeds;Regulars\r\n")
        ),
    ))),
)]
#[get("/exports/{id}/{signature}/{name}")]
pub(super) async fn download(app: Data<App>, req: HttpRequest, Id(id): Id<ExportId>) -> Result<HttpResponse, Failure> {
    let signature: String = part(&req, "signature")?;
    let system = SystemScope { clock: app.clock.clone() };
    let found = exports::by_address(app.db.read(), &system, &app.config.keys, id, &signature).await?;
    let (scope, export, upload) = found;
    let kind = match export.settings.format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    };
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", export.file_name)))
        .insert_header((CONTENT_LENGTH, upload.bytes.to_string()))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .no_chunking(u64::try_from(upload.bytes).unwrap_or_default())
        .streaming(pieces(app, scope, upload.id)))
}

fn pieces(app: Data<App>, scope: AccountScope, file: FileId) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    unfold(Some(0_i64), move |next| {
        let (app, scope) = (app.clone(), scope.clone());
        async move {
            let piece = next?;
            match uploads::piece(app.db.read(), &scope, file, piece).await {
                Ok(data) => Some((Ok(Bytes::from(data?)), Some(piece.saturating_add(1)))),
                Err(error) => {
                    tracing::warn!(%error, "a download ended early");
                    Some((Err(actix_web::error::ErrorInternalServerError("ended early")), None))
                }
            }
        }
    })
}
