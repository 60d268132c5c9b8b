//! Reading the body: JSON of exactly the documented shape.
//!
//! Refusals: 415 another content type, 413 too large, 400 not JSON, 422 JSON of another shape, with a pointer to the
//! fault. Every request struct denies unknown fields.

use std::pin::Pin;

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    web::{Bytes, BytesMut},
};
use domain::{Code, Error};
use futures_util::StreamExt;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_path_to_error::Segment;
use sha2::{Digest, Sha256};

use super::{problem::Failure, strict::Strict};

/// The largest JSON body.
pub const MAX_JSON: usize = 8 * 1024 * 1024;

/// A JSON body: `Json(new): Json<NewTemplate>`.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// The body of an operation that takes none: empty, or `{}`.
#[derive(Debug)]
pub struct NoBody;

/// SHA-256 of the body, left for [`super::idempotency`].
#[derive(Debug, Clone, Copy)]
pub struct BodyHash(pub [u8; 32]);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let body = read(&req, payload).await?;
            content_type(&req)?;
            Ok(Self(parse(&body)?))
        })
    }
}

impl FromRequest for NoBody {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}

        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let body = read(&req, payload).await?;
            if !body.is_empty() {
                content_type(&req)?;
                let Empty {} = parse(&body)?;
            }
            Ok(Self)
        })
    }
}

/// For a field of a patch that cannot be cleared: left out it stays `None`, null is refused.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// For a field of a patch that null clears: `None` left out, `Some(None)` null.
pub fn clearable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(d).map(Some)
}

fn content_type(req: &HttpRequest) -> Result<(), Failure> {
    let kind = req.content_type().trim().to_ascii_lowercase();
    if kind == "application/json" || kind == "application/merge-patch+json" {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMediaType, "Send Content-Type: application/json.").into())
}

async fn read(req: &HttpRequest, mut payload: Payload) -> Result<Bytes, Failure> {
    let too_large = || Failure(Error::new(Code::BodyTooLarge, "A JSON body may have at most 8 MiB."));
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|e| Error::new(Code::MalformedJson, format!("The body broke off: {e}.")))?;
        if body.len() + chunk.len() > MAX_JSON {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    req.extensions_mut().insert(BodyHash(Sha256::digest(&body).into()));
    Ok(body.freeze())
}

/// Reads `body` as a `T`, or tells where it is not one.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    if has_nul(body) {
        return Err(Error::field("", "control_character", "must not have the character U+0000"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(Strict(&mut reader)).map_err(|e| fault(&e))?;
    reader.end().map_err(|e| Error::new(Code::MalformedJson, format!("The body is not JSON: {e}.")))?;
    Ok(value)
}

/// Whether the text escapes U+0000, which PostgreSQL's text cannot hold.
fn has_nul(body: &[u8]) -> bool {
    body.windows(6).enumerate().any(|(at, six)| {
        let backslashes = || body.iter().take(at + 1).rev().take_while(|b| **b == b'\\').count();
        six == b"\\u0000" && backslashes() % 2 == 1
    })
}

fn fault(e: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let inner = e.inner();
    if inner.to_string().starts_with("recursion limit exceeded") {
        let field = e.path().iter().next().map(|segment| format!("/{segment}")).unwrap_or_default();
        return Error::field(field, "too_deep", "must not have so many levels in one another");
    }
    if !inner.is_data() {
        return Error::new(Code::MalformedJson, format!("The body is not JSON: {inner}."));
    }
    let mut pointer: String = e
        .path()
        .iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect();
    let text = inner.to_string();
    // serde_json adds where in the text it was, which the pointer tells better
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(head, _)| head).to_owned();
    if let Some(name) = text.strip_prefix("missing field `").and_then(|t| t.strip_suffix('`')) {
        pointer = format!("{pointer}/{name}");
        return Error::field(pointer, "required", "is required");
    }
    if let Some(known) = text.strip_prefix("unknown field ") {
        let known = known.split_once(", ").map_or("no fields are known here", |(_, known)| known);
        return Error::field(pointer, "unknown_field", format!("is not a known field; {known}"));
    }
    Error::field(pointer, "invalid", wanted(&text))
}

