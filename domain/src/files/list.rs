//! Lists of numbers: text that is nothing but phones with separators between them, many on a line.
//!
//! Each number is a row of its own then. A base with two columns of phones looks the same; so what is not called `.txt` is
//! taken for a table unless the whole text is one line.

use super::Limits;
use super::header::phone_like;
use super::records::Records;
use super::separator::Found;

/// Whether `sample`, the first part of the text as UTF-8, is such a list; `complete` when it is the whole text.
pub(super) fn is_list(sample: &[u8], complete: bool, filename: &str, found: &Found, limits: &Limits) -> bool {
    let Some(separator) = found.separator else { return false };
    // Numbers without end on one line: their count is for the limit of rows, not for that of columns.
    let limits = Limits { columns: sample.len(), ..limits.clone() };
    let mut records = Records::new(sample, Some(separator), &limits);
    let mut lines: Vec<Vec<String>> = Vec::new();
    while let Some(Ok(mut record)) = records.next_record() {
        record.cells.retain(|cell| !cell.trim().is_empty());
        lines.push(record.cells);
    }
    if !complete {
        // The last one may be cut by the end of the sample.
        lines.last_mut().and_then(Vec::pop);
    }
    let is_text = filename.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("txt"));
    let many = lines.iter().any(|cells| cells.len() > 1);
    many && (lines.len() == 1 || is_text) && lines.iter().flatten().all(|cell| is_number(cell))
}

/// As [`phone_like`], and as long as a number with its calling or area code: card numbers and codes are shorter.
fn is_number(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    phone_like(cell) && ((10..=15).contains(&digits) || cell.trim_start().starts_with('+'))
}
