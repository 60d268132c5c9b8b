//! Message ids, and how often a message was tried.
//!
//! Invariants: an id is never given out twice, not even by two runs one after the other: it counts up from the microsecond of the start, which
//! a run at less than a million messages a second never overtakes, and ends in three digits drawn anew for each run.

use super::message::Message;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Gives out message ids of up to sixteen hexadecimal digits.
#[derive(Debug)]
pub(super) struct Ids {
    next: i64,
    run: u64,
}

impl Ids {
    /// Counts from `unix_micros`.
    pub(super) fn starting_at(unix_micros: i64) -> Self {
        // RandomState is seeded by the operating system; a clock that was set back is told apart by these digits.
        Self { next: unix_micros, run: RandomState::new().hash_one(unix_micros) & 0xfff }
    }

    pub(super) fn next_id(&mut self) -> String {
        self.next += 1;
        format!("{:x}{:03x}", self.next, self.run)
    }
}

/// Messages being tried whose number refuses the first tries.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    hasher: RandomState,
    tries: HashMap<u64, u32>,
}

/// Beyond this the counts are forgotten: nobody tries so many messages on two numbers by design.
const LIMIT: usize = 100_000;

impl Attempts {
    /// Counts one try; true for the first `tries` of the same message (sender, number, text), whoever brings it, false for the next, and then anew.
    pub(super) fn refuses(&mut self, message: &Message, tries: u32) -> bool {
        let key = self.hasher.hash_one((
            &message.source,
            &message.dest,
            &message.udh,
            message.sar.map(|sar| (sar.reference, sar.sequence)),
            &message.text,
        ));
        if self.tries.len() >= LIMIT {
            self.tries.clear();
        }
        let count = self.tries.entry(key).or_default();
        *count += 1;
        let refused = *count <= tries;
        if !refused {
            self.tries.remove(&key);
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_two_runs_differ() {
        let mut first = Ids::starting_at(1_000);
        let given: Vec<String> = (0..500).map(|_| first.next_id()).collect();
        let mut second = Ids::starting_at(1_500);
        assert!(!given.contains(&second.next_id()));
        assert!(given[0].len() <= 16 && u64::from_str_radix(&given[0], 16).is_ok());
    }
}
