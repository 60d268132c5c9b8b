//! `/v1/files`: tables that are uploaded once, to be previewed and imported by their id.

use actix_web::{
    HttpRequest, delete, get, post,
    web::{Data, Payload},
};
use domain::{
    Error,
    clock::Timestamp,
    ids::FileId,
    uploads::{self, Upload},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::imports::upload;
use crate::{
    App,
    shared::{
        auth::Auth,
        path::Id,
        problem::Failure,
        reply::{NoContent, Reply},
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(create).service(get).service(delete);
}

/// A file to store, as the part of a form.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"file": "(the bytes of people.csv)"}))]
#[allow(dead_code, reason = "describes the form, which is read as a stream")]
pub struct NewFile {
    /// The file, at most 64 MiB.
    #[schema(value_type = String, format = Binary)]
    pub file: String,
}

/// A stored file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "fil_01kazsw6e3f8e9xq2m4r7t5v0b", "name": "people.csv", "bytes": 48211,
    "created_at": "2026-11-21T10:00:00.000000Z", "expires_at": "2026-11-28T10:00:00.000000Z"
}))]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// The name it was uploaded under.
    pub name: String,
    /// Its size in bytes.
    pub bytes: i64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it is deleted by itself: 7 days later.
    pub expires_at: Timestamp,
}

impl From<Upload> for File {
    fn from(row: Upload) -> Self {
        let Upload { id, name, bytes, created_at, expires_at } = row;
        Self { id, name, bytes, created_at, expires_at }
    }
}

/// Store a file
///
/// Send it as `multipart/form-data`, at most 64 MiB. Its id then stands for the file in previews and imports of contacts
/// and of the blacklist, as often as wanted, until it expires after 7 days or is deleted. What it holds is looked at when
/// it is used. With curl: `curl -F file=@people.csv …/v1/files`.
#[utoipa::path(
    operation_id = "files.create",
    tag = "Imports",
    security(("bearer" = ["contacts:write"])),
    request_body(content = NewFile, content_type = "multipart/form-data", description = "The file."),
    responses((status = CREATED, description = "The stored file.", body = File)),
)]
#[post("/files")]
async fn create(app: Data<App>, Auth(scope): Auth, req: HttpRequest, payload: Payload) -> Result<Reply<File>, Failure> {
    let (name, file) = upload::receive_file(&req, payload).await?;
    let failed = |e: std::io::Error| Error::internal(format!("reading an upload: {e}"));
    let source = tokio::fs::File::open(file.path()).await.map_err(failed)?;
    let id = uploads::store(&app.db, &scope, &name, source, uploads::KEPT).await?;
    Ok(Reply::created(uploads::get(app.db.read(), &scope, id).await?.into()))
}

/// Get a stored file
///
/// What is known of it, not what it holds. For example, `GET /v1/files/fil_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "files.get",
    tag = "Imports",
    security(("bearer" = ["contacts:read"])),
    params(("id" = FileId, Path)),
    responses((status = OK, description = "The stored file.", body = File)),
)]
#[get("/files/{id}")]
async fn get(app: Data<App>, Auth(scope): Auth, Id(id): Id<FileId>) -> Result<Reply<File>, Failure> {
    Ok(Reply::ok(uploads::get(app.db.read(), &scope, id).await?.into()))
}

/// Delete a stored file
///
/// An import that has not read it yet fails with `file_gone`. For example,
/// `DELETE /v1/files/fil_01kazsw6e3f8e9xq2m4r7t5v0b`.
#[utoipa::path(
    operation_id = "files.delete",
    tag = "Imports",
    security(("bearer" = ["contacts:write"])),
    params(("id" = FileId, Path)),
    responses((status = NO_CONTENT, description = "It is gone.")),
)]
#[delete("/files/{id}")]
async fn delete(app: Data<App>, Auth(scope): Auth, Id(id): Id<FileId>) -> Result<NoContent, Failure> {
    let tx = app.db.begin().await?;
    uploads::remove(&tx, &scope, id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
