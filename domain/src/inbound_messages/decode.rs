//! From octets to text, by data_coding (SMPP 3.4 §5.2.19; 3GPP TS 23.038 §4). Pure.
//!
//! Invariant: any octets give a text that a database takes: no control characters but line breaks and tabs.

use crate::segments::{decode_gsm7, decode_ucs2};

crate::text_enum! {
    /// How the text of a message came.
    pub enum Encoding("InboundEncoding") {
        /// The GSM 7-bit default alphabet, one septet an octet.
        Gsm7 = "gsm7",
        /// Latin-1, or ASCII.
        Latin1 = "latin1",
        /// Cyrillic of ISO 8859-5.
        Cyrillic = "iso_8859_5",
        /// Hebrew of ISO 8859-8.
        Hebrew = "iso_8859_8",
        /// UCS-2, read as UTF-16.
        Ucs2 = "ucs2",
        /// Not a text: the octets in hexadecimal.
        Binary = "binary",
    }
}

impl Encoding {
    /// What a data_coding says. `0` is the carrier's default alphabet: GSM 7-bit, unless an octet has its eighth bit.
    pub fn of(data_coding: u8, body: &[u8]) -> Self {
        let default = if body.is_ascii() { Self::Gsm7 } else { Self::Latin1 };
        match data_coding {
            0 => default,
            1 | 3 => Self::Latin1,
            6 => Self::Cyrillic,
            7 => Self::Hebrew,
            8 => Self::Ucs2,
            // The groups of 23.038: with a message class (0x10 and on), waiting indications (0xC0 and on), 0xF0 and on.
            0x10..=0x1F => match data_coding & 0x0C {
                0x00 => default,
                0x08 => Self::Ucs2,
                _ => Self::Binary,
            },
            0xC0..=0xDF => default,
            0xE0..=0xEF => Self::Ucs2,
            0xF0..=0xFF if data_coding & 0x04 == 0 => default,
            _ => Self::Binary,
        }
    }

    /// The text of the octets.
    pub fn text(self, body: &[u8]) -> String {
        let text = match self {
            Self::Gsm7 => decode_gsm7(body),
            Self::Latin1 => body.iter().map(|octet| char::from(*octet)).collect(),
            Self::Cyrillic => encoding_rs::ISO_8859_5.decode_without_bom_handling(body).0.into_owned(),
            Self::Hebrew => encoding_rs::ISO_8859_8.decode_without_bom_handling(body).0.into_owned(),
            Self::Ucs2 => decode_ucs2(body),
            Self::Binary => hex(body),
        };
        let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
        text.trim_end_matches('\0').chars().map(shown).collect()
    }
}

/// Octets in hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Reads what [`hex`] wrote; what it did not write is left out.
pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data_coding: u8, body: &[u8]) -> (Encoding, String) {
        let encoding = Encoding::of(data_coding, body);
        (encoding, encoding.text(body))
    }

    #[test]
    fn each_coding_is_read_as_it_says() {
        assert_eq!(read(0, b"\x00 \x1B\x65 Hi"), (Encoding::Gsm7, "@ € Hi".to_owned()));
        assert_eq!(read(0, b"Caf\xE9"), (Encoding::Latin1, "Café".to_owned()), "no septets");
        assert_eq!(read(3, b"Caf\xE9"), (Encoding::Latin1, "Café".to_owned()));
        assert_eq!(read(6, &[0xC1, 0xC2, 0xBE, 0xBF]), (Encoding::Cyrillic, "СТОП".to_owned()));
        assert_eq!(read(8, &[0x04, 0x21, 0x04, 0x22]), (Encoding::Ucs2, "СТ".to_owned()));
        assert_eq!(read(0x18, &[0x04, 0x21]), (Encoding::Ucs2, "С".to_owned()), "with a message class");
        assert_eq!(read(0xF1, b"Hi"), (Encoding::Gsm7, "Hi".to_owned()));
        assert_eq!(read(4, &[0xDE, 0xAD]), (Encoding::Binary, "dead".to_owned()));
    }

    #[test]
    fn what_a_database_would_refuse_is_not_in_a_text() {
        for data_coding in 0..=255 {
            let (_, text) = read(data_coding, &(0..=255).collect::<Vec<u8>>());
            assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')), "{data_coding}");
        }
    }

    #[test]
    fn hexadecimal_round_trips() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unhex(&hex(&all)), all);
    }
}
