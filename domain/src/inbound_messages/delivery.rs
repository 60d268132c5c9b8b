//! A deliver_sm as it came, and which part of what it is. Pure.
//!
//! Invariants: any octets can be read; a header that does not fit its message belongs to the text; a part that cannot be
//! one of its message (part 4 of 3) is a whole message.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::decode::hex;
use crate::{
    clock::Timestamp,
    phone::{self, Msisdn, Rule},
};

/// The `sar_*` TLVs (SMPP 3.4 §5.3.2.22 – §5.3.2.24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sar {
    pub reference: u16,
    pub total: u8,
    pub sequence: u8,
}

/// What a carrier delivered that is no receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The subscriber's address, and ours, freed of control characters.
    pub source: String,
    /// Whether the carrier says that the subscriber's is a national number (source_addr_ton 2).
    pub national: bool,
    pub recipient: String,
    pub data_coding: u8,
    /// Whether the body begins with a user data header (UDHI of esm_class).
    pub has_header: bool,
    pub body: Vec<u8>,
    pub sar: Option<Sar>,
    pub received_at: Timestamp,
}

/// What ties a part to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The same for all parts of a message: kind of reference, reference, number of parts.
    pub key: String,
    /// How many parts it has, from 2.
    pub total: u8,
    /// Which of them it is, from 1 to `total`.
    pub part: u8,
}

impl Delivery {
    /// Our sender as accounts have it: a number without its plus.
    pub(super) fn sender(&self) -> String {
        address(&self.recipient)
    }

    /// The subscriber's number in international form without a plus, where the address is one; else the address as it came.
    pub(super) fn subscriber(&self) -> String {
        let address = address(&self.source);
        let is_number = address.bytes().all(|b| b.is_ascii_digit());
        if !is_number || self.source.starts_with('+') {
            return address;
        }
        let read = match address.strip_prefix("00") {
            Some(international) => number(international).map(|_| international.to_owned()),
            None if self.national || address.starts_with('0') => self.at_home(&address),
            None => None,
        };
        read.unwrap_or(address)
    }

    /// A national number, read in the country of the number that it was sent to.
    fn at_home(&self, address: &str) -> Option<String> {
        let country = phone::country_of(number(&self.sender())?)?;
        let parsed = phone::parse(address, &Rule::ImportCountry(country)).ok()?;
        Some(parsed.number.as_u64().to_string())
    }

    /// Which part it is, and its octets without the header.
    pub fn read(&self) -> (Option<Tie>, &[u8]) {
        let (header, body) = self.header();
        let tie = self
            .sar
            .map(|Sar { reference, total, sequence }| tie("sar", reference, total, sequence))
            .or_else(|| header.map(concatenation));
        (tie.flatten(), body)
    }

    fn header(&self) -> (Option<&[u8]>, &[u8]) {
        let split = self.body.split_first().filter(|_| self.has_header);
        match split.and_then(|(length, rest)| rest.split_at_checked(usize::from(*length))) {
            Some((header, body)) => (Some(header), body),
            None => (None, &self.body),
        }
    }

    /// What the same delivery, made again, has too: everything but its time.
    pub(super) fn fingerprint(&self) -> String {
        let Self { source, national: _, recipient, data_coding, has_header, body, sar: _, received_at: _ } = self;
        let mut hash = Sha256::new();
        for text in [source, recipient] {
            hash.update(text);
            hash.update([0]);
        }
        hash.update([*data_coding, u8::from(*has_header)]);
        hash.update(body);
        hex(&hash.finalize())
    }
}

/// Whether an address is an international number, and which.
pub(super) fn number(address: &str) -> Option<Msisdn> {
    let digits = address.strip_prefix('+').unwrap_or(address);
    format!("+{digits}").parse().ok()
}

fn address(raw: &str) -> String {
    let bare = raw.strip_prefix('+').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())).unwrap_or(raw);
    if bare.is_empty() { "unknown".to_owned() } else { bare.to_owned() }
}

fn tie(kind: &str, reference: u16, total: u8, part: u8) -> Option<Tie> {
    let mut key = String::new();
    let _ = write!(key, "{kind}/{reference}/{total}");
    (total > 1 && (1..=total).contains(&part)).then_some(Tie { key, total, part })
}

