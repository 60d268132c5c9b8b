//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1 and 6.2.1.1), unpacked: one septet per
//! octet, as SMPP's data_coding 0 carries it.
//!
//! National language tables (single and locking shift) are left out: carriers bill and show them unevenly.

use std::sync::LazyLock;

/// The escape to the extension table.
const ESCAPE: u8 = 0x1B;

/// The default alphabet by code; position 0x1B, the escape, is a space, as 23.038 has it shown by a receiver that knows
/// no escape.
const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: what follows the escape, and the character. 0x0A is the page break.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// How a character is coded: whether it is escaped, and its code.
type Code = (bool, u8);

/// Both tables by character: what is in ASCII by its place there (nearly every character of a GSM-7 text), the rest
/// sorted.
struct Codes {
    ascii: [Option<Code>; 128],
    others: Vec<(char, Code)>,
}

static CODES: LazyLock<Codes> = LazyLock::new(|| {
    let basic = (0_u8..).zip(BASIC).filter(|&(code, _)| code != ESCAPE).map(|(code, c)| (c, (false, code)));
    let mut codes = Codes { ascii: [None; 128], others: Vec::new() };
    for (c, code) in basic.chain(EXTENSION.map(|(code, c)| (c, (true, code)))) {
        match u8::try_from(c).ok().and_then(|byte| codes.ascii.get_mut(usize::from(byte))) {
            Some(place) => *place = Some(code),
            None => codes.others.push((c, code)),
        }
    }
    codes.others.sort_unstable();
    codes
});

fn code(c: char) -> Option<Code> {
    if let Some(&code) = u8::try_from(c).ok().and_then(|byte| CODES.ascii.get(usize::from(byte))) {
        return code;
    }
    let index = CODES.others.binary_search_by_key(&c, |&(c, _)| c).ok()?;
    CODES.others.get(index).map(|&(_, code)| code)
}

/// Septets a character takes: 1, 2 for the extension table, `None` if it is in neither table.
pub(super) fn width(c: char) -> Option<usize> {
    code(c).map(|(escaped, _)| if escaped { 2 } else { 1 })
}

/// Unpacked septets of a text, or `None` if a character is in neither table.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let mut septets = Vec::with_capacity(text.len());
    for c in text.chars() {
        let (escaped, code) = code(c)?;
        if escaped {
            septets.push(ESCAPE);
        }
        septets.push(code);
    }
    Some(septets)
}

/// The text of unpacked septets, as it comes from a carrier. Never fails: by 23.038 a code that the extension table
/// lacks is read from the default alphabet, a second or dangling escape is a space; an octet above 127 becomes U+FFFD.
pub fn decode(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut octets = septets.iter().copied();
    while let Some(octet) = octets.next() {
        let basic = |octet: u8| BASIC.get(usize::from(octet)).copied().unwrap_or('\u{FFFD}');
        let c = if octet == ESCAPE {
            octets.next().map_or(' ', |escaped| {
                EXTENSION.iter().find(|&&(code, _)| code == escaped).map_or_else(|| basic(escaped), |&(_, c)| c)
            })
        } else {
            basic(octet)
        };
        text.push(c);
    }
    text
}
