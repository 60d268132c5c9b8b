//! `GET /v1/admin/carrier-presets`: settings of HTTP carriers to begin with.

use actix_web::get;
use domain::carriers::http::presets::{self, CarrierPreset};
use serde::Serialize;
use utoipa::ToSchema;

use crate::shared::{auth::Operator, problem::Failure, reply::Reply};

/// Settings to begin with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"data": [{
    "name": "json-api", "description": "A JSON API with a bearer token.", "http": {
        "method": "POST", "url": "https://api.example.com/v1/messages", "headers": {}, "body_format": "json",
        "body": {"to": "{{to}}", "from": "{{from}}", "text": "{{text}}"}, "authentication": {"kind": "bearer", "user": "", "header": ""},
        "timeout_seconds": 30, "concurrency": 10, "parts_per_second": null,
        "answer": {
            "statuses": [], "success_pointer": null, "success_value": null, "message_id_pointer": "/id", "message_id_header": null,
            "error_pointer": "/error/code", "temporary_codes": [], "throttling_codes": [], "definitive_codes": []
        },
        "receipt": null
    }
}]}))]
pub struct CarrierPresets {
    /// Every one there is.
    pub data: Vec<CarrierPreset>,
}

/// List presets
///
/// Settings of HTTP carriers to begin with: replace the placeholders that the description names, add the secret, and send
/// `http` with `POST /v1/admin/carriers`. For example, `GET /v1/admin/carrier-presets`.
#[utoipa::path(
    operation_id = "admin_carriers.presets",
    tag = "Carriers",
    security(("operator" = ["carriers:read"])),
    responses((status = OK, description = "All presets.", body = CarrierPresets)),
)]
#[get("/admin/carrier-presets")]
pub(super) async fn list(Operator(_scope): Operator) -> Result<Reply<CarrierPresets>, Failure> {
    Ok(Reply::ok(CarrierPresets { data: presets::all()? }))
}
