//! Conditional requests. An ETag is strong: the row's version and a hash of the body, `"3.9f86d081884c7d65"`.
//! `If-None-Match` compares the whole tag, `If-Match` the version only, inside the transaction of the change.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderName},
};
use domain::{Code, Error};
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::problem::Failure;

/// The tag of a body.
pub fn etag(version: i64, body: &str) -> String {
    let hash: String = Sha256::digest(body).iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("\"{version}.{hash}\"")
}

/// Whether the client has this tag already.
pub fn is_known(req: &HttpRequest, etag: &str) -> bool {
    let sent = req.headers().get_all(header::IF_NONE_MATCH).filter_map(|v| v.to_str().ok());
    sent.flat_map(|v| v.split(',')).map(|t| t.trim().trim_start_matches("W/")).any(|t| t == etag || t == "*")
}

/// The version a change is made upon: `IfMatch(expected): IfMatch`. `None` when the client did not say, or said `*`.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub Option<i64>);

impl IfMatch {
    /// Refuses when the client did not say: where a lost update would cost money.
    pub fn required(self) -> Result<i64, Failure> {
        self.0.ok_or_else(|| Error::new(Code::VersionRequired, "Send If-Match with the ETag you read.").into())
    }
}

impl FromRequest for IfMatch {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(sent) = req.headers().get(header::IF_MATCH) else { return ready(Ok(Self(None))) };
        let sent = sent.to_str().unwrap_or_default().trim();
        if sent == "*" {
            return ready(Ok(Self(None)));
        }
        let version = sent.trim_matches('"').split_once('.').and_then(|(version, _)| version.parse().ok());
        // A tag we never gave matches nothing.
        ready(version.map(|v| Self(Some(v))).ok_or_else(|| {
            Error::new(Code::VersionMismatch, "If-Match must be one ETag as this resource's GET gave it.").into()
        }))
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_param(
            &header::IF_MATCH,
            "The ETag you read: the change is refused with 412 if the resource has changed since.",
            "\"1.9f86d081884c7d65\"",
            Required::False,
        )]
    }
}

/// A header for the document.
pub fn header_param(name: &HeaderName, description: &str, example: &str, required: Required) -> Parameter {
    let name = match name.as_str() {
        "if-match" => "If-Match",
        "idempotency-key" => "Idempotency-Key",
        other => other,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(utoipa::schema!(String)))
        .example(Some(example.into()))
        .build()
}
