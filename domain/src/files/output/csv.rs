//! Lines of separated text (RFC 4180) whose cells no spreadsheet takes for formulas.

use super::super::cells::{FORMULA, guard};
use super::Cell;

/// Tells a spreadsheet that the text is UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One line with its end. Text that would begin a formula, or looks as if it had been guarded already, gets an apostrophe
/// before it, which readers of this platform take off again; `+447400123456` so stays as it is written instead of becoming a number.
pub fn csv_line(cells: &[Cell<'_>], separator: u8) -> String {
    let mut line = String::new();
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            line.push(char::from(separator));
        }
        match cell {
            Cell::Empty => {}
            Cell::Number(number) => quoted(&mut line, number, separator),
            Cell::Text(text) if text.starts_with(FORMULA) => quoted(&mut line, &format!("'{text}"), separator),
            Cell::Text(text) => quoted(&mut line, &guard(text), separator),
        }
    }
    line.push_str("\r\n");
    line
}

fn quoted(line: &mut String, text: &str, separator: u8) {
    let special = |c: char| matches!(c, '"' | '\r' | '\n' | ';' | ',' | '\t') || c == char::from(separator);
    if !text.contains(special) && text.trim() == text {
        line.push_str(text);
        return;
    }
    line.push('"');
    for c in text.chars() {
        if c == '"' {
            line.push('"');
        }
        line.push(c);
    }
    line.push('"');
}
