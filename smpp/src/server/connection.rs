//! One connection of a server.
//!
//! States: open (waiting for a bind) → bound → closed. Invariants: the bind_resp is the first answer on the wire; the handler's `closed`
//! is called exactly once for every bind that succeeded, with every delivery that has no answer, sent or not.

use super::outbox::{Outbox, Outgoing};
use super::{BindMode, BindRequest, Delivered, Request, ServerConfig, Service, Session};
use crate::session::{Frame, KeepAlive, Link, LinkLimits, Pending, Pulse, Sequence, Turn, generic_nack, ok};
use crate::status::{ESME_RALYBND, ESME_RINVBNDSTS, ESME_RINVCMDID, ESME_RINVCMDLEN};
use rusmpp::pdus::{BindReceiverResp, BindTransceiverResp, BindTransmitterResp};
use rusmpp::types::COctetString;
use rusmpp::values::InterfaceVersion;
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Octets of answers a peer may leave unread before it is not read either.
const HIGH_WATER: usize = 1024 * 1024;
const OUTGOING_BATCH: usize = 1024;
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How a connection ended, with its halves given back.
pub(super) struct Ended<R, W> {
    pub reader: R,
    pub writer: W,
    pub reset: bool,
}

struct End {
    reason: String,
    reset: bool,
}

fn end(reason: impl Into<String>) -> End {
    End { reason: reason.into(), reset: false }
}

struct Connection<'a, R, W, S: Service> {
    link: Link<R, W>,
    peer: SocketAddr,
    service: Arc<S>,
    config: &'a ServerConfig,
    outbox: Outbox,
    outgoing: mpsc::UnboundedReceiver<Outgoing>,
    sequence: Sequence,
    pending: Pending<u64>,
    keep: KeepAlive,
    bound: Option<(BindMode, S::Session)>,
    requests: Vec<Request>,
    delivered: Vec<Delivered>,
}

