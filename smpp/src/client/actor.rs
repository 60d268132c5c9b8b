//! The task that owns a client's connection.
//!
//! States: open → draining (no new submits, answers still awaited) → unbinding → closed. Invariants: `outstanding` counts a token from
//! `submit` until its event; nothing is awaited but the connection, the orders and one deadline, so a slow owner never stops enquire_link.

use super::answer::Answer;
use super::late::Late;
use super::{BadInput, BindConfig, Deliver, Event, Shared, Submit, SubmitOutcome};
use crate::session::{Frame, KeepAlive, Link, Pending, Pulse, Sequence, Turn, generic_nack, ok};
use crate::status::{ESME_RINVCMDID, ESME_RINVCMDLEN, ESME_RX_T_APPN};
use rusmpp::pdus::{DataSmResp, DeliverSmResp};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Orders taken in one go; more wait for the next turn, so that reading is never starved.
const ORDER_BATCH: usize = 1024;

/// How long the end of the session may wait for the socket to take what is queued.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(200);

#[derive(Debug)]
pub(crate) enum Order {
    Submit(u64, Box<Submit>),
    Ack { sequence: u32, status: u32 },
    Unbind,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Open,
    Draining { until: Instant },
    Unbinding { until: Instant },
}

/// Why the session ended; told in [`Event::Closed`].
type Reason = String;

