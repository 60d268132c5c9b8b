//! The OLE container (MS-CFB) of an old workbook: a small file system whose files are chains of sectors.
//!
//! Invariants: nothing is believed of lengths but what the file's own size allows; a chain has at most as many sectors as
//! the file, so that one that bites its tail ends.

use std::io::{self, Read, Seek, SeekFrom};

use super::super::Source;
use super::super::error::FileError;
use super::records::{u16_at, u32_at};

/// The end of a chain, and what else is no number of a sector.
const LAST_SECTOR: u32 = 0xffff_fffa;
/// Bytes of a mini sector, and of the streams that are kept in them.
const MINI: u64 = 64;
const MINI_CUTOFF: u64 = 4096;
/// Numbers of FAT sectors in the header; more are in a chain of their own.
const IN_HEADER: usize = 109;
/// Bytes of a directory entry.
const ENTRY: usize = 128;

/// A named stream of the directory.
struct Entry {
    name: String,
    first: u32,
    size: u64,
}

/// An opened container.
pub(super) struct Container {
    source: Box<dyn Source>,
    sector: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    /// Where the sectors of the mini stream begin.
    mini_stream: Vec<u64>,
    entries: Vec<Entry>,
}

impl Container {
    /// Reads header, allocation tables and directory.
    ///
    /// # Errors
    /// `file_broken`.
    pub(super) fn open(mut source: Box<dyn Source>) -> Result<Self, FileError> {
        let size = source.seek(SeekFrom::End(0))?;
        let header = read_at(source.as_mut(), 0, 512)?;
        let sector = match u16_at(&header, 30)? {
            9 => 512,
            12 => 4096,
            _ => return Err(damaged()),
        };
        let sectors = size.div_ceil(sector);
        let fat = fat(source.as_mut(), &header, sector, sectors)?;
        let mut container =
            Self { source, sector, fat, mini_fat: Vec::new(), mini_stream: Vec::new(), entries: Vec::new() };
        container.entries = container.directory(u32_at(&header, 48)?)?;
        let root = container.entries.first().map(|root| root.first).ok_or_else(damaged)?;
        let mini_fat = container.chain(u32_at(&header, 60)?)?;
        container.mini_stream = container.chain(root)?;
        for at in mini_fat {
            let bytes = read_at(container.source.as_mut(), at, sector)?;
            container.mini_fat.extend(numbers(&bytes));
        }
        Ok(container)
    }

    /// Whether there is a stream of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// The stream of this name, owning the file.
    pub(super) fn into_stream(self, name: &str) -> Result<Stream, FileError> {
        let entry = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)).ok_or_else(damaged)?;
        let (blocks, block) = if entry.size < MINI_CUTOFF {
            (self.mini_chain(entry.first)?, MINI)
        } else {
            (self.chain(entry.first)?, self.sector)
        };
        let there = u64::try_from(blocks.len()).unwrap_or(u64::MAX).saturating_mul(block);
        if entry.size > there {
            return Err(damaged());
        }
        Ok(Stream { size: entry.size, source: self.source, blocks, block, at: 0 })
    }

    /// Where each sector of a chain begins.
    fn chain(&self, first: u32) -> Result<Vec<u64>, FileError> {
        let follow = follow(&self.fat, first)?;
        Ok(follow.into_iter().map(|n| begin(n, self.sector)).collect())
    }

    /// Where each mini sector of a chain begins.
    fn mini_chain(&self, first: u32) -> Result<Vec<u64>, FileError> {
        let place = |n: u32| {
            let at = u64::from(n) * MINI;
            let sector = usize::try_from(at / self.sector).ok().and_then(|n| self.mini_stream.get(n));
            Ok(sector.ok_or_else(damaged)? + at % self.sector)
        };
        follow(&self.mini_fat, first)?.into_iter().map(place).collect()
    }

    fn directory(&mut self, first: u32) -> Result<Vec<Entry>, FileError> {
        let mut entries = Vec::new();
        for at in self.chain(first)? {
            let bytes = read_at(self.source.as_mut(), at, self.sector)?;
            for entry in bytes.chunks_exact(ENTRY) {
                let length = usize::from(u16_at(entry, 64)?).min(64);
                let units = entry.get(..length).unwrap_or_default().chunks_exact(2);
                let units: Vec<u16> = units.map(|pair| u16_at(pair, 0)).collect::<Result<_, _>>()?;
                let name = String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned();
                // The upper half of the size is not reliable, and no file here has 4 GiB.
                entries.push(Entry { name, first: u32_at(entry, 116)?, size: u64::from(u32_at(entry, 120)?) });
            }
        }
        Ok(entries)
    }
}

