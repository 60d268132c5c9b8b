//! SMS segments: which encoding a text needs, how many segments it is billed as, and the bodies to submit.
//!
//! By 3GPP TS 23.038 (GSM 7-bit default alphabet with its extension table, UCS-2) and TS 23.040 (concatenation). Pure.
//! Invariants: a character of two units (an escape pair of the extension table, a UTF-16 surrogate pair) is never
//! divided between parts, so a part may be one unit shorter than its limit; parts joined give the whole text back;
//! [`measure`] and [`split`] count the same segments, because both pack by the same function.

mod gsm7;
mod measure;
mod smart;
mod split;
#[cfg(test)]
mod tests;
mod ucs2;

pub use gsm7::{decode as decode_gsm7, encode as encode_gsm7};
pub use measure::{Measure, measure};
pub use smart::{euro_to_e, smart_encode};
pub use split::{MAX_PARTS, Part, SplitError, split, udh8, udh16};
pub use ucs2::{Saving, Ucs2Char, decode_ucs2, encode_ucs2, replace_ucs2, saving, ucs2_characters};

use serde::{Deserialize, Serialize};

/// How a text is put on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// GSM 7-bit default alphabet; a unit is a septet, characters of the extension table take two.
    Gsm7,
    /// UCS-2, in fact UTF-16BE as every handset reads it; a unit is 16 bits, characters beyond U+FFFF take two.
    Ucs2,
}

impl Encoding {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }
    /// The cheapest encoding that holds every character of the text.
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| gsm7::width(c).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// A wished encoding, as far as the text allows: GSM-7 is never used for a text it cannot hold.
    fn choose(text: &str, wish: Option<Self>) -> Self {
        match wish {
            Some(Self::Ucs2) => Self::Ucs2,
            Some(Self::Gsm7) | None => Self::of(text),
        }
    }

    /// Units a character takes, 1 or 2.
    fn width(self, c: char) -> usize {
        match self {
            Self::Gsm7 => gsm7::width(c).unwrap_or(1),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    /// Units of a message that is not split: 140 octets are 160 septets or 70 UTF-16 units.
    const fn single_limit(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }
}

/// How a text longer than one message is sent (TPL-04).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum SplitMode {
    /// Only the first message's worth is sent, the rest is cut off.
    #[serde(rename = "cut")]
    Cut,
    /// Parts with a user data header and an 8-bit reference; the usual way.
    #[default]
    #[serde(rename = "udh")]
    Udh8,
    /// Parts with a user data header and a 16-bit reference: one septet less per part, fewer clashes of references.
    #[serde(rename = "udh16")]
    Udh16,
    /// The whole text in SMPP's `message_payload` TLV; the carrier splits, and bills as with an 8-bit reference.
    #[serde(rename = "payload")]
    Payload,
    /// Parts described by SMPP's `sar_*` TLVs; the carrier writes the header.
    #[serde(rename = "sar")]
    Sar,
}

impl SplitMode {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Udh8 => "udh",
            Self::Udh16 => "udh16",
            Self::Payload => "payload",
            Self::Sar => "sar",
        }
    }
    /// Units of each part of a split message: 140 octets less the header (6 octets, or 7 with a 16-bit reference; in
    /// GSM-7 a fill bit makes them 7 and 8 septets).
    const fn part_limit(self, encoding: Encoding) -> usize {
        match (self, encoding) {
            (Self::Cut, _) => encoding.single_limit(),
            (Self::Udh8 | Self::Payload | Self::Sar, Encoding::Gsm7) => 153,
            (Self::Udh8 | Self::Payload | Self::Sar, Encoding::Ucs2) => 67,
            (Self::Udh16, Encoding::Gsm7) => 152,
            (Self::Udh16, Encoding::Ucs2) => 66,
        }
    }
}

/// A stretch of a text that goes into one segment.
struct Packed<'a> {
    text: &'a str,
    units: usize,
}

/// Cuts a text into segments; at least one, empty for an empty text. `Cut` gives exactly one.
fn pack(text: &str, encoding: Encoding, mode: SplitMode) -> Vec<Packed<'_>> {
    let units = text.chars().map(|c| encoding.width(c)).sum();
    if units <= encoding.single_limit() {
        return vec![Packed { text, units }];
    }
    let limit = mode.part_limit(encoding);
    let mut packed = Vec::with_capacity(units / limit + 1);
    let mut rest = text;
    while !rest.is_empty() {
        let (mut end, mut units) = (0, 0);
        for c in rest.chars() {
            let width = encoding.width(c);
            if units + width > limit {
                break;
            }
            (end, units) = (end + c.len_utf8(), units + width);
        }
        let (head, tail) = rest.split_at(end);
        packed.push(Packed { text: head, units });
        rest = if mode == SplitMode::Cut { "" } else { tail };
    }
    packed
}

/// A count as the API shows it.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl utoipa::PartialSchema for Encoding {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::one_of("GSM 7-bit or UCS-2 (3GPP 23.038).", &["gsm7", "ucs2"])
    }
}
impl utoipa::ToSchema for Encoding {}

impl utoipa::PartialSchema for SplitMode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let help = "How a long text is sent: `cut` to one message; parts with an 8-bit (`udh`) or 16-bit (`udh16`) reference; \
                    `payload` in one TLV; `sar` TLVs.";
        crate::schema::one_of(help, &["udh", "udh16", "sar", "payload", "cut"])
    }
}
impl utoipa::ToSchema for SplitMode {}
