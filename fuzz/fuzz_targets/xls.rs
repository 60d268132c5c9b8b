//! The inside of an old workbook: its globals and its sheet, each of any octets, in a sound container.
#![no_main]

use std::io::Cursor;

use domain::files::{Limits, Options, open_source};
use libfuzzer_sys::fuzz_target;

const NONE: u32 = 0xffff_fffe;
const SECTOR: usize = 512;

/// An OLE container with one stream, `Workbook`.
fn container(mut stream: Vec<u8>) -> Vec<u8> {
    stream.resize(stream.len().max(4096).next_multiple_of(SECTOR), 0);
    let sectors = stream.len() / SECTOR;
    let tables = (sectors + 2).div_ceil(127);
    let number = |n: usize| u32::try_from(n).unwrap();
    let mut header = vec![0_u8; SECTOR];
    header[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    header[30] = 9;
    let mut put = |at: usize, value: u32| header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    [(44, number(tables)), (48, number(tables)), (60, NONE), (68, NONE)].into_iter().for_each(|(at, n)| put(at, n));
    (0..109).for_each(|n| put(76 + 4 * n, if n < tables { number(n) } else { u32::MAX }));
    let mut table = vec![NONE - 1; tables];
    table.push(NONE);
    table.extend((0..sectors).map(|n| if n + 1 == sectors { NONE } else { number(tables + 2 + n) }));
    table.resize(tables * 128, u32::MAX);
    let entry = |name: &str, first: u32, size: usize| {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u16::try_from(entry.len() + 2).unwrap();
        entry.resize(128, 0);
        entry[64..66].copy_from_slice(&length.to_le_bytes());
        entry[116..120].copy_from_slice(&first.to_le_bytes());
        entry[120..124].copy_from_slice(&number(size).to_le_bytes());
        entry
    };
    let mut directory = entry("Root Entry", NONE, 0);
    directory.extend(entry("Workbook", number(tables + 1), stream.len()));
    directory.resize(SECTOR, 0);
    let table = table.into_iter().flat_map(u32::to_le_bytes);
    header.into_iter().chain(table).chain(directory).chain(stream).collect()
}

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [kind.to_le_bytes().as_slice(), &length.to_le_bytes(), data].concat()
}

fuzz_target!(|octets: &[u8]| {
    // Globals and sheet are parted by a length.
    let Some((length, rest)) = octets.split_first_chunk::<2>() else { return };
    let (globals, sheet) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    let (begin, end) = (record(0x0809, &[0, 6, 5, 0]), record(0x000a, &[]));
    let start = u32::try_from(begin.len() + globals.len() + 14 + end.len()).unwrap();
    let place = record(0x0085, &[start.to_le_bytes().as_slice(), &[0, 0, 2, 0, b'A', b'B']].concat());
    let stream = [&begin, globals, &place, &end, &record(0x0809, &[0, 6, 16, 0]), sheet, &end].concat();
    let limits = Limits { shared_bytes: 1 << 18, rows: 100, columns: 20, cell_chars: 100, ..Limits::default() };
    let source = Box::new(Cursor::new(container(stream)));
    let Ok(mut table) = open_source(source, "a.xls", &limits, &Options::default()) else { return };
    let columns = table.header.len();
    assert!(columns <= limits.columns);
    while let Some(row) = table.next_row() {
        match row {
            Ok(row) => {
                assert_eq!(row.cells.len(), columns);
                assert!(row.cells.iter().all(|cell| cell.chars().count() <= limits.cell_chars));
            }
            Err(error) if error.fatal => assert!(table.next_row().is_none()),
            Err(_) => {}
        }
    }
});
