//! Whether the first record of a table is its header, and how its columns are called.

use super::Record;
use super::dates::parse_date;
use super::mapping::suggest_mapping;

/// Records after the first that are looked at: one bad number in the first row must not turn titles into a contact.
const LOOK: usize = 5;

/// The shortest phone number worth the name, in digits.
const PHONE_DIGITS: usize = 7;

/// Whether `records[0]` holds titles: it has no phone and what follows has, or it is alone, or it names a phone column.
pub(super) fn is_header(records: &[Record]) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    let has_phone = |record: &Record| record.cells.iter().any(|cell| phone_like(cell));
    if has_phone(first) {
        return false;
    }
    rest.is_empty() || rest.iter().take(LOOK).any(has_phone) || suggest_mapping(&first.cells).contains(&Some("phone"))
}

/// At least seven digits with few letters around (`ext. 5`), and not a date.
pub(super) fn phone_like(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    digits >= PHONE_DIGITS && letters * 2 <= digits && parse_date(cell).is_none()
}

/// Column names for a table of `width` columns: the titles, trimmed and on one line, or `Column 3` where there is none.
pub(super) fn names(titles: &[String], width: usize) -> Vec<String> {
    let name = |index: usize| {
        let title = titles.get(index).map(String::as_str).unwrap_or_default();
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() { format!("Column {}", index + 1) } else { title }
    };
    (0..width).map(name).collect()
}
