//! Messages submitted and not yet settled: which parts were answered, and what the answers make of the message.
//!
//! A part: waiting → handed over → accepted | refused | doubtful; what the carrier did not take waits again. A message
//! settles when no part waits or is handed over: refused if one part is, else doubtful if one is, else accepted.
//! A message none of whose parts the carrier may have is unsent when its connection stays away or the pump ends.

use std::collections::{HashMap, VecDeque};

use domain::{
    carriers::smpp::ValidityFormat,
    clock::Timestamp,
    messages::{Answer, PutOff, Reference, Submitted, window::Outgoing},
};
use smpp::client::Submit;

use super::encode;
use crate::carriers::chunks::Claim;

/// How many doubtful messages are remembered for a late answer.
const REMEMBERED: usize = 10_000;
/// The most parts of a message: their number is one octet.
const MOST_PARTS: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// The carrier does not have it: never handed over, or refused with the wish to get it again.
    Waiting,
    /// Given to a connection, not answered.
    HandedOver,
    Accepted(Reference),
    Refused(String),
    Doubtful(&'static str),
}

impl Part {
    fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::HandedOver)
    }
}

/// One message under way.
#[derive(Debug)]
struct Flight {
    message: Outgoing,
    claim: Claim,
    submits: Vec<Submit>,
    parts: Vec<Part>,
    /// How often the carrier could not take each part just then.
    refusals: Vec<u32>,
    /// The same and throttling, for its trace.
    put_off: Vec<PutOff>,
}

/// What a part's answer was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartAnswer {
    Accepted(Reference),
    Refused(String),
    Doubtful(&'static str),
}

/// Every message under way on one bind, by a key; a token is the key and the number of the part.
#[derive(Debug, Default)]
pub struct Flights {
    /// How the carrier is told of validity.
    validity: ValidityFormat,
    next: u64,
    open: HashMap<u64, Flight>,
    doubtful: HashMap<u64, Flight>,
    order: VecDeque<u64>,
}

/// A settled message, and the claim it counts down: none when it was settled before, as a doubt.
pub type Settled = (Submitted, Option<Claim>);

