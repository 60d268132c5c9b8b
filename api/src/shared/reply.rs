//! Answers: a status and JSON, perhaps with an ETag.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{Method, StatusCode, header},
};
use domain::Error;
use serde::Serialize;

use super::{conditional, problem::Failure};

/// What a handler answers.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    body: T,
    version: Option<i64>,
    stored: Option<T>,
}

impl<T: Serialize> Reply<T> {
    /// 200.
    pub fn ok(body: T) -> Self {
        Self::with(StatusCode::OK, body)
    }
    /// 201.
    pub fn created(body: T) -> Self {
        Self::with(StatusCode::CREATED, body)
    }
    /// 202.
    pub fn accepted(body: T) -> Self {
        Self::with(StatusCode::ACCEPTED, body)
    }
    /// Any status.
    pub fn with(status: StatusCode, body: T) -> Self {
        Self { status, body, version: None, stored: None }
    }
    /// Adds an ETag of this version; a GET is then answered 304 when the client has it.
    pub fn tagged(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }
    /// What an idempotent replay shows instead: an answer with a secret is not kept.
    pub fn replayed_as(self, stored: T) -> Self {
        Self { stored: Some(stored), ..self }
    }
    /// Writes the JSON: the answer, and the body that a replay shows.
    ///
    /// # Errors
    /// Internal when the body cannot be written.
    pub fn render(self) -> Result<(Answer, String), Error> {
        let json = |body: &T| serde_json::to_string(body).map_err(|e| Error::internal(e.to_string()));
        let body = json(&self.body)?;
        let stored = self.stored.as_ref().map(json).transpose()?.unwrap_or_else(|| body.clone());
        let etag = self.version.map(|v| conditional::etag(v, &body));
        Ok((Answer { status: self.status, body, etag, replayed: false }, stored))
    }
}

/// An answer in its final form.
#[derive(Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
    pub(super) etag: Option<String>,
    /// Whether this repeats an earlier answer, so that nothing was done now.
    pub replayed: bool,
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let Self { status, body, etag, replayed } = self;
        let known = *req.method() == Method::GET && etag.as_deref().is_some_and(|t| conditional::is_known(req, t));
        let mut response = HttpResponse::build(if known { StatusCode::NOT_MODIFIED } else { status });
        if let Some(etag) = etag {
            response.insert_header((header::ETAG, etag));
        }
        if replayed {
            response.insert_header(("Idempotent-Replayed", "true"));
        }
        if known { response.finish() } else { response.content_type("application/json").body(body) }
    }
}

impl<T: Serialize> Responder for Reply<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        match self.render() {
            Ok((answer, _)) => answer.respond_to(req),
            Err(e) => HttpResponse::from_error(Failure(e)),
        }
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}
