//! Refusing settings of an SMPP carrier that cannot work, with every fault at once.

use super::{BindMode, SmppSettings};
use crate::error::Faults;

impl SmppSettings {
    /// Notes every wrong value; pointers begin with `at`. `key_sealed`: the client's key is not at hand, and stays.
    pub fn check(&self, faults: &mut Faults, at: &str, key_sealed: bool) {
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
            tls,
            bind_mode,
            receiver_address,
            interface_version: _,
            addresses,
            gsm7_alphabet: _,
            long_messages: _,
            registered_delivery: _,
            validity_format: _,
            priority_flag,
            resend: _,
        } = self;
        let p = |name: &str| format!("{at}/{name}");
        if !is_address(address) {
            faults.add(p("address"), "invalid", "must be host:port, such as smpp.example.com:2775");
        }
        faults.text(&p("system_id"), system_id, 15);
        faults.optional_text(&p("password"), Some(password), 8);
        faults.optional_text(&p("system_type"), Some(system_type), 12);
        faults.optional_text(&p("service_type"), Some(service_type), 5);
        for (name, value) in [("system_id", system_id), ("system_type", system_type), ("service_type", service_type)] {
            if !value.is_ascii() {
                faults.add(p(name), "invalid", "must be ASCII");
            }
        }
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
        range("priority_flag", u64::from(*priority_flag), 0, 3);
        if let Some(receiver) = receiver_address {
            if !is_address(receiver) {
                faults.add(p("receiver_address"), "invalid", "must be host:port, such as smpp.example.com:2776");
            }
            if *bind_mode != BindMode::Separate {
                faults.add(p("receiver_address"), "invalid", "is for bind_mode transmitter_receiver alone");
            }
        }
        addresses.check(faults, &p("addresses"));
        if let Some(tls) = tls {
            tls.check(faults, &p("tls"), address, key_sealed);
        }
    }
}

fn is_address(text: &str) -> bool {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    port.is_some_and(|p| p != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::{AddressType, AddressTypes};

    fn faults(settings: &SmppSettings) -> Vec<String> {
        let mut faults = Faults::default();
        settings.check(&mut faults, "/settings", false);
        faults.check().err().map(|e| e.faults.into_iter().map(|f| f.pointer).collect()).unwrap_or_default()
    }

    fn good() -> SmppSettings {
        SmppSettings { address: "127.0.0.1:2775".into(), system_id: "carillon".into(), ..SmppSettings::default() }
    }

    #[test]
    fn wrong_settings_are_told_all_at_once() {
        assert!(faults(&good()).is_empty());
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
    fn what_contradicts_itself_is_refused() {
        let receiver = SmppSettings { receiver_address: Some("10.0.0.1:2776".into()), ..good() };
        assert_eq!(faults(&receiver), ["/settings/receiver_address"]);
        assert!(faults(&SmppSettings { bind_mode: BindMode::Separate, ..receiver }).is_empty());
        let types = AddressTypes { short_code: Some(AddressType { ton: 7, npi: 2 }), ..AddressTypes::default() };
        let bad = SmppSettings { addresses: types, priority_flag: 4, service_type: "µ".into(), ..good() };
        let expected = [
            "/settings/service_type",
            "/settings/priority_flag",
            "/settings/addresses/short_code/ton",
            "/settings/addresses/short_code/npi",
        ];
        assert_eq!(faults(&bad), expected);
    }
}
