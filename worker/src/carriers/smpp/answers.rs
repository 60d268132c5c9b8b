//! The way back into a pump: what its connection tells.
//!
//! Throttling slows the bind ([`super::pace`]) and uses up no try; what the carrier keeps refusing goes back to the queue
//! meanwhile, where other binds and a cancellation find it. A temporary refusal puts its own part off, longer each time, and is
//! final after [`TRIES`]; several in a row say that the carrier itself is unwell, and slow the bind too.

use std::time::Duration;

use domain::carriers;
use smpp::{
    client::{BadInput, Client, Event, SubmitOutcome},
    status::{self, Class},
};
use tokio::time::Instant;

use super::{flight::PartAnswer, inbound, pump::Pump, receipts};
use crate::{carriers::recorder::Item, metrics::METRICS};

/// The longest pause after the carrier asked us to slow down.
const SLOWEST: Duration = Duration::from_secs(5);
/// A connection that answers no submit for so long, while some wait for it, is given up.
const STALLED: Duration = Duration::from_secs(60);
/// A pause after which marked messages go back to the queue.
const LONG: Duration = Duration::from_secs(2);
/// How often a part is submitted that the carrier cannot take just now.
const TRIES: u32 = 5;
/// The pause before the second try; it doubles with each.
const PUT_OFF: Duration = Duration::from_secs(1);
/// congestion_state from which a carrier gets no more than it takes now, and from which it gets less.
const BUSY: u8 = 90;
const CONGESTED: u8 = 100;
/// What a carrier may add to a refusal, in characters.
const DETAIL: usize = 200;
/// Temporary refusals in a row that tell more of the carrier than of the messages.
const UNWELL: u32 = 3;

/// When a part is tried again that was refused for now so many times; `None` when that is final.
fn put_off(refusals: u32) -> Option<Duration> {
    (refusals < TRIES).then(|| PUT_OFF * 2_u32.saturating_pow(refusals.saturating_sub(1)))
}

/// Under which reason bad input is counted.
fn reason(bad: BadInput) -> carriers::BadInput {
    match bad {
        BadInput::Request { .. } => carriers::BadInput::UnknownRequest,
        BadInput::Body { .. } => carriers::BadInput::Unreadable,
        BadInput::Answer { .. } => carriers::BadInput::AnswerToNothing,
        BadInput::Length(_) => carriers::BadInput::WrongLength,
    }
}

/// A refusal as the carrier names it.
fn code(status: u32, detail: Option<&str>) -> String {
    let name = status::name(status);
    detail.map_or(name.clone(), |text| format!("{name}: {}", receipts::clean(text, DETAIL)))
}

/// Whether a refusal says nothing of the message itself.
fn may_pass(outcome: &SubmitOutcome) -> bool {
    matches!(outcome, SubmitOutcome::Refused { status, .. }
        if matches!(status::classify(*status), Class::Throttling | Class::Temporary))
}

impl Pump {
    /// Takes one event of the connection; true when it has closed, or is to be given up.
    pub(super) fn take(&mut self, event: Event, client: &Client) -> bool {
        match event {
            Event::Submitted { token, outcome } => self.answered(token, outcome),
            Event::Congestion { state } => self.congestion = state,
            Event::TimedOut { token } => {
                self.health.answered(true);
                let settled = self.flights.answer(token, PartAnswer::Doubtful("no_answer"));
                self.settle(settled);
                if self.answered_at.elapsed() >= STALLED {
                    tracing::warn!(carrier = self.carrier.name, "no submit is answered any more: binding anew");
                    return true;
                }
            }
            // It was given up and must not be sent again: what is no decision leaves it in doubt.
            Event::Late { outcome, .. } if may_pass(&outcome) => {}
            Event::Late { token, outcome } => {
                let answer = self.read_outcome(outcome);
                let settled = self.flights.late(token, answer);
                self.settle(settled);
            }
            Event::Deliver(deliver) => {
                let receipt = if deliver.is_receipt { receipts::read(&deliver, self.codec) } else { None };
                match receipt {
                    Some(receipt) => {
                        self.claims.record(Item::Receipt(receipt, client.clone(), deliver.sequence));
                    }
                    None if deliver.is_receipt => {
                        let what = "a receipt that names no message or no state; acknowledged and dropped";
                        METRICS.bad(&self.carrier.name, carriers::BadInput::UnreadableReceipt, what);
                        client.ack(deliver.sequence, status::ESME_ROK);
                    }
                    None => {
                        let delivery = inbound::read(&deliver, self.shared.scope.clock.now());
                        self.claims.record(Item::Inbound(delivery, client.clone(), deliver.sequence));
                    }
                }
            }
            Event::BadInput(bad) => METRICS.bad(&self.carrier.name, reason(bad), bad),
            Event::Closed { reason, in_flight, not_written } => {
                tracing::warn!(
                    carrier = self.carrier.name,
                    reason,
                    in_flight = in_flight.len(),
                    not_written = not_written.len(),
                    "the connection to the carrier is closed"
                );
                self.health.failed(&reason);
                // What was in flight stays handed over, and so is doubtful.
                for token in not_written.into_iter().rev() {
                    self.flights.put_back(token);
                    self.ready.push_front(token);
                }
                return true;
            }
        }
        false
    }

