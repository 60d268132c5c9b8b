//! The one table of error codes: what the API may answer, with which status, and what it means. It is exported to the
//! spec and to the error catalogue.
//!
//! Invariant: a code, once published, keeps its meaning.

use std::fmt;

use crate::db::is_away;

/// Builds [`Code`] and its table from one list.
macro_rules! codes {
    ($($name:ident = $code:literal, $status:literal, $title:literal, $help:literal;)*) => {
        /// A stable error code. The variant's text form is what clients compare with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $help] $name,)* }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The stable text, such as `insufficient_funds`.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $code,)* } }
            /// The HTTP status it travels with.
            pub fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }
            /// A short sentence for people, the same for every occurrence.
            pub fn title(self) -> &'static str { match self { $(Self::$name => $title,)* } }
            /// What it means and what to do about it.
            pub fn help(self) -> &'static str { match self { $(Self::$name => $help,)* } }
        }
    };
}

codes! {
    InvalidRequest = "invalid_request", 422, "The request is not valid", "One or more fields are wrong; `errors` names each by JSON pointer. Correct them and send again.";
    MalformedJson = "malformed_json", 400, "The body is not JSON", "The body could not be read as JSON of the documented shape. Check quotes, commas and Content-Type.";
    UnknownParameter = "unknown_parameter", 400, "Unknown query parameter", "The query has a parameter this operation does not know.";
    InvalidParameter = "invalid_parameter", 400, "A query parameter has a wrong value", "`errors` names each wrong parameter as `/name`, and what would be right.";
    InvalidCursor = "invalid_cursor", 400, "The cursor is not valid", "`after` must be the `next_cursor` of an earlier page of the same list.";
    BodyTooLarge = "body_too_large", 413, "The body is too large", "Send less, or split it. JSON bodies are limited to 8 MiB, uploads to 64 MiB.";
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not supported", "Send application/json, or multipart/form-data where a file is uploaded.";
    Unauthorized = "unauthorized", 401, "No valid token", "Send `Authorization: Bearer crl_…` with a token that exists, is not revoked and has not expired.";
    AddressNotAllowed = "address_not_allowed", 403, "This address may not use the token", "The token has a list of allowed networks and the request came from another one.";
    WrongToken = "wrong_token", 403, "This is another kind of token", "Operations under /v1/admin take an operator's token (crl_op_…); all others take a token of an account (crl_live_… or crl_test_…).";
    ScopeMissing = "scope_missing", 403, "The token lacks a scope", "Make a token with the scope that `detail` names.";
    AccountSuspended = "account_suspended", 403, "The account is suspended", "Ask the operator of the platform.";
    NotFound = "not_found", 404, "Not found", "There is no such resource in this account, or no such path.";
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed", "The path exists, but not with this method; `Allow` lists the methods.";
    Conflict = "conflict", 409, "The state does not allow this", "The resource is in a state in which this cannot be done; read it again.";
    AlreadyExists = "already_exists", 409, "It exists already", "Another resource of the account has this key, name or number.";
    CampaignNotDraft = "campaign_not_draft", 409, "The campaign has been launched", "Only a draft or a scheduled campaign can be changed or launched.";
    IdempotencyInFlight = "idempotency_in_flight", 409, "The same key is being worked on", "A request with this Idempotency-Key is still running; try again in a moment.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The key belongs to another request", "This Idempotency-Key was used with another body or operation; make a new key for a new request.";
    IdempotencyKeyMissing = "idempotency_key_missing", 400, "Idempotency-Key is required", "This operation spends or sends: send an Idempotency-Key header of 1 to 255 visible characters, new for each intent.";
    VersionMismatch = "version_mismatch", 412, "The resource has changed", "If-Match names another version; read the resource again and repeat the change.";
    VersionRequired = "version_required", 428, "If-Match is required", "A lost update would cost money here: send If-Match with the ETag you read.";
    QuotaExceeded = "quota_exceeded", 429, "Too many requests", "Wait for the seconds of Retry-After.";
    UnknownMarker = "unknown_marker", 422, "The text has an unknown marker", "Define the contact field first, or correct the marker; `detail` names it.";
    InvalidTemplate = "invalid_template", 422, "The text cannot be read as a template", "A marker is not closed or has a wrong filter; `detail` tells where.";
    InvalidSender = "invalid_sender", 422, "The sender is not valid", "A sender is 1 to 11 Latin letters, digits and punctuation with at least one letter, or a number of 3 to 15 digits.";
    SenderNotApproved = "sender_not_approved", 422, "The sender is not approved", "Ask for the sender under /v1/senders and wait until the operator approves it.";
    EmptyAudience = "empty_audience", 422, "Nobody would receive this", "The audience has no contact that may be sent to; check groups and exclusions.";
    NeverOpen = "never_open", 422, "The campaign would never leave", "No hour that the campaign's pacing allows lies outside the account's quiet hours; change `pacing` of the campaign or `quiet_hours` of the account.";
    EmptyText = "empty_text", 422, "The text is empty", "Write a text, or use a template.";
    TextTooLong = "text_too_long", 422, "The text has too many segments", "Shorten the text: more segments than the account allows in one message.";
    NoRate = "no_rate", 422, "There is no price for a destination", "The account's rate deck has no rate for the country that `detail` names; leave it out or ask the operator.";
    CountryNotEnabled = "country_not_enabled", 422, "The country is not enabled", "Sending to this country is off for the account; ask the operator.";
    NoRoute = "no_route", 422, "There is no carrier for this account", "The operator has not connected the account to a carrier.";
    InsufficientFunds = "insufficient_funds", 402, "The balance is too low", "Top up by at least the shortfall that `detail` names.";
    UnknownColumn = "unknown_column", 422, "The file has no such column", "The mapping names a column that the file does not have; `detail` lists the columns.";
    UnknownField = "unknown_field", 422, "There is no such contact field", "The mapping names a contact field that is not defined; make it under /v1/contact-fields first.";
    FileRefused = "file_refused", 422, "The file cannot be read", "The file is broken, too large or not of a known kind; `detail` tells which and where.";
    LimitReached = "limit_reached", 422, "A limit is reached", "The account has as many of these as it may have.";
    Unavailable = "unavailable", 503, "Not available now", "The service cannot do this at the moment; try again shortly.";
    Internal = "internal", 500, "Something went wrong", "It is ours to mend; tell the operator the request_id.";
}

