//! [`measure`]: the live counter of a text, and what a message is billed as.

use serde::Serialize;

use super::{Encoding, SplitMode, count, pack};

/// Size of a text as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// The encoding it is sent in.
    pub encoding: Encoding,
    /// Septets or UTF-16 units of the whole text; with `cut` this may be more than is sent.
    pub units: u32,
    /// Unicode characters of the whole text.
    pub characters: u32,
    /// Segments billed, at least 1 (an empty message is a message too).
    pub segments: u32,
    /// Units in each segment; as many entries as `segments`.
    pub per_segment: Vec<u32>,
    /// Units that still fit before another segment begins (with `cut`: before the text is cut).
    pub remaining_in_last: u32,
}

/// Measures a text. `wish` forces an encoding: UCS-2 always can be; GSM-7 is used only if the text has no other
/// characters (see [`Measure::encoding`] for what came out). Payload is billed as the carrier will split it: 153 or 67
/// units a segment.
pub fn measure(text: &str, mode: SplitMode, wish: Option<Encoding>) -> Measure {
    let encoding = Encoding::choose(text, wish);
    let packed = pack(text, encoding, mode);
    let limit = match packed.as_slice() {
        [_] => encoding.single_limit(),
        _ => mode.part_limit(encoding),
    };
    let last = packed.last().map_or(0, |segment| segment.units);
    Measure {
        encoding,
        units: count(text.chars().map(|c| encoding.width(c)).sum()),
        characters: count(text.chars().count()),
        segments: count(packed.len()),
        per_segment: packed.iter().map(|segment| count(segment.units)).collect(),
        remaining_in_last: count(limit.saturating_sub(last)),
    }
}
