//! The shared strings of a workbook, in one block of memory with a limit.

use std::io::Read;

use super::super::Limits;
use super::super::error::{Code, FileError};
use super::xml::{Step, Xml};

/// Bytes of memory per string besides its text.
const OVERHEAD: u64 = 4;

/// All shared strings, by number.
#[derive(Default)]
pub(in crate::files) struct Strings {
    text: String,
    ends: Vec<u32>,
    used: u64,
}

impl Strings {
    /// Reads the part `sharedStrings.xml`. A string longer than a cell may be is kept only so far that this is seen.
    ///
    /// # Errors
    /// `file_unpacked_too_large` above [`Limits::shared_bytes`].
    pub(super) fn read<R: Read>(part: R, limits: &Limits) -> Result<Self, FileError> {
        let mut xml = Xml::new(part);
        let mut strings = Self::default();
        let room = limits.cell_chars.saturating_mul(4).saturating_add(4);
        loop {
            match xml.step()? {
                Step::Open(start) if start.local_name().as_ref() == "si" => {}
                Step::End => return Ok(strings),
                _ => continue,
            }
            let before = strings.text.len();
            xml.rich_text(&mut strings.text, before.saturating_add(room))?;
            strings.end(before, limits)?;
        }
    }

    /// Adds a string.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(in crate::files) fn push(&mut self, text: &str, limits: &Limits) -> Result<(), FileError> {
        let before = self.text.len();
        self.text.push_str(text);
        self.end(before, limits)
    }

    /// Ends the string that began at `before`.
    fn end(&mut self, before: usize, limits: &Limits) -> Result<(), FileError> {
        let added = u64::try_from(self.text.len() - before).unwrap_or(u64::MAX);
        self.used = self.used.saturating_add(added).saturating_add(OVERHEAD);
        let end = u32::try_from(self.text.len()).ok().filter(|_| self.used <= limits.shared_bytes);
        self.ends.push(end.ok_or_else(|| {
            let detail = format!("the texts of the workbook take more than {} bytes", limits.shared_bytes);
            FileError::fatal(Code::UnpackedTooLarge, detail)
        })?);
        Ok(())
    }

    /// String number `index`, from 0.
    pub(in crate::files) fn get(&self, index: usize) -> Option<&str> {
        let end = usize::try_from(*self.ends.get(index)?).ok()?;
        let start = match index.checked_sub(1) {
            Some(before) => usize::try_from(*self.ends.get(before)?).ok()?,
            None => 0,
        };
        self.text.get(start..end)
    }
}
