//! What is set of an SMPP carrier.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Faults;

crate::text_enum! {
    /// How a carrier writes message ids in receipts, against the id in its answer to the submit.
    pub enum Codec("ReceiptIdCodec") {
        /// The same text in both.
        AsIs = "as_is",
        /// Receipts drop or add leading zeros.
        TrimZeros = "trim_zeros",
        /// Case differs.
        FoldCase = "fold_case",
        /// Zeros and case differ.
        TrimZerosFoldCase = "trim_zeros_fold_case",
        /// Receipts have the id in hexadecimal, answers in decimal.
        HexToDecimal = "hex_to_decimal",
        /// Receipts have the id in decimal, answers in hexadecimal.
        DecimalToHex = "decimal_to_hex",
    }
}

/// The settings of an SMPP carrier. Absent ones take the default told beside each.
/// The password is read where an earlier version or a command has it, and never written: it is stored sealed, apart.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmppSettings {
    /// `host:port`.
    pub address: String,
    /// Log-in name, at most 15 characters (SMPP 3.4 §5.2.1).
    pub system_id: String,
    /// At most 8 characters (SMPP 3.4 §5.2.2).
    #[serde(skip_serializing)]
    pub password: String,
    /// At most 12 characters (SMPP 3.4 §5.2.3); empty.
    pub system_type: String,
    /// Connections over all worker processes, 1 to 32; 2.
    pub binds: u32,
    /// Unanswered submits of one connection, 1 to 10,000; 500.
    pub window: usize,
    /// Parts a second over all connections, 1 to 10,000; no limit.
    pub parts_per_second: Option<u32>,
    /// Seconds of silence before an enquire_link, 1 to 600; 30.
    pub enquire_link_seconds: u64,
    /// Seconds to wait for an answer before the message is in doubt, 1 to 600; 60.
    pub response_seconds: u64,
    /// How ids in receipts are written; `as_is`.
    pub receipt_ids: Codec,
    /// service_type of every submit, at most 5 characters; empty.
    pub service_type: String,
    /// data_coding of a GSM-7 text; 0, the carrier's default alphabet.
    pub gsm7_data_coding: u8,
    /// data_coding of a UCS-2 text; 8.
    pub ucs2_data_coding: u8,
}

impl Default for SmppSettings {
    fn default() -> Self {
        Self {
            address: String::new(),
            system_id: String::new(),
            password: String::new(),
            system_type: String::new(),
            binds: 2,
            window: 500,
            parts_per_second: None,
            enquire_link_seconds: 30,
            response_seconds: 60,
            receipt_ids: Codec::AsIs,
            service_type: String::new(),
            gsm7_data_coding: 0,
            ucs2_data_coding: 8,
        }
    }
}

impl SmppSettings {
    /// These settings with a change made.
    pub fn changed(self, change: SmppChange) -> Self {
        let SmppChange {
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
        } = change;
        Self {
            address: address.unwrap_or(self.address),
            system_id: system_id.unwrap_or(self.system_id),
            password: password.unwrap_or(self.password),
            system_type: system_type.unwrap_or(self.system_type),
            binds: binds.unwrap_or(self.binds),
            window: window.unwrap_or(self.window),
            parts_per_second: parts_per_second.unwrap_or(self.parts_per_second),
            enquire_link_seconds: enquire_link_seconds.unwrap_or(self.enquire_link_seconds),
            response_seconds: response_seconds.unwrap_or(self.response_seconds),
            receipt_ids: receipt_ids.unwrap_or(self.receipt_ids),
            service_type: service_type.unwrap_or(self.service_type),
            gsm7_data_coding: gsm7_data_coding.unwrap_or(self.gsm7_data_coding),
            ucs2_data_coding: ucs2_data_coding.unwrap_or(self.ucs2_data_coding),
        }
    }