    fn answered(&mut self, token: u64, outcome: SubmitOutcome) {
        self.answered_at = Instant::now();
        let class = match &outcome {
            SubmitOutcome::Accepted { .. } => Class::Success,
            SubmitOutcome::Refused { status, .. } => status::classify(*status),
        };
        match class {
            Class::Throttling => {
                // No attempt is used up: the carrier did not take it.
                self.note(token, &outcome);
                self.flights.put_back(token);
                self.ready.push_back(token);
                if matches!(outcome, SubmitOutcome::Refused { status: status::ESME_RMSGQFUL, .. }) {
                    self.pace.queue_full();
                }
                self.slow_down();
                return;
            }
            Class::Temporary => {
                self.health.answered(true);
                self.ailing = self.ailing.saturating_add(1);
                if self.ailing >= UNWELL {
                    self.slow_down();
                }
                if let Some(pause) = put_off(self.flights.refused_for_now(token)) {
                    self.note(token, &outcome);
                    self.flights.put_back(token);
                    self.later.insert((Instant::now() + pause, token));
                    return;
                }
            }
            Class::Success | Class::Definitive => {
                self.health.answered(false);
                (self.slow, self.ailing) = (Duration::ZERO, 0);
                match self.congestion {
                    CONGESTED.. => self.slow_down(),
                    BUSY.. => self.pace.busy(Instant::now()),
                    _ => self.pace.answered(Instant::now()),
                }
            }
        }
        let answer = self.read_outcome(outcome);
        match &answer {
            PartAnswer::Accepted(_) => METRICS.accepted.with_label_values(&[&self.carrier.name]).inc(),
            _ => METRICS.refused.with_label_values(&[&self.carrier.name]).inc(),
        }
        let settled = self.flights.answer(token, answer);
        self.settle(settled);
    }

    /// The pause grows, and the pace falls, once for all that was submitted before the pause began.
    fn slow_down(&mut self) {
        let now = Instant::now();
        if self.not_before <= now {
            if self.pace.throttled(now) {
                let parts_per_second = self.pace.room();
                tracing::warn!(
                    carrier = self.carrier.name,
                    bind = self.owner,
                    parts_per_second,
                    "the carrier asks for less: this connection is slowed down"
                );
            }
            self.slow = (self.slow * 2).clamp(Duration::from_millis(100), SLOWEST);
            self.not_before = now + self.slow;
            if self.slow >= LONG {
                self.release();
            }
        }
    }

    fn read_outcome(&self, outcome: SubmitOutcome) -> PartAnswer {
        match outcome {
            SubmitOutcome::Accepted { message_id } => PartAnswer::Accepted(receipts::answered(&message_id, self.codec)),
            SubmitOutcome::Refused { status, detail } => PartAnswer::Refused(code(status, detail.as_deref())),
        }
    }

    /// Keeps why a part was put off.
    fn note(&mut self, token: u64, outcome: &SubmitOutcome) {
        if let SubmitOutcome::Refused { status, detail } = outcome {
            self.flights.note(token, &code(*status, detail.as_deref()), self.shared.scope.clock.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_put_off_longer_each_time_and_then_refused() {
        let seconds: Vec<_> = (1..=TRIES).map(|n| put_off(n).map(|d| d.as_secs())).collect();
        assert_eq!(seconds, [Some(1), Some(2), Some(4), Some(8), None]);
    }

    #[test]
    fn late_answers_that_decide_nothing_are_known() {
        let refused = |status| may_pass(&SubmitOutcome::Refused { status, detail: None });
        assert!(refused(status::ESME_RSYSERR) && refused(status::ESME_RTHROTTLED) && refused(status::ESME_RX_T_APPN));
        assert!(!refused(status::ESME_RINVDSTADR));
        assert!(!may_pass(&SubmitOutcome::Accepted { message_id: "1".into() }));
    }
}
