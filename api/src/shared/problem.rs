//! Refusals and failures as RFC 9457 problems.
//!
//! A handler answers `Result<_, Failure>`; the front door ([`super::front`]) turns every failure, ours or actix's, into
//! one `application/problem+json`, since only it knows the request's id and path.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use domain::{Code, Error};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, as RFC 9457 tells it. Compare `code`, show `detail`, and quote `request_id` to the operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A page that explains the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short sentence, the same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what to do.
    pub detail: String,
    /// The path that was asked.
    pub instance: String,
    /// The stable code; the catalogue is at `/problems`.
    pub code: Code,
    /// The request's id, as in the `Request-Id` header.
    pub request_id: String,
    /// Whether the same request may succeed later without a change.
    pub retryable: bool,
    /// Every faulty field of the body, or every faulty query parameter.
    pub errors: Vec<ProblemField>,
}

/// One faulty field of a request's body, or query parameter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField {
    /// JSON pointer (RFC 6901) into the body; of a query parameter `/` and its name.
    #[schema(example = "/name")]
    pub pointer: String,
    /// What is wrong and what would be right.
    #[schema(example = "must not be empty")]
    pub detail: String,
    /// A stable word for the kind of fault.
    #[schema(example = "required")]
    pub code: String,
}

impl Problem {
    /// A problem of this occurrence.
    pub fn new(error: &Error, instance: &str, request_id: &str) -> Self {
        let Error { code, detail, faults, source: _ } = error;
        Self {
            kind: format!("/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.clone(),
            instance: instance.to_owned(),
            code: *code,
            request_id: request_id.to_owned(),
            retryable: code.retryable(),
            errors: faults
                .iter()
                .map(|f| ProblemField { pointer: f.pointer.clone(), detail: f.detail.clone(), code: f.code.to_owned() })
                .collect(),
        }
    }

    /// As a response.
    pub fn response(&self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        HttpResponse::build(status)
            .content_type(PROBLEM_JSON)
            .body(serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned()))
    }
}

/// What a handler fails with; made by `?` from the domain's and the database's errors.
#[derive(Debug)]
pub struct Failure(pub Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self(e)
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(e: sea_orm::DbErr) -> Self {
        Self(e.into())
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    // The front door writes the body: here neither path nor request id are known.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// What a failed response means, when actix or a library made it rather than a handler.
pub fn of_status(status: StatusCode, detail: &str) -> Error {
    let code = match status.as_u16() {
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        413 => Code::BodyTooLarge,
        415 => Code::UnsupportedMediaType,
        429 => Code::QuotaExceeded,
        503 => Code::Unavailable,
        400..=499 => Code::MalformedJson,
        _ => return Error::internal(detail),
    };
    let detail = if detail.is_empty() { code.help() } else { detail };
    Error::new(code, detail)
}
