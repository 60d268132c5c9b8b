//! The simulator's log: one line of JSON per event, the judge of kill tests.
//!
//! Invariants: the line of a submit_sm reaches the operating system (`write(2)`) before its answer is queued, so the log never claims less than was
//! answered; lines are only appended; a line torn by a crash is closed before the next is written, and was never answered.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A part of a long message, as told by its UDH or its `sar_*` TLVs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SarLine {
    pub reference: u16,
    pub total: u8,
    pub sequence: u8,
}

/// One submit_sm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitLine {
    /// Unix time in microseconds.
    pub at: i64,
    pub bind: u64,
    pub system_id: String,
    /// Absent when the submit was refused.
    pub message_id: Option<String>,
    pub source: String,
    #[serde(default)]
    pub source_ton: u8,
    #[serde(default)]
    pub source_npi: u8,
    pub dest: String,
    #[serde(default)]
    pub dest_ton: u8,
    #[serde(default)]
    pub dest_npi: u8,
    #[serde(default)]
    pub service_type: String,
    #[serde(default)]
    pub priority_flag: u8,
    pub data_coding: u8,
    pub esm_class: u8,
    pub registered_delivery: u8,
    /// As sent; empty for the carrier's default.
    pub validity_period: String,
    /// Hexadecimal, its length octet included.
    pub udh: Option<String>,
    /// From the `sar_*` TLVs only.
    pub sar: Option<SarLine>,
    /// Whether the text came in message_payload.
    #[serde(default)]
    pub payload: bool,
    /// user_message_reference.
    pub umr: Option<u16>,
    /// The message without its UDH, in hexadecimal.
    pub text_hex: String,
    pub outcome: Outcome,
    /// The `command_status` of the answer; absent where no answer is given.
    pub status: Option<u32>,
}

/// What the simulator decided about a submit_sm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered with ESME_ROK, now or later.
    Accepted,
    /// Answered with another status.
    Refused,
    /// Taken, never answered.
    Silent,
    /// Taken, and the connection reset instead of an answer.
    Reset,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Line {
    Submit(SubmitLine),
    Bind {
        at: i64,
        bind: u64,
        system_id: String,
        mode: String,
        #[serde(default)]
        system_type: String,
        /// As asked for: 52 is 3.4, 80 is 5.0.
        #[serde(default)]
        interface_version: u8,
    },
    Unbind {
        at: i64,
        bind: u64,
        system_id: String,
        reason: String,
    },
    /// A receipt is about to be sent.
    Receipt {
        at: i64,
        bind: u64,
        message_id: String,
        dest: String,
        stat: String,
        err: u16,
        umr: Option<u16>,
    },
    /// Its answer came, or the time for it ran out (`status` absent).
    ReceiptAck {
        at: i64,
        bind: u64,
        message_id: String,
        stat: String,
        status: Option<u32>,
    },
    /// A message from a subscriber, or a part of one, is about to be sent.
    Reply {
        at: i64,
        bind: u64,
        source: String,
        dest: String,
        data_coding: u8,
        udh: Option<String>,
        sar: Option<SarLine>,
        text_hex: String,
    },
    /// Its answer came, or the time for it ran out (`status` absent).
    ReplyAck {
        at: i64,
        bind: u64,
        source: String,
        dest: String,
        status: Option<u32>,
    },
}

/// Appends lines, many at a time.
#[derive(Debug)]
pub(super) struct Writer {
    file: Option<File>,
    buffer: Vec<u8>,
    /// A write failed half way: the next must not continue its line.
    torn: bool,
}

impl Writer {
    /// Opens `path` for appending; without a path lines are dropped.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, buffer: Vec::new(), torn: false }) };
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != [b'\n'] {
                file.write_all(b"\n")?;
            }
        }
        Ok(Self { file: Some(file), buffer: Vec::new(), torn: false })
    }

    /// Puts a line into the buffer; [`Writer::write`] sends it to the operating system.
    pub(super) fn push(&mut self, line: &Line) -> io::Result<()> {
        if self.file.is_some() {
            serde_json::to_writer(&mut self.buffer, line)?;
            self.buffer.push(b'\n');
        }
        Ok(())
    }

    /// Hands all buffered lines to the operating system: one write for a burst.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file
            && !self.buffer.is_empty()
        {
            if self.torn {
                file.write_all(b"\n")?;
            }
            let written = file.write_all(&self.buffer);
            self.buffer.clear();
            self.torn = written.is_err();
            written?;
        }
        Ok(())
    }
}

/// A log that was read.
#[derive(Debug, Default)]
pub struct Log {
    pub lines: Vec<Line>,
    /// Lines cut short by a crash of the simulator; none of them was answered.
    pub torn: usize,
}

impl Log {
    /// Reads the log at `path`; an absent file is an empty log.
    pub fn read(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Parses the octets of a log.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut log = Self::default();
        for line in bytes.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(line) => log.lines.push(line),
                Err(_) => log.torn += 1,
            }
        }
        log
    }

    /// The submits, in order of coming.
    pub fn submits(&self) -> impl Iterator<Item = &SubmitLine> {
        self.lines.iter().filter_map(|line| if let Line::Submit(submit) = line { Some(submit) } else { None })
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        for nibble in [octet >> 4, octet & 0x0f] {
            text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_closed_and_counted() {
        let path = std::env::temp_dir().join(format!("smpp-log-{}.jsonl", std::process::id()));
        let unbind = |bind| Line::Unbind { at: 1, bind, system_id: "a\"b\n".to_owned(), reason: "ü".to_owned() };
        std::fs::write(&path, b"{\"op\":\"sub").unwrap();
        for bind in 0..2 {
            let mut writer = Writer::open(Some(&path)).unwrap();
            writer.push(&unbind(bind)).unwrap();
            writer.write().unwrap();
        }
        let log = Log::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((log.torn, log.lines), (1, vec![unbind(0), unbind(1)]));
        assert_eq!(Log::read(&path).unwrap().lines, vec![]);
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(hex(&[0x00, 0x9f, 0xa0, 0xff]), "009fa0ff");
    }
}