impl Code {
    /// Whether the same request may succeed later without a change.
    pub fn retryable(self) -> bool {
        matches!(self, Self::IdempotencyInFlight | Self::QuotaExceeded | Self::Unavailable | Self::Internal)
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl utoipa::PartialSchema for Code {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let words: Vec<_> = Self::ALL.iter().map(|c| c.as_str()).collect();
        crate::schema::one_of("A stable error code; the catalogue at `/problems` explains each.", &words)
    }
}

impl utoipa::ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One fault in one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the body, such as `/audience/group_ids/0`; of a query parameter `/` and its name.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
    /// A stable word for the kind of fault, such as `required` or `too_long`.
    pub code: &'static str,
}

/// Why something was refused or failed.
#[derive(Debug)]
pub struct Error {
    /// What happened, from the one table.
    pub code: Code,
    /// A sentence about this occurrence that says what to do.
    pub detail: String,
    /// Every fault of the request, when it is about fields.
    pub faults: Vec<Fault>,
    /// What lay beneath, for the log only.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What verbs and queries answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A refusal with its sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), faults: Vec::new(), source: None }
    }
    /// No such row in the scope.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what} in this account."))
    }
    /// Something of ours is wrong; the sentence goes to the log, not to the client.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self { source: Some(detail.into().into()), ..Self::new(Code::Internal, "Something went wrong on our side.") }
    }
    /// One wrong field.
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let mut faults = Faults::default();
        faults.add(pointer, code, detail);
        faults.into_error(Code::InvalidRequest)
    }
    /// One wrong query parameter.
    pub fn parameter(name: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::field(format!("/{name}"), code, detail).of_parameters()
    }
    /// The faults of fields as those of the query parameters of the same names.
    #[must_use]
    pub fn of_parameters(self) -> Self {
        if self.code != Code::InvalidRequest {
            return self;
        }
        let told: Vec<String> =
            self.faults.iter().map(|f| format!("{} {}", f.pointer.trim_start_matches('/'), f.detail)).collect();
        Self { code: Code::InvalidParameter, detail: format!("{}.", told.join("; ")), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<sea_orm::DbErr> for Error {
    fn from(e: sea_orm::DbErr) -> Self {
        let detail = if is_away(&e) {
            (Code::Unavailable, "The database cannot be reached at the moment.")
        } else {
            (Code::Internal, "Something went wrong on our side.")
        };
        Self { source: Some(Box::new(e)), ..Self::new(detail.0, detail.1) }
    }
}

/// Collects every fault of a request, so that all are told at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes one fault.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(Fault { pointer: pointer.into(), detail: detail.into(), code });
    }
    /// Notes a text that is empty, too long or has control characters; `max` in characters.
    pub fn text(&mut self, pointer: &str, value: &str, max: usize) {
        if value.trim().is_empty() {
            self.add(pointer, "required", "must not be empty");
        }
        self.optional_text(pointer, Some(value), max);
    }
    /// The same for a text that may be absent or empty.
    pub fn optional_text(&mut self, pointer: &str, value: Option<&str>, max: usize) {
        let Some(value) = value else { return };
        if value.chars().count() > max {
            self.add(pointer, "too_long", format!("must have at most {max} characters"));
        }
        if value.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
            self.add(pointer, "control_character", "must not have control characters");
        }
    }
    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Ok when nothing was noted, else one error with every fault.
    pub fn check(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_error(Code::InvalidRequest)) }
    }
    fn into_error(self, code: Code) -> Error {
        let detail = match self.0.as_slice() {
            [one] if one.pointer.is_empty() => format!("The request {}.", one.detail),
            [one] => format!("{} {}.", one.pointer, one.detail),
            many => format!("{} fields are wrong; see errors.", many.len()),
        };
        Error { faults: self.0, ..Error::new(code, detail) }
    }
}
