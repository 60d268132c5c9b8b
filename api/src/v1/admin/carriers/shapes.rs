//! The requests and responses of carriers.

use domain::{
    carriers::{Carrier as Row, HttpSettings, Kind, Settings, http},
    clock::Timestamp,
    ids::CarrierId,
    secrets::Keyring,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::smpp::{SmppSettings, SmppSettingsInput};
use crate::shared::json::given;

/// A way out: an SMPP or an HTTP carrier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "car_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "acme",
    "kind": "smpp",
    "enabled": true,
    "settings": {
        "address": "smpp.example.com:2775", "system_id": "me", "has_password": true, "system_type": "", "binds": 4, "window": 100,
        "enquire_link_seconds": 30, "response_seconds": 60, "receipt_ids": "as_is", "service_type": "", "gsm7_data_coding": 0, "ucs2_data_coding": 8,
        "tls": null, "bind_mode": "transceiver", "receiver_address": null, "interface_version": "3.4",
        "addresses": {"alphanumeric": null, "numeric": null, "short_code": null, "destination": null}, "gsm7_alphabet": "gsm",
        "long_messages": null, "registered_delivery": "all", "validity_format": "relative", "priority_flag": 0, "resend": "no_resend"
    },
    "http": null,
    "has_secret": true,
    "callback_path": null,
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Carrier {
    /// Its id.
    pub id: CarrierId,
    /// What the operator calls it; unique.
    pub name: String,
    /// How it is spoken to.
    pub kind: Kind,
    /// Whether it is used.
    pub enabled: bool,
    /// The settings of an SMPP carrier; null of another.
    pub settings: Option<SmppSettings>,
    /// The settings of an HTTP carrier; null of another.
    pub http: Option<HttpSettings>,
    /// Whether there is a password or a secret. It is stored encrypted and never shown.
    pub has_secret: bool,
    /// Where receipts of an HTTP carrier are called to on this server; signed, so keep it as you keep a secret. Null of an
    /// SMPP carrier.
    pub callback_path: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Carrier {
    /// A row as it is shown.
    pub fn read(row: Row, keys: &Keyring) -> domain::Result<Self> {
        let (shown, has_secret) = (row.shown()?, row.has_password());
        let Row {
            id,
            name,
            kind,
            config: _,
            password_sealed: _,
            client_key_sealed: _,
            enabled,
            created_at,
            updated_at,
            version: _,
        } = row;
        let (settings, http, callback_path) = match shown {
            Settings::Smpp(smpp) => (Some(SmppSettings::of(*smpp, has_secret)), None, None),
            Settings::Http(http) => (None, Some(*http), Some(http::callback_path(keys, id)?)),
        };
        Ok(Self { id, name, kind, enabled, settings, http, has_secret, callback_path, created_at, updated_at })
    }
}

/// A carrier to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "acme",
    "settings": {"address": "smpp.example.com:2775", "system_id": "me", "password": "secret", "binds": 4, "window": 100}
}))]
pub struct NewCarrier {
    /// What to call it; unique, at most 100 characters.
    pub name: String,
    /// Whether it is used; true when left out.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub enabled: bool,
    /// The settings of an SMPP carrier.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub settings: Option<SmppSettingsInput>,
    /// The settings of an HTTP carrier; one of `settings` and `http` is needed.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub http: Option<HttpSettings>,
}

fn yes() -> bool {
    true
}

/// What to change of a carrier; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"settings": {"window": 100}}))]
pub struct CarrierPatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Whether it is used.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
    /// Settings to change of an SMPP carrier.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub settings: Option<SmppSettingsInput>,
    /// The settings of an HTTP carrier, all of them; a secret that is left out stays.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub http: Option<HttpSettings>,
}
