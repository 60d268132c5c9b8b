//! What forces a text into UCS-2, what could stand instead, and the UTF-16BE bodies themselves.

use std::collections::HashMap;

use serde::Serialize;

use super::{SplitMode, gsm7, measure};

/// Marks that a plain one stands for without a change of meaning.
const TYPOGRAPHIC: [(&str, &str); 12] = [
    ("\t\u{A0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}", " "),
    ("\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{205F}\u{3000}", " "),
    ("\u{AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{FEFF}", ""),
    ("\u{85}\u{2028}\u{2029}", "\n"),
    ("‘’‚‛′´`ʹʼʻ", "'"),
    ("“”„‟″«»〝〞＂", "\""),
    ("‹", "<"),
    ("›", ">"),
    ("‐‑‒–—―−﹘－", "-"),
    ("…", "..."),
    ("•·‣∙", "*"),
    ("⁄∕", "/"),
];

/// Letters and signs that a plain one may stand for, though the spelling changes: shown as a suggestion, never applied
/// unasked.
const PLAIN: [(&str, &str); 59] = [
    ("áâãāăąǎạảấầẩẫậắằẳẵặ", "a"),
    ("ÀÁÂÃĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ", "A"),
    ("çćĉċč", "c"),
    ("ĆĈĊČ", "C"),
    ("ďđð", "d"),
    ("ĎĐÐ", "D"),
    ("êëēĕėęěẹẻẽếềểễệ", "e"),
    ("ÈÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ", "E"),
    ("ĝğġģ", "g"),
    ("ĜĞĠĢ", "G"),
    ("ĥħ", "h"),
    ("ĤĦ", "H"),
    ("íîïĩīĭįıǐỉị", "i"),
    ("ÌÍÎÏĨĪĬĮİǏỈỊ", "I"),
    ("ĵ", "j"),
    ("Ĵ", "J"),
    ("ķ", "k"),
    ("Ķ", "K"),
    ("ĺļľŀł", "l"),
    ("ĹĻĽĿŁ", "L"),
    ("ńņňŉ", "n"),
    ("ŃŅŇ", "N"),
    ("óôõōŏőǒơọỏốồổỗộớờởỡợ", "o"),
    ("ÒÓÔÕŌŎŐǑƠỌỎỐỒỔỖỘỚỜỞỠỢ", "O"),
    ("ŕŗř", "r"),
    ("ŔŖŘ", "R"),
    ("śŝşšș", "s"),
    ("ŚŜŞŠȘ", "S"),
    ("ţťŧț", "t"),
    ("ŢŤŦȚ", "T"),
    ("úûũūŭůűųǔưụủứừửữự", "u"),
    ("ÙÚÛŨŪŬŮŰŲǓƯỤỦỨỪỬỮỰ", "U"),
    ("ŵ", "w"),
    ("Ŵ", "W"),
    ("ýÿŷỳỵỷỹ", "y"),
    ("ÝŸŶỲỴỶỸ", "Y"),
    ("źżž", "z"),
    ("ŹŻŽ", "Z"),
    ("þ", "th"),
    ("Þ", "Th"),
    ("œ", "oe"),
    ("Œ", "OE"),
    ("ẞ", "SS"),
    ("ﬁ", "fi"),
    ("ﬂ", "fl"),
    ("©", "(c)"),
    ("®", "(R)"),
    ("™", "(TM)"),
    ("№", "No"),
    ("×", "x"),
    ("÷", "/"),
    ("±", "+-"),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "<>"),
    ("º°", "o"),
    ("ª", "a"),
    ("←", "<-"),
    ("→", "->"),
];

/// A character that GSM-7 does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ucs2Char {
    /// The character.
    #[serde(rename = "char")]
    pub character: char,
    /// Where it first stands, counted in characters from 0.
    pub position: u32,
    /// How often it stands in the text.
    pub count: u32,
    /// GSM-7 text that could stand instead (empty: leave it out); `None` if there is nothing close.
    pub replacement: Option<&'static str>,
}

/// Segments now, and after every replacement that [`ucs2_characters`] suggests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Saving {
    /// Segments of the text as it is.
    pub now: u32,
    /// Segments of [`replace_ucs2`] of the text; `now` if that would not be fewer.
    pub after: u32,
}

/// The characters that force a text into UCS-2, each once, in order of first appearance; empty for a GSM-7 text.
pub fn ucs2_characters(text: &str) -> Vec<Ucs2Char> {
    let mut found: Vec<Ucs2Char> = Vec::new();
    let mut places: HashMap<char, usize> = HashMap::new();
    for (position, character) in (0_u32..).zip(text.chars()) {
        if gsm7::width(character).is_some() {
            continue;
        }
        let place = *places.entry(character).or_insert(found.len());
        match found.get_mut(place) {
            Some(known) => known.count = known.count.saturating_add(1),
            None => found.push(Ucs2Char { character, position, count: 1, replacement: replacement(character) }),
        }
    }
    found
}

/// The text with every suggested replacement made; characters without one stay, so it may still be UCS-2.
pub fn replace_ucs2(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match replacement(c) {
            Some(replacement) => plain.push_str(replacement),
            None => plain.push(c),
        }
    }
    plain
}

/// What the suggested replacements would save. `now` and `after` are equal if it would be nothing.
pub fn saving(text: &str, mode: SplitMode) -> Saving {
    let now = measure(text, mode, None).segments;
    let after = measure(&replace_ucs2(text), mode, None).segments;
    Saving { now, after: after.min(now) }
}

/// The plain mark for a typographic one.
pub(super) fn typographic(c: char) -> Option<&'static str> {
    look_up(&TYPOGRAPHIC, c)
}

fn replacement(c: char) -> Option<&'static str> {
    if gsm7::width(c).is_some() {
        return None;
    }
    typographic(c).or_else(|| look_up(&PLAIN, c))
}

fn look_up(table: &[(&str, &'static str)], c: char) -> Option<&'static str> {
    table.iter().find(|(characters, _)| characters.contains(c)).map(|&(_, plain)| plain)
}

/// UTF-16BE, as SMPP's data_coding 8 carries it.
pub fn encode_ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The text of a UTF-16BE body. Never fails: a lone surrogate or an odd last octet becomes U+FFFD.
pub fn decode_ucs2(octets: &[u8]) -> String {
    let (pairs, odd) = octets.as_chunks::<2>();
    let mut text = String::from_utf16_lossy(&pairs.iter().map(|&pair| u16::from_be_bytes(pair)).collect::<Vec<_>>());
    if !odd.is_empty() {
        text.push('\u{FFFD}');
    }
    text
}