impl Flights {
    /// Nothing under way, for a carrier that is told of validity in this way.
    pub fn new(validity: ValidityFormat) -> Self {
        Self { validity, ..Self::default() }
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a message up; gives the tokens of its parts. `None` when it has no part, or too many.
    pub fn add(&mut self, claim: Claim, message: Outgoing, submits: Vec<Submit>) -> Option<Vec<u64>> {
        if submits.is_empty() || submits.len() > MOST_PARTS {
            return None;
        }
        let key = self.next;
        self.next += 1;
        let tokens = (0..submits.len()).map(|n| token(key, n)).collect::<Option<_>>()?;
        let (parts, refusals) = (vec![Part::Waiting; submits.len()], vec![0; submits.len()]);
        self.open.insert(key, Flight { message, claim, submits, parts, refusals, put_off: Vec::new() });
        Some(tokens)
    }

    /// The PDU of a part that waits, with what remains of its validity.
    pub fn submit(&self, token: u64, now: Timestamp) -> Option<Submit> {
        let (key, n) = split(token);
        let flight = self.open.get(&key).filter(|f| f.parts.get(n) == Some(&Part::Waiting))?;
        let validity_period = flight.message.valid_until.map(|until| encode::validity(self.validity, until, now));
        Some(Submit { validity_period, ..flight.submits.get(n)?.clone() })
    }

    /// A message whose validity is over and of which the carrier has nothing: settled, and not submitted. One that the
    /// carrier has in part is completed: half a message helps nobody.
    pub fn over(&mut self, token: u64, now: Timestamp) -> Option<Settled> {
        let (key, _) = split(token);
        let over = |flight: &Flight| flight.message.valid_until.is_some_and(|until| until <= now);
        self.open.get(&key).filter(|flight| over(flight) && flight.is_untouched())?;
        let flight = self.open.remove(&key)?;
        let Flight { message, claim, put_off, .. } = flight;
        let submitted = Submitted { message: message.id, answer: Answer::Over, parts: Vec::new(), put_off };
        Some((submitted, Some(claim)))
    }

    /// Notes that a connection was given a part.
    pub fn handed_over(&mut self, token: u64) {
        self.turn(token, &Part::Waiting, Part::HandedOver);
    }

    /// Keeps, for the trace, that the carrier did not take a part just then, and why.
    pub fn note(&mut self, token: u64, error: &str, now: Timestamp) {
        let (key, n) = split(token);
        if let (Some(flight), Ok(n)) = (self.open.get_mut(&key), i64::try_from(n)) {
            PutOff::count(&mut flight.put_off, n + 1, error, now);
        }
    }

    /// Notes that the carrier did not take a part: it waits again.
    pub fn put_back(&mut self, token: u64) {
        self.turn(token, &Part::HandedOver, Part::Waiting);
    }

    /// Counts that the carrier could not take a part just now; tells how often that was.
    pub fn refused_for_now(&mut self, token: u64) -> u32 {
        let (key, n) = split(token);
        let Some(count) = self.open.get_mut(&key).and_then(|f| f.refusals.get_mut(n)) else { return 0 };
        *count += 1;
        *count
    }

    /// Notes the answer to a part; a settled message if it was the last.
    pub fn answer(&mut self, token: u64, answer: PartAnswer) -> Option<Settled> {
        let (key, n) = split(token);
        let flight = self.open.get_mut(&key)?;
        *flight.parts.get_mut(n)? = answer.into();
        if flight.parts.iter().any(Part::is_open) {
            return None;
        }
        let mut flight = self.open.remove(&key)?;
        let settled = flight.settle();
        if matches!(settled.0.answer, Answer::Doubt { .. }) {
            self.remember(key, flight);
        }
        Some(settled)
    }

    /// Notes an answer that came after its part was given up; the message's new outcome once no part is doubtful.
    pub fn late(&mut self, token: u64, answer: PartAnswer) -> Option<Settled> {
        let (key, n) = split(token);
        if self.open.contains_key(&key) {
            return self.answer(token, answer); // other parts are still waited for
        }
        let flight = self.doubtful.get_mut(&key)?;
        *flight.parts.get_mut(n)? = answer.into();
        if flight.parts.iter().any(|p| matches!(p, Part::Doubtful(_))) {
            return None;
        }
        // The doubt was settled and has counted its claim down.
        self.doubtful.remove(&key).map(|mut flight| (flight.settle().0, None))
    }

    /// The connection is gone: what it was given and did not answer is doubtful. No late answer can come any more.
    pub fn lose(&mut self) -> Vec<Settled> {
        self.doubtful.clear();
        self.order.clear();
        for part in self.open.values_mut().flat_map(|f| &mut f.parts).filter(|p| **p == Part::HandedOver) {
            *part = Part::Doubtful("connection_lost");
        }
        self.settle_where(|flight| !flight.parts.iter().any(Part::is_open))
    }

    /// No connection comes: messages of which the carrier has nothing are unsent, and one that has failed already does
    /// not wait for its other parts. A message that the carrier has in part stays.
    pub fn release(&mut self) -> Vec<Settled> {
        self.settle_where(|flight| {
            flight.is_untouched()
                || (flight.parts.iter().any(|p| matches!(p, Part::Refused(_)))
                    && !flight.parts.contains(&Part::HandedOver))
        })
    }

    /// Gives up all that is under way: a message of which the carrier has nothing is unsent, any other doubtful.
    pub fn abandon(&mut self) -> Vec<Settled> {
        let mut settled = self.release();
        for flight in self.open.values_mut() {
            for part in flight.parts.iter_mut().filter(|p| p.is_open()) {
                *part = Part::Doubtful("interrupted");
            }
        }
        settled.extend(self.settle_where(|_| true));
        settled
    }

    fn settle_where(&mut self, condition: impl Fn(&Flight) -> bool) -> Vec<Settled> {
        self.open.extract_if(|_, flight| condition(flight)).map(|(_, mut flight)| flight.settle()).collect()
    }

    fn turn(&mut self, token: u64, from: &Part, to: Part) {
        let (key, n) = split(token);
        if let Some(part) = self.open.get_mut(&key).and_then(|f| f.parts.get_mut(n)).filter(|p| **p == *from) {
            *part = to;
        }
    }

    fn remember(&mut self, key: u64, flight: Flight) {
        self.doubtful.insert(key, flight);
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(old) = self.order.pop_front()
        {
            self.doubtful.remove(&old);
        }
    }
}

impl Flight {
    /// Whether the carrier has nothing of it.
    fn is_untouched(&self) -> bool {
        self.parts.iter().all(|p| *p == Part::Waiting)
    }

    /// What it came to. A flight that is remembered settles again, and what it has told then is told once.
    fn settle(&mut self) -> Settled {
        let put_off = std::mem::take(&mut self.put_off);
        if self.is_untouched() {
            let unsent = Submitted { message: self.message.id, answer: Answer::Unsent, parts: Vec::new(), put_off };
            return (unsent, Some(self.claim));
        }
        let mut accepted = Vec::new();
        let (mut refused, mut doubt) = (None, None);
        for (part, n) in self.parts.iter().zip(1_i64..) {
            match part {
                Part::Accepted(reference) => accepted.push((n, reference.clone())),
                Part::Refused(error) => refused = refused.or(Some((n, error.clone()))),
                Part::Doubtful(reason) => doubt = doubt.or(Some(*reason)),
                Part::Waiting | Part::HandedOver => {}
            }
        }
        let answer = match (refused, doubt) {
            (Some((n, error)), doubt) => {
                let taken = |p: &Part| matches!(p, Part::Accepted(_) | Part::HandedOver);
                let elsewhere = doubt.is_some() || self.parts.iter().any(taken);
                Answer::Refused { error, part: elsewhere.then_some(n) }
            }
            (None, Some(reason)) => Answer::Doubt { reason },
            (None, None) => Answer::Accepted,
        };
        (Submitted { message: self.message.id, answer, parts: accepted, put_off }, Some(self.claim))
    }
}

impl From<PartAnswer> for Part {
    fn from(answer: PartAnswer) -> Self {
        match answer {
            PartAnswer::Accepted(reference) => Self::Accepted(reference),
            PartAnswer::Refused(error) => Self::Refused(error),
            PartAnswer::Doubtful(reason) => Self::Doubtful(reason),
        }
    }
}

fn token(key: u64, part: usize) -> Option<u64> {
    Some((key << 8) | u64::from(u8::try_from(part).ok()?))
}

fn split(token: u64) -> (u64, usize) {
    (token >> 8, usize::try_from(token & 0xFF).unwrap_or(0))
}

#[cfg(test)]
mod tests;
