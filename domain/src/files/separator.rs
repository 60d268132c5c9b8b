//! Which character separates the cells of a text table, from its first records.
//!
//! Every candidate is tried with the real record reader, so quotes count as they will later. The winner is the one under
//! which most records have the same number of cells; among equals the one giving more cells.

use std::collections::BTreeMap;

use super::Limits;
use super::error::{Code, FileError};
use super::records::Records;

/// In order of preference when two explain the text equally well: a comma is in prose and addresses, a tab never.
const CANDIDATES: [u8; 4] = [b'\t', b';', b'|', b','];

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// `None`: one column.
    pub separator: Option<u8>,
    /// The first line is Excel's `sep=;` and not data.
    pub skip_first: bool,
}

/// Detects the separator in `sample`, the first part of the text as UTF-8; `complete` when it is the whole text.
///
/// # Errors
/// `file_option_invalid` when `wanted` cannot separate cells.
pub(super) fn detect(sample: &[u8], complete: bool, wanted: Option<u8>, limits: &Limits) -> Result<Found, FileError> {
    let declared = declared(sample);
    let skip_first = declared.is_some();
    if let Some(separator) = wanted {
        if !can_separate(separator) {
            return Err(FileError::fatal(Code::OptionInvalid, "this character cannot separate cells"));
        }
        return Ok(Found { separator: Some(separator), skip_first });
    }
    if declared.is_some() {
        return Ok(Found { separator: declared, skip_first });
    }
    // Strictly better only: the order of the candidates decides among equals.
    let mut best: Option<(Score, u8)> = None;
    for separator in CANDIDATES {
        if let Some(score) = score(sample, complete, separator, limits)
            && best.is_none_or(|(known, _)| score > known)
        {
            best = Some((score, separator));
        }
    }
    Ok(Found { separator: best.map(|(_, separator)| separator), skip_first })
}

/// `sep=;`, also in quotes, alone on the first line.
fn declared(sample: &[u8]) -> Option<u8> {
    let line = sample.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    match line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line) {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] if can_separate(*separator) => Some(*separator),
        _ => None,
    }
}

/// Characters that phones, words and quoting are made of cannot also separate them.
pub fn can_separate(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n\0+ ".contains(&byte)
}

/// Tenths of the records with the commonest number of cells, then that number.
type Score = (usize, usize);

fn score(sample: &[u8], complete: bool, separator: u8, limits: &Limits) -> Option<Score> {
    // Too many columns is for the reader to refuse; here it is a sign of the right separator. The sample bounds it.
    let limits = Limits { columns: sample.len(), ..limits.clone() };
    let mut records = Records::new(sample, Some(separator), &limits);
    let mut counts: Vec<usize> = Vec::new();
    let mut broken = 0;
    while let Some(record) = records.next_record() {
        match record {
            Ok(record) => counts.push(record.cells.len()),
            Err(error) if error.fatal => break,
            Err(_) => broken += 1,
        }
    }
    if !complete && counts.len() > 1 {
        // The last record may be cut by the end of the sample.
        counts.pop();
    }
    if counts.is_empty() && broken == 0 {
        // Nothing but separators: this character explains the text, poorly.
        return Some((0, 0));
    }
    let mut tally: BTreeMap<usize, usize> = BTreeMap::new();
    counts.iter().filter(|width| **width > 1).for_each(|width| *tally.entry(*width).or_default() += 1);
    let (share, width) = tally.into_iter().map(|(width, share)| (share, width)).max()?;
    Some(((share * 10).div_ceil(counts.len() + broken), width))
}
