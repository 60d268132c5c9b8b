//! From a message to its submit_sm PDUs.

use std::time::Duration;

use domain::{
    carriers::{
        AddressType, AddressTypes, SmppSettings,
        smpp::{Alphabet, RegisteredDelivery, ValidityFormat},
    },
    clock::Timestamp,
    messages::window::Outgoing,
    segments::{self, Encoding, Part, SplitMode, udh8, udh16},
    senders::Class,
};
use smpp::client::{Address, Body, Sar, Submit};

/// UDHI of esm_class (SMPP 3.4 §5.2.12): the text begins with a user data header.
const UDH_INDICATOR: u8 = 0x40;

/// Octets of text that are one part in every way.
const SHORT: usize = 70;

/// How many submits a message makes here. It may have been written, or refused by another carrier, with another number of
/// parts; what it costs was decided when it was written, and does not depend on it.
pub fn parts(settings: &SmppSettings, message: &Outgoing) -> i64 {
    if message.text.len() <= SHORT {
        return 1;
    }
    let plain = settings.long_messages.is_none() && settings.gsm7_alphabet == Alphabet::Gsm;
    match (plain, serde_json::from_value::<SplitMode>(message.split_mode.clone().into())) {
        (true, Ok(SplitMode::Cut | SplitMode::Payload)) => 1,
        // Counts what splitting would make, and makes nothing.
        (true, Ok(mode)) => i64::from(segments::measure(&message.text, mode, None).segments),
        _ => {
            split(settings, message).map_or(message.parts, |(_, parts)| i64::try_from(parts.len()).unwrap_or(i64::MAX))
        }
    }
}

/// The PDUs of one message, in order. `reference` is asked for what ties the parts of a long one together.
pub fn submits(
    settings: &SmppSettings,
    message: &Outgoing,
    reference: impl FnOnce() -> u16,
) -> Result<Vec<Submit>, String> {
    let (mode, parts) = split(settings, message)?;
    let reference = if parts.len() > 1 { reference() } else { 0 };
    Ok(parts.into_iter().map(|part| submit(settings, message, mode, reference, part)).collect())
}

/// The parts of a message, tied together as the carrier wants it. A text that the carrier's alphabet does not hold goes in
/// UCS-2, in as many parts as that takes.
fn split(settings: &SmppSettings, message: &Outgoing) -> Result<(SplitMode, Vec<Part>), String> {
    let wanted: SplitMode = serde_json::from_value(message.split_mode.clone().into()).map_err(|e| e.to_string())?;
    let mode = match (wanted, settings.long_messages) {
        (SplitMode::Cut, _) | (_, None) => wanted,
        (_, Some(long)) => long.mode(),
    };
    let split =
        |text: &str, mode, wish| segments::split(text, mode, wish).map_err(|e| format!("{} segments", e.segments));
    let parts = split(&message.text, mode, None)?;
    if parts.iter().all(|part| part.encoding == Encoding::Ucs2 || octets(settings.gsm7_alphabet, &part.body).is_some())
    {
        return Ok((mode, parts));
    }
    match (mode, parts.first()) {
        // What was cut stays as long as it is.
        (SplitMode::Cut, Some(kept)) => {
            let text = segments::decode_gsm7(&kept.body);
            Ok((SplitMode::Udh8, split(&text, SplitMode::Udh8, Some(Encoding::Ucs2))?))
        }
        _ => Ok((mode, split(&message.text, mode, Some(Encoding::Ucs2))?)),
    }
}

/// Septets in the carrier's default alphabet; `None` where it lacks a character.
fn octets(alphabet: Alphabet, septets: &[u8]) -> Option<Vec<u8>> {
    let most = match alphabet {
        Alphabet::Gsm => return Some(septets.to_vec()),
        Alphabet::Latin1 => 0xFF,
        Alphabet::Ascii => 0x7F,
    };
    segments::decode_gsm7(septets).chars().map(|c| u8::try_from(c).ok().filter(|octet| *octet <= most)).collect()
}