pub(super) async fn run<R, W, S>(
    reader: R,
    writer: W,
    peer: SocketAddr,
    service: Arc<S>,
    config: &ServerConfig,
    shutdown: CancellationToken,
) -> Ended<R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    S: Service,
{
    let (outbox, outgoing) = Outbox::new();
    let limits = LinkLimits { max_pdu: config.max_pdu, high_water: HIGH_WATER };
    let mut connection = Connection {
        link: Link::new(reader, writer, limits),
        peer,
        service,
        config,
        outbox,
        outgoing,
        sequence: Sequence::starting_at(1),
        pending: Pending::new(config.deliver_timeout),
        keep: KeepAlive::new(config.enquire_link_interval, config.enquire_link_timeout, Instant::now()),
        bound: None,
        requests: Vec::new(),
        delivered: Vec::new(),
    };
    let ended = match connection.session(shutdown).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    connection.close(ended).await
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin, S: Service> Connection<'_, R, W, S> {
    async fn session(&mut self, shutdown: CancellationToken) -> Result<std::convert::Infallible, End> {
        let unbound_until = Instant::now() + self.config.bind_timeout;
        let mut batch = Vec::with_capacity(OUTGOING_BATCH);
        loop {
            let mut deadline = self.keep.due();
            if let Some(due) = self.pending.next_due() {
                deadline = deadline.min(due);
            }
            if self.bound.is_none() {
                deadline = deadline.min(unbound_until);
            }
            tokio::select! {
                turn = self.link.turn() => match turn {
                    Ok(Turn::Read) => self.read_burst().await?,
                    Ok(Turn::Written) => {}
                    Ok(Turn::Eof) => return Err(end("the peer closed the connection")),
                    Err(error) => return Err(end(format!("connection lost: {error}"))),
                },
                _ = self.outgoing.recv_many(&mut batch, OUTGOING_BATCH) => {
                    for outgoing in batch.drain(..) {
                        self.send_outgoing(outgoing)?;
                    }
                }
                () = tokio::time::sleep_until(deadline) => {}
                () = shutdown.cancelled() => return Err(end("the server is shut down")),
            }
            let now = Instant::now();
            if self.bound.is_none() && now >= unbound_until {
                return Err(end("no bind in time"));
            }
            self.tick(now).await?;
        }
    }

    async fn tick(&mut self, now: Instant) -> Result<(), End> {
        let expired = self.pending.expire(now);
        self.delivered.extend(expired.into_iter().map(|expired| Delivered { token: expired.value, status: None }));
        self.hand_over().await;
        match self.keep.poll(now) {
            Pulse::Nothing => Ok(()),
            Pulse::Ask => {
                let sequence = self.take_sequence();
                self.send(&ok(sequence, Pdu::EnquireLink)).map(drop)
            }
            Pulse::Dead => Err(end("the peer did not answer enquire_link")),
        }
    }

    fn take_sequence(&mut self) -> u32 {
        let pending = &self.pending;
        self.sequence.take(|number| pending.contains(number))
    }

    fn send(&mut self, command: &Command) -> Result<u64, End> {
        self.link.queue(command).map_err(|error| end(error.to_string()))
    }

    fn send_outgoing(&mut self, outgoing: Outgoing) -> Result<(), End> {
        match outgoing {
            Outgoing::Reply(command) => self.send(&command).map(drop),
            Outgoing::Deliver { token, pdu } => {
                let sequence = self.take_sequence();
                let position = self.send(&Command::new(CommandStatus::EsmeRok, sequence, *pdu))?;
                self.pending.insert(sequence, token, position, Instant::now());
                Ok(())
            }
            Outgoing::Close { reset } => Err(End { reason: "closed by the server".to_owned(), reset }),
        }
    }

    /// Everything that is whole in the buffer, handed over in one go.
    async fn read_burst(&mut self) -> Result<(), End> {
        loop {
            match self.link.next_frame() {
                Ok(Some(frame)) => {
                    self.keep.heard(Instant::now());
                    self.frame(frame).await?;
                }
                Ok(None) => break,
                Err(error) => {
                    self.hand_over().await;
                    self.send(&generic_nack(0, ESME_RINVCMDLEN))?;
                    return Err(end(error.to_string()));
                }
            }
        }
        self.hand_over().await;
        Ok(())
    }

    async fn hand_over(&mut self) {
        let Some((_, session)) = &mut self.bound else { return };
        if !self.requests.is_empty() {
            session.requests(std::mem::take(&mut self.requests)).await;
        }
        if !self.delivered.is_empty() {
            session.delivered(std::mem::take(&mut self.delivered)).await;
        }
    }

    async fn frame(&mut self, frame: Frame) -> Result<(), End> {
        let sequence = frame.sequence;
        match frame.id {
            CommandId::EnquireLink => self.send(&ok(sequence, Pdu::EnquireLinkResp)).map(drop),
            CommandId::Unbind => {
                self.hand_over().await;
                // What the handler answered just now goes out before the last word.
                while let Ok(outgoing) = self.outgoing.try_recv() {
                    self.send_outgoing(outgoing)?;
                }
                self.send(&ok(sequence, Pdu::UnbindResp))?;
                Err(end("unbound"))
            }
            CommandId::BindTransmitter | CommandId::BindReceiver | CommandId::BindTransceiver => self.bind(frame).await,
            CommandId::DeliverSmResp | CommandId::GenericNack => {
                if let Some(token) = self.pending.remove(sequence) {
                    self.delivered.push(Delivered { token, status: Some(frame.status) });
                }
                Ok(())
            }
            // Other answers (enquire_link_resp) have done their work by being heard; an answer is never answered.
            _ if frame.is_response() => Ok(()),
            CommandId::Other(_) => self.send(&generic_nack(sequence, ESME_RINVCMDID)).map(drop),
            _ => self.request(frame),
        }
    }

    fn request(&mut self, frame: Frame) -> Result<(), End> {
        let sequence = frame.sequence;
        let Some((mode, _)) = &self.bound else {
            return self.send(&generic_nack(sequence, ESME_RINVBNDSTS)).map(drop);
        };
        if !mode.submits() {
            return self.send(&generic_nack(sequence, ESME_RINVBNDSTS)).map(drop);
        }
        match frame.decode() {
            Ok(Some(pdu)) => {
                self.requests.push(Request { sequence, pdu });
                Ok(())
            }
            Ok(None) | Err(_) => self.send(&generic_nack(sequence, ESME_RINVCMDLEN)).map(drop),
        }
    }

    async fn bind(&mut self, frame: Frame) -> Result<(), End> {
        let (id, sequence) = (frame.id, frame.sequence);
        let (mode, system_id, password, system_type, version) = match frame.decode() {
            Ok(Some(Pdu::BindTransmitter(pdu))) => {
                (BindMode::Transmitter, pdu.system_id, pdu.password, pdu.system_type, pdu.interface_version)
            }
            Ok(Some(Pdu::BindReceiver(pdu))) => {
                (BindMode::Receiver, pdu.system_id, pdu.password, pdu.system_type, pdu.interface_version)
            }
            Ok(Some(Pdu::BindTransceiver(pdu))) => {
                (BindMode::Transceiver, pdu.system_id, pdu.password, pdu.system_type, pdu.interface_version)
            }
            _ => return self.send(&generic_nack(sequence, ESME_RINVCMDLEN)).map(drop),
        };
        if self.bound.is_some() {
            return self.answer_bind(id, sequence, ESME_RALYBND, version);
        }
        let request = BindRequest {
            peer: self.peer,
            system_id: system_id.as_str().to_owned(),
            password: password.as_str().to_owned(),
            system_type: system_type.as_str().to_owned(),
            mode,
            interface_version: u8::from(version),
        };
        match self.service.bind(request, self.outbox.clone()).await {
            Ok(session) => {
                self.bound = Some((mode, session));
                self.answer_bind(id, sequence, 0, version)
            }
            Err(status) => {
                self.answer_bind(id, sequence, status, version)?;
                Err(end("bind refused"))
            }
        }
    }

    /// We speak 5.0 to whom asks for it, and 3.4 to all others.
    fn answer_bind(&mut self, id: CommandId, sequence: u32, status: u32, asked: InterfaceVersion) -> Result<(), End> {
        let name = COctetString::from_string(self.config.system_id.clone()).unwrap_or_default();
        let version = Some(match asked {
            InterfaceVersion::Smpp5_0 => InterfaceVersion::Smpp5_0,
            _ => InterfaceVersion::Smpp3_4,
        });
        let pdu: Pdu = match id {
            CommandId::BindTransmitter => BindTransmitterResp::new(name, version).into(),
            CommandId::BindReceiver => BindReceiverResp::new(name, version).into(),
            _ => BindTransceiverResp::new(name, version).into(),
        };
        self.send(&Command::new(CommandStatus::from(status), sequence, pdu)).map(drop)
    }

    async fn close(mut self, ended: End) -> Ended<R, W> {
        let End { reason, reset } = ended;
        // Sends are refused from here on; those that got in before are counted as undelivered.
        self.outgoing.close();
        let (mut undelivered, mut unsent) = self.pending.drain(u64::MAX);
        undelivered.append(&mut unsent);
        while let Ok(outgoing) = self.outgoing.try_recv() {
            if let Outgoing::Deliver { token, .. } = outgoing {
                undelivered.push(token);
            }
        }
        // Answers that came in the last burst count.
        self.hand_over().await;
        if let Some((_, mut session)) = self.bound.take() {
            session.closed(&reason, undelivered).await;
        }
        if !reset {
            let _ = tokio::time::timeout(LAST_WORDS, self.link.finish()).await;
        }
        tracing::debug!(peer = %self.peer, reason, "SMPP connection closed");
        let (reader, writer) = self.link.into_parts();
        Ended { reader, writer, reset }
    }
}
