//! What is set of an SMPP carrier.
//!
//! The pieces: [`words`] are the choices there are, [`addresses`] types of numbers, [`tls`] the encryption of the
//! connection, [`check`] refuses what cannot work. Pure.
//!
//! Invariants: settings that were stored without a field take its default; the password and the client's key are read
//! where an earlier version or a command has them, and never written: they are stored sealed, apart.

mod addresses;
mod check;
mod tls;
mod words;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use addresses::{AddressType, AddressTypes};
pub use tls::TlsSettings;
pub use words::{
    Alphabet, BindMode, Codec, InterfaceVersion, LongMessages, RegisteredDelivery, Resend, ValidityFormat,
};

/// Whether a setting has its default. Such a one is not stored, so that the version before this one can read the rest.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Builds the settings and their change from one list of `name: type = default`.
macro_rules! settings {
    ($($(#[$meta:meta])+ $name:ident: $type:ty = $default:expr,)+) => {
        /// The settings of an SMPP carrier. Absent ones take the default told beside each.
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct SmppSettings { $($(#[$meta])+ pub $name: $type,)+ }

        impl Default for SmppSettings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// A change of settings: what is `None` stays.
        #[derive(Clone, Default, PartialEq, Eq)]
        pub struct SmppChange { $(pub $name: Option<$type>,)+ }

        impl SmppSettings {
            /// These settings with a change made.
            pub fn changed(self, change: SmppChange) -> Self {
                Self { $($name: change.$name.unwrap_or(self.$name),)+ }
            }
        }

        impl SmppChange {
            /// The change that makes any settings these.
            pub fn to(settings: SmppSettings) -> Self {
                Self { $($name: Some(settings.$name),)+ }
            }
        }
    };
}

settings! {
    /// `host:port`.
    address: String = String::new(),
    /// Log-in name, at most 15 characters (SMPP 3.4 §5.2.1).
    system_id: String = String::new(),
    /// At most 8 characters (SMPP 3.4 §5.2.2).
    #[serde(skip_serializing)]
    password: String = String::new(),
    /// At most 12 characters (SMPP 3.4 §5.2.3); empty.
    system_type: String = String::new(),
    /// Connections over all worker processes, 1 to 32; 2. Of separate ones it is the number of each.
    binds: u32 = 2,
    /// Unanswered submits of one connection, 1 to 10,000; 500.
    window: usize = 500,
    /// Parts a second over all connections, 1 to 10,000; no limit.
    parts_per_second: Option<u32> = None,
    /// Seconds of silence before an enquire_link, 1 to 600; 30.
    enquire_link_seconds: u64 = 30,
    /// Seconds to wait for an answer before the message is in doubt, 1 to 600; 60.
    response_seconds: u64 = 60,
    /// How ids in receipts are written; `as_is`.
    receipt_ids: Codec = Codec::AsIs,
    /// service_type of every submit, at most 5 characters; empty.
    service_type: String = String::new(),
    /// data_coding of a GSM-7 text; 0, the carrier's default alphabet.
    gsm7_data_coding: u8 = 0,
    /// data_coding of a UCS-2 text; 8.
    ucs2_data_coding: u8 = 8,
    /// Encryption of the connection; none.
    #[serde(skip_serializing_if = "is_default")]
    tls: Option<TlsSettings> = None,
    /// What a connection is for; `transceiver`.
    #[serde(skip_serializing_if = "is_default")]
    bind_mode: BindMode = BindMode::default(),
    /// `host:port` of separate receivers; `address`.
    #[serde(skip_serializing_if = "is_default")]
    receiver_address: Option<String> = None,
    /// The version that is asked for in the bind; 3.4.
    #[serde(skip_serializing_if = "is_default")]
    interface_version: InterfaceVersion = InterfaceVersion::default(),
    /// Types of numbers; automatic.
    #[serde(skip_serializing_if = "is_default")]
    addresses: AddressTypes = AddressTypes::default(),
    /// How a GSM-7 text is written; `gsm`.
    #[serde(skip_serializing_if = "is_default")]
    gsm7_alphabet: Alphabet = Alphabet::default(),
    /// How the parts of a long message are tied; as the message says.
    #[serde(skip_serializing_if = "is_default")]
    long_messages: Option<LongMessages> = None,
    /// Which receipts are asked for; all.
    #[serde(skip_serializing_if = "is_default")]
    registered_delivery: RegisteredDelivery = RegisteredDelivery::default(),
    /// How validity is told; `relative`.
    #[serde(skip_serializing_if = "is_default")]
    validity_format: ValidityFormat = ValidityFormat::default(),
    /// priority_flag of every submit, 0 to 3; 0.
    #[serde(skip_serializing_if = "is_default")]
    priority_flag: u8 = 0,
    /// What becomes of a message whose answer was lost; `no_resend`.
    #[serde(skip_serializing_if = "is_default")]
    resend: Resend = Resend::default(),
}

impl SmppSettings {
    /// How many connections there are: of separate ones, the transmitters come first and the receivers after them.
    pub fn connections(&self) -> u32 {
        match self.bind_mode {
            BindMode::Transceiver => self.binds,
            BindMode::Separate => self.binds.saturating_mul(2),
        }
    }
    /// Whether the connection of this number only receives.
    pub fn is_receiver(&self, n: u32) -> bool {
        self.bind_mode == BindMode::Separate && n >= self.binds
    }
    /// What the operator should know although it works.
    pub fn warnings(&self) -> Vec<String> {
        let unverified = self.tls.as_ref().is_some_and(|tls| !tls.verify);
        let warning = "tls.verify is false: whoever answers at the address is believed to be the carrier";
        if unverified { vec![warning.to_owned()] } else { Vec::new() }
    }
}

/// Hides the password and the key.
impl fmt::Debug for SmppSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is serialized has neither.
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl fmt::Debug for SmppChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmppChange({:?})", SmppSettings::default().changed(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_and_never_written_nor_shown() {
        let read: SmppSettings =
            serde_json::from_str(r#"{"password": "opensesa", "tls": {"client_key": "opensesa"}}"#).unwrap();
        assert_eq!(read.password, "opensesa");
        assert_eq!(read.tls.as_ref().unwrap().client_key.as_deref(), Some("opensesa"));
        for text in [serde_json::to_string(&read).unwrap(), format!("{read:?}"), format!("{:?}", SmppChange::to(read))]
        {
            assert!(!text.contains("opensesa"), "{text}");
        }
    }

    #[test]
    fn what_has_its_default_is_stored_as_the_version_before_did() {
        let stored = serde_json::to_value(SmppSettings::default()).unwrap();
        let names: Vec<&str> = stored.as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = vec![
            "address",
            "system_id",
            "system_type",
            "binds",
            "window",
            "parts_per_second",
            "enquire_link_seconds",
            "response_seconds",
            "receipt_ids",
            "service_type",
            "gsm7_data_coding",
            "ucs2_data_coding",
        ];
        known.sort_unstable();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(names, known);
        let old: SmppSettings = serde_json::from_value(stored).unwrap();
        assert_eq!(old, SmppSettings::default());
    }

    #[test]
    fn separate_connections_are_twice_as_many() {
        let settings = SmppSettings { binds: 3, bind_mode: BindMode::Separate, ..SmppSettings::default() };
        assert_eq!(settings.connections(), 6);
        assert_eq!([2, 3].map(|n| settings.is_receiver(n)), [false, true]);
        let settings = SmppSettings { binds: 3, ..SmppSettings::default() };
        assert_eq!((settings.connections(), settings.is_receiver(3)), (3, false));
    }
}