/// What would be right, in words of JSON: `must be an object, not a list`.
fn wanted(text: &str) -> String {
    let kind = ["invalid type: ", "invalid value: "].into_iter().find_map(|start| text.strip_prefix(start));
    let Some((found, wanted)) = kind.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return if text.starts_with("must ") { text.to_owned() } else { format!("is not valid: {text}") };
    };
    let found = match found {
        "map" => "an object",
        "sequence" => "a list",
        other => ["string ", "integer ", "floating point ", "boolean ", "number "]
            .into_iter()
            .find_map(|kind| other.strip_prefix(kind))
            .map_or(other, |value| value.trim_matches('`')),
    };
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => "a whole number that is not too large",
        other => other,
    };
    format!("must be {wanted}, not {}", found.chars().take(100).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Outer {
        name: String,
        inner: Option<Vec<Inner>>,
        any: Option<serde_json::Value>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Inner {
        count: u8,
    }

    fn refused(body: &str) -> (Code, String, &'static str) {
        let e = parse::<Outer>(body.as_bytes()).unwrap_err();
        let first = e.faults.first();
        (e.code, first.map(|f| f.pointer.clone()).unwrap_or_default(), first.map(|f| f.code).unwrap_or_default())
    }

    #[test]
    fn tells_what_would_be_right() {
        let told = |body: &str| parse::<Outer>(body.as_bytes()).unwrap_err().faults.remove(0).detail;
        assert_eq!(told("[]"), "must be an object, not a list");
        assert_eq!(told("null"), "must be an object, not null");
        assert_eq!(told(r#"{"name": 5}"#), "must be a string, not 5");
        assert_eq!(told(r#"{"name": {}}"#), "must be a string, not an object");
        assert_eq!(told(r#"{"name": "", "inner": {}}"#), "must be a list, not an object");
        assert_eq!(told(r#"{"name": "", "inner": ["x, expected y"]}"#), "must be an object, not \"x, expected y\"");
        assert_eq!(told(r#"{"name": "", "inner": [{"count": "1"}]}"#), "must be a whole number, not \"1\"");
        let large = "must be a whole number that is not too large, not ";
        assert_eq!(told(r#"{"name": "", "inner": [{"count": 256}]}"#), format!("{large}256"));
        assert_eq!(told(r#"{"name": "", "inner": [{"count": 1.5}]}"#), format!("{large}1.5"));
    }

    #[test]
    fn tells_where() {
        use Code::{InvalidRequest, MalformedJson};
        assert_eq!(refused(r#"{"name": 1}"#), (InvalidRequest, "/name".into(), "invalid"));
        assert_eq!(refused(r#"{"inner": []}"#), (InvalidRequest, "/name".into(), "required"));
        assert_eq!(refused(r#"{"name": "", "x": 1}"#), (InvalidRequest, "/x".into(), "unknown_field"));
        let deep = r#"{"name": "", "inner": [{"count": 1}, {"count": -1}]}"#;
        assert_eq!(refused(deep), (InvalidRequest, "/inner/1/count".into(), "invalid"));
        let deep = r#"{"name": "", "inner": [{"count": 1, "a/b": 1}]}"#;
        assert_eq!(refused(deep), (InvalidRequest, "/inner/0/a~1b".into(), "unknown_field"));
        assert_eq!(refused(r#"{"name": "#).0, MalformedJson);
        assert_eq!(refused(r#"{"name": ""} x"#).0, MalformedJson);
        assert_eq!(refused("").0, MalformedJson);
        assert_eq!(refused(r#"{"name": "a\u0000"}"#), (InvalidRequest, String::new(), "control_character"));
        assert!(parse::<Outer>(br#"{"name": "a\\u0000"}"#).is_ok());
        assert_eq!(refused(r#" ["a", null]"#), (InvalidRequest, String::new(), "invalid"));
        assert_eq!(refused(r#"{"name": "", "inner": [[1]]}"#), (InvalidRequest, "/inner/0".into(), "invalid"));
        let deep = format!(r#"{{"name": {}"#, "[".repeat(500));
        assert_eq!(refused(&deep), (InvalidRequest, "/name".into(), "invalid"));
        let deep = format!(r#"{{"name": "", "any": {}{}}}"#, "[".repeat(500), "]".repeat(500));
        assert_eq!(refused(&deep), (InvalidRequest, "/any".into(), "too_deep"));
        let slashes = format!(r#"{{"name": "{}"}}"#, "\\".repeat(1 << 20));
        assert!(parse::<Outer>(slashes.as_bytes()).is_ok(), "and at once");
    }
}
