//! What a file is, by its first bytes. The content decides; the name may only contradict it.
//!
//! Invariant: bytes that belong to a known other kind (a picture, a PDF, an archive, a web page) are never read as text,
//! so a wrong file is refused by name and not by a million "bad phone" rows.

use std::io::{Read, Seek, SeekFrom};

use super::error::{Code, FileError};

/// The kinds that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Zip,
    Ole,
}

/// How many first bytes are looked at.
const HEAD: u64 = 1024;

/// Signatures at offset 0 of kinds that are certainly not a table we read.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"RIFF", "a picture or a recording (RIFF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program"),
];

/// Beginnings, in lower case and after white space, of marked-up text. Spreadsheets "saved as XLS" by web sites are these.
const MARKUP: &[(&str, &str)] = &[
    ("<?xml", "an XML document"),
    ("<!doctype", "a web page"),
    ("<html", "a web page"),
    ("<table", "a web page"),
    ("<meta", "a web page"),
];

const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Names the kind and refuses what is not read or contradicts the extension of `filename`.
///
/// # Errors
/// `file_format_unknown`, `file_encoding` (UTF-32).
pub(super) fn sniff<R: Read + Seek>(source: &mut R, filename: &str) -> Result<Kind, FileError> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    let refuse = |what: &str| Err(unknown(format!("this is {what}; a CSV, TXT, XLSX or XLS table is needed")));
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return refuse(what);
    }
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return Err(FileError::fatal(Code::Encoding, "the text is in UTF-32; save it as UTF-8"));
    }
    let start: String = String::from_utf8_lossy(&head).trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).into();
    let start = start.to_ascii_lowercase();
    if let Some((_, what)) = MARKUP.iter().find(|(tag, _)| start.starts_with(tag)) {
        return refuse(what);
    }
    let kind = if head.starts_with(OLE) {
        Kind::Ole
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Kind::Zip
    } else {
        Kind::Text
    };
    match (kind, extension(filename).as_str()) {
        (Kind::Zip, ext @ ("csv" | "txt" | "tsv" | "tab" | "xls")) => {
            Err(unknown(format!("the name ends in .{ext}, but the content is a workbook or an archive")))
        }
        (Kind::Text, ext @ ("xlsx" | "xlsm" | "xls" | "xlsb" | "ods" | "zip")) => {
            Err(unknown(format!("the name ends in .{ext}, but the content is not a workbook")))
        }
        (Kind::Ole, ext @ ("csv" | "txt" | "tsv" | "tab" | "ods" | "zip")) => {
            Err(unknown(format!("the name ends in .{ext}, but the content is a workbook of Excel 97–2003")))
        }
        // A protected .xlsx is such a container too: that is told when it has been looked into.
        (kind, _) => Ok(kind),
    }
}

/// Refuses an old workbook under the name of a new one.
///
/// # Errors
/// `file_format_unknown`.
pub(super) fn must_be_xls(filename: &str) -> Result<(), FileError> {
    match extension(filename).as_str() {
        ext @ ("xlsx" | "xlsm" | "xlsb") => {
            Err(unknown(format!("the name ends in .{ext}, but the content is a workbook of Excel 97–2003 (.xls)")))
        }
        _ => Ok(()),
    }
}

fn unknown(detail: impl Into<String>) -> FileError {
    FileError::fatal(Code::FormatUnknown, detail)
}

fn extension(filename: &str) -> String {
    filename.rsplit_once('.').map(|(_, ext)| ext.trim().to_ascii_lowercase()).unwrap_or_default()
}
