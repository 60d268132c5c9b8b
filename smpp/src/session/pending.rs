//! Requests written and not yet answered, and when each runs out of time.
//!
//! Every request gets the same time, so deadlines come in order of sending: one queue, no timer per PDU.
//! Invariants: an entry leaves exactly once (answered, expired or drained); the queue never holds more than about twice the live entries.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Unanswered requests by sequence number.
#[derive(Debug)]
pub struct Pending<T> {
    timeout: Duration,
    live: HashMap<u32, Entry<T>>,
    deadlines: VecDeque<(Instant, u32)>,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    /// Where in the outgoing stream the request begins, in octets since the start of the connection.
    position: u64,
    due: Instant,
}

/// A request whose time ran out.
#[derive(Debug, PartialEq, Eq)]
pub struct Expired<T> {
    pub sequence: u32,
    pub value: T,
}

impl<T> Pending<T> {
    /// Each request gets `timeout` to be answered.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, live: HashMap::new(), deadlines: VecDeque::new() }
    }

    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    pub fn contains(&self, sequence: u32) -> bool {
        self.live.contains_key(&sequence)
    }

    /// Notes a request that begins at `position` of the outgoing stream.
    pub fn insert(&mut self, sequence: u32, value: T, position: u64, now: Instant) {
        let due = now + self.timeout;
        self.live.insert(sequence, Entry { value, position, due });
        self.deadlines.push_back((due, sequence));
    }

    /// The answer came.
    pub fn remove(&mut self, sequence: u32) -> Option<T> {
        let entry = self.live.remove(&sequence)?;
        // One slow answer at the front must not keep the deadlines of all that were answered after it.
        if self.deadlines.len() > 2 * self.live.len() + 1024 {
            let live = &self.live;
            self.deadlines.retain(|(due, sequence)| live.get(sequence).is_some_and(|entry| entry.due == *due));
        }
        Some(entry.value)
    }

    /// When the oldest unanswered request runs out of time.
    pub fn next_due(&mut self) -> Option<Instant> {
        while let Some((due, sequence)) = self.deadlines.front() {
            if self.live.get(sequence).is_some_and(|entry| entry.due == *due) {
                return Some(*due);
            }
            self.deadlines.pop_front();
        }
        None
    }

    /// Takes out what ran out of time by `now`, oldest first.
    pub fn expire(&mut self, now: Instant) -> Vec<Expired<T>> {
        let mut expired = Vec::new();
        while self.next_due().is_some_and(|due| due <= now) {
            let Some((_, sequence)) = self.deadlines.pop_front() else { break };
            if let Some(entry) = self.live.remove(&sequence) {
                expired.push(Expired { sequence, value: entry.value });
            }
        }
        expired
    }

    /// Takes everything out in order of sending, parted at octet `written` of the stream: what may have left, and what
    /// provably did not because not one octet of it was handed to the socket.
    pub fn drain(&mut self, written: u64) -> (Vec<T>, Vec<T>) {
        self.deadlines.clear();
        let mut entries: Vec<Entry<T>> = self.live.drain().map(|(_, entry)| entry).collect();
        entries.sort_by_key(|entry| entry.position);
        let (left, kept): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.position < written);
        let values = |entries: Vec<Entry<T>>| entries.into_iter().map(|entry| entry.value).collect();
        (values(left), values(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_in_order_and_only_what_is_unanswered() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut pending = Pending::new(second * 60);
        for number in 1..=4u32 {
            pending.insert(number, number * 10, 0, now + second * number);
        }
        assert_eq!(pending.remove(1), Some(10));
        assert_eq!(pending.remove(1), None);
        assert_eq!(pending.next_due(), Some(now + second * 62));
        let expired = pending.expire(now + second * 63);
        assert_eq!(expired, vec![Expired { sequence: 2, value: 20 }, Expired { sequence: 3, value: 30 }]);
        assert_eq!(pending.len(), 1);
    }

    #[test]
    fn a_slow_answer_does_not_keep_old_deadlines() {
        let now = Instant::now();
        let mut pending = Pending::new(Duration::from_secs(60));
        pending.insert(1, (), 0, now);
        for sequence in 2..100_000 {
            pending.insert(sequence, (), 0, now);
            pending.remove(sequence);
        }
        assert!(pending.deadlines.len() < 2_000);
        assert!(pending.contains(1));
    }

    #[test]
    fn drains_in_order_parted_by_what_was_written() {
        let now = Instant::now();
        let mut pending = Pending::new(Duration::from_secs(60));
        for (sequence, position) in [(9, 0u64), (3, 100), (7, 200)] {
            pending.insert(sequence, sequence, position, now);
        }
        // 150 octets left: the first is out, the second half out, the third not begun.
        assert_eq!(pending.drain(150), (vec![9, 3], vec![7]));
        assert!(pending.is_empty());
    }
}
