//! A connection as PDUs: one buffer in, one buffer out, both moving at once.
//!
//! Invariants: reading never waits for writing (two ends that only write would wait for each other for ever), except above the
//! high-water mark of unsent octets, which a server sets against a peer that asks and does not read; [`Link::turn`] may be cancelled
//! at any await without losing an octet; [`Link::written`] counts only what the socket took.

use super::{Frame, FrameError};
use rusmpp::Command;
use rusmpp::tokio_codec::{CommandCodec, EncodeError};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Encoder;

const READ_CHUNK: usize = 64 * 1024;

/// What a peer may cost in memory.
#[derive(Debug, Clone, Copy)]
pub struct LinkLimits {
    /// Largest PDU accepted, in octets.
    pub max_pdu: usize,
    /// Octets waiting to be sent above which nothing more is read.
    pub high_water: usize,
}

/// What [`Link::turn`] did.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Octets came; see [`Link::next_frame`].
    Read,
    /// Everything queued is written and flushed.
    Written,
    /// The peer will send nothing more.
    Eof,
}

/// A connection over any reader and writer.
#[derive(Debug)]
pub struct Link<R, W> {
    reader: R,
    writer: W,
    codec: CommandCodec,
    limits: LinkLimits,
    inbox: BytesMut,
    outbox: BytesMut,
    written: u64,
    unflushed: bool,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Link<R, W> {
    pub fn new(reader: R, writer: W, limits: LinkLimits) -> Self {
        Self {
            reader,
            writer,
            codec: CommandCodec::new(),
            limits,
            inbox: BytesMut::with_capacity(READ_CHUNK),
            outbox: BytesMut::with_capacity(READ_CHUNK),
            written: 0,
            unflushed: false,
        }
    }

    /// Puts a PDU into the outgoing buffer; [`Link::turn`] sends it together with all the others there.
    /// Returns where in the outgoing stream it begins, in octets since the start.
    pub fn queue(&mut self, command: &Command) -> Result<u64, EncodeError> {
        let position = self.written + u64::try_from(self.outbox.len()).unwrap_or(u64::MAX);
        self.codec.encode(command, &mut self.outbox)?;
        Ok(position)
    }

    /// Octets handed to the socket since the start of the connection.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The next whole PDU among the octets read so far.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        Frame::cut(&mut self.inbox, self.limits.max_pdu)
    }

    /// Reads and writes at once until one of the two has news. Cancel-safe.
    pub async fn turn(&mut self) -> io::Result<Turn> {
        let Self { reader, writer, inbox, outbox, written, unflushed, limits, .. } = self;
        let may_read = outbox.len() < limits.high_water;
        let must_write = *unflushed || !outbox.is_empty();
        if inbox.capacity() - inbox.len() < READ_CHUNK / 4 {
            inbox.reserve(READ_CHUNK);
        }
        tokio::select! {
            count = reader.read_buf(inbox), if may_read => Ok(if count? == 0 { Turn::Eof } else { Turn::Read }),
            done = push(writer, outbox, written, unflushed), if must_write => done.map(|()| Turn::Written),
        }
    }

    /// Writes and flushes all that is queued, without reading: for the last words before a close.
    pub async fn finish(&mut self) -> io::Result<()> {
        push(&mut self.writer, &mut self.outbox, &mut self.written, &mut self.unflushed).await
    }

    /// Gives the halves back, so that their owner decides how the connection ends.
    pub fn into_parts(self) -> (R, W) {
        (self.reader, self.writer)
    }
}

/// Progress is kept in the arguments, so that dropping this future at an await loses nothing.
async fn push<W: AsyncWrite + Unpin>(
    writer: &mut W,
    outbox: &mut BytesMut,
    written: &mut u64,
    unflushed: &mut bool,
) -> io::Result<()> {
    while !outbox.is_empty() {
        let count = writer.write_buf(outbox).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        *unflushed = true;
        *written += u64::try_from(count).unwrap_or(u64::MAX);
    }
    if *unflushed {
        writer.flush().await?;
        *unflushed = false;
    }
    Ok(())
}