fn submit(settings: &SmppSettings, message: &Outgoing, mode: SplitMode, reference: u16, part: Part) -> Submit {
    let Part { sequence, total, encoding, body } = part;
    let body = match encoding {
        Encoding::Gsm7 => octets(settings.gsm7_alphabet, &body).unwrap_or(body),
        Encoding::Ucs2 => body,
    };
    let long = total > 1;
    let (mut esm_class, mut sar) = (0, None);
    let body = match mode {
        SplitMode::Payload => Body::Payload(body),
        SplitMode::Udh8 if long => {
            esm_class = UDH_INDICATOR;
            let [_, low] = reference.to_be_bytes();
            Body::ShortMessage([udh8(low, total, sequence).as_slice(), &body].concat())
        }
        SplitMode::Udh16 if long => {
            esm_class = UDH_INDICATOR;
            Body::ShortMessage([udh16(reference, total, sequence).as_slice(), &body].concat())
        }
        SplitMode::Sar if long => {
            sar = Some(Sar { reference, total, sequence });
            Body::ShortMessage(body)
        }
        SplitMode::Cut | SplitMode::Udh8 | SplitMode::Udh16 | SplitMode::Sar => Body::ShortMessage(body),
    };
    Submit {
        source: source(&settings.addresses, &message.sender),
        dest: address(message.phone.to_string(), settings.addresses.destination()),
        service_type: settings.service_type.clone(),
        esm_class,
        data_coding: if encoding == Encoding::Gsm7 { settings.gsm7_data_coding } else { settings.ucs2_data_coding },
        priority_flag: settings.priority_flag,
        registered_delivery: match settings.registered_delivery {
            RegisteredDelivery::None => 0,
            RegisteredDelivery::All => 1,
            RegisteredDelivery::Failures => 2,
        },
        body,
        sar,
        ..Submit::default()
    }
}

