//! The stream of a workbook cut into records: two octets of type, two of length, and the data (MS-XLS 2.1.4).

use std::io::{BufReader, Read};

use super::super::error::FileError;
use super::container::Stream;

/// A record that goes on with the one before.
pub(super) const CONTINUE: u16 = 0x003c;
/// The longest data of a record.
const MOST: usize = 8_224;

/// One record.
pub(super) struct Record {
    pub kind: u16,
    pub data: Vec<u8>,
}

/// Reader of records.
pub(super) struct Records {
    stream: BufReader<Stream>,
    /// Read ahead, to see whether it continues.
    ahead: Option<Record>,
}

impl Records {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream: BufReader::with_capacity(64 * 1024, stream), ahead: None }
    }

    /// Goes on with the record at this place of the stream.
    pub(super) fn go_to(self, at: u64) -> Self {
        let mut stream = self.stream.into_inner();
        stream.go_to(at);
        Self::new(stream)
    }

    /// The next record; `None` where the stream ends.
    pub(super) fn next(&mut self) -> Result<Option<Record>, FileError> {
        if let Some(record) = self.ahead.take() {
            return Ok(Some(record));
        }
        let mut head = [0_u8; 4];
        if self.stream.read(head.get_mut(..1).unwrap_or_default())? == 0 {
            return Ok(None);
        }
        self.stream.read_exact(head.get_mut(1..).unwrap_or_default())?;
        let (kind, length) = (u16_at(&head, 0)?, usize::from(u16_at(&head, 2)?));
        if length > MOST {
            return Err(FileError::broken("a record of the workbook is longer than records are"));
        }
        let mut data = vec![0; length];
        self.stream.read_exact(&mut data)?;
        Ok(Some(Record { kind, data }))
    }

    /// The data of the next record, if that continues the present one.
    pub(super) fn continued(&mut self) -> Result<Option<Vec<u8>>, FileError> {
        match self.next()? {
            Some(Record { kind: CONTINUE, data }) => Ok(Some(data)),
            other => {
                self.ahead = other;
                Ok(None)
            }
        }
    }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], FileError> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk()).copied();
    found.ok_or_else(|| FileError::broken("a record of the workbook is cut short"))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, FileError> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, FileError> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

pub(super) fn f64_at(bytes: &[u8], at: usize) -> Result<f64, FileError> {
    array_at(bytes, at).map(f64::from_le_bytes)
}