/// The concatenation element of a header (3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8).
fn concatenation(mut elements: &[u8]) -> Option<Tie> {
    while let Some(([id, length], rest)) = elements.split_first_chunk::<2>() {
        let (data, rest) = rest.split_at_checked(usize::from(*length))?;
        match (*id, data) {
            (0x00, [reference, total, part]) => return tie("udh8", u16::from(*reference), *total, *part),
            (0x08, [high, low, total, part]) => {
                return tie("udh16", u16::from_be_bytes([*high, *low]), *total, *part);
            }
            _ => elements = rest,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(body: &[u8]) -> Delivery {
        Delivery {
            source: "+447400100001".into(),
            national: false,
            recipient: "+4444".into(),
            data_coding: 0,
            has_header: true,
            body: body.to_vec(),
            sar: None,
            received_at: Timestamp(0),
        }
    }

    fn of(body: &[u8]) -> Option<(String, u8, u8)> {
        delivery(body).read().0.map(|t| (t.key, t.total, t.part))
    }

    #[test]
    fn parts_are_told_by_their_headers() {
        assert_eq!(of(b"\x05\x00\x03\x2A\x03\x02text"), Some(("udh8/42/3".into(), 3, 2)));
        assert_eq!(of(b"\x06\x08\x04\x01\x02\x02\x01text"), Some(("udh16/258/2".into(), 2, 1)));
        assert_eq!(
            of(b"\x09\x24\x02\x01\x01\x00\x03\x07\x02\x01text"),
            Some(("udh8/7/2".into(), 2, 1)),
            "not the first"
        );
        assert_eq!(delivery(b"\x05\x00\x03\x2A\x03\x02text").read().1, b"text");
        let sar = Some(Sar { reference: 9, total: 2, sequence: 2 });
        let with_sar = Delivery { sar, has_header: false, ..delivery(b"text") };
        assert_eq!(with_sar.read(), (tie("sar", 9, 2, 2), &b"text"[..]));
    }

    #[test]
    fn what_is_no_part_is_whole() {
        for body in
            [&b"\x05\x00\x03\x2A\x01\x01"[..], b"\x05\x00\x03\x2A\x03\x04", b"\x05\x00\x03\x2A\x03\x00", b"\x01", b""]
        {
            assert_eq!(of(body), None, "{body:?}");
        }
        assert_eq!(delivery(b"\x30text").read(), (None, &b"\x30text"[..]), "a header longer than its message");
    }

    #[test]
    fn addresses_are_compared_without_a_plus() {
        let here = delivery(b"");
        assert_eq!((here.sender().as_str(), here.subscriber().as_str()), ("4444", "447400100001"));
        assert_eq!(number(&here.source), Some("+447400100001".parse().unwrap()));
        assert_eq!(number("Anybody"), None);
        assert_eq!(address(""), "unknown");
    }

    #[test]
    fn a_subscriber_is_known_in_each_form_of_the_number() {
        let from = |source: &str, national, recipient: &str| {
            Delivery { source: source.into(), national, recipient: recipient.into(), ..delivery(b"") }.subscriber()
        };
        let ours = "46700900900";
        for (source, national) in [
            ("46701235555", false),
            ("+46701235555", false),
            ("0046701235555", false),
            ("0046701235555", true),
            ("0701235555", true),
            ("0701235555", false),
            ("701235555", true),
            ("46701235555", true),
            ("+46701235555", true),
        ] {
            assert_eq!(from(source, national, ours), "46701235555", "{source} {national}");
        }
        // The plus of ours does not matter; what cannot be told is left as it came.
        assert_eq!(from("0701235555", true, "+46700900900"), "46701235555");
        assert_eq!(from("0701235555", true, "72404"), "0701235555", "a short code is in no country");
        assert_eq!(from("0701235555", true, "CARILLON"), "0701235555");
        assert_eq!(from("0701", true, ours), "0701", "no number of its country");
        assert_eq!(from("0012", false, ours), "0012");
        assert_eq!(from("0Bank", false, ours), "0Bank");
        assert_eq!(from("72404", false, ours), "72404");
        assert_eq!(from("", true, ours), "unknown");
    }

    proptest::proptest! {
        #[test]
        fn any_octets_can_be_read(body: Vec<u8>, has_header: bool) {
            let delivery = Delivery { has_header, ..delivery(&body) };
            let (tie, rest) = delivery.read();
            proptest::prop_assert!(rest.len() <= body.len());
            proptest::prop_assert!(tie.is_none_or(|t| t.part >= 1 && t.part <= t.total));
        }
    }
}