/// The end of a validity (SMPP 3.4 §7.1.1), at least a second away: what remains, `YYMMDDhhmmss000R`, or the moment in UTC,
/// `YYMMDDhhmmss000+`.
pub fn validity(format: ValidityFormat, until: Timestamp, now: Timestamp) -> String {
    let seconds = now.until(until).as_secs().max(1);
    if format == ValidityFormat::Absolute {
        return now.plus(Duration::from_secs(seconds)).utc().format("%y%m%d%H%M%S000+").to_string();
    }
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    format!("0000{days:02}{:02}{:02}{:02}000R", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

fn source(types: &AddressTypes, sender: &str) -> Address {
    let class = Class::of(sender);
    let addr = if class == Class::Alphanumeric { sender } else { sender.trim_start_matches('+') };
    address(addr.to_owned(), types.sender(class))
}

fn address(addr: String, AddressType { ton, npi }: AddressType) -> Address {
    Address { addr, ton, npi }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        carriers::smpp::LongMessages,
        ids::{ChunkId, MessageId},
    };

    fn message(text: &str, split_mode: &str) -> Outgoing {
        Outgoing {
            id: MessageId::new(Timestamp(0)),
            chunk_id: ChunkId::new(Timestamp(0)),
            phone: 447_400_123_456,
            sender: "CARILLON".into(),
            split_mode: split_mode.into(),
            parts: 1,
            text: text.into(),
            valid_until: None,
        }
    }

    #[test]
    fn each_mode_ties_parts_in_its_own_way() {
        let long = "a".repeat(200);
        let settings = SmppSettings::default();
        let of = |mode: &str| submits(&settings, &message(&long, mode), || 0x0102).unwrap();
        let udh = of("udh");
        assert_eq!((udh.len(), udh[0].esm_class), (2, 0x40));
        assert!(matches!(&udh[1].body, Body::ShortMessage(b) if b.starts_with(&[5, 0, 3, 2, 2, 2])));
        let udh16 = of("udh16");
        assert!(matches!(&udh16[0].body, Body::ShortMessage(b) if b.starts_with(&[6, 8, 4, 1, 2, 2, 1])));
        let sar = of("sar");
        assert_eq!((sar.len(), sar[1].esm_class), (2, 0));
        assert!(matches!(sar[1].sar, Some(Sar { reference: 0x0102, total: 2, sequence: 2 })));
        let payload = of("payload");
        assert!(payload.len() == 1 && matches!(&payload[0].body, Body::Payload(b) if b.len() == 200));
        let cut = of("cut");
        assert!(cut.len() == 1 && matches!(&cut[0].body, Body::ShortMessage(b) if b.len() == 160));
    }

    #[test]
    fn a_carrier_may_tie_parts_in_its_own_way() {
        let message = message(&"a".repeat(310), "udh");
        let with = |long| SmppSettings { long_messages: Some(long), ..SmppSettings::default() };
        let of = |long| submits(&with(long), &message, || 0x0102).unwrap();
        let udh16 = of(LongMessages::Udh16);
        assert!(udh16.len() == 3 && udh16.iter().all(|s| s.esm_class == 0x40 && s.sar.is_none()));
        assert!(matches!(of(LongMessages::Sar)[2].sar, Some(Sar { reference: 0x0102, total: 3, sequence: 3 })));
        assert!(matches!(&of(LongMessages::Payload)[0].body, Body::Payload(b) if b.len() == 310));
        assert_eq!(parts(&with(LongMessages::Payload), &message), 1);
        assert_eq!(parts(&SmppSettings::default(), &message), 3, "whatever another carrier made of it");
        let cut = Outgoing { split_mode: "cut".into(), ..message };
        assert_eq!(submits(&with(LongMessages::Sar), &cut, || 1).unwrap().len(), 1, "what is cut stays cut");
    }

    #[test]
    fn a_default_alphabet_may_be_another() {
        let of = |alphabet, text: &str, mode: &str| {
            let settings = SmppSettings { gsm7_alphabet: alphabet, ..SmppSettings::default() };
            let message = message(text, mode);
            let submits = submits(&settings, &message, || 1).unwrap();
            assert_eq!(parts(&settings, &message), i64::try_from(submits.len()).unwrap());
            submits
        };
        let octets = |submit: &Submit| match &submit.body {
            Body::ShortMessage(octets) | Body::Payload(octets) => octets.clone(),
        };
        let gsm = of(Alphabet::Gsm, "@é[", "udh");
        assert_eq!(octets(&gsm[0]), [0x00, 0x05, 0x1B, 0x3C]);
        let latin = of(Alphabet::Latin1, "@é[", "udh");
        assert_eq!((octets(&latin[0]), latin[0].data_coding), (vec![0x40, 0xE9, 0x5B], 0));
        let ascii = of(Alphabet::Ascii, "a@b", "udh");
        assert_eq!((octets(&ascii[0]), ascii[0].data_coding), (b"a@b".to_vec(), 0));
        // What the alphabet lacks makes the text UCS-2.
        for (alphabet, text) in [(Alphabet::Latin1, "5 €"), (Alphabet::Latin1, "Δ"), (Alphabet::Ascii, "é")] {
            assert_eq!(of(alphabet, text, "udh")[0].data_coding, 8, "{text}");
        }
        let long = of(Alphabet::Latin1, &"€".repeat(80), "udh");
        assert_eq!((long.len(), long[0].data_coding), (2, 8), "160 septets are 80 units");
        let cut = of(Alphabet::Latin1, &"€".repeat(100), "cut");
        assert_eq!(cut.iter().map(|s| octets(s).len() - 6).sum::<usize>(), 160, "as much as was promised");
    }

    #[test]
    fn what_remains_is_told_in_the_relative_form_and_never_as_more() {
        let of =
            |seconds: i64| validity(ValidityFormat::Relative, Timestamp(seconds * 1_000_000 + 999_999), Timestamp(0));
        assert_eq!(of(60), "000000000100000R");
        assert_eq!(of(2 * 86_400 + 3 * 3600 + 4 * 60 + 5), "000002030405000R");
        assert_eq!(of(259_200), "000003000000000R");
        let over = |format| validity(format, Timestamp(0), Timestamp(9_000_000));
        assert_eq!(over(ValidityFormat::Relative), "000000000001000R", "no validity would mean for ever");
        assert_eq!(over(ValidityFormat::Absolute), "700101000010000+");
        let absolute =
            validity(ValidityFormat::Absolute, Timestamp(1_795_298_164_999_999), Timestamp(1_795_298_000_000_000));
        assert_eq!(absolute, "261121215604000+");
    }

    #[test]
    fn addresses_are_typed_by_class_or_as_the_carrier_wants() {
        let usual = AddressTypes::default();
        let ton = |types: &AddressTypes, s: &str| (source(types, s).ton, source(types, s).npi);
        let all = |types: &AddressTypes| (ton(types, "CARILLON"), ton(types, "+447400123456"), ton(types, "4444"));
        assert_eq!(all(&usual), ((5, 0), (1, 1), (3, 1)));
        let own = AddressTypes { short_code: Some(AddressType { ton: 6, npi: 0 }), ..usual };
        assert_eq!(all(&own), ((5, 0), (1, 1), (6, 0)));
        assert_eq!(source(&usual, "+447400123456").addr, "447400123456");
    }
}
