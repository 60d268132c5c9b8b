//! Which sheet of a workbook is read: the one that is told, by its name or its number, or the first that has rows. Hidden
//! sheets are not offered.

use super::error::{Code, FileError};

/// Sheets that a refusal names.
const NAMED: usize = 50;

/// The visible sheets of a workbook in their order, and the one that is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sheets {
    pub names: Vec<String>,
    pub chosen: usize,
}

/// The places of the sheets to try, in their order.
///
/// # Errors
/// `file_sheet_unknown`.
pub(super) fn candidates(names: &[String], wanted: Option<&str>) -> Result<Vec<usize>, FileError> {
    let Some(wanted) = wanted.map(str::trim) else { return Ok((0..names.len()).collect()) };
    let folded = wanted.to_lowercase();
    let exact = names.iter().position(|name| name == wanted);
    let by_name = exact.or_else(|| names.iter().position(|name| name.trim().to_lowercase() == folded));
    let by_number = || wanted.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < names.len());
    by_name.or_else(by_number).map(|place| vec![place]).ok_or_else(|| {
        let known: Vec<String> = names.iter().take(NAMED).map(|name| format!("{name:?}")).collect();
        let detail =
            format!("must be the name of a visible sheet or its number from 1; there are: {}", known.join(", "));
        FileError::fatal(Code::SheetUnknown, detail)
    })
}

/// The refusal of a workbook where no candidate has rows.
pub(super) fn no_rows(wanted: Option<&str>) -> FileError {
    let detail = if wanted.is_some() { "this sheet has no rows" } else { "no visible sheet of the workbook has rows" };
    FileError::fatal(Code::Empty, detail)
}
