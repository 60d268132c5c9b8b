//! The ZIP container of a workbook: its directory and its entries, unpacked as a stream.
//!
//! Own code over `flate2` and not the `zip` crate: an entry must own the file to be read row by row later, and the
//! directory must be refused by its declared length before memory is taken for it.
//! Invariants: the declared sizes together stay within the limit, no entry gives more bytes than it declares, and an entry
//! read to its end had the declared length and checksum.

use std::io::{Read, Seek, SeekFrom, Take};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::super::error::{Code, FileError};
use super::super::{Limits, Source};

/// The longest a ZIP end record can be: 22 bytes and a comment.
const END_RECORD: u64 = 22 + 65_535;

/// Directory bytes per allowed entry; real names and extra fields need about 100.
const DIRECTORY_BYTES: u64 = 4 * 1024;

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    deflated: bool,
    crc: u32,
    packed: u64,
    unpacked: u64,
    header_at: u64,
}

/// An opened container.
pub(super) struct Package {
    source: Box<dyn Source>,
    entries: Vec<Entry>,
}

impl Package {
    /// Reads the directory.
    ///
    /// # Errors
    /// `file_too_many_entries`, `file_unpacked_too_large`, `file_encrypted`, `file_broken`.
    pub(super) fn open(mut source: Box<dyn Source>, limits: &Limits) -> Result<Self, FileError> {
        let size = source.seek(SeekFrom::End(0))?;
        let directory = directory(&mut source, size, limits)?;
        let mut rest = directory.as_slice();
        let mut entries = Vec::new();
        let mut total = 0_u64;
        while rest.starts_with(b"PK\x01\x02") {
            let (entry, length) = central_entry(rest).ok_or_else(damaged)??;
            total = total.saturating_add(entry.unpacked);
            entries.push(entry);
            rest = rest.get(length..).unwrap_or_default();
            if entries.len() > limits.entries {
                return Err(too_many(limits));
            }
        }
        if total > limits.unpacked_bytes {
            let detail = format!("the workbook unpacks to {total} bytes, at most {} are read", limits.unpacked_bytes);
            return Err(FileError::fatal(Code::UnpackedTooLarge, detail));
        }
        Ok(Self { source, entries })
    }

