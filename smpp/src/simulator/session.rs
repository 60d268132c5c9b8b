//! One bind of the simulator: decides about every submit of a burst, logs them all, then answers them all.
//!
//! Invariant: nothing is answered unless the log took it; when the log fails, the connection is reset instead.

use super::log::{Line, Outcome, SubmitLine, hex};
use super::magic::{self, Answer, Step, When};
use super::message::Message;
use super::receipts::Receipt;
use super::replies::{Parcel, Written};
use super::{Inner, State, unix_micros};
use crate::client::SMPP_5_0;
use crate::server::{BindMode, Delivered, Outbox, Request, Session};
use crate::status::{ESME_RINVCMDID, ESME_ROK};
use rusmpp::Pdu;
use rusmpp::pdus::SubmitSmResp;
use rusmpp::tlvs::{MessageSubmissionResponseTlvValue as Tlv, TlvTag};
use rusmpp::types::{AnyOctetString, COctetString};
use rusmpp::values::DeliveryFailureReason;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer waits for its receipt to overtake it on another connection.
const OVERTAKE: Duration = Duration::from_millis(100);

pub struct SimulatorSession {
    pub(super) inner: Arc<Inner>,
    pub(super) system_id: Arc<str>,
    pub(super) id: u64,
    pub(super) mode: BindMode,
    pub(super) outbox: Outbox,
    /// What the client asked for in its bind.
    pub(super) version: u8,
}

/// What to do once the log has the burst.
enum Reply {
    Now { sequence: u32, status: u32, message_id: Option<String>, more: Vec<Tlv> },
    After { delay: Duration, sequence: u32, message_id: String },
    Unsupported { sequence: u32 },
    Reset,
}

/// What was decided about one burst.
struct Decided {
    replies: Vec<Reply>,
    parcels: Vec<(Parcel, Instant)>,
}

impl SimulatorSession {
    fn decide(&self, state: &mut State, batch: Vec<Request>) -> std::io::Result<Decided> {
        let (now, at) = (Instant::now(), unix_micros());
        let mut decided = Decided { replies: Vec::with_capacity(batch.len()), parcels: Vec::new() };
        for Request { sequence, pdu } in batch {
            let Pdu::SubmitSm(pdu) = pdu else {
                decided.replies.push(Reply::Unsupported { sequence });
                continue;
            };
            self.decide_one(state, sequence, Arc::new(Message::read(&pdu)), (now, at), &mut decided)?;
        }
        state.log.write()?;
        Ok(decided)
    }

    fn decide_one(
        &self,
        state: &mut State,
        sequence: u32,
        message: Arc<Message>,
        (now, at): (Instant, i64),
        decided: &mut Decided,
    ) -> std::io::Result<()> {
        let magic = magic::lookup(&message.dest);
        let status = match magic.answer {
            Answer::Refuse(status) | Answer::RefuseWith(status, ..) => status,
            Answer::RefuseFirst(status, tries) if state.attempts.refuses(&message, tries) => status,
            _ => ESME_ROK,
        };
        let (outcome, answered) = match magic.answer {
            _ if status != ESME_ROK => (Outcome::Refused, Some(status)),
            Answer::Silent => (Outcome::Silent, None),
            Answer::SilentFirst if state.attempts.refuses(&message, 1) => (Outcome::Silent, None),
            Answer::Reset => (Outcome::Reset, None),
            _ => (Outcome::Accepted, Some(ESME_ROK)),
        };
        let message_id = (status == ESME_ROK).then(|| state.ids.next_id());
        state.log.push(&Line::Submit(self.line(&message, at, message_id.clone(), outcome, answered)))?;
        let Some(message_id) = message_id else {
            let more = match magic.answer {
                Answer::RefuseWith(_, reason, text) => why(reason, text),
                _ => Vec::new(),
            };
            decided.replies.push(Reply::Now { sequence, status, message_id: None, more });
            return Ok(());
        };
        if magic.answer == Answer::SilentFirst && outcome == Outcome::Silent {
            return Ok(());
        }
        let config = &self.inner.config;
        let steps = magic.second_part.filter(|_| message.part() == 2).unwrap_or(magic.receipts);
        for step in steps.iter().filter(|step| wanted(message.registered_delivery, step)) {
            let delay = match step.when {
                When::Delay(times) => config.receipt_delay * times,
                When::Late => config.late_receipt,
                When::AfterAnswer => {
                    config.receipt_delay
                        + if magic.answer == Answer::Late { config.late_answer } else { config.slow_answer }
                }
            };
            let receipt = Receipt {
                system_id: Arc::clone(&self.system_id),
                message_id: if step.unknown_id { state.ids.next_id() } else { message_id.clone() },
                state: step.state,
                error: step.error,
                submitted_at: at,
                message: Arc::clone(&message),
            };
            decided.parcels.push((Parcel::Receipt(receipt), now + delay));
        }
        let replies = Written::of(magic.reply, &self.system_id, &message).into_iter();
        decided.parcels.extend(replies.map(|reply| (Parcel::Reply(reply), now + config.receipt_delay * 2)));
        match magic.answer {
            Answer::Silent => {}
            Answer::Reset => decided.replies.push(Reply::Reset),
            Answer::Slow => decided.replies.push(Reply::After { delay: config.slow_answer, sequence, message_id }),
            Answer::Late => decided.replies.push(Reply::After { delay: config.late_answer, sequence, message_id }),
            Answer::AfterReceipt => decided.replies.push(Reply::After { delay: OVERTAKE, sequence, message_id }),
            _ => {
                let more = match magic.answer {
                    Answer::Busy(state) if self.version >= SMPP_5_0 => vec![busy(state)],
                    _ => Vec::new(),
                };
                decided.replies.push(Reply::Now { sequence, status, message_id: Some(message_id), more });
            }
        }
        Ok(())
    }

