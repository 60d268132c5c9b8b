//! Cells freed of the guards that exporters put around text so that spreadsheets leave it alone.
//!
//! Invariant: what [`guard`] gives, [`unguard`] makes the same text of again.

use std::borrow::Cow;

/// Characters with which spreadsheets begin a formula, also in their wide forms; a tab or a line end before one of them is
/// dropped by some.
pub(super) const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Removes one `'` before a character that would begin a formula (`'+44…`, `'=SUM`) and the wrapping of `="0044…"`.
/// Exports of this platform and of others guard so; without this a round trip would change every phone.
pub(super) fn unguard(cell: String) -> String {
    let inner = if has_apostrophe(&cell) { cell.strip_prefix('\'') } else { unwrapped(&cell) };
    match inner {
        Some(inner) => inner.to_owned(),
        None => cell,
    }
}

/// Text that already looks guarded, with one apostrophe more; else as it is.
pub(super) fn guard(text: &str) -> Cow<'_, str> {
    if has_apostrophe(text) || unwrapped(text).is_some() { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Apostrophes, and then what would begin a formula.
fn has_apostrophe(text: &str) -> bool {
    text.starts_with('\'') && text.trim_start_matches('\'').starts_with(FORMULA)
}

/// What stands in `="…"`.
fn unwrapped(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'))?;
    (!inner.contains('"')).then_some(inner)
}
