//! XML of a workbook part as a stream of events, hardened.
//!
//! Invariants: one event costs at most [`EVENT_BYTES`] of memory, elements nest at most [`DEPTH`] deep, there are no
//! document types and so no entities but the five predefined ones.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::error::FileError;

/// Bytes of the longest tag or run of text.
const EVENT_BYTES: usize = 1 << 20;

/// Levels of elements; workbooks use about ten.
const DEPTH: usize = 64;

/// Bytes unpacked at a time.
const CHUNK: usize = 64 * 1024;

/// A reader that refuses to give more than `left` bytes until it is allowed more.
struct Capped<R> {
    inner: BufReader<R>,
    left: usize,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(into)?;
        self.consume(taken);
        Ok(taken)
    }
}

impl<R: Read> BufRead for Capped<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(FileError::broken("a single element of the workbook is far too long").into());
        }
        let chunk = self.inner.fill_buf()?;
        Ok(chunk.get(..self.left).unwrap_or(chunk))
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

/// What the caller sees of the document; empty elements open and close.
pub(super) enum Step<'a> {
    Open(BytesStart<'a>),
    Close,
    Text(Cow<'a, str>),
    End,
}

/// The events of one part.
pub(super) struct Xml<R> {
    reader: Reader<Capped<R>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: Read> Xml<R> {
    pub(super) fn new(part: R) -> Self {
        let mut reader =
            Reader::from_reader(Capped { inner: BufReader::with_capacity(CHUNK, part), left: EVENT_BYTES });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// Open elements now, the one just opened included.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The next step. Comments and instructions are passed over.
    pub(super) fn step(&mut self) -> Result<Step<'_>, FileError> {
        self.buffer.clear();
        self.reader.get_mut().left = EVENT_BYTES;
        Ok(match self.reader.read_event_into(&mut self.buffer).map_err(|error| wrong(&error))? {
            Event::Start(start) => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(FileError::broken("the elements of the workbook are nested too deep"));
                }
                Step::Open(start)
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Step::Close
            }
            Event::Eof if self.depth > 0 => return Err(FileError::broken("a part of the workbook is cut short")),
            Event::Eof => Step::End,
            Event::Text(text) => Step::Text(text.xml10_content()),
            Event::CData(text) => Step::Text(text.xml10_content()),
            Event::GeneralRef(name) => match name.resolve_char_ref().map_err(|error| wrong(&error))? {
                Some(c) => Step::Text(Cow::Owned(c.to_string())),
                None => match resolve_predefined_entity(&name) {
                    Some(text) => Step::Text(Cow::Borrowed(text)),
                    None => return Err(FileError::broken("the workbook uses an entity that it cannot have")),
                },
            },
            Event::DocType(_) => return Err(FileError::broken("the workbook declares a document type")),
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => Step::Text(Cow::Borrowed("")),
        })
    }

    /// Passes over the rest of the element that was just opened.
    pub(super) fn skip(&mut self) -> Result<(), FileError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.step()?;
        }
        Ok(())
    }

    /// Appends the text of the element just opened, whole characters until `into` has `limit` bytes; the rest is dropped.
    pub(super) fn text(&mut self, into: &mut String, limit: usize) -> Result<(), FileError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if let Step::Text(text) = self.step()? {
                let fits = text.floor_char_boundary(limit.saturating_sub(into.len()));
                into.push_str(text.get(..fits).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Appends the text of a rich string (`si` or `is`) just opened: its `t` and those of its runs `r`, not the phonetic
    /// hints `rPh`.
    pub(super) fn rich_text(&mut self, into: &mut String, limit: usize) -> Result<(), FileError> {
        enum What {
            Text,
            Run,
            Other,
        }
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            let what = match self.step()? {
                Step::Open(start) => match start.local_name().as_ref() {
                    "t" => What::Text,
                    "r" => What::Run,
                    _ => What::Other,
                },
                _ => continue,
            };
            match what {
                What::Text => self.text(into, limit)?,
                What::Run => {}
                What::Other => self.skip()?,
            }
        }
        Ok(())
    }
}

/// The value of the attribute with this local name.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found =
        start.attributes().with_checks(false).flatten().find(|found| found.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
}

fn wrong(error: &quick_xml::Error) -> FileError {
    match error {
        quick_xml::Error::Io(error) => FileError::from(error.as_ref()),
        other => FileError::broken(format!("a part of the workbook is not correct XML: {}", kind(other))),
    }
}

/// The class of the fault without the text around it, which may be personal data.
fn kind(error: &quick_xml::Error) -> &'static str {
    match error {
        quick_xml::Error::Syntax(_) => "syntax",
        quick_xml::Error::IllFormed(_) => "tags do not match",
        quick_xml::Error::InvalidAttr(_) => "attribute",
        quick_xml::Error::Encoding(_) => "not UTF-8",
        quick_xml::Error::Escape(_) => "character reference",
        _ => "structure",
    }
}
