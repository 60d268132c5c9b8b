//! Strings of a workbook (MS-XLS 2.5.293 and 2.5.296): a length, flags, and characters of one octet or two, which may go
//! on in further records; there the characters are told anew to be of one octet or two.
//!
//! Invariant: at most the limit of characters is kept; the rest is read past.

use super::super::Limits;
use super::super::error::FileError;
use super::super::xlsx::Strings;
use super::records::Records;

/// Flags of a string.
const WIDE: u8 = 1;
const PHONETIC: u8 = 4;
const RICH: u8 = 8;

/// The data of a record and of those that continue it.
struct Bytes<'a> {
    records: &'a mut Records,
    data: Vec<u8>,
    at: usize,
}

impl Bytes<'_> {
    fn left(&self) -> usize {
        self.data.len().saturating_sub(self.at)
    }

    /// Goes on with the next record.
    fn refill(&mut self) -> Result<(), FileError> {
        let cut = || FileError::broken("a text of the workbook is cut short");
        (self.data, self.at) = (self.records.continued()?.ok_or_else(cut)?, 0);
        Ok(())
    }

    fn u8(&mut self) -> Result<u8, FileError> {
        while self.left() == 0 {
            self.refill()?;
        }
        let byte = self.data.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        Ok(byte)
    }

    fn u16(&mut self) -> Result<u16, FileError> {
        Ok(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn u32(&mut self) -> Result<u32, FileError> {
        Ok(u32::from_le_bytes([self.u8()?, self.u8()?, self.u8()?, self.u8()?]))
    }

    fn skip(&mut self, mut bytes: usize) -> Result<(), FileError> {
        while bytes > self.left() {
            bytes -= self.left();
            self.refill()?;
        }
        self.at += bytes;
        Ok(())
    }

    /// A string whose length comes first; up to `most` characters of it.
    fn string(&mut self, most: usize) -> Result<String, FileError> {
        let mut left = usize::from(self.u16()?);
        let flags = self.u8()?;
        let runs = if flags & RICH == 0 { 0 } else { usize::from(self.u16()?) * 4 };
        let hints = if flags & PHONETIC == 0 { 0 } else { usize::try_from(self.u32()?).unwrap_or(usize::MAX) };
        let mut wide = flags & WIDE != 0;
        let mut units: Vec<u16> = Vec::with_capacity(left.min(most));
        while left > 0 {
            if self.left() == 0 {
                self.refill()?;
                wide = self.u8()? & WIDE != 0;
                continue;
            }
            let unit = if wide { self.u16()? } else { u16::from(self.u8()?) };
            if units.len() < most {
                units.push(unit);
            }
            left -= 1;
        }
        self.skip(runs)?;
        self.skip(hints)?;
        Ok(String::from_utf16_lossy(&units))
    }
}

/// The string that begins at `at` of a record, and perhaps goes on in the next ones.
pub(super) fn read(records: &mut Records, data: Vec<u8>, at: usize, most: usize) -> Result<String, FileError> {
    // As many units as that many characters can have, and one more, so that "too long" is still seen.
    Bytes { records, data, at }.string(most.saturating_mul(2).saturating_add(1))
}

/// The name that begins at `at` of a record: a length of one octet, flags, and its characters, all in the same record.
pub(super) fn short(data: &[u8], at: usize) -> String {
    let Some([length, flags, rest @ ..]) = data.get(at..) else { return String::new() };
    let units: Vec<u16> = if flags & WIDE == 0 {
        rest.iter().map(|octet| u16::from(*octet)).take(usize::from(*length)).collect()
    } else {
        rest.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).take(usize::from(*length)).collect()
    };
    String::from_utf16_lossy(&units)
}

/// The table of shared strings, whose first record has this data.
pub(super) fn shared(records: &mut Records, data: Vec<u8>, limits: &Limits) -> Result<Strings, FileError> {
    let mut bytes = Bytes { records, data, at: 4 };
    let count = bytes.u32()?;
    let mut strings = Strings::default();
    let most = limits.cell_chars.saturating_mul(2).saturating_add(1);
    for _ in 0..count {
        strings.push(&bytes.string(most)?, limits)?;
    }
    Ok(strings)
}
