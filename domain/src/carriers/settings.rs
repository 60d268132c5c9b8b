//! What is set of an SMPP carrier.

use serde::{Deserialize, Serialize};

use crate::error::{Faults, Result};

/// How a carrier writes message ids in receipts, against the id in its answer to the submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// The same text in both.
    #[default]
    AsIs,
    /// Receipts drop or add leading zeros.
    TrimZeros,
    /// Case differs.
    FoldCase,
    /// Zeros and case differ.
    TrimZerosFoldCase,
    /// Receipts have the id in hexadecimal, answers in decimal.
    HexToDecimal,
    /// Receipts have the id in decimal, answers in hexadecimal.
    DecimalToHex,
}

/// The settings of an SMPP carrier. Absent ones take the default told beside each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmppSettings {
    /// `host:port`.
    pub address: String,
    /// Log-in name, at most 15 characters (SMPP 3.4 §5.2.1).
    pub system_id: String,
    /// At most 8 characters (SMPP 3.4 §5.2.2).
    pub password: String,
    /// At most 12 characters (SMPP 3.4 §5.2.3); empty.
    pub system_type: String,
    /// Connections over all worker processes, 1 to 32; 2.
    pub binds: u32,
    /// Unanswered submits of one connection, 1 to 10,000; 500.
    pub window: usize,
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
    /// Checks every value.
    ///
    /// # Errors
    /// `invalid_request` with every fault.
    pub fn check(&self) -> Result<()> {
        let Self {
            address,
            system_id,
            password,
            system_type,
            binds,
            window,
            enquire_link_seconds,
            response_seconds,
            receipt_ids: _,
            service_type,
            gsm7_data_coding: _,
            ucs2_data_coding: _,
        } = self;
        let mut faults = Faults::default();
        let port = address
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|p| p == 0) {
            faults.add("/address", "invalid", "must be host:port, such as smpp.example.com:2775");
        }
        faults.text("/system_id", system_id, 15);
        faults.optional_text("/password", Some(password), 8);
        faults.optional_text("/system_type", Some(system_type), 12);
        faults.optional_text("/service_type", Some(service_type), 5);
        let mut range = |pointer: &str, value: u64, min: u64, max: u64| {
            if !(min..=max).contains(&value) {
                faults.add(pointer, "out_of_range", format!("must be {min} to {max}"));
            }
        };
        range("/binds", u64::from(*binds), 1, 32);
        range("/window", u64::try_from(*window).unwrap_or(u64::MAX), 1, 10_000);
        range("/enquire_link_seconds", *enquire_link_seconds, 1, 600);
        range("/response_seconds", *response_seconds, 1, 600);
        faults.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_told_all_at_once() {
        let good =
            SmppSettings { address: "127.0.0.1:2775".into(), system_id: "carillon".into(), ..SmppSettings::default() };
        assert!(good.check().is_ok());
        let bad = SmppSettings {
            address: "nowhere".into(),
            binds: 0,
            password: "far too long".into(),
            ..SmppSettings::default()
        };
        let pointers: Vec<_> = bad.check().unwrap_err().faults.into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/address", "/system_id", "/password", "/binds"]);
    }
}
