//! The way out of a pump: mark a window of messages, submit their parts.

use domain::{
    carriers::smpp::Resend,
    messages::{Answer, Submitted, window::Outgoing},
};
use smpp::client::Client;
use tokio::time::Instant;

use super::{encode, pump::Pump, references};
use crate::{carriers::chunks::Claim, metrics::METRICS};

impl Pump {
    /// Submits ready parts as far as the window has room.
    pub(super) fn hand_over(&mut self, client: &Client) {
        let now = Instant::now();
        if self.not_before > now {
            return;
        }
        while let Some((_, token)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.pop_first();
            self.ready.push_back(token);
        }
        while client.free() > 0 && self.open_places(client) > 0 && self.pace.allows(now) {
            let Some(token) = self.ready.pop_front() else { break };
            let at = self.shared.scope.clock.now();
            if let Some(over) = self.flights.over(token, at) {
                self.settle([over]);
                continue;
            }
            let Some(submit) = self.flights.submit(token, at) else { continue }; // settled meanwhile
            if client.submit(token, submit).is_err() {
                self.ready.push_front(token); // closed: the next connection takes it
                break;
            }
            self.flights.handed_over(token);
            self.pace.sent();
            METRICS.submitted.with_label_values(&[&self.carrier.name]).inc();
        }
    }

    /// How many parts more may be unanswered.
    fn open_places(&self, client: &Client) -> usize {
        let unanswered = client.window().saturating_sub(client.free());
        self.pace.window().saturating_sub(unanswered)
    }

    /// Marks as much as the window has room for, and submits it.
    pub(super) async fn refill(&mut self, client: &Client) {
        let window = client.window().min(self.pace.window()).min(self.pace.room());
        // What is marked and not recorded would be in doubt if we died now: never more than a window of it.
        let free = self.open_places(client).min(window.saturating_sub(self.claims.open()));
        let held_up = self.not_before > Instant::now() || self.later.len() >= window;
        if free == 0 || held_up || !self.ready.is_empty() {
            return;
        }
        let marked = self.claims.take(free, window).await;
        if !marked.is_empty() {
            for (claim, message) in marked {
                self.take_up(claim, message);
            }
            self.hand_over(client);
        }
    }

    /// Makes the PDUs of a marked message ready.
    fn take_up(&mut self, claim: Claim, message: Outgoing) {
        let id = message.id;
        // Of a message that may be submitted a second time the reference is drawn from its id, so that it is the same
        // then, and a handset takes no part twice.
        let again = self.settings.resend == Resend::ResendOnce;
        let reference = || if again { references::of(id) } else { references::next() };
        let tokens = encode::submits(&self.settings, &message, reference).and_then(|submits| {
            self.flights.add(claim, message, submits).ok_or_else(|| "no part, or too many".to_owned())
        });
        match tokens {
            Ok(tokens) => self.ready.extend(tokens),
            Err(error) => {
                let answer = Answer::Refused { error, part: None };
                self.settle([(Submitted { message: id, answer, parts: Vec::new(), put_off: Vec::new() }, Some(claim))]);
            }
        }
    }
}
