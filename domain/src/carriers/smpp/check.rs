//! Refusing settings of an SMPP carrier that cannot work, with every fault at once.

use std::net::{Ipv4Addr, Ipv6Addr};

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
            gsm7_data_coding,
            ucs2_data_coding,
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
            faults.add(p("address"), "invalid", ADDRESS);
        }
        faults.text(&p("system_id"), system_id, 15);
        faults.optional_text(&p("password"), Some(password), 8);
        faults.optional_text(&p("system_type"), Some(system_type), 12);
        faults.optional_text(&p("service_type"), Some(service_type), 5);
        let ascii = [
            ("system_id", system_id),
            ("password", password),
            ("system_type", system_type),
            ("service_type", service_type),
        ];
        for (name, value) in ascii {
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
                faults.add(p("receiver_address"), "invalid", ADDRESS);
            }
            if *bind_mode != BindMode::Separate {
                faults.add(p("receiver_address"), "invalid", "is for bind_mode transmitter_receiver alone");
            }
        }
        // What a text is in would be told wrongly, or not at all.
        if *gsm7_data_coding == UCS2 {
            faults.add(p("gsm7_data_coding"), "invalid", "must not be 8, which is UCS-2");
        }
        if *ucs2_data_coding == DEFAULT_ALPHABET {
            faults.add(p("ucs2_data_coding"), "invalid", "must not be 0, which is the carrier's default alphabet");
        }
        if gsm7_data_coding == ucs2_data_coding {
            faults.add(p("ucs2_data_coding"), "invalid", "must not be the gsm7_data_coding: they tell the two apart");
        }
        addresses.check(faults, &p("addresses"));
        if let Some(tls) = tls {
            tls.check(faults, &p("tls"), address, key_sealed);
        }
    }
}

/// What an address must be.
const ADDRESS: &str =
    "must be host:port without a scheme, such as smpp.example.com:2775, 192.0.2.7:2775 or [2001:db8::7]:2775";
/// data_coding 0 and 8 (SMPP 3.4 §5.2.19).
const DEFAULT_ALPHABET: u8 = 0;
const UCS2: u8 = 8;

/// What one can connect to: a name, an IPv4 address or an IPv6 address in brackets, and a port.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0);
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => is_name(host),
    };
    is_port && is_host
}

/// A name of DNS, with underscores as some networks of containers have them; one that ends in digits is an IPv4 address.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let digits = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(label) && (!digits || host.parse::<Ipv4Addr>().is_ok())
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
    fn what_cannot_be_connected_to_or_sent_is_refused() {
        let addresses = |address: &str| faults(&SmppSettings { address: address.into(), ..good() });
        for right in [
            "smpp.example.com:2775",
            "smpp.example.com.:1",
            "a:65535",
            "smsc_1:2775",
            "xn--bcher-kva.example:2775",
            "192.0.2.7:2775",
            "[::1]:2775",
            "[2001:db8::7]:2775",
        ] {
            assert!(addresses(right).is_empty(), "{right}");
        }
        let long = format!("{}:2775", "a".repeat(64));
        for wrong in [
            "nowhere",
            "",
            ":2775",
            "host:",
            "host:0",
            "host:+1",
            "host:65536",
            "http://h:1",
            "tcp://smpp.example.com:2775",
            "user@h:2775",
            " smpp.example.com:2775",
            "smpp.example.com:2775 ",
            "smpp example:2775",
            "::1:5",
            "[::1:5",
            "[h]:5",
            "[]:5",
            "h/path:5",
            "bücher.example:2775",
            "a..b:2775",
            "-a:2775",
            "999.0.0.1:2775",
            "12:2775",
            long.as_str(),
        ] {
            assert_eq!(addresses(wrong), ["/settings/address"], "{wrong}");
        }
        assert_eq!(faults(&SmppSettings { password: "pässw".into(), ..good() }), ["/settings/password"]);
        let codings = |gsm7, ucs2| faults(&SmppSettings { gsm7_data_coding: gsm7, ucs2_data_coding: ucs2, ..good() });
        assert!(codings(0, 8).is_empty() && codings(3, 24).is_empty() && codings(241, 8).is_empty());
        assert_eq!(codings(8, 24), ["/settings/gsm7_data_coding"]);
        assert_eq!(codings(3, 0), ["/settings/ucs2_data_coding"]);
        assert_eq!(codings(24, 24), ["/settings/ucs2_data_coding"]);
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
