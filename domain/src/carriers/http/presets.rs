//! Settings to begin with, shipped as data: one file each in `presets/`. Hosts and names in them are placeholders.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HttpSettings;
use crate::error::{Error, Result};

/// Settings to begin with.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
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
}))]
pub struct CarrierPreset {
    /// Its name.
    pub name: String,
    /// What kind of API it is for, and what is to be filled in.
    pub description: String,
    /// What to send as `http` of a new carrier, once the placeholders are replaced and the secret is added.
    pub http: HttpSettings,
}

const FILES: [&str; 3] = [
    include_str!("presets/json-api.json"),
    include_str!("presets/form-api.json"),
    include_str!("presets/key-header-api.json"),
];

/// Every preset.
///
/// # Errors
/// Internal when a file cannot be read, which a test rules out.
pub fn all() -> Result<Vec<CarrierPreset>> {
    let read = |text: &&str| serde_json::from_str(text).map_err(|e| Error::internal(format!("a preset: {e}")));
    FILES.iter().map(read).collect()
}