    /// The index of the entry called `name`; writers differ in case and slashes.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let name = name.trim_start_matches('/');
        self.entries.iter().position(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Declared unpacked bytes of an entry.
    pub(super) fn unpacked(&self, index: usize) -> u64 {
        self.entries.get(index).map_or(0, |entry| entry.unpacked)
    }

    /// Unpacks one entry, the container staying here.
    pub(super) fn entry(&mut self, index: usize) -> Result<EntryReader<&mut dyn Source>, FileError> {
        let entry = self.entries.get(index).cloned().ok_or_else(damaged)?;
        EntryReader::new(self.source.as_mut(), &entry)
    }

    /// Unpacks one entry, the reader owning the file.
    pub(super) fn into_entry(self, index: usize) -> Result<EntryReader<Box<dyn Source>>, FileError> {
        let entry = self.entries.get(index).cloned().ok_or_else(damaged)?;
        EntryReader::new(self.source, &entry)
    }
}

/// The bytes of the central directory.
fn directory<S: Read + Seek>(source: &mut S, size: u64, limits: &Limits) -> Result<Vec<u8>, FileError> {
    let tail_at = size.saturating_sub(END_RECORD);
    let tail = read_at(source, tail_at, size - tail_at)?;
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06").ok_or_else(damaged)?;
    let record = tail.get(end..).unwrap_or_default();
    let (mut count, mut length, mut at) =
        (u64::from(u16_at(record, 10)?), u64::from(u32_at(record, 12)?), u64::from(u32_at(record, 16)?));
    if count == u64::from(u16::MAX) || length == u64::from(u32::MAX) || at == u64::from(u32::MAX) {
        let locator = end.checked_sub(20).and_then(|start| tail.get(start..end)).ok_or_else(damaged)?;
        let record = read_at(source, u64_at(locator, 8)?, 56)?;
        if !locator.starts_with(b"PK\x06\x07") || !record.starts_with(b"PK\x06\x06") {
            return Err(damaged());
        }
        (count, length, at) = (u64_at(&record, 32)?, u64_at(&record, 40)?, u64_at(&record, 48)?);
    }
    let most = u64::try_from(limits.entries).unwrap_or(u64::MAX);
    if count > most || length > most.saturating_mul(DIRECTORY_BYTES) {
        return Err(too_many(limits));
    }
    read_at(source, at, length)
}

/// The first entry of `bytes` and its length there; `None` when cut.
fn central_entry(bytes: &[u8]) -> Option<Result<(Entry, usize), FileError>> {
    let short = |at| u16_at(bytes, at).ok().map(usize::from);
    let long = |at| u32_at(bytes, at).ok().map(u64::from);
    let (name_length, extra_length) = (short(28)?, short(30)?);
    let name = bytes.get(46..46 + name_length)?;
    let extra = bytes.get(46 + name_length..46 + name_length + extra_length)?;
    let mut entry = Entry {
        name: String::from_utf8_lossy(name).replace('\\', "/"),
        deflated: false,
        crc: u32_at(bytes, 16).ok()?,
        packed: long(20)?,
        unpacked: long(24)?,
        header_at: long(42)?,
    };
    if short(8)? & 1 == 1 {
        return Some(Err(FileError::fatal(Code::Encrypted, "the archive is protected by a password")));
    }
    match short(10)? {
        0 => {}
        8 => entry.deflated = true,
        _ => return Some(Err(FileError::broken("packed by a method that workbooks do not use"))),
    }
    widen(&mut entry, extra)?;
    Some(Ok((entry, 46 + name_length + extra_length + short(32)?)))
}

/// Takes over the 64-bit sizes, which some writers use however small the file is.
fn widen(entry: &mut Entry, mut extra: &[u8]) -> Option<()> {
    while let (Ok(id), Ok(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let field = extra.get(4..4 + usize::from(length))?;
        if id == 1 {
            let mut at = 0;
            for value in [&mut entry.unpacked, &mut entry.packed, &mut entry.header_at] {
                if *value == u64::from(u32::MAX) {
                    *value = u64_at(field, at).ok()?;
                    at += 8;
                }
            }
        }
        extra = extra.get(4 + usize::from(length)..)?;
    }
    Some(())
}

enum Unpacker<S: Read> {
    Stored(Take<S>),
    Deflated(DeflateDecoder<Take<S>>),
}

/// The unpacked bytes of one entry; wrong length or checksum is an error at the end.
pub(super) struct EntryReader<S: Read> {
    unpacker: Unpacker<S>,
    crc: Crc,
    wanted_crc: u32,
    left: u64,
}

impl<S: Read + Seek> EntryReader<S> {
    fn new(mut source: S, entry: &Entry) -> Result<Self, FileError> {
        let header = read_at(&mut source, entry.header_at, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged());
        }
        let skip = i64::from(u16_at(&header, 26)?) + i64::from(u16_at(&header, 28)?);
        source.seek(SeekFrom::Current(skip))?;
        let packed = source.take(entry.packed);
        let unpacker =
            if entry.deflated { Unpacker::Deflated(DeflateDecoder::new(packed)) } else { Unpacker::Stored(packed) };
        Ok(Self { unpacker, crc: Crc::new(), wanted_crc: entry.crc, left: entry.unpacked })
    }
}

impl<S: Read> Read for EntryReader<S> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = match &mut self.unpacker {
            Unpacker::Stored(source) => source.read(into),
            Unpacker::Deflated(source) => source.read(into),
        }?;
        let bytes = into.get(..read).unwrap_or_default();
        let Some(left) = u64::try_from(read).ok().and_then(|read| self.left.checked_sub(read)) else {
            let detail = "a part of the workbook unpacks to more than it declares";
            return Err(FileError::fatal(Code::UnpackedTooLarge, detail).into());
        };
        self.left = left;
        self.crc.update(bytes);
        if read == 0 && !into.is_empty() && (self.left > 0 || self.crc.sum() != self.wanted_crc) {
            return Err(FileError::broken("a part of the workbook is cut or has a wrong checksum").into());
        }
        Ok(read)
    }
}

fn read_at<S: Read + Seek>(source: &mut S, at: u64, length: u64) -> Result<Vec<u8>, FileError> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    source.by_ref().take(length).read_to_end(&mut bytes)?;
    let whole = u64::try_from(bytes.len()).is_ok_and(|read| read == length);
    if whole { Ok(bytes) } else { Err(damaged()) }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], FileError> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or_else(damaged)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, FileError> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, FileError> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, FileError> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

fn damaged() -> FileError {
    FileError::broken("the packed file is damaged or cut")
}

fn too_many(limits: &Limits) -> FileError {
    FileError::fatal(Code::TooManyEntries, format!("the archive has more than {} entries", limits.entries))
}