pub(super) struct Actor<R, W> {
    link: Link<R, W>,
    config: BindConfig,
    orders: mpsc::UnboundedReceiver<Order>,
    events: mpsc::UnboundedSender<Event>,
    shared: Arc<Shared>,
    sequence: Sequence,
    pending: Pending<u64>,
    late: Late,
    /// Deliveries the owner has not answered: whether each was a data_sm.
    unacked: HashMap<u32, bool>,
    /// Submits that came when none could be sent any more.
    unsent: Vec<u64>,
    keep: KeepAlive,
    phase: Phase,
    orders_ended: bool,
    /// What the carrier said last of how busy it is.
    congestion: Option<u8>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Actor<R, W> {
    pub(super) fn new(
        link: Link<R, W>,
        config: BindConfig,
        orders: mpsc::UnboundedReceiver<Order>,
        events: mpsc::UnboundedSender<Event>,
        shared: Arc<Shared>,
    ) -> Self {
        let mut sequence = Sequence::starting_at(config.first_sequence);
        // The bind took the first.
        sequence.take(|_| false);
        let keep = KeepAlive::new(config.enquire_link_interval, config.enquire_link_timeout, Instant::now());
        let pending = Pending::new(config.response_timeout);
        Self {
            link,
            config,
            orders,
            events,
            shared,
            sequence,
            pending,
            late: Late::default(),
            unacked: HashMap::new(),
            unsent: Vec::new(),
            keep,
            phase: Phase::Open,
            orders_ended: false,
            congestion: None,
        }
    }

    pub(super) async fn run(mut self) {
        let reason = match self.session().await {
            Ok(never) => match never {},
            Err(reason) => reason,
        };
        // The last words (an unbind_resp) get a moment to leave; a dead peer gets no more than that.
        let _ = tokio::time::timeout(LAST_WORDS, self.link.finish()).await;
        self.close(reason);
    }

    async fn session(&mut self) -> Result<std::convert::Infallible, Reason> {
        let mut batch = Vec::with_capacity(ORDER_BATCH);
        // PDUs that came right behind the answer to the bind.
        self.read_frames()?;
        loop {
            let deadline = self.deadline();
            tokio::select! {
                turn = self.link.turn() => match turn {
                    Ok(Turn::Read) => self.read_frames()?,
                    Ok(Turn::Written) => {}
                    Ok(Turn::Eof) => return Err("the carrier closed the connection".to_owned()),
                    Err(error) => return Err(format!("connection lost: {error}")),
                },
                count = self.orders.recv_many(&mut batch, ORDER_BATCH), if !self.orders_ended => {
                    if count == 0 {
                        // Every handle is dropped: nobody can submit any more.
                        self.orders_ended = true;
                        self.begin_unbind();
                    }
                    for order in batch.drain(..) {
                        self.order(order)?;
                    }
                }
                () = tokio::time::sleep_until(deadline) => {}
                () = self.events.closed() => return Err("the owner stopped listening".to_owned()),
            }
            self.tick()?;
        }
    }

    fn deadline(&mut self) -> Instant {
        let mut due = self.keep.due();
        if let Some(next) = self.pending.next_due() {
            due = due.min(next);
        }
        match self.phase {
            Phase::Open => due,
            Phase::Draining { until } | Phase::Unbinding { until } => due.min(until),
        }
    }

    fn order(&mut self, order: Order) -> Result<(), Reason> {
        match order {
            Order::Submit(token, submit) => match self.phase {
                Phase::Open => self.submit(token, *submit)?,
                Phase::Draining { .. } | Phase::Unbinding { .. } => self.unsent.push(token),
            },
            Order::Ack { sequence, status } => self.ack(sequence, status)?,
            Order::Unbind => self.begin_unbind(),
        }
        Ok(())
    }

    fn submit(&mut self, token: u64, submit: Submit) -> Result<(), Reason> {
        let pdu = match submit.into_pdu() {
            Ok(pdu) => pdu,
            Err(status) => {
                self.settle(Event::Submitted { token, outcome: SubmitOutcome::Refused { status, detail: None } });
                return Ok(());
            }
        };
        let sequence = self.free_sequence();
        let position = self.send(&Command::new(CommandStatus::EsmeRok, sequence, pdu))?;
        self.pending.insert(sequence, token, position, Instant::now());
        Ok(())
    }

    fn ack(&mut self, sequence: u32, status: u32) -> Result<(), Reason> {
        let Some(is_data) = self.unacked.remove(&sequence) else { return Ok(()) };
        self.answer_delivery(sequence, status, is_data)
    }

    fn answer_delivery(&mut self, sequence: u32, status: u32, is_data: bool) -> Result<(), Reason> {
        let pdu: Pdu = if is_data { DataSmResp::default().into() } else { DeliverSmResp::default().into() };
        self.send(&Command::new(CommandStatus::from(status), sequence, pdu)).map(drop)
    }

    fn send(&mut self, command: &Command) -> Result<u64, Reason> {
        self.link.queue(command).map_err(|error| error.to_string())
    }

    /// Tells an event that takes a token out of the window.
    fn settle(&mut self, event: Event) {
        self.shared.outstanding.fetch_sub(1, Ordering::AcqRel);
        self.tell(event);
    }

    fn tell(&mut self, event: Event) {
        // A dropped receiver ends the session at the next turn.
        let _ = self.events.send(event);
    }

    fn read_frames(&mut self) -> Result<(), Reason> {
        loop {
            match self.link.next_frame() {
                Ok(Some(frame)) => {
                    self.keep.heard(Instant::now());
                    self.frame(frame)?;
                }
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.tell(Event::BadInput(BadInput::Length(error)));
                    return Err(format!("the carrier sent no SMPP: {error}"));
                }
            }
        }
    }

    fn frame(&mut self, frame: Frame) -> Result<(), Reason> {
        let Frame { id, status, sequence, .. } = frame;
        match id {
            CommandId::SubmitSmResp | CommandId::GenericNack => {
                let Answer { message_id, detail, congestion } = Answer::read(frame.body());
                if let Some(state) = congestion.filter(|_| congestion != self.congestion) {
                    self.congestion = Some(state);
                    self.tell(Event::Congestion { state });
                }
                let outcome = match (id, status) {
                    (CommandId::SubmitSmResp, 0) => SubmitOutcome::Accepted { message_id },
                    _ => SubmitOutcome::Refused { status, detail },
                };
                self.answered(&frame, outcome);
            }
            CommandId::DeliverSm => self.delivery(&frame, Deliver::from_deliver_sm(sequence, frame.body()), false)?,
            CommandId::DataSm => self.delivery(&frame, Deliver::from_data_sm(sequence, frame.body()), true)?,
            CommandId::EnquireLink => {
                self.send(&ok(sequence, Pdu::EnquireLinkResp))?;
            }
            CommandId::Unbind => {
                self.send(&ok(sequence, Pdu::UnbindResp))?;
                return Err("the carrier unbound".to_owned());
            }
            CommandId::UnbindResp if matches!(self.phase, Phase::Unbinding { .. }) => return Err("unbound".to_owned()),
            // Notifications that have no answer (SMPP 3.4 §4.1.7, §4.12).
            CommandId::AlertNotification | CommandId::Outbind => {}
            // That it came is all there is to it.
            CommandId::EnquireLinkResp => {}
            // An answer is never answered.
            _ if frame.is_response() => self.answer_to_nothing(&frame),
            _ => {
                self.tell(Event::BadInput(BadInput::Request { id: id.into() }));
                self.send(&generic_nack(sequence, ESME_RINVCMDID))?;
            }
        }
        Ok(())
    }

