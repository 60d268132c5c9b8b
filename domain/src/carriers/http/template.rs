//! Filling a request: each value escaped for the place it stands in.

use serde_json::Value;

use super::{AuthenticationKind, BodyFormat, HttpSettings, Method};

/// Every marker.
pub const MARKERS: [&str; 9] =
    ["to", "to_digits", "from", "text", "message_id", "callback_url", "segments", "encoding", "validity_seconds"];

/// The values of one message.
#[derive(Debug, Clone)]
pub struct Values {
    /// The recipient's number, digits only.
    pub to: String,
    pub from: String,
    pub text: String,
    pub message_id: String,
    pub callback_url: String,
    pub segments: u32,
    pub encoding: &'static str,
    /// What remains of its validity; none without one.
    pub validity_seconds: Option<u64>,
}

/// A request as it is sent. Its `Debug` hides the headers, one of which has the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Values {
    fn of(&self, marker: &str) -> String {
        match marker {
            "to" => format!("+{}", self.to),
            "to_digits" => self.to.clone(),
            "from" => self.from.clone(),
            "text" => self.text.clone(),
            "message_id" => self.message_id.clone(),
            "callback_url" => self.callback_url.clone(),
            "segments" => self.segments.to_string(),
            "encoding" => self.encoding.to_owned(),
            "validity_seconds" => self.validity_seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
            _ => String::new(), // refused when it was written
        }
    }
}

/// The names of a text's markers.
pub fn markers(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|piece| piece.split_once("}}")).map(|(name, _)| name.trim())
}

/// A text with its markers replaced. What a value brings is never read as a marker.
pub fn fill(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut pieces = text.split("{{");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once("}}") {
            Some((name, rest)) => {
                filled.push_str(&value(name.trim()));
                filled.push_str(rest);
            }
            None => {
                filled.push_str("{{");
                filled.push_str(piece);
            }
        }
    }
    filled
}

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3): right in a path, a query and a form.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The marker of what a message may not have.
const VALIDITY: &str = "{{validity_seconds}}";

/// Whether a member is sent: one that is the validity alone goes with a message that has one.
fn is_there(value: &Value, values: &Values) -> bool {
    values.validity_seconds.is_some() || value.as_str().is_none_or(|text| text.trim() != VALIDITY)
}

/// JSON with the texts of `value` filled; the serializer escapes them.
fn filled_json(value: &Value, values: &Values) -> Value {
    match value {
        Value::String(text) if text.trim() == "{{segments}}" => values.segments.into(),
        Value::String(text) if text.trim() == VALIDITY => values.validity_seconds.into(),
        Value::String(text) => fill(text, |m| values.of(m)).into(),
        Value::Array(all) => all.iter().map(|v| filled_json(v, values)).collect(),
        Value::Object(all) => {
            all.iter().filter(|(_, v)| is_there(v, values)).map(|(k, v)| (k.clone(), filled_json(v, values))).collect()
        }
        other => other.clone(),
    }
}

/// Standard base64 (RFC 4648 §4), for `Authorization: Basic`.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let group = three.iter().chain([0, 0].iter()).take(3).fold(0_u32, |n, b| n << 8 | u32::from(*b));
        for n in 0..4_u32 {
            let place = usize::try_from(group >> (18 - 6 * n) & 63).unwrap_or(0);
            let letter = if usize::try_from(n).unwrap_or(0) <= three.len() { LETTERS.get(place) } else { None };
            text.push(letter.map_or('=', |b| char::from(*b)));
        }
    }
    text
}

/// The request for one message.
pub fn request(settings: &HttpSettings, values: &Values) -> Request {
    let HttpSettings { method, url, headers, body_format, body, authentication, .. } = settings;
    // A header cannot hold a line break or anything beyond ASCII.
    let plain = |text: String| text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect::<String>();
    let mut headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| (name.clone(), plain(fill(value, |m| values.of(m))))).collect();
    let secret = authentication.secret.as_deref().unwrap_or_default();
    match authentication.kind {
        AuthenticationKind::None => {}
        AuthenticationKind::Bearer => headers.push(("authorization".into(), format!("Bearer {secret}"))),
        AuthenticationKind::Basic => {
            let pair = base64(format!("{}:{secret}", authentication.user).as_bytes());
            headers.push(("authorization".into(), format!("Basic {pair}")));
        }
        AuthenticationKind::Header => headers.push((authentication.header.clone(), secret.to_owned())),
    }
    let body = (*method != Method::Get).then(|| match body_format {
        BodyFormat::Json => filled_json(&Value::Object(body.clone()), values).to_string(),
        BodyFormat::Form => {
            let pair = |(key, value): (&String, &Value)| {
                let value = fill(&super::scalar(value).unwrap_or_default(), |m| values.of(m));
                format!("{}={}", percent(key), percent(&value))
            };
            body.iter().filter(|(_, value)| is_there(value, values)).map(pair).collect::<Vec<_>>().join("&")
        }
    });
    if body.is_some() {
        let kind = match body_format {
            BodyFormat::Json => "application/json",
            BodyFormat::Form => "application/x-www-form-urlencoded",
        };
        headers.push(("content-type".into(), kind.into()));
    }
    Request { method: method.as_str(), url: fill(url, |m| percent(&values.of(m))), headers, body }
}