    /// Notes every wrong value; pointers begin with `at`.
    pub fn check(&self, faults: &mut Faults, at: &str) {
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
            receipt_ids: _,
            service_type,
            gsm7_data_coding: _,
            ucs2_data_coding: _,
        } = self;
        let p = |name: &str| format!("{at}/{name}");
        let port = address
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|p| p == 0) {
            faults.add(p("address"), "invalid", "must be host:port, such as smpp.example.com:2775");
        }
        faults.text(&p("system_id"), system_id, 15);
        faults.optional_text(&p("password"), Some(password), 8);
        faults.optional_text(&p("system_type"), Some(system_type), 12);
        faults.optional_text(&p("service_type"), Some(service_type), 5);
        let mut range = |name: &str, value: u64, min: u64, max: u64| {
            if !(min..=max).contains(&value) {
                faults.add(p(name), "out_of_range", format!("must be {min} to {max}"));
            }
        };
        range("binds", u64::from(*binds), 1, 32);
        range("window", u64::try_from(*window).unwrap_or(u64::MAX), 1, 10_000);
        if let Some(limit) = parts_per_second {
            range("parts_per_second", u64::from(*limit), 1, 10_000);
        }
        range("enquire_link_seconds", *enquire_link_seconds, 1, 600);
        range("response_seconds", *response_seconds, 1, 600);
    }
}

/// Hides the password.
impl fmt::Debug for SmppSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is serialized has no password.
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// A change of settings: what is `None` stays.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SmppChange {
    pub address: Option<String>,
    pub system_id: Option<String>,
    pub password: Option<String>,
    pub system_type: Option<String>,
    pub binds: Option<u32>,
    pub window: Option<usize>,
    pub parts_per_second: Option<Option<u32>>,
    pub enquire_link_seconds: Option<u64>,
    pub response_seconds: Option<u64>,
    pub receipt_ids: Option<Codec>,
    pub service_type: Option<String>,
    pub gsm7_data_coding: Option<u8>,
    pub ucs2_data_coding: Option<u8>,
}

impl SmppChange {
    /// The change that makes any settings these.
    pub fn to(settings: SmppSettings) -> Self {
        let SmppSettings {
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
        } = settings;
        Self {
            address: Some(address),
            system_id: Some(system_id),
            password: Some(password),
            system_type: Some(system_type),
            binds: Some(binds),
            window: Some(window),
            parts_per_second: Some(parts_per_second),
            enquire_link_seconds: Some(enquire_link_seconds),
            response_seconds: Some(response_seconds),
            receipt_ids: Some(receipt_ids),
            service_type: Some(service_type),
            gsm7_data_coding: Some(gsm7_data_coding),
            ucs2_data_coding: Some(ucs2_data_coding),
        }
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

    fn faults(settings: &SmppSettings) -> Vec<String> {
        let mut faults = Faults::default();
        settings.check(&mut faults, "/settings");
        faults.check().err().map(|e| e.faults.into_iter().map(|f| f.pointer).collect()).unwrap_or_default()
    }

    #[test]
    fn wrong_settings_are_told_all_at_once() {
        let good =
            SmppSettings { address: "127.0.0.1:2775".into(), system_id: "carillon".into(), ..SmppSettings::default() };
        assert!(faults(&good).is_empty());
        let bad = SmppSettings {
            address: "nowhere".into(),
            binds: 0,
            password: "far too long".into(),
            ..SmppSettings::default()
        };
        let expected = ["/settings/address", "/settings/system_id", "/settings/password", "/settings/binds"];
        assert_eq!(faults(&bad), expected);
    }

    #[test]
    fn a_password_is_read_and_never_written_nor_shown() {
        let read: SmppSettings = serde_json::from_str(r#"{"password": "opensesa"}"#).unwrap();
        assert_eq!(read.password, "opensesa");
        for text in [serde_json::to_string(&read).unwrap(), format!("{read:?}"), format!("{:?}", SmppChange::to(read))]
        {
            assert!(!text.contains("opensesa"), "{text}");
        }
    }
}