    fn line(
        &self,
        message: &Message,
        at: i64,
        message_id: Option<String>,
        outcome: Outcome,
        status: Option<u32>,
    ) -> SubmitLine {
        SubmitLine {
            at,
            bind: self.id,
            system_id: self.system_id.to_string(),
            message_id,
            source: message.source.clone(),
            source_ton: message.source_ton,
            source_npi: message.source_npi,
            dest: message.dest.clone(),
            dest_ton: message.dest_ton,
            dest_npi: message.dest_npi,
            service_type: message.service_type.clone(),
            priority_flag: message.priority_flag,
            payload: message.payload,
            data_coding: message.data_coding,
            esm_class: message.esm_class,
            registered_delivery: message.registered_delivery,
            validity_period: message.validity_period.clone(),
            udh: message.udh.as_deref().map(hex),
            sar: message.sar,
            umr: message.umr,
            text_hex: hex(&message.text),
            outcome,
            status,
        }
    }

    fn reply(&self, reply: Reply) {
        match reply {
            Reply::Now { sequence, status, message_id, more } => {
                answer(&self.outbox, sequence, status, message_id, more)
            }
            Reply::Unsupported { sequence } => {
                self.outbox.reply(sequence, ESME_RINVCMDID, Pdu::GenericNack);
            }
            Reply::Reset => {
                self.outbox.reset();
            }
            Reply::After { delay, sequence, message_id } => {
                let outbox = self.outbox.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    answer(&outbox, sequence, ESME_ROK, Some(message_id), Vec::new());
                });
            }
        }
    }

    /// A log that cannot be written is no judge: end the connection rather than answer what was not noted.
    fn log_failed(&self, error: &std::io::Error) {
        tracing::error!(%error, "the simulator's log cannot be written");
        self.outbox.reset();
    }
}

/// What explains a refusal.
fn why(reason: u8, text: &str) -> Vec<Tlv> {
    let text = COctetString::from_string(text.to_owned()).unwrap_or_default();
    vec![Tlv::DeliveryFailureReason(DeliveryFailureReason::from(reason)), Tlv::AdditionalStatusInfoText(text)]
}

/// How busy the carrier is; the codec has no name for it in an answer to a submit.
fn busy(state: u8) -> Tlv {
    Tlv::Other { tag: TlvTag::CongestionState, value: AnyOctetString::from_vec(vec![state]) }
}

fn answer(outbox: &Outbox, sequence: u32, status: u32, message_id: Option<String>, more: Vec<Tlv>) {
    let id = message_id.and_then(|id| COctetString::from_string(id).ok()).unwrap_or_default();
    // A connection that is over has lost the answer: exactly what happens with carriers.
    outbox.reply(sequence, status, SubmitSmResp::new(id, more));
}

/// Whether `registered_delivery` asks for this receipt (SMPP 3.4 §5.2.17): 1 always, 2 failures only. Notifications on the
/// way are sent whenever any receipt is asked for, as carriers do.
fn wanted(registered_delivery: u8, step: &Step) -> bool {
    use crate::receipt::MessageState::{Accepted, Delivered, Enroute};
    match registered_delivery & 0x03 {
        0 => false,
        2 => !matches!(step.state, Delivered | Enroute | Accepted),
        _ => true,
    }
}

impl Session for SimulatorSession {
    async fn requests(&mut self, batch: Vec<Request>) {
        let decided = self.decide(&mut self.inner.state(), batch);
        let Decided { replies, parcels } = match decided {
            Ok(decided) => decided,
            Err(error) => return self.log_failed(&error),
        };
        for reply in replies {
            self.reply(reply);
        }
        if !parcels.is_empty() {
            let mut state = self.inner.state();
            let mut sooner = false;
            for (parcel, at) in parcels {
                sooner |= state.receipts.schedule(parcel, at);
            }
            drop(state);
            if sooner {
                self.inner.wake.notify_one();
            }
        }
    }

    async fn delivered(&mut self, batch: Vec<Delivered>) {
        let mut state = self.inner.state();
        let State { receipts, log, .. } = &mut *state;
        match receipts.delivered(&self.system_id, self.id, &batch, (Instant::now(), unix_micros()), log) {
            Ok(true) => self.inner.wake.notify_one(),
            Ok(false) => {}
            Err(error) => self.log_failed(&error),
        }
    }

    async fn closed(&mut self, reason: &str, undelivered: Vec<u64>) {
        let at = unix_micros();
        let mut state = self.inner.state();
        let State { receipts, log, .. } = &mut *state;
        let (system_id, reason) = (self.system_id.to_string(), reason.to_owned());
        let line = Line::Unbind { at, bind: self.id, system_id, reason };
        let mut logged = log.push(&line).and_then(|()| log.write());
        if self.mode.receives() {
            logged = logged.and(receipts.unbind(&self.system_id, self.id, &undelivered, at, log));
        }
        if let Err(error) = logged {
            tracing::error!(%error, "the simulator's log cannot be written");
        }
    }
}
