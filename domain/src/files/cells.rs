//! Cells freed of the guards that exporters put around text so that spreadsheets leave it alone.

/// Characters with which spreadsheets begin a formula, also in their wide forms; a tab or a line end before one of them is
/// dropped by some.
pub(super) const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Removes `'` before a character that would begin a formula (`'+44…`, `'=SUM`) and the wrapping of `="0044…"`.
/// Exports of this platform and of others guard so; without this a round trip would change every phone.
pub(super) fn unguard(cell: String) -> String {
    if let Some(rest) = cell.strip_prefix('\'')
        && rest.starts_with(FORMULA)
    {
        return rest.to_owned();
    }
    match cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('"') => inner.to_owned(),
        _ => cell,
    }
}
