//! In which encoding a text file is written.
//!
//! Order of evidence: the caller's word, a byte order mark, the zero bytes of UTF-16, the whole file being UTF-8, and last
//! a guess among the legacy encodings people's spreadsheets are saved in.
//! Invariant: UTF-8 is judged by the whole file, not by its start: a base whose first Cyrillic name stands in row 50,000
//! is not half read. The guess needs memory for one chunk only.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GBK, IBM866, ISO_8859_2, ISO_8859_5, KOI8_U, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
    WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256,
    WINDOWS_1257, WINDOWS_1258,
};

use super::decoded::{BAD, Decoded};
use super::error::{Code, FileError};

/// Bytes looked at for UTF-16 without a mark.
const HEAD: u64 = 8 * 1024;

/// Zeros that make UTF-16: the shortest phone number has as many digits.
const MIN_ZEROS: usize = 7;

/// Bytes of lines with non-ASCII characters that the guess is made from; more does not change it.
const EVIDENCE: usize = 128 * 1024;

/// Undecodable bytes after which the rest of the file cannot turn the verdict.
const ENOUGH: u64 = 10_000;

/// A guess outside this list is a curiosity of a short sample, and the most likely encodings are tried instead.
const SENSIBLE: [&Encoding; 19] = [
    WINDOWS_1251,
    IBM866,
    KOI8_U,
    WINDOWS_1252,
    WINDOWS_1250,
    WINDOWS_1253,
    WINDOWS_1254,
    WINDOWS_1255,
    WINDOWS_1256,
    WINDOWS_1257,
    WINDOWS_1258,
    WINDOWS_874,
    ISO_8859_2,
    SHIFT_JIS,
    EUC_JP,
    EUC_KR,
    GBK,
    BIG5,
    ISO_8859_5,
];

/// The encoding of `source`, which is left at an undefined position.
///
/// # Errors
/// `file_option_invalid` for an unknown `wanted` label, `file_nul_bytes` for zero bytes outside UTF-16.
pub(super) fn detect<R: Read + Seek>(source: &mut R, wanted: Option<&str>) -> Result<&'static Encoding, FileError> {
    if let Some(label) = wanted {
        return by_label(label);
    }
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    if let Some((encoding, _)) = Encoding::for_bom(&head) {
        return Ok(encoding);
    }
    if let Some(encoding) = utf16_by_zeros(&head) {
        return Ok(encoding);
    }
    source.seek(SeekFrom::Start(0))?;
    if is_utf8(source)? {
        return Ok(UTF_8);
    }
    source.seek(SeekFrom::Start(0))?;
    guess(source)
}

/// Whether `label` names an encoding that texts can be read in.
pub fn is_encoding(label: &str) -> bool {
    by_label(label).is_ok()
}

fn by_label(label: &str) -> Result<&'static Encoding, FileError> {
    // Names people know and the WHATWG table lacks.
    let plain = label.trim().to_ascii_lowercase();
    let name = match plain.as_str() {
        "cp866" | "dos" | "oem866" => "ibm866",
        "utf-8-sig" | "utf8-bom" => "utf-8",
        "ansi" => "windows-1252",
        other => other,
    };
    Encoding::for_label_no_replacement(name.as_bytes())
        .ok_or_else(|| FileError::fatal(Code::OptionInvalid, "the encoding asked for is not known"))
}

/// UTF-16 without a mark: separators, digits and line ends put zeros on one side of the pairs and never on the other. A
/// stray zero in a text of single bytes is not that: it stands among pairs that are plain text as they are, which UTF-16
/// hardly has (some Chinese letters look so), and a file in UTF-16 has a zero for each digit of its first number.
fn utf16_by_zeros(head: &[u8]) -> Option<&'static Encoding> {
    let plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let pairs = head.chunks_exact(2);
    let total = pairs.len();
    let (mut high_first, mut low_first, mut as_it_is) = (0_usize, 0_usize, 0_usize);
    for pair in pairs {
        high_first += usize::from(pair.first() == Some(&0));
        low_first += usize::from(pair.last() == Some(&0));
        as_it_is += usize::from(pair.iter().all(plain));
    }
    let real = |zeros: usize| zeros >= MIN_ZEROS && zeros * 10 > total && zeros > as_it_is;
    match (real(high_first), real(low_first)) {
        (false, true) if high_first == 0 => Some(UTF_16LE),
        (true, false) if low_first == 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether the file is UTF-8, a few damaged characters forgiven (their rows will be refused one by one).
fn is_utf8<R: Read>(source: &mut R) -> Result<bool, FileError> {
    let mut text = Decoded::new(source, UTF_8);
    let (mut lines, mut good, mut bad) = (1_u64, 0_u64, 0_u64);
    loop {
        let chunk = text.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        for byte in chunk {
            match byte {
                0 => {
                    let detail = "zero bytes in the file: it is not a text table, or it is damaged";
                    return Err(FileError::fatal(Code::NulBytes, detail).at(lines));
                }
                b'\n' => lines += 1,
                &BAD => bad += 1,
                0xc2..=0xf4 => good += 1,
                _ => {}
            }
        }
        let taken = chunk.len();
        text.consume(taken);
        if bad > ENOUGH && bad > good {
            return Ok(false);
        }
    }
    // Legacy text forms UTF-8 sequences by chance now and then, but never more of them than it breaks.
    Ok(bad == 0 || good > bad * 3)
}

fn guess<R: Read>(source: &mut R) -> Result<&'static Encoding, FileError> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut reader = BufReader::with_capacity(64 * 1024, source);
    let mut fed = 0;
    while fed < EVIDENCE {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        for line in chunk.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.is_ascii()) {
            detector.feed(line, false);
            fed += line.len();
        }
        let taken = chunk.len();
        reader.consume(taken);
    }
    detector.feed(b"", true);
    let hints: [Option<&[u8]>; 3] = [None, Some(b"ru"), Some(b"fr")];
    let guesses = hints.into_iter().map(|tld| detector.guess(tld, Utf8Detection::Deny));
    let found = guesses.into_iter().find(|encoding| SENSIBLE.contains(encoding));
    Ok(found.unwrap_or(WINDOWS_1252))
}
