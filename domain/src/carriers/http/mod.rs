//! Carriers that are spoken to over HTTP: a request put together from a template, an answer and receipts read by rules, so
//! that a provider's API is set up without code. Pure.
//!
//! The pieces: [`check`] refuses what cannot work, [`template`] fills a request, [`answer`] reads what came back,
//! [`receipts`] reads call-backs, [`address`] knows which addresses may be called, [`presets`] are settings to begin with.
//!
//! Invariants: a value is escaped for the place it stands in, so that no text of a customer changes a request's shape; an
//! answer that does not clearly tell what became of the message is unclear, never a refusal; the secret is not shown.

pub mod address;
pub mod answer;
mod check;
pub mod presets;
pub mod receipts;
pub mod template;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{error::Result, ids::CarrierId, secrets::Keyring};

crate::text_enum! {
    /// The method of a request.
    pub enum Method("HttpMethod") {
        /// With a body.
        Post = "POST",
        /// With a body.
        Put = "PUT",
        /// Without a body: the URL has all values.
        Get = "GET",
    }
}

crate::text_enum! {
    /// How the body of a request is written.
    pub enum BodyFormat("HttpBodyFormat") {
        /// `application/json`.
        Json = "json",
        /// `application/x-www-form-urlencoded`.
        Form = "form",
    }
}

crate::text_enum! {
    /// How a request proves who it is from.
    pub enum AuthenticationKind("HttpAuthenticationKind") {
        /// Not at all, or by a header or a value of the template.
        None = "none",
        /// `Authorization: Bearer` and the secret.
        Bearer = "bearer",
        /// `Authorization: Basic`, `user` and the secret.
        Basic = "basic",
        /// The header `header` with the secret as its value.
        Header = "header",
    }
}

crate::text_enum! {
    /// What a provider's word for the state of a message means.
    pub enum ReceiptWord("HttpReceiptWord") {
        /// Under way; not final.
        Enroute = "enroute",
        /// Reached the handset.
        Delivered = "delivered",
        /// Could not be delivered.
        Undelivered = "undelivered",
        /// Its validity ended.
        Expired = "expired",
        /// Refused.
        Rejected = "rejected",
        /// Deleted at the provider.
        Deleted = "deleted",
        /// The provider does not know.
        Unknown = "unknown",
    }
}

/// How a provider's HTTP API is spoken to. Texts of `url`, `headers` and `body` may have the markers `{{to}}` (with a
/// plus sign), `{{to_digits}}`, `{{from}}`, `{{text}}`, `{{message_id}}`, `{{callback_url}}`, `{{segments}}`,
/// `{{encoding}}` (`gsm7` or `ucs2`) and `{{validity_seconds}}` (what remains of the message's validity).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "method": "POST", "url": "https://api.example.com/messages", "headers": {}, "body_format": "json",
    "body": {"to": "{{to}}", "from": "{{from}}", "text": "{{text}}", "callback": "{{callback_url}}"},
    "authentication": {"kind": "bearer", "user": "", "header": ""},
    "timeout_seconds": 30, "concurrency": 10, "parts_per_second": 20,
    "answer": {
        "statuses": [], "success_pointer": null, "success_value": null, "message_id_pointer": "/id", "message_id_header": null,
        "error_pointer": "/error/code", "temporary_codes": [], "throttling_codes": [], "definitive_codes": []
    },
    "receipt": {
        "items_pointer": null, "message_id_pointer": "/id", "status_pointer": "/status", "error_pointer": "/error",
        "to_pointer": null, "statuses": {"delivered": "delivered", "failed": "undelivered"}
    }
}))]
pub struct HttpSettings {
    /// `POST` by default.
    #[serde(default = "post")]
    pub method: Method,
    /// An address that begins with `https://` or `http://`; markers may stand after the host, at most 2,000 characters.
    pub url: String,
    /// Headers by their names, at most 20.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// `json` by default.
    #[serde(default = "json")]
    pub body_format: BodyFormat,
    /// The body: an object whose texts may have markers, at any depth in JSON, of texts and numbers in a form. A JSON value
    /// that is `{{segments}}` or `{{validity_seconds}}` alone becomes a number; a member that is the latter alone is left out of a
    /// message without validity.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub body: serde_json::Map<String, serde_json::Value>,
    /// None by default.
    #[serde(default)]
    pub authentication: Authentication,
    /// Seconds a request may take in all, 1 to 120, before its message is in doubt; 30 by default.
    #[serde(default = "thirty")]
    #[schema(minimum = 1, maximum = 120)]
    pub timeout_seconds: u64,
    /// Requests under way at once over all workers, 1 to 100; 10 by default.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 100)]
    pub concurrency: usize,
    /// Requests a second, 1 to 10,000: a message is one request, however long; null, the default: no limit.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10000)]
    pub parts_per_second: Option<u32>,
    /// How an answer is read.
    #[serde(default)]
    pub answer: AnswerRules,
    /// How receipts are read; null, the default: none come.
    #[serde(default)]
    pub receipt: Option<ReceiptRules>,
}

