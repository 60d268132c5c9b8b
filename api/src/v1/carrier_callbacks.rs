//! `POST /v1/carrier-callbacks/{id}/{signature}`: where HTTP carriers send receipts. It is for providers, who have no token
//! and a language of their own: the signature in the address is what lets in, so it has no scope.
//!
//! Invariants: nothing of a body is read before the signature holds; a call-back is acknowledged after its receipts are
//! committed, so that a provider whose call failed calls again.

use actix_web::{
    HttpMessage, HttpRequest, post,
    web::{BytesMut, Data, Payload},
};
use domain::{
    Code, Error,
    carriers::{self, BadInput, Settings, http},
    ids::CarrierId,
    messages,
    scope::SystemScope,
};
use futures_util::StreamExt;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        path::{Id, part},
        problem::Failure,
        reply::NoContent,
    },
};

/// The largest body.
const MOST: usize = 256 * 1024;

/// The route of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(receive);
}

/// What a provider sends: one receipt, or where `http.receipt.items_pointer` says so, an object or an array with many. The
/// carrier's rules say where the id and the state are.
#[derive(Debug, ToSchema)]
#[schema(value_type = Object)]
#[allow(dead_code, reason = "the shape is the provider's; this one is for the document")]
pub struct CarrierCallback(serde_json::Map<String, Value>);

/// Receive receipts of an HTTP carrier
///
/// For the provider, not for you: its address is the carrier's `callback_path`, which ends with a signature of the carrier
/// instead of a token. A JSON object or a form (`application/x-www-form-urlencoded`) of at most 256 KiB and 1,000 receipts is read by
/// the carrier's rules (`http.receipt`) and answered when its receipts are committed; anything else than 204 asks the
/// provider to call again. For example, the body below tells that a message was delivered.
#[utoipa::path(
    operation_id = "carrier_callbacks.receive",
    tag = "Carriers",
    security(()),
    params(
        ("id" = CarrierId, Path, description = "The carrier."),
        ("signature" = String, Path, description = "The end of its `callback_path`."),
    ),
    request_body(
        content = CarrierCallback,
        description = "What the provider has to tell.",
        example = json!({"id": "7f3a", "status": "delivered", "to": "+447400123456"}),
    ),
    responses((status = NO_CONTENT, description = "Its receipts are committed.")),
    extensions(("x-errors" = json!(["conflict"]))),
)]
#[post("/carrier-callbacks/{id}/{signature}")]
async fn receive(
    app: Data<App>,
    req: HttpRequest,
    Id(id): Id<CarrierId>,
    payload: Payload,
) -> Result<NoContent, Failure> {
    let unknown = || Error::new(Code::NotFound, "There is no such call-back.");
    let signature: String = part(&req, "signature")?;
    if !http::is_signed(&app.config.keys, id, &signature) {
        return Err(unknown().into());
    }
    let scope = SystemScope { clock: app.clock.clone() };
    let carrier = carriers::called(app.db.read(), &scope, id).await?.ok_or_else(unknown)?;
    let Settings::Http(settings) = carrier.shown()? else { return Err(unknown().into()) };
    let Some(rules) = &settings.receipt else {
        return Err(Error::new(Code::Conflict, "The carrier has no rules for receipts: set http.receipt.").into());
    };
    let bad = |reason, number, what: &str| app.metrics.carriers.bad(&carrier.name, reason, number, what);
    let body = match read(&req, payload).await {
        Ok(body) => body,
        Err(fault) => {
            bad(BadInput::Unreadable, 1, &fault.to_string());
            return Err(fault.into());
        }
    };
    let called = http::receipts::read(rules, &body);
    if called.receipts.len() > http::receipts::MOST {
        let fault = Error::new(Code::BodyTooLarge, "A call-back may bring at most 1,000 receipts.");
        bad(BadInput::Unreadable, 1, &fault.to_string());
        return Err(fault.into());
    }
    let (unreadable, ignored) = (called.unreadable, called.ignored);
    if unreadable + ignored > 0 {
        let what = format!(
            "a call-back with {unreadable} receipts without an id or a state, and {ignored} whose state http.receipt.statuses lacks"
        );
        bad(BadInput::UnreadableReceipt, unreadable + ignored, &what);
    }
    if called.receipts.is_empty() && unreadable > 0 {
        return Err(Error::field("", "unreadable", "has no id or no state where the carrier's rules say").into());
    }
    if !called.receipts.is_empty() {
        let received = messages::receive(&app.db, &scope, id, &called.receipts).await?;
        app.metrics.carriers.came(&carrier.name, called.receipts.len(), received.receipts_parked);
    }
    Ok(NoContent)
}

/// The body: JSON, or a form as an object of texts.
async fn read(req: &HttpRequest, mut payload: Payload) -> domain::Result<Value> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|e| Error::new(Code::MalformedJson, format!("The body broke off: {e}.")))?;
        if body.len() + chunk.len() > MOST {
            return Err(Error::new(Code::BodyTooLarge, "A call-back may have at most 256 KiB."));
        }
        body.extend_from_slice(&chunk);
    }
    let kind = req.content_type().trim().to_ascii_lowercase();
    if kind == "application/x-www-form-urlencoded" {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&body)
            .map_err(|e| Error::new(Code::MalformedJson, format!("The form cannot be read: {e}.")))?;
        return Ok(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    if !kind.ends_with("json") {
        let detail = "Send Content-Type: application/json or application/x-www-form-urlencoded.";
        return Err(Error::new(Code::UnsupportedMediaType, detail));
    }
    serde_json::from_slice(&body).map_err(|e| Error::new(Code::MalformedJson, format!("The body is not JSON: {e}.")))
}
