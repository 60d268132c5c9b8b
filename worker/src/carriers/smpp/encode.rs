//! From a message to its submit_sm PDUs.

use domain::{
    carriers::SmppSettings,
    clock::Timestamp,
    messages::window::Outgoing,
    segments::{self, Encoding, Part, SplitMode, udh8, udh16},
    senders::Class,
};
use smpp::client::{Address, Body, Sar, Submit};

/// UDHI of esm_class (SMPP 3.4 §5.2.12): the text begins with a user data header.
const UDH_INDICATOR: u8 = 0x40;

/// The PDUs of one message, in order. `reference` ties the parts of a long one together.
pub fn submits(settings: &SmppSettings, message: &Outgoing, reference: u16) -> Result<Vec<Submit>, String> {
    let mode: SplitMode = serde_json::from_value(message.split_mode.clone().into()).map_err(|e| e.to_string())?;
    let parts = segments::split(&message.text, mode, None).map_err(|e| format!("{} segments", e.segments))?;
    Ok(parts.into_iter().map(|part| submit(settings, message, mode, reference, part)).collect())
}

fn submit(settings: &SmppSettings, message: &Outgoing, mode: SplitMode, reference: u16, part: Part) -> Submit {
    let Part { sequence, total, encoding, body } = part;
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
        source: source(&message.sender),
        dest: Address { addr: message.phone.to_string(), ton: 1, npi: 1 },
        service_type: settings.service_type.clone(),
        esm_class,
        data_coding: if encoding == Encoding::Gsm7 { settings.gsm7_data_coding } else { settings.ucs2_data_coding },
        registered_delivery: 1,
        body,
        sar,
        ..Submit::default()
    }
}

/// What remains of a validity, in the relative form (SMPP 3.4 §7.1.1): `YYMMDDhhmmss000R`, at least a second.
pub fn validity(until: Timestamp, now: Timestamp) -> String {
    let seconds = now.until(until).as_secs().max(1);
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    format!("0000{days:02}{:02}{:02}{:02}000R", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// Type of number and numbering plan of a sender (SMPP 3.4 §5.2.5, §5.2.6): alphanumeric, international, or short code.
fn source(sender: &str) -> Address {
    let digits = sender.trim_start_matches('+');
    let (addr, ton, npi) = match Class::of(sender) {
        Class::Alphanumeric => (sender, 5, 0),
        Class::Numeric => (digits, 1, 1),
        Class::ShortCode => (digits, 3, 1),
    };
    Address { addr: addr.to_owned(), ton, npi }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{ChunkId, MessageId};

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
        let of = |mode: &str| submits(&settings, &message(&long, mode), 0x0102).unwrap();
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
    fn what_remains_is_told_in_the_relative_form_and_never_as_more() {
        let of = |seconds: i64| validity(Timestamp(seconds * 1_000_000 + 999_999), Timestamp(0));
        assert_eq!(of(60), "000000000100000R");
        assert_eq!(of(2 * 86_400 + 3 * 3600 + 4 * 60 + 5), "000002030405000R");
        assert_eq!(of(259_200), "000003000000000R");
        assert_eq!(validity(Timestamp(0), Timestamp(9_000_000)), "000000000001000R", "no validity would mean for ever");
    }

    #[test]
    fn senders_are_typed() {
        let ton = |s: &str| (source(s).ton, source(s).npi);
        assert_eq!((ton("CARILLON"), ton("+447400123456"), ton("4444")), ((5, 0), (1, 1), (3, 1)));
    }
}
