//! Receipts and replies on their way: waiting for their time, ready for a bind, sent and unanswered, or refused and waiting to be sent again.
//!
//! States: due at a time → ready → sent → gone (ESME_ROK) or refused → ready again after a while or at the next bind.
//! Invariants: a parcel is in exactly one of these places until its answer is ESME_ROK; a bind never has more than `window` unanswered;
//! those of one system that are due at the same time are sent in order.

use super::log::{Line, Writer};
use super::message::Message;
use super::replies::Parcel;
use crate::receipt::{MessageState, ReceiptParts, format_receipt};
use crate::server::{Delivered, Outbox};
use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Tlv;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{
    DataCoding, ErrorCodeNetworkType, EsmClass, MessageState as StateTlv, NetworkErrorCode, Npi, RegisteredDelivery,
    Ton, UserMessageReference,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Receipt {
    pub system_id: Arc<str>,
    pub message_id: String,
    pub state: MessageState,
    pub error: u16,
    /// Unix time in microseconds.
    pub submitted_at: i64,
    pub message: Arc<Message>,
}

#[derive(Debug)]
struct Bound {
    id: u64,
    outbox: Outbox,
    unanswered: usize,
}

#[derive(Debug, Default)]
struct System {
    binds: Vec<Bound>,
    ready: VecDeque<Parcel>,
    refused: VecDeque<(Instant, Parcel)>,
}

/// All receipts of a simulator.
#[derive(Debug)]
pub(super) struct Receipts {
    window: usize,
    retry: Duration,
    due: BTreeMap<(Instant, u64), Parcel>,
    systems: HashMap<Arc<str>, System>,
    /// By token: the bind it was sent on.
    sent: HashMap<u64, (u64, Parcel)>,
    next_token: u64,
}

impl Receipts {
    pub(super) fn new(window: usize, retry: Duration) -> Self {
        Self { window, retry, due: BTreeMap::new(), systems: HashMap::new(), sent: HashMap::new(), next_token: 0 }
    }

    fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    /// How many parcels have not been answered with ESME_ROK yet, wherever they are.
    pub(super) fn kept(&self) -> usize {
        let waiting: usize = self.systems.values().map(|system| system.ready.len() + system.refused.len()).sum();
        self.due.len() + self.sent.len() + waiting
    }

    /// Makes `parcel` ready at `at`. True when it is now the first that is due.
    pub(super) fn schedule(&mut self, parcel: Parcel, at: Instant) -> bool {
        let first = self.due.first_key_value().is_none_or(|((earliest, _), _)| at < *earliest);
        let token = self.token();
        self.due.insert((at, token), parcel);
        first
    }

    /// When [`Receipts::tick`] has something to do next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let timed = self.due.first_key_value().map(|((at, _), _)| *at);
        let refused = self.systems.values().filter_map(|system| system.refused.front().map(|(at, _)| *at));
        refused.chain(timed).min()
    }

    /// Makes ready what is due by `now` and sends what can be sent.
    pub(super) fn tick(&mut self, now: Instant, at: i64, log: &mut Writer) -> io::Result<()> {
        let later = self.due.split_off(&(now + Duration::from_nanos(1), 0));
        for (_, parcel) in std::mem::replace(&mut self.due, later) {
            self.systems.entry(Arc::clone(parcel.system_id())).or_default().ready.push_back(parcel);
        }
        for system in self.systems.values_mut() {
            while system.refused.front().is_some_and(|(due, _)| *due <= now) {
                system.ready.extend(system.refused.pop_front().map(|(_, parcel)| parcel));
            }
        }
        let systems: Vec<Arc<str>> =
            self.systems.iter().filter(|(_, system)| !system.ready.is_empty()).map(|(id, _)| Arc::clone(id)).collect();
        for system in systems {
            self.pump(&system, at, log)?;
        }
        Ok(())
    }

    /// A bind that receives: what was refused gets another chance at once.
    pub(super) fn bind(
        &mut self,
        system_id: &Arc<str>,
        id: u64,
        outbox: Outbox,
        at: i64,
        log: &mut Writer,
    ) -> io::Result<()> {
        let system = self.systems.entry(Arc::clone(system_id)).or_default();
        system.binds.push(Bound { id, outbox, unanswered: 0 });
        system.ready.extend(system.refused.drain(..).map(|(_, parcel)| parcel));
        self.pump(system_id, at, log)
    }

    /// The bind is gone: what it left unanswered goes first at the next, in order.
    pub(super) fn unbind(
        &mut self,
        system_id: &Arc<str>,
        id: u64,
        undelivered: &[u64],
        at: i64,
        log: &mut Writer,
    ) -> io::Result<()> {
        let Some(system) = self.systems.get_mut(system_id) else { return Ok(()) };
        system.binds.retain(|bound| bound.id != id);
        for token in undelivered.iter().rev() {
            if let Some((_, parcel)) = self.sent.remove(token) {
                system.ready.push_front(parcel);
            }
        }
        if system.binds.is_empty() && system.ready.is_empty() && system.refused.is_empty() {
            self.systems.remove(system_id);
            return Ok(());
        }
        self.pump(system_id, at, log)
    }

    /// Answers (or their absence) from the bind `id`.
    pub(super) fn delivered(
        &mut self,
        system_id: &Arc<str>,
        id: u64,
        batch: &[Delivered],
        (now, at): (Instant, i64),
        log: &mut Writer,
    ) -> io::Result<bool> {
        let mut refused_any = false;
        for Delivered { token, status } in batch {
            let Some((_, parcel)) = self.sent.remove(token) else { continue };
            log.push(&parcel.answered(id, at, *status))?;
            let Some(system) = self.systems.get_mut(system_id) else { continue };
            if let Some(bound) = system.binds.iter_mut().find(|bound| bound.id == id) {
                bound.unanswered = bound.unanswered.saturating_sub(1);
            }
            match status {
                Some(0) => {}
                // It has waited long enough already.
                None => system.ready.push_back(parcel),
                Some(_) => {
                    system.refused.push_back((now + self.retry, parcel));
                    refused_any = true;
                }
            }
        }
        self.pump(system_id, at, log)?;
        Ok(refused_any)
    }

    /// Sends ready receipts to the binds of a system while their windows have room; the lines are written before the receipts leave.
    fn pump(&mut self, system_id: &Arc<str>, at: i64, log: &mut Writer) -> io::Result<()> {
        let mut sends = Vec::new();
        if let Some(system) = self.systems.get_mut(system_id) {
            while let Some(parcel) = system.ready.pop_front() {
                let idlest = system.binds.iter_mut().min_by_key(|bound| bound.unanswered);
                let Some(bound) = idlest.filter(|bound| bound.unanswered < self.window) else {
                    system.ready.push_front(parcel);
                    break;
                };
                bound.unanswered += 1;
                log.push(&parcel.sent(bound.id, at))?;
                self.next_token += 1;
                sends.push((self.next_token, bound.id, bound.outbox.clone(), parcel.pdu(at)));
                self.sent.insert(self.next_token, (bound.id, parcel));
            }
        }
        // A log that cannot be written is told, but a parcel already taken from the queue is not held back for it.
        let logged = log.write();
        let mut lost = Vec::new();
        for (token, bind, outbox, pdu) in sends {
            if !outbox.deliver(token, pdu) {
                lost.push((token, bind));
            }
        }
        // The connection ended under our hands: the next bind gets these.
        for (token, bind) in lost.into_iter().rev() {
            let Some((_, parcel)) = self.sent.remove(&token) else { continue };
            if let Some(system) = self.systems.get_mut(system_id) {
                system.binds.retain(|bound| bound.id != bind);
                system.ready.push_front(parcel);
            }
        }
        logged
    }
}

