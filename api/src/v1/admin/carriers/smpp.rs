//! The settings of SMPP carriers as they are shown and set.

use domain::carriers::{
    self, AddressTypes, BindMode, Codec, SmppChange, TlsSettings,
    smpp::{Alphabet, InterfaceVersion, LongMessages, RegisteredDelivery, Resend, ValidityFormat},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shared::json::{clearable, given};

/// How an SMPP carrier is spoken to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "address": "smpp.example.com:2775", "system_id": "me", "has_password": true, "system_type": "", "binds": 4, "window": 100,
    "enquire_link_seconds": 30, "response_seconds": 60, "receipt_ids": "as_is", "service_type": "", "gsm7_data_coding": 0, "ucs2_data_coding": 8,
        "tls": null, "bind_mode": "transceiver", "receiver_address": null, "interface_version": "3.4",
        "addresses": {"alphanumeric": null, "numeric": null, "short_code": null, "destination": null}, "gsm7_alphabet": "gsm",
        "long_messages": null, "registered_delivery": "all", "validity_format": "relative", "priority_flag": 0, "resend": "no_resend"
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
    /// Connections over all workers; of separate ones the number of each.
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
    /// Encryption of the connections; null: none.
    pub tls: Option<TlsSettings>,
    /// What the connections are for.
    pub bind_mode: BindMode,
    /// `host:port` of separate receivers; null: `address`.
    pub receiver_address: Option<String>,
    /// The version of SMPP that is asked for.
    pub interface_version: InterfaceVersion,
    /// Types of numbers.
    pub addresses: AddressTypes,
    /// How a text that fits GSM-7 is written.
    pub gsm7_alphabet: Alphabet,
    /// How the parts of a long message are tied; null: as the message says.
    pub long_messages: Option<LongMessages>,
    /// Which receipts are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// How validity is told.
    pub validity_format: ValidityFormat,
    /// priority_flag of every submit.
    pub priority_flag: u8,
    /// What becomes of a message whose answer was lost.
    pub resend: Resend,
}

impl SmppSettings {
    pub(super) fn of(settings: carriers::SmppSettings, has_password: bool) -> Self {
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
            tls,
            bind_mode,
            receiver_address,
            interface_version,
            addresses,
            gsm7_alphabet,
            long_messages,
            registered_delivery,
            validity_format,
            priority_flag,
            resend,
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
            tls,
            bind_mode,
            receiver_address,
            interface_version,
            addresses,
            gsm7_alphabet,
            long_messages,
            registered_delivery,
            validity_format,
            priority_flag,
            resend,
        }
    }
}

/// Settings of an SMPP carrier to be set. What is left out stays as it is, or takes its default in a new carrier;
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
    /// The log-in's password, at most 8 ASCII characters; none by default. It is stored encrypted and never shown.
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
    /// data_coding of a GSM-7 text; 0 by default, the carrier's default alphabet. Not 8, which is UCS-2.
    #[serde(default, deserialize_with = "clearable")]
    pub gsm7_data_coding: Option<Option<u8>>,
    /// data_coding of a UCS-2 text; 8 by default. Not 0, and another than `gsm7_data_coding`.
    #[serde(default, deserialize_with = "clearable")]
    pub ucs2_data_coding: Option<Option<u8>>,
    /// Encryption of the connections, replaced as a whole, but for a key that is left out while its certificate stays; null, the
    /// default: none.
    #[serde(default, deserialize_with = "clearable")]
    pub tls: Option<Option<TlsSettings>>,
    /// What the connections are for; `transceiver` by default. With `transmitter_receiver`, `binds` is the number of each.
    #[serde(default, deserialize_with = "clearable")]
    pub bind_mode: Option<Option<BindMode>>,
    /// `host:port` of separate receivers; null, the default: `address`.
    #[serde(default, deserialize_with = "clearable")]
    pub receiver_address: Option<Option<String>>,
    /// The version of SMPP that is asked for; `3.4` by default.
    #[serde(default, deserialize_with = "clearable")]
    pub interface_version: Option<Option<InterfaceVersion>>,
    /// Types of numbers, replaced as a whole; null, the default: the usual ones.
    #[serde(default, deserialize_with = "clearable")]
    pub addresses: Option<Option<AddressTypes>>,
    /// How a text that fits GSM-7 is written; `gsm` by default. A text with a character that the alphabet lacks goes in UCS-2.
    #[serde(default, deserialize_with = "clearable")]
    pub gsm7_alphabet: Option<Option<Alphabet>>,
    /// How the parts of a long message are tied; null, the default: as the message says. Another way may make more or fewer
    /// parts than the message is charged for.
    #[serde(default, deserialize_with = "clearable")]
    pub long_messages: Option<Option<LongMessages>>,
    /// Which receipts are asked for; `all` by default.
    #[serde(default, deserialize_with = "clearable")]
    pub registered_delivery: Option<Option<RegisteredDelivery>>,
    /// How validity is told; `relative` by default.
    #[serde(default, deserialize_with = "clearable")]
    pub validity_format: Option<Option<ValidityFormat>>,
    /// priority_flag of every submit, 0 to 3; 0 by default.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(minimum = 0, maximum = 3)]
    pub priority_flag: Option<Option<u8>>,
    /// What becomes of a message whose answer was lost; `no_resend` by default.
    #[serde(default, deserialize_with = "clearable")]
    pub resend: Option<Option<Resend>>,
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
            tls,
            bind_mode,
            receiver_address,
            interface_version,
            addresses,
            gsm7_alphabet,
            long_messages,
            registered_delivery,
            validity_format,
            priority_flag,
            resend,
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
            tls,
            bind_mode: bind_mode.map(|v| v.unwrap_or(default.bind_mode)),
            receiver_address,
            interface_version: interface_version.map(|v| v.unwrap_or(default.interface_version)),
            addresses: addresses.map(|v| v.unwrap_or(default.addresses)),
            gsm7_alphabet: gsm7_alphabet.map(|v| v.unwrap_or(default.gsm7_alphabet)),
            long_messages,
            registered_delivery: registered_delivery.map(|v| v.unwrap_or(default.registered_delivery)),
            validity_format: validity_format.map(|v| v.unwrap_or(default.validity_format)),
            priority_flag: priority_flag.map(|v| v.unwrap_or(default.priority_flag)),
            resend: resend.map(|v| v.unwrap_or(default.resend)),
        }
    }
}

/// Hides the password and the key.
impl std::fmt::Debug for SmppSettingsInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmppSettingsInput").field("address", &self.address).finish_non_exhaustive()
    }
}
