//! What a cell's number format means for its value: date, time, padded number or nothing.

use std::collections::HashMap;
use std::io::Read;

use super::super::error::FileError;
use super::xml::{Step, Xml, attribute};

/// How a number in a cell is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::files) enum Style {
    /// As a number.
    #[default]
    Plain,
    /// As a day.
    Date,
    /// As a day with a time of day.
    DateTime,
    /// As a time of day.
    Time,
    /// As digits filled with zeros on the left to this many: codes and ids.
    Zeros(u8),
}

/// Styles by number, as the attribute `s` of a cell counts them.
#[derive(Default)]
pub(in crate::files) struct Styles(Vec<Style>);

impl Styles {
    /// Reads the part `styles.xml`.
    pub(super) fn read<R: Read>(part: R) -> Result<Self, FileError> {
        let mut xml = Xml::new(part);
        let mut custom: HashMap<u32, Style> = HashMap::new();
        let mut styles = Vec::new();
        let mut cell_formats: Option<usize> = None;
        loop {
            let depth = xml.depth();
            match xml.step()? {
                Step::End => return Ok(Self(styles)),
                // `xf` also stands in cellStyleXfs, which cells do not refer to.
                Step::Close if cell_formats == Some(depth) => cell_formats = None,
                Step::Open(start) => match start.local_name().as_ref() {
                    "cellXfs" => cell_formats = Some(depth + 1),
                    "numFmt" => {
                        let id = attribute(&start, "numFmtId").and_then(|id| id.parse().ok());
                        if let (Some(id), Some(code)) = (id, attribute(&start, "formatCode")) {
                            custom.insert(id, Self::by_code(&code));
                        }
                    }
                    "xf" if cell_formats == Some(depth) => {
                        let id = attribute(&start, "numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
                        styles.push(custom.get(&id).copied().unwrap_or_else(|| Self::built_in(id)));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// Styles found elsewhere.
    pub(in crate::files) fn of(styles: Vec<Style>) -> Self {
        Self(styles)
    }

    /// Style number `index`, plain when there is none.
    pub(in crate::files) fn get(&self, index: usize) -> Style {
        self.0.get(index).copied().unwrap_or_default()
    }

    /// Formats that every workbook has (ECMA-376, 18.8.30), the East Asian ones included.
    pub(in crate::files) fn built_in(id: u32) -> Style {
        match id {
            14..=17 | 27..=31 | 34..=36 | 50..=58 => Style::Date,
            22 => Style::DateTime,
            18..=21 | 32..=33 | 45 | 47 => Style::Time,
            _ => Style::Plain,
        }
    }

    /// The meaning of a format code such as `dd\.mm\.yyyy;@` or `00000`; only its first section counts.
    pub(in crate::files) fn by_code(code: &str) -> Style {
        let mut letters = String::new();
        let mut chars = code.chars();
        while let Some(c) = chars.next() {
            match c {
                ';' => break,
                '"' => drop(chars.by_ref().take_while(|c| *c != '"').count()),
                '\\' | '_' | '*' => drop(chars.next()),
                '[' => {
                    let inner: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    // Elapsed time such as [h]:mm is an amount and no moment.
                    if !inner.is_empty() && inner.chars().all(|c| matches!(c, 'h' | 'H' | 'm' | 'M' | 's' | 'S')) {
                        return Style::Plain;
                    }
                }
                other => letters.extend(other.to_lowercase()),
            }
        }
        if letters == "general" {
            return Style::Plain;
        }
        let has = |any: &[char]| letters.contains(any);
        match (has(&['y', 'd']), has(&['h', 's']), has(&['m'])) {
            (true, true, _) => Style::DateTime,
            (true, false, _) | (false, false, true) => Style::Date,
            (false, true, _) => Style::Time,
            (false, false, false) => match u8::try_from(letters.len()) {
                Ok(length @ 2..=32) if letters.bytes().all(|byte| byte == b'0') => Style::Zeros(length),
                _ => Style::Plain,
            },
        }
    }
}