/// The numbers of a chain's sectors; one that is longer than the table goes in a circle.
fn follow(table: &[u32], first: u32) -> Result<Vec<u32>, FileError> {
    let mut numbers = Vec::new();
    let mut next = first;
    while next < LAST_SECTOR {
        if numbers.len() >= table.len() {
            return Err(damaged());
        }
        numbers.push(next);
        next = *usize::try_from(next).ok().and_then(|n| table.get(n)).ok_or_else(damaged)?;
    }
    Ok(numbers)
}

/// The table of which sector follows which.
fn fat(source: &mut dyn Source, header: &[u8], sector: u64, sectors: u64) -> Result<Vec<u32>, FileError> {
    let mut places: Vec<u32> = (0..IN_HEADER).map(|n| u32_at(header, 76 + 4 * n)).collect::<Result<_, _>>()?;
    let mut next = u32_at(header, 68)?;
    let mut lists = 0;
    while next < LAST_SECTOR {
        lists += 1;
        if lists > sectors {
            return Err(damaged());
        }
        let mut more: Vec<u32> = numbers(&read_at(source, begin(next, sector), sector)?).collect();
        next = more.pop().ok_or_else(damaged)?;
        places.extend(more);
    }
    places.retain(|place| *place < LAST_SECTOR);
    // Each sector of the table tells of many: more of them than sectors in the file is a lie.
    if u64::try_from(places.len()).unwrap_or(u64::MAX) > sectors {
        return Err(damaged());
    }
    let most = usize::try_from(sectors).unwrap_or(usize::MAX);
    let mut fat = Vec::new();
    for place in places {
        fat.extend(numbers(&read_at(source, begin(place, sector), sector)?));
        if fat.len() > most {
            break;
        }
    }
    Ok(fat)
}

fn begin(number: u32, sector: u64) -> u64 {
    (u64::from(number) + 1) * sector
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).filter_map(|four| u32_at(four, 0).ok())
}

/// Up to `length` bytes; the last sector of a file may be cut, and is filled with zeros.
fn read_at(source: &mut dyn Source, at: u64, length: u64) -> Result<Vec<u8>, FileError> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(damaged());
    }
    bytes.resize(usize::try_from(length).unwrap_or_default(), 0);
    Ok(bytes)
}

fn damaged() -> FileError {
    FileError::broken("the container of the workbook is damaged or cut")
}

/// The bytes of one stream.
pub(super) struct Stream {
    source: Box<dyn Source>,
    blocks: Vec<u64>,
    block: u64,
    size: u64,
    at: u64,
}

impl Stream {
    /// Goes on reading at this place.
    pub(super) fn go_to(&mut self, at: u64) {
        self.at = at;
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.at);
        let within = self.at % self.block;
        let block = usize::try_from(self.at / self.block).ok().and_then(|n| self.blocks.get(n));
        let Some(block) = block.filter(|_| left > 0) else { return Ok(0) };
        let mut there = self.block - within;
        // Sectors that follow one another in the file are read at once.
        let follow = self.blocks.iter().skip(usize::try_from(self.at / self.block).unwrap_or(usize::MAX) + 1);
        for (place, next) in (1_u64..).zip(follow) {
            if *next != block + place * self.block || u64::try_from(into.len()).is_ok_and(|most| there >= most) {
                break;
            }
            there += self.block;
        }
        let most = usize::try_from(there.min(left)).unwrap_or(usize::MAX).min(into.len());
        self.source.seek(SeekFrom::Start(block + within))?;
        let read = self.source.read(into.get_mut(..most).unwrap_or_default())?;
        self.at += u64::try_from(read).unwrap_or_default();
        Ok(read)
    }
}