/// How a request proves who it is from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "basic", "user": "account", "header": ""}))]
pub struct Authentication {
    /// The way.
    #[serde(default = "no_authentication")]
    pub kind: AuthenticationKind,
    /// The user of `basic`, at most 200 characters, without a colon.
    #[serde(default)]
    pub user: String,
    /// The name of the header of `header`.
    #[serde(default)]
    pub header: String,
    /// The token, password or key, at most 2,000 characters. It is stored encrypted and never shown; one that is not
    /// sent with a change stays.
    #[serde(default, skip_serializing_if = "never_written")]
    #[schema(write_only)]
    pub secret: Option<String>,
}

/// How an answer to a request is read. JSON pointers (RFC 6901) such as `/messages/0/id` name places in its body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"message_id_pointer": "/id", "error_pointer": "/error/code", "throttling_codes": ["rate_limit"]}))]
pub struct AnswerRules {
    /// HTTP statuses of success, each 200 to 299; empty, the default: all of them.
    pub statuses: Vec<u16>,
    /// A place that must have `success_value` besides.
    pub success_pointer: Option<String>,
    /// The text, number or truth value there, written as a text.
    pub success_value: Option<String>,
    /// Where the provider's id of the message is. Without this and `message_id_header` it is the whole body.
    pub message_id_pointer: Option<String>,
    /// The header that has the provider's id of the message.
    pub message_id_header: Option<String>,
    /// Where a refusal has its code; without one there, the code is the HTTP status.
    pub error_pointer: Option<String>,
    /// Codes after which the message is tried again, four times.
    pub temporary_codes: Vec<String>,
    /// Codes that ask to be slower; the status 429 always does.
    pub throttling_codes: Vec<String>,
    /// Codes that refuse the message for good; most statuses 400 to 499 do without being named.
    pub definitive_codes: Vec<String>,
}

/// How a call-back with receipts is read. The fields of a form are places such as `/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"message_id_pointer": "/id", "status_pointer": "/status", "statuses": {"delivered": "delivered", "failed": "undelivered"}}))]
pub struct ReceiptRules {
    /// The array of receipts, when one call brings several; the other places are then within each.
    #[serde(default)]
    pub items_pointer: Option<String>,
    /// Where the provider's id of the message is.
    pub message_id_pointer: String,
    /// Where the state is.
    pub status_pointer: String,
    /// Where an error code is.
    #[serde(default)]
    pub error_pointer: Option<String>,
    /// Where the recipient's number is: it helps to resolve a message whose answer was lost.
    #[serde(default)]
    pub to_pointer: Option<String>,
    /// What the provider's words mean, in any case; words that are not here change nothing.
    pub statuses: BTreeMap<String, ReceiptWord>,
}

impl HttpSettings {
    /// These settings without their secret.
    pub fn without_secret(mut self) -> Self {
        self.authentication.secret = None;
        self
    }
    /// Whether some text has this marker.
    pub fn uses(&self, marker: &str) -> bool {
        self.texts().iter().any(|(_, text)| template::markers(text).any(|m| m == marker))
    }
    /// Every text that may have markers, by its pointer.
    fn texts(&self) -> Vec<(String, &str)> {
        fn walk<'a>(at: &str, value: &'a serde_json::Value, found: &mut Vec<(String, &'a str)>) {
            match value {
                serde_json::Value::String(text) => found.push((at.to_owned(), text)),
                serde_json::Value::Array(all) => {
                    all.iter().enumerate().for_each(|(n, v)| walk(&format!("{at}/{n}"), v, found));
                }
                serde_json::Value::Object(all) => {
                    all.iter().for_each(|(k, v)| walk(&format!("{at}/{}", escaped(k)), v, found));
                }
                _ => {}
            }
        }
        let mut found = vec![("/url".to_owned(), self.url.as_str())];
        found.extend(self.headers.iter().map(|(name, value)| (format!("/headers/{}", escaped(name)), value.as_str())));
        for (key, value) in &self.body {
            walk(&format!("/body/{}", escaped(key)), value, &mut found);
        }
        found
    }
}

/// Where receipts of a carrier are called to, on this server: signed, so that nobody can make the address up.
///
/// # Errors
/// Internal without a key.
pub fn callback_path(keys: &Keyring, id: CarrierId) -> Result<String> {
    Ok(format!("/v1/carrier-callbacks/{id}/{}", keys.sign(&signed(id))?))
}

/// Whether a call-back's signature is this carrier's.
pub fn is_signed(keys: &Keyring, id: CarrierId, signature: &str) -> bool {
    keys.verifies(&signed(id), signature)
}

fn signed(id: CarrierId) -> String {
    format!("call-backs of carrier {id}")
}

/// A key as it stands in a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A scalar as a text.
fn scalar(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A provider's text cut to size and without control characters, which PostgreSQL would refuse in part.
fn tidy(text: &str, most: usize) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(most).collect()
}

/// The longest id and error code that are kept.
const ID: usize = 128;
const ERROR: usize = 64;

impl Default for Authentication {
    fn default() -> Self {
        Self { kind: AuthenticationKind::None, user: String::new(), header: String::new(), secret: None }
    }
}

/// Hides the secret.
impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication").field("kind", &self.kind).field("user", &self.user).finish_non_exhaustive()
    }
}

fn post() -> Method {
    Method::Post
}
fn json() -> BodyFormat {
    BodyFormat::Json
}
fn no_authentication() -> AuthenticationKind {
    AuthenticationKind::None
}
fn thirty() -> u64 {
    30
}
fn ten() -> usize {
    10
}
fn never_written(_: &Option<String>) -> bool {
    true
}
