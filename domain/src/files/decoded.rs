//! A byte stream turned into UTF-8 while it is read, in chunks of fixed size.
//!
//! Invariant: what the encoding cannot read comes out as the byte [`BAD`], which UTF-8 never has; so the damage is seen
//! (and reported by row and column) where a replacement character could be mistaken for the author's own.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Stands for undecodable bytes. Not a byte of any UTF-8 text.
pub(super) const BAD: u8 = 0xff;

/// Raw bytes taken from the source at a time.
const RAW: usize = 64 * 1024;

/// Text of any encoding as a [`BufRead`] of UTF-8 plus [`BAD`] marks. Memory: about four chunks.
pub(super) struct Decoded<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_start: usize,
    raw_end: usize,
    text: Vec<u8>,
    text_start: usize,
    text_end: usize,
    finished: bool,
}

impl<R: Read> Decoded<R> {
    /// `source` stands at the first byte of the file; a byte order mark of `encoding` itself is dropped.
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; RAW],
            raw_start: 0,
            raw_end: 0,
            // Every single-byte character becomes three UTF-8 bytes at most.
            text: vec![0; RAW * 3 + 16],
            text_start: 0,
            text_end: 0,
            finished: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.text_start = 0;
        self.text_end = 0;
        while self.text_end == 0 && !self.finished {
            if self.raw_start == self.raw_end {
                self.raw_start = 0;
                self.raw_end = read_some(&mut self.source, &mut self.raw)?;
            }
            self.decode_chunk();
        }
        Ok(())
    }

    fn decode_chunk(&mut self) {
        let last = self.raw_end == 0;
        let raw = self.raw.get(self.raw_start..self.raw_end).unwrap_or_default();
        // One byte stays free for the mark.
        let room = self.text.len() - 1;
        let text = self.text.get_mut(..room).unwrap_or_default();
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(raw, text, last);
        self.raw_start += read;
        self.text_end = written;
        match result {
            DecoderResult::Malformed(_, _) => {
                if let Some(mark) = self.text.get_mut(written) {
                    *mark = BAD;
                    self.text_end += 1;
                }
            }
            DecoderResult::InputEmpty => self.finished = last,
            DecoderResult::OutputFull => {}
        }
    }
}

/// One read that is not disturbed by signals.
fn read_some<R: Read>(source: &mut R, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(into)?;
        self.consume(taken);
        Ok(taken)
    }
}

impl<R: Read> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.text_start == self.text_end {
            self.refill()?;
        }
        Ok(self.text.get(self.text_start..self.text_end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.text_start = (self.text_start + amount).min(self.text_end);
    }
}
