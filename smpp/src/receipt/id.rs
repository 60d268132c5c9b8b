//! Message ids of one carrier in one form.
//!
//! Carriers answer a submit with an id in one form and write it in another form into the receipt: hexadecimal and decimal, padded with zeros,
//! in the other case. A codec per carrier brings both to one form.
//! Invariant: if the carrier keeps to the codec's rule, [`ReceiptIdCodec::answer`] of the one equals [`ReceiptIdCodec::receipt`] of the other;
//! an id that does not fit the rule is passed on as it came (trimmed), never lost.

/// How this carrier's receipts write the ids its answers gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReceiptIdCodec {
    /// The same in both.
    #[default]
    AsIs,
    /// Leading zeros differ.
    TrimZeros,
    /// Upper and lower case differ.
    FoldCase,
    /// Leading zeros and case differ.
    TrimZerosFoldCase,
    /// Receipts carry hexadecimal, answers decimal.
    HexToDecimal,
    /// Receipts carry decimal, answers hexadecimal.
    DecimalToHex,
}

impl ReceiptIdCodec {
    /// Every codec with its name in configuration.
    pub const ALL: [(&'static str, Self); 6] = [
        ("as_is", Self::AsIs),
        ("trim_zeros", Self::TrimZeros),
        ("fold_case", Self::FoldCase),
        ("trim_zeros_fold_case", Self::TrimZerosFoldCase),
        ("hex_to_decimal", Self::HexToDecimal),
        ("decimal_to_hex", Self::DecimalToHex),
    ];

    /// By its name in configuration.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, codec)| *codec)
    }

    /// Its name in configuration.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, codec)| *codec == self).map_or("as_is", |(name, _)| name)
    }

    /// The canonical form of an id that came in a `submit_sm_resp`.
    pub fn answer(self, id: &str) -> String {
        let id = clean(id);
        match self {
            Self::AsIs => id.to_owned(),
            Self::TrimZeros | Self::HexToDecimal => trim_zeros(id).to_owned(),
            Self::FoldCase => id.to_ascii_lowercase(),
            Self::TrimZerosFoldCase | Self::DecimalToHex => trim_zeros(id).to_ascii_lowercase(),
        }
    }

    /// The canonical form of an id that came in a receipt.
    pub fn receipt(self, id: &str) -> String {
        let trimmed = clean(id);
        match self {
            Self::HexToDecimal => {
                u128::from_str_radix(trimmed, 16).map_or_else(|_| self.answer(id), |number| number.to_string())
            }
            Self::DecimalToHex => {
                trimmed.parse::<u128>().map_or_else(|_| self.answer(id), |number| format!("{number:x}"))
            }
            _ => self.answer(id),
        }
    }

    /// The canonical form of an id from a receipt: the same as [`ReceiptIdCodec::receipt`].
    pub fn canonical(self, id: &str) -> String {
        self.receipt(id)
    }
}

fn is_padding(c: char) -> bool {
    c.is_whitespace() || c == '\0'
}

fn clean(id: &str) -> &str {
    id.trim_matches(is_padding)
}

/// Keeps one zero of an id that is nothing but zeros. Blanks that zeros stood before go with them, so that what is
/// canonical stays so.
fn trim_zeros(id: &str) -> &str {
    let trimmed = id.trim_start_matches(|c| c == '0' || is_padding(c));
    if trimmed.is_empty() && !id.is_empty() { "0" } else { trimmed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_receipts_meet() {
        for (codec, answer, receipt) in [
            (ReceiptIdCodec::AsIs, "00aB", " 00aB\0"),
            (ReceiptIdCodec::TrimZeros, "1234", "0000001234"),
            (ReceiptIdCodec::TrimZeros, "0", "000"),
            (ReceiptIdCodec::FoldCase, "ABC-1", "abc-1"),
            (ReceiptIdCodec::TrimZerosFoldCase, "00FF", "ff"),
            (ReceiptIdCodec::HexToDecimal, "0255", "FF"),
            (ReceiptIdCodec::HexToDecimal, "not-a-number", "not-a-number"),
            (ReceiptIdCodec::DecimalToHex, "0000FF", "255"),
            (
                ReceiptIdCodec::DecimalToHex,
                "ffffffffffffffffffffffffffffffff",
                "340282366920938463463374607431768211455",
            ),
        ] {
            assert_eq!(codec.answer(answer), codec.receipt(receipt), "{codec:?} {answer} {receipt}");
        }
        assert_ne!(ReceiptIdCodec::AsIs.answer("0ab"), ReceiptIdCodec::AsIs.receipt("ab"));
    }

    #[test]
    fn a_canonical_id_stays_so() {
        for (_, codec) in ReceiptIdCodec::ALL {
            for id in ["0 x", "0\0 0 A", " 00 ", "0", "", "000aB "] {
                let canonical = codec.answer(id);
                assert_eq!(codec.answer(&canonical), canonical, "{codec:?} {id:?}");
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for (name, codec) in ReceiptIdCodec::ALL {
            assert_eq!(ReceiptIdCodec::from_name(name), Some(codec));
            assert_eq!(codec.name(), name);
        }
        assert_eq!(ReceiptIdCodec::from_name("rot13"), None);
    }
}
