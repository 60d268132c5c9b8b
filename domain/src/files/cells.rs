//! Cells freed of the guards that exporters put around text so that spreadsheets leave it alone.

/// Removes `'` before a character that would begin a formula (`'+44…`, `'=SUM`) and the wrapping of `="0044…"`.
/// Exports of this platform and of others guard so; without this a round trip would change every phone.
pub(super) fn unguard(cell: String) -> String {
    if let Some(rest) = cell.strip_prefix('\'')
        && rest.starts_with(['=', '+', '-', '@'])
    {
        return rest.to_owned();
    }
    match cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('"') => inner.to_owned(),
        _ => cell,
    }
}
