//! XLSX workbooks: the sheet that is asked for, or the first visible one that has rows.
//!
//! `package` unpacks, `xml` parses, both with limits; `strings` and `styles` are held in memory, `sheet` is streamed.
//! Formulas are never evaluated, macros, links and pictures never looked at.

mod package;
mod sheet;
mod strings;
mod styles;
mod value;
mod xml;

use std::io::Read;
use std::sync::Arc;

use self::package::{EntryReader, Package};
use self::sheet::{Book, SheetReader};
pub(super) use self::strings::Strings;
pub(super) use self::styles::{Style, Styles};
pub(super) use self::value::number;
use self::xml::{Step, Xml, attribute};
use super::error::{Code, FileError};
use super::sheets::{Sheets, candidates, no_rows};
use super::{Limits, Record, Source};

/// Unpacked bytes of a part that is kept in memory as a list (relations, workbook, styles).
const SMALL_PART: u64 = 16 << 20;

/// Items of such a list.
const ITEMS: usize = 10_000;

/// The rows of the chosen sheet.
pub(super) struct Sheet(SheetReader<EntryReader<Box<dyn Source>>>);

impl Sheet {
    /// Opens the workbook in `source` and finds the wanted sheet, or its first visible one with a value.
    ///
    /// # Errors
    /// `file_format_unknown` for archives that are no XLSX workbook, `file_sheet_unknown`, `file_empty`, and the limits of
    /// unpacking.
    pub(super) fn open(
        source: Box<dyn Source>,
        limits: &Limits,
        wanted: Option<&str>,
    ) -> Result<(Self, Sheets), FileError> {
        let mut package = Package::open(source, limits)?;
        let workbook = workbook_name(&mut package)?;
        let relations = relations(&mut package, &workbook)?;
        let (sheets, date1904) = sheets(&mut package, &workbook)?;
        let part = |kind: &str| relations.iter().find(|relation| relation.is(kind)).map(|found| found.target.as_str());
        let mut book = Book { date1904, ..Book::default() };
        if let Some(index) = part("styles").and_then(|name| package.find(name)) {
            book.styles = Arc::new(Styles::read(small(&mut package, index)?)?);
        }
        if let Some(index) = part("sharedStrings").and_then(|name| package.find(name)) {
            book.strings = Arc::new(Strings::read(package.entry(index)?, limits)?);
        }
        let worksheet = |id: &str| relations.iter().find(|one| one.is("worksheet") && one.id == *id);
        let place = |id: &str| package.find(&worksheet(id)?.target);
        let sheets = sheets.into_iter().filter_map(|(name, id)| Some((name, place(&id)?)));
        let (names, places): (Vec<String>, Vec<usize>) = sheets.unzip();
        for chosen in candidates(&names, wanted)? {
            let Some(index) = places.get(chosen).copied() else { continue };
            let mut probe = SheetReader::new(package.entry(index)?, book.clone(), limits)?;
            match probe.next_record() {
                None => {}
                Some(Err(error)) if error.fatal => return Err(error),
                Some(_) => {
                    let rows = SheetReader::new(package.into_entry(index)?, book, limits)?;
                    return Ok((Self(rows), Sheets { names, chosen }));
                }
            }
        }
        Err(no_rows(wanted))
    }

    pub(super) fn next_record(&mut self) -> Option<Result<Record, FileError>> {
        self.0.next_record()
    }
}

/// A reference from one part to another.
struct Relation {
    id: String,
    kind: String,
    target: String,
}

impl Relation {
    /// Strict and transitional workbooks differ in the address before the last word.
    fn is(&self, kind: &str) -> bool {
        self.kind.rsplit('/').next() == Some(kind)
    }
}

/// The name of the workbook part, or what the archive is instead.
fn workbook_name(package: &mut Package) -> Result<String, FileError> {
    let by_relation = relations(package, "")?.into_iter().find(|one| one.is("officeDocument")).map(|one| one.target);
    let name = by_relation.unwrap_or_else(|| "xl/workbook.xml".to_owned());
    let known = [
        ("mimetype", "an OpenDocument file"),
        ("xl/workbook.bin", "a binary workbook (XLSB)"),
        ("word/document.xml", "a Word document"),
        ("ppt/presentation.xml", "a presentation"),
    ];
    let other = known.iter().find(|(part, _)| package.find(part).is_some()).map(|(_, what)| *what);
    match (package.find(&name), other) {
        (Some(_), None) => Ok(name),
        (_, what) => {
            let what = what.unwrap_or("an archive");
            let detail = format!("this is {what}; a CSV, TXT or XLSX table is needed");
            Err(FileError::fatal(Code::FormatUnknown, detail))
        }
    }
}

/// The relations of a part (`""`: of the package itself), with targets as names in the package.
fn relations(package: &mut Package, part: &str) -> Result<Vec<Relation>, FileError> {
    let (folder, file) = part.rsplit_once('/').map_or(("", part), |(folder, file)| (folder, file));
    let list = format!("{folder}/_rels/{file}.rels");
    let Some(index) = package.find(&list) else { return Ok(Vec::new()) };
    let mut xml = Xml::new(small(package, index)?);
    let mut found = Vec::new();
    loop {
        match xml.step()? {
            Step::Open(start) if start.local_name().as_ref() == "Relationship" => {
                let value = |name| attribute(&start, name).unwrap_or_default();
                let target = resolve(folder, &value("Target"));
                found.push(Relation { id: value("Id"), kind: value("Type"), target });
            }
            Step::End => return Ok(found),
            _ => {}
        }
        bounded(found.len())?;
    }
}

/// `target` seen from `folder`, without `.` and `..`.
fn resolve(folder: &str, target: &str) -> String {
    let from = if target.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Names and relation ids of the visible sheets in their order, and whether days are counted from 1904.
fn sheets(package: &mut Package, workbook: &str) -> Result<(Vec<(String, String)>, bool), FileError> {
    let index = package.find(workbook).ok_or_else(|| FileError::broken("the workbook part is missing"))?;
    let mut xml = Xml::new(small(package, index)?);
    let (mut visible, mut date1904) = (Vec::new(), false);
    loop {
        match xml.step()? {
            Step::Open(start) => match start.local_name().as_ref() {
                "workbookPr" => {
                    date1904 = attribute(&start, "date1904").is_some_and(|value| value == "1" || value == "true");
                }
                "sheet" if attribute(&start, "state").is_none_or(|state| state == "visible") => {
                    let name = attribute(&start, "name").unwrap_or_default();
                    visible.extend(attribute(&start, "id").map(|id| (name, id)));
                }
                _ => {}
            },
            Step::End => return Ok((visible, date1904)),
            _ => {}
        }
        bounded(visible.len())?;
    }
}

fn small(package: &mut Package, index: usize) -> Result<impl Read, FileError> {
    if package.unpacked(index) > SMALL_PART {
        return Err(FileError::fatal(Code::UnpackedTooLarge, "a list inside the workbook is far too long"));
    }
    package.entry(index)
}

fn bounded(items: usize) -> Result<(), FileError> {
    if items > ITEMS { Err(FileError::broken("a list inside the workbook is far too long")) } else { Ok(()) }
}