impl Receipt {
    /// The line that it is about to be sent.
    pub(super) fn line(&self, bind: u64, at: i64) -> Line {
        Line::Receipt {
            at,
            bind,
            message_id: self.message_id.clone(),
            dest: self.message.dest.clone(),
            stat: self.state.text().to_owned(),
            err: self.error,
            umr: self.message.umr,
        }
    }

    /// The deliver_sm: text (SMPP 3.4 Appendix B) and TLVs; source and destination change places.
    pub(super) fn pdu(&self, at: i64) -> DeliverSm {
        let message = &self.message;
        let text = format_receipt(&ReceiptParts {
            id: &self.message_id,
            state: self.state,
            error: self.error,
            submitted_at: self.submitted_at,
            done_at: at,
            text: &message.receipt_text(),
        });
        let mut pdu = DeliverSm::default();
        pdu.source_addr_ton = Ton::from(message.dest_ton);
        pdu.source_addr_npi = Npi::from(message.dest_npi);
        pdu.source_addr = COctetString::from_string(message.dest.clone()).unwrap_or_default();
        pdu.dest_addr_ton = Ton::from(message.source_ton);
        pdu.dest_addr_npi = Npi::from(message.source_npi);
        pdu.destination_addr = COctetString::from_string(message.source.clone()).unwrap_or_default();
        pdu.esm_class = EsmClass::from(0x04);
        pdu.data_coding = DataCoding::from(0);
        // The codec's default would ask for acknowledgements.
        pdu.registered_delivery = RegisteredDelivery::from(0);
        pdu.set_short_message(OctetString::from_vec(text.into_bytes()).unwrap_or_default());
        pdu.push_tlv(Tlv::ReceiptedMessageId(COctetString::from_string(self.message_id.clone()).unwrap_or_default()));
        pdu.push_tlv(Tlv::MessageState(StateTlv::from(self.state.tlv())));
        pdu.push_tlv(Tlv::NetworkErrorCode(NetworkErrorCode::new(ErrorCodeNetworkType::Gsm, self.error)));
        if let Some(reference) = message.umr {
            pdu.push_tlv(Tlv::UserMessageReference(UserMessageReference::new(reference)));
        }
        pdu
    }
}
