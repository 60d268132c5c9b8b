//! The circuit breaker of one connection: a carrier that answers with faults gets no new messages while another route is there.
//!
//! closed → open, when at least [`LEAST`] answers came within one to two [`SPAN`]s and half of them were faults, or when
//! [`ROW`] faults came in a row (a pump that is refused slows down, and then few answers come) → half open, after a
//! rest → closed by an answer that is none, open again by [`PROBES`] faults in a row, for twice as long.
//!
//! A fault says something of the carrier (it could not take a message just then, or did not answer), not of a message; a refusal that
//! is final says that the carrier works. Open means that routing passes the carrier over (`tripped_until`), and that what waits for it
//! takes other routes, for which its pumps stand back a moment. What has no other route is still submitted, and so finds out
//! whether it is well again.

use std::time::Duration;

use domain::clock::Timestamp;

/// How long answers count, at least; twice as long at most.
const SPAN: Duration = Duration::from_secs(15);
/// The fewest answers that tell something.
const LEAST: u32 = 20;
/// Faults in a row that tell as much: more than a message alone can cause, which is tried five times.
const ROW: u32 = 10;
/// Faults in a row that open it again after a rest.
const PROBES: u32 = 5;
/// The first rest, and the longest.
const REST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(300);

/// Answers of one span.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    good: u32,
    faults: u32,
}

/// The breaker of one connection.
#[derive(Debug, Default)]
pub struct Breaker {
    /// When the span that is counted now began.
    since: Option<Timestamp>,
    now: Answers,
    before: Answers,
    open_until: Option<Timestamp>,
    /// How long it rested last; none: it is closed.
    rest: Option<Duration>,
    /// Faults in a row.
    row: u32,
}

impl Breaker {
    /// Until when the carrier is to be passed over.
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.open_until.filter(|until| *until > now)
    }

    /// Notes an answer, or that there was none; true when that opened it.
    pub fn answered(&mut self, fault: bool, now: Timestamp) -> bool {
        if self.open_until(now).is_some() {
            return false; // of what was routed before
        }
        self.row = if fault { self.row + 1 } else { 0 };
        if let Some(rest) = self.rest {
            if !fault {
                *self = Self::default();
                return false;
            }
            return self.row >= PROBES && self.open(now, (rest * 2).min(LONGEST));
        }
        if self.since.is_none_or(|since| since.until(now) >= SPAN) {
            let fresh = self.since.is_some_and(|since| since.until(now) < SPAN * 2);
            self.before = if fresh { self.now } else { Answers::default() };
            (self.now, self.since) = (Answers::default(), Some(now));
        }
        *(if fault { &mut self.now.faults } else { &mut self.now.good }) += 1;
        let faults = self.now.faults + self.before.faults;
        let all = faults + self.now.good + self.before.good;
        let ill = self.row >= ROW || all >= LEAST && faults * 2 >= all;
        fault && ill && self.open(now, REST)
    }

    fn open(&mut self, now: Timestamp, rest: Duration) -> bool {
        *self = Self { open_until: Some(now.plus(rest)), rest: Some(rest), ..Self::default() };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_795_000_000_000_000);

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn half_of_enough_answers_open_it() {
        let mut breaker = Breaker::default();
        assert!((0..18).all(|n| !breaker.answered(n % 9 < 8, START)), "too few to tell");
        assert!(!breaker.answered(true, START));
        assert!(breaker.answered(true, START));
        assert_eq!(breaker.open_until(at(29)), Some(at(30)));
        assert_eq!(breaker.open_until(at(30)), None);
        let mut breaker = Breaker::default();
        assert!((0..400).all(|n| !breaker.answered(n % 5 < 2, START)), "two of five are no half");
        assert!((0..400).any(|n| breaker.answered(n % 5 < 4, START)), "and then four of five");
    }

    #[test]
    fn old_answers_do_not_count() {
        let mut breaker = Breaker::default();
        assert!((0..1000).all(|_| !breaker.answered(false, START)));
        assert!((0..19).all(|n| !breaker.answered(n % 9 < 8, at(40))));
        assert!(breaker.answered(true, at(41)), "the thousand good ones are forgotten");
        let mut slow = Breaker::default();
        assert!((0..100).all(|n| !slow.answered(n % 5 < 4, at(n * 10))), "a few faults among little");
    }

    #[test]
    fn faults_in_a_row_open_it_however_slowly_they_come() {
        let mut breaker = Breaker::default();
        assert!((0..9).all(|n| !breaker.answered(true, at(n * 60))));
        assert!(!breaker.answered(false, at(600)));
        assert!((0..9).all(|n| !breaker.answered(true, at(700 + n * 60))));
        assert!(breaker.answered(true, at(1300)));
    }

    #[test]
    fn after_a_rest_it_is_tried() {
        let mut breaker = Breaker::default();
        assert!((0..10).any(|_| breaker.answered(true, START)));
        assert!((0..100).all(|_| !breaker.answered(true, at(1))), "what was routed before says nothing new");
        assert!((0..4).all(|_| !breaker.answered(true, at(31))));
        assert!(breaker.answered(true, at(31)));
        assert_eq!(breaker.open_until(at(32)), Some(at(91)), "twice as long");
        assert!(!breaker.answered(false, at(92)));
        assert!((0..9).all(|_| !breaker.answered(true, at(93))), "closed: it takes as many as at first");
        for n in 0..20 {
            assert!((0..20).any(|_| breaker.answered(true, at(1000 + n * 400))));
        }
        let last = at(1000 + 19 * 400);
        assert!(breaker.open_until(last).is_none_or(|until| until <= last.plus(LONGEST)));
    }
}
