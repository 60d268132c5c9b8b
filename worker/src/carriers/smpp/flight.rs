//! Messages submitted and not yet settled: which parts were answered, and what the answers make of the message.
//!
//! A part: waiting → accepted | refused | doubtful | unsent. A message settles when no part waits: refused if one part
//! is, else doubtful if one is, else accepted. Unsent parts are put back and wait again.

use std::collections::{HashMap, VecDeque};

use domain::{
    ids::ChunkId,
    messages::{Answer, Reference, Submitted, window::Outgoing},
};
use smpp::client::Submit;

/// How many doubtful messages are remembered for a late answer.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Waiting,
    Accepted(Reference),
    Refused(String),
    Doubtful(&'static str),
}

/// One message under way.
#[derive(Debug)]
struct Flight {
    message: Outgoing,
    chunk: ChunkId,
    submits: Vec<Submit>,
    parts: Vec<Part>,
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
    next: u64,
    open: HashMap<u64, Flight>,
    doubtful: HashMap<u64, Flight>,
    order: VecDeque<u64>,
}

/// A settled message and the chunk it belongs to.
pub type Settled = (Submitted, ChunkId);

impl Flights {
    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a message up; gives the tokens of its parts.
    pub fn add(&mut self, chunk: ChunkId, message: Outgoing, submits: Vec<Submit>) -> Vec<u64> {
        let key = self.next;
        self.next += 1;
        let tokens = (0..submits.len()).filter_map(|n| token(key, n)).collect();
        let parts = vec![Part::Waiting; submits.len()];
        self.open.insert(key, Flight { message, chunk, submits, parts });
        tokens
    }

    /// The PDU of a part.
    pub fn submit(&self, token: u64) -> Option<Submit> {
        let (key, n) = split(token);
        self.open.get(&key).and_then(|f| f.submits.get(n)).cloned()
    }

    /// Notes the answer to a part; a settled message if it was the last.
    pub fn answer(&mut self, token: u64, answer: PartAnswer) -> Option<Settled> {
        let (key, n) = split(token);
        let flight = self.open.get_mut(&key)?;
        *flight.parts.get_mut(n)? = answer.into();
        if flight.parts.contains(&Part::Waiting) {
            return None;
        }
        let flight = self.open.remove(&key)?;
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
        self.doubtful.remove(&key).map(|flight| flight.settle())
    }

    /// Gives up what is under way: a message none of whose parts was ever handed over is unsent, any other doubtful.
    /// `handed_over` tells whether a token was given to a connection.
    pub fn abandon(&mut self, handed_over: impl Fn(u64) -> bool) -> Vec<Settled> {
        let open = std::mem::take(&mut self.open);
        let settled = open.into_iter().map(|(key, mut flight)| {
            let untouched = flight
                .parts
                .iter()
                .enumerate()
                .all(|(n, p)| *p == Part::Waiting && !token(key, n).is_some_and(&handed_over));
            if untouched {
                return (
                    Submitted { message: flight.message.id, answer: Answer::Unsent, parts: Vec::new() },
                    flight.chunk,
                );
            }
            for part in flight.parts.iter_mut().filter(|p| **p == Part::Waiting) {
                *part = Part::Doubtful("interrupted");
            }
            flight.settle()
        });
        settled.collect()
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
    fn settle(&self) -> Settled {
        let mut accepted = Vec::new();
        let (mut refused, mut doubt) = (None, None);
        for (part, n) in self.parts.iter().zip(1_i64..) {
            match part {
                Part::Accepted(reference) => accepted.push((n, reference.clone())),
                Part::Refused(error) => refused = refused.or(Some(error.clone())),
                Part::Doubtful(reason) => doubt = doubt.or(Some(*reason)),
                Part::Waiting => {}
            }
        }
        let answer = match (refused, doubt) {
            (Some(error), _) => Answer::Refused { error },
            (None, Some(reason)) => Answer::Doubt { reason },
            (None, None) => Answer::Accepted,
        };
        (Submitted { message: self.message.id, answer, parts: accepted }, self.chunk)
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
mod tests {
    use super::*;
    use domain::{clock::Timestamp, ids::MessageId};

    fn start(parts: usize) -> (Flights, Vec<u64>) {
        let mut flights = Flights::default();
        let id = MessageId::new(Timestamp(0));
        let message =
            Outgoing { id, phone: 1, sender: "A".into(), split_mode: "udh".into(), parts: 1, text: String::new() };
        let tokens = flights.add(ChunkId::new(Timestamp(0)), message, vec![Submit::default(); parts]);
        (flights, tokens)
    }
    fn accepted(id: &str) -> PartAnswer {
        PartAnswer::Accepted(Reference { canonical: id.into(), raw: id.into() })
    }

    #[test]
    fn settles_with_the_last_part() {
        let (mut flights, t) = start(2);
        assert_eq!(flights.answer(t[0], accepted("a")).map(|s| s.0.answer), None);
        let (settled, _) = flights.answer(t[1], accepted("b")).unwrap();
        assert_eq!((settled.answer, settled.parts.len()), (Answer::Accepted, 2));
        assert!(flights.is_empty());
    }

    #[test]
    fn one_refused_part_refuses_the_message() {
        let (mut flights, t) = start(2);
        flights.answer(t[0], accepted("a"));
        let (settled, _) = flights.answer(t[1], PartAnswer::Refused("ESME_RINVDSTADR".into())).unwrap();
        assert_eq!(settled.answer, Answer::Refused { error: "ESME_RINVDSTADR".into() });
    }

    #[test]
    fn a_late_answer_resolves_a_doubt() {
        let (mut flights, t) = start(2);
        flights.answer(t[0], accepted("a"));
        let (settled, _) = flights.answer(t[1], PartAnswer::Doubtful("no_answer")).unwrap();
        assert_eq!(settled.answer, Answer::Doubt { reason: "no_answer" });
        let (settled, _) = flights.late(t[1], accepted("b")).unwrap();
        assert_eq!((settled.answer, settled.parts.len()), (Answer::Accepted, 2));
    }

    #[test]
    fn what_was_never_handed_over_is_unsent() {
        let (mut flights, t) = start(2);
        assert_eq!(flights.abandon(|_| false)[0].0.answer, Answer::Unsent);
        let (mut flights, u) = start(2);
        assert_eq!(flights.abandon(|x| x == u[0])[0].0.answer, Answer::Doubt { reason: "interrupted" });
        assert_eq!(t.len(), 2);
    }
}