    fn answered(&mut self, frame: &Frame, outcome: SubmitOutcome) {
        if let Some(token) = self.pending.remove(frame.sequence) {
            self.settle(Event::Submitted { token, outcome });
        } else if let Some(token) = self.late.take(frame.sequence) {
            self.tell(Event::Late { token, outcome });
        } else {
            self.answer_to_nothing(frame);
        }
    }

    fn answer_to_nothing(&mut self, frame: &Frame) {
        let Frame { id, status, sequence, .. } = *frame;
        self.tell(Event::BadInput(BadInput::Answer { id: id.into(), status, sequence }));
    }

    fn delivery(&mut self, frame: &Frame, deliver: Option<Deliver>, is_data: bool) -> Result<(), Reason> {
        let sequence = frame.sequence;
        let Some(deliver) = deliver else {
            self.tell(Event::BadInput(BadInput::Body { id: frame.id.into(), octets: frame.body().len() }));
            return self.send(&generic_nack(sequence, ESME_RINVCMDLEN)).map(drop);
        };
        if self.unacked.len() >= self.config.deliver_limit {
            // The carrier keeps it: memory stays bounded and nothing is lost.
            return self.answer_delivery(sequence, ESME_RX_T_APPN, is_data);
        }
        self.unacked.insert(sequence, is_data);
        self.tell(Event::Deliver(deliver));
        Ok(())
    }

    fn begin_unbind(&mut self) {
        self.shared.open.store(false, Ordering::Release);
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Draining { until: Instant::now() + self.config.drain_timeout };
        }
    }

    fn tick(&mut self) -> Result<(), Reason> {
        let now = Instant::now();
        for expired in self.pending.expire(now) {
            self.late.remember(expired.sequence, expired.value);
            self.settle(Event::TimedOut { token: expired.value });
        }
        match self.keep.poll(now) {
            Pulse::Nothing => {}
            Pulse::Ask => {
                let sequence = self.free_sequence();
                self.send(&ok(sequence, Pdu::EnquireLink))?;
            }
            Pulse::Dead => return Err("the carrier did not answer enquire_link".to_owned()),
        }
        match self.phase {
            Phase::Draining { until } if self.pending.is_empty() || now >= until => {
                let sequence = self.free_sequence();
                self.send(&ok(sequence, Pdu::Unbind))?;
                self.phase = Phase::Unbinding { until: now + self.config.bind_timeout };
                Ok(())
            }
            Phase::Unbinding { until } if now >= until => Err("the carrier did not answer unbind".to_owned()),
            _ => Ok(()),
        }
    }

    fn free_sequence(&mut self) -> u32 {
        let (pending, late) = (&self.pending, &self.late);
        self.sequence.take(|number| pending.contains(number) || late.contains(number))
    }

    /// Tells the end. Orders are refused first, so that a token is either refused to its owner or in the last event.
    fn close(mut self, reason: Reason) {
        self.shared.open.store(false, Ordering::Release);
        self.orders.close();
        let mut never_queued = std::mem::take(&mut self.unsent);
        while let Ok(order) = self.orders.try_recv() {
            if let Order::Submit(token, _) = order {
                never_queued.push(token);
            }
        }
        let (in_flight, mut not_written) = self.pending.drain(self.link.written());
        not_written.append(&mut never_queued);
        self.shared.outstanding.fetch_sub(in_flight.len() + not_written.len(), Ordering::AcqRel);
        // The owner, who knows whose connection it was, tells it too.
        tracing::debug!(reason, in_flight = in_flight.len(), not_written = not_written.len(), "SMPP session closed");
        self.tell(Event::Closed { reason, in_flight, not_written });
    }
}
