//! [`split`]: the bodies to submit, and the user data headers that join them again (3GPP TS 23.040, 9.2.3.24.1 and .8).

use std::fmt;

use super::{Encoding, SplitMode, gsm7, pack, ucs2::encode_ucs2};

/// Most segments of one message: the header counts parts in one octet. Accounts and routes set smaller limits of their
/// own.
pub const MAX_PARTS: usize = 255;

/// One message to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 1 to `total`.
    pub sequence: u8,
    /// 1 to 255; 1 means that no header is needed (always so for `cut` and `payload`).
    pub total: u8,
    /// The encoding of `body`, the same in all parts of a message.
    pub encoding: Encoding,
    /// The text without any header: GSM-7 as one septet per octet (SMPP data_coding 0), or UTF-16BE (data_coding 8).
    pub body: Vec<u8>,
}

/// The text would take more than [`MAX_PARTS`] segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitError {
    /// How many segments it would take.
    pub segments: usize,
}

impl SplitError {
    /// Stable code.
    pub const CODE: &'static str = "too_many_segments";
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the text takes {} segments, more than {MAX_PARTS}", Self::CODE, self.segments)
    }
}

impl std::error::Error for SplitError {}

/// The parts to submit: as many as [`super::measure`] counts segments, except `payload`, which is one part with
/// everything.
/// `wish` as in [`super::measure`].
///
/// # Errors
/// [`SplitError`] beyond [`MAX_PARTS`] segments, for `payload` too: the carrier could not split it either.
pub fn split(text: &str, mode: SplitMode, wish: Option<Encoding>) -> Result<Vec<Part>, SplitError> {
    let encoding = Encoding::choose(text, wish);
    let packed = pack(text, encoding, mode);
    let error = SplitError { segments: packed.len() };
    let total = u8::try_from(packed.len()).map_err(|_| error)?;
    if mode == SplitMode::Payload {
        return Ok(vec![Part { sequence: 1, total: 1, encoding, body: body(text, encoding) }]);
    }
    let parts = (1..=total).zip(&packed);
    Ok(parts
        .map(|(sequence, segment)| Part { sequence, total, encoding, body: body(segment.text, encoding) })
        .collect())
}

fn body(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        // `Encoding::choose` gave GSM-7 only to a text that has nothing else.
        Encoding::Gsm7 => gsm7::encode(text).unwrap_or_default(),
        Encoding::Ucs2 => encode_ucs2(text),
    }
}

/// User data header of a part with an 8-bit reference: length 5, element 00, length 3. `sequence` counts from 1 to
/// `total`.
pub const fn udh8(reference: u8, total: u8, sequence: u8) -> [u8; 6] {
    [5, 0x00, 3, reference, total, sequence]
}

/// User data header of a part with a 16-bit reference: length 6, element 08, length 4. `sequence` counts from 1 to
/// `total`.
pub const fn udh16(reference: u16, total: u8, sequence: u8) -> [u8; 7] {
    let [high, low] = reference.to_be_bytes();
    [6, 0x08, 4, high, low, total, sequence]
}
