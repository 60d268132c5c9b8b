//! Lists of numbers: text that is phones with separators between them, many on a line, perhaps with a slip among them.
//!
//! Each entry is a row of its own then, and one that is no number is refused alone: read as a table, such a text would lose
//! all but one entry of a line. A base with two columns of phones looks the same; so what is not called `.txt` is taken for
//! a table unless the whole text is one line.

use super::Limits;
use super::header::phone_like;
use super::records::Records;
use super::separator::Found;

/// Whether an entry is a number; none for a blank one.
type Line = Vec<Option<bool>>;

/// Whether `sample`, the first part of the text as UTF-8, is such a list; `complete` when it is the whole text.
///
/// Most entries are numbers and some line has two; in a text of many lines the first has one, so it holds no titles, and
/// nowhere is a column of something else.
pub(super) fn is_list(sample: &[u8], complete: bool, filename: &str, found: &Found, limits: &Limits) -> bool {
    let Some(separator) = found.separator else { return false };
    // Numbers without end on one line: their count is for the limit of rows, not for that of columns.
    let limits = Limits { columns: sample.len(), ..limits.clone() };
    let mut records = Records::new(sample, Some(separator), &limits);
    let mut lines: Vec<Line> = Vec::new();
    while let Some(Ok(record)) = records.next_record() {
        let entry = |cell: &String| (!cell.trim().is_empty()).then(|| is_number(cell));
        lines.push(record.cells.iter().map(entry).collect());
    }
    if !complete {
        // The last one may be cut by the end of the sample.
        lines.last_mut().and_then(Vec::pop);
    }
    let is_text = filename.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("txt"));
    let numbers = |line: &Line| line.iter().filter(|entry| **entry == Some(true)).count();
    let entries = lines.iter().flatten().flatten().count();
    let most = lines.iter().map(numbers).sum::<usize>() * 2 > entries;
    let many = lines.iter().any(|line| numbers(line) > 1);
    most && many
        && match lines.as_slice() {
            [] | [_] => true,
            [first, ..] => is_text && numbers(first) > 0 && !has_other_column(&lines),
        }
}

/// Whether most entries of some place in the lines are no numbers. One alone tells nothing, unless all lines are equally
/// long, as those of tables are.
fn has_other_column(lines: &[Line]) -> bool {
    let mut columns: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        columns.resize(columns.len().max(line.len()), (0, 0));
        for ((numbers, others), entry) in columns.iter_mut().zip(line) {
            *numbers += usize::from(*entry == Some(true));
            *others += usize::from(*entry == Some(false));
        }
    }
    let even = lines.iter().all(|line| line.len() == columns.len());
    columns.iter().any(|(numbers, others)| others > numbers && (even || *others > 1))
}

/// As [`phone_like`], and as long as a number with its calling or area code: card numbers and codes are shorter.
fn is_number(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    phone_like(cell) && ((10..=15).contains(&digits) || cell.trim_start().starts_with('+'))
}
