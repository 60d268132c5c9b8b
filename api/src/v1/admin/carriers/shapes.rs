//! The requests and responses of carriers.

use domain::{
    carriers::{self, Carrier as Row, Codec, HttpSettings, Kind, Settings, SmppChange, http},
    clock::Timestamp,
    ids::CarrierId,
    secrets::Keyring,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shared::json::{clearable, given};

/// A way out: an SMPP or an HTTP carrier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "car_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "acme",
    "kind": "smpp",
    "enabled": true,
    "settings": {
        "address": "smpp.example.com:2775", "system_id": "me", "has_password": true, "system_type": "", "binds": 4, "window": 100,
        "enquire_link_seconds": 30, "response_seconds": 60, "receipt_ids": "as_is", "service_type": "", "gsm7_data_coding": 0, "ucs2_data_coding": 8
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
        let Row { id, name, kind, config: _, password_sealed: _, enabled, created_at, updated_at, version: _ } = row;
        let (settings, http, callback_path) = match shown {
            Settings::Smpp(smpp) => (Some(SmppSettings::of(smpp, has_secret)), None, None),
            Settings::Http(http) => (None, Some(*http), Some(http::callback_path(keys, id)?)),
        };
        Ok(Self { id, name, kind, enabled, settings, http, has_secret, callback_path, created_at, updated_at })
    }
}

/// How an SMPP 3.4 carrier is spoken to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "address": "smpp.example.com:2775", "system_id": "me", "has_password": true, "system_type": "", "binds": 4, "window": 100,
    "enquire_link_seconds": 30, "response_seconds": 60, "receipt_ids": "as_is", "service_type": "", "gsm7_data_coding": 0, "ucs2_data_coding": 8
}))]
pub struct SmppSettings {
    /// `host:port`.
    pub address: String,
    /// The log-in's name.
    pub system_id: String,
    /// Whether there is a password. It is stored encrypted and never shown.
    pub has_password: bool,
    /// The log-in's system_type.
    pub system_type: String,
    /// Connections over all workers.
    pub binds: u32,
    /// Unanswered submits of one connection.
    pub window: usize,
    /// Parts a second over all connections; null: no limit.
    pub parts_per_second: Option<u32>,
    /// Seconds of silence before an enquire_link.
    pub enquire_link_seconds: u64,
    /// Seconds an answer may take before its message is in doubt.
    pub response_seconds: u64,
    /// How ids in receipts differ from those in answers.
    pub receipt_ids: Codec,
    /// service_type of every submit.
    pub service_type: String,
    /// data_coding of a GSM-7 text.
    pub gsm7_data_coding: u8,
    /// data_coding of a UCS-2 text.
    pub ucs2_data_coding: u8,
}

impl SmppSettings {
    fn of(settings: carriers::SmppSettings, has_password: bool) -> Self {
        let carriers::SmppSettings {
            address,
            system_id,
            password: _,
            system_type,
            binds,
            window,
            parts_per_second,
            enquire_link_seconds,
            response_seconds,
            receipt_ids,
            service_type,
            gsm7_data_coding,
            ucs2_data_coding,
        } = settings;
        Self {
            address,
            system_id,
            has_password,
            system_type,
            binds,
            window,
            parts_per_second,
            enquire_link_seconds,
            response_seconds,
            receipt_ids,
            service_type,
            gsm7_data_coding,
            ucs2_data_coding,
        }
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

/// Settings of an SMPP 3.4 carrier to be set. What is left out stays as it is, or takes its default in a new carrier;
/// null sets the default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"address": "smpp.example.com:2775", "system_id": "me", "password": "secret", "binds": 4, "window": 100}))]
pub struct SmppSettingsInput {
    /// `host:port`; a new carrier needs it.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub address: Option<String>,
    /// The log-in's name, 1 to 15 characters; a new carrier needs it.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub system_id: Option<String>,
    /// The log-in's password, at most 8 characters; none by default. It is stored encrypted and never shown.
    #[serde(default, deserialize_with = "clearable")]
    pub password: Option<Option<String>>,
    /// The log-in's system_type, at most 12 characters; empty by default.
    #[serde(default, deserialize_with = "clearable")]
    pub system_type: Option<Option<String>>,
    /// Connections over all workers, 1 to 32; 2 by default.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(minimum = 1, maximum = 32)]
    pub binds: Option<Option<u32>>,
    /// Unanswered submits of one connection, 1 to 10,000; 500 by default.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(minimum = 1, maximum = 10000)]
    pub window: Option<Option<usize>>,
    /// Parts a second over all connections, 1 to 10,000; null, the default: no limit.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(minimum = 1, maximum = 10000)]
    pub parts_per_second: Option<Option<u32>>,
    /// Seconds of silence before an enquire_link, 1 to 600; 30 by default.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(minimum = 1, maximum = 600)]
    pub enquire_link_seconds: Option<Option<u64>>,
    /// Seconds an answer may take before its message is in doubt, 1 to 600; 60 by default.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(minimum = 1, maximum = 600)]
    pub response_seconds: Option<Option<u64>>,
    /// How ids in receipts differ from those in answers; `as_is` by default.
    #[serde(default, deserialize_with = "clearable")]
    pub receipt_ids: Option<Option<Codec>>,
    /// service_type of every submit, at most 5 characters; empty by default.
    #[serde(default, deserialize_with = "clearable")]
    pub service_type: Option<Option<String>>,
    /// data_coding of a GSM-7 text; 0 by default, the carrier's default alphabet.
    #[serde(default, deserialize_with = "clearable")]
    pub gsm7_data_coding: Option<Option<u8>>,
    /// data_coding of a UCS-2 text; 8 by default.
    #[serde(default, deserialize_with = "clearable")]
    pub ucs2_data_coding: Option<Option<u8>>,
}

impl SmppSettingsInput {
    /// The change it asks for.
    pub fn change(self) -> SmppChange {
        let Self {
            address,
            system_id,
            password,
            system_type,
            binds,
            window,
            parts_per_second,
            enquire_link_seconds,
            response_seconds,
            receipt_ids,
            service_type,
            gsm7_data_coding,
            ucs2_data_coding,
        } = self;
        let default = carriers::SmppSettings::default();
        SmppChange {
            address,
            system_id,
            password: password.map(|v| v.unwrap_or(default.password)),
            system_type: system_type.map(|v| v.unwrap_or(default.system_type)),
            binds: binds.map(|v| v.unwrap_or(default.binds)),
            window: window.map(|v| v.unwrap_or(default.window)),
            parts_per_second,
            enquire_link_seconds: enquire_link_seconds.map(|v| v.unwrap_or(default.enquire_link_seconds)),
            response_seconds: response_seconds.map(|v| v.unwrap_or(default.response_seconds)),
            receipt_ids: receipt_ids.map(|v| v.unwrap_or(default.receipt_ids)),
            service_type: service_type.map(|v| v.unwrap_or(default.service_type)),
            gsm7_data_coding: gsm7_data_coding.map(|v| v.unwrap_or(default.gsm7_data_coding)),
            ucs2_data_coding: ucs2_data_coding.map(|v| v.unwrap_or(default.ucs2_data_coding)),
        }
    }
}

/// Hides the password.
impl std::fmt::Debug for SmppSettingsInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmppSettingsInput").field("address", &self.address).finish_non_exhaustive()
    }
}
