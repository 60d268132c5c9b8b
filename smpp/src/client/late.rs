//! Messages whose time ran out, in case their answers come after all.
//!
//! Invariant: bounded; the oldest are forgotten first, and their late answers then count as answers to nothing.

use std::collections::{HashMap, VecDeque};

/// How many timed-out messages are remembered.
const LIMIT: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Late {
    tokens: HashMap<u32, u64>,
    order: VecDeque<u32>,
}

impl Late {
    pub(super) fn remember(&mut self, sequence: u32, token: u64) {
        self.tokens.insert(sequence, token);
        self.order.push_back(sequence);
        if self.order.len() > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.tokens.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, sequence: u32) -> bool {
        self.tokens.contains_key(&sequence)
    }

    pub(super) fn take(&mut self, sequence: u32) -> Option<u64> {
        self.tokens.remove(&sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut late = Late::default();
        for sequence in 0..100_001u32 {
            late.remember(sequence, u64::from(sequence) + 1);
        }
        assert!(!late.contains(0));
        assert_eq!(late.take(1), Some(2));
        assert_eq!(late.take(1), None);
        assert_eq!((late.tokens.len(), late.order.len()), (LIMIT - 1, LIMIT));
    }
}
