//! Deliveries that wait for their answer.
//!
//! Invariant: each gets an answer of its own, also where a carrier has used its sequence number for another that still waits.

use std::collections::HashMap;

#[derive(Debug, Default)]
pub(super) struct Unacked {
    /// How many deliver_sm and how many data_sm wait under a number.
    waiting: HashMap<u32, (u32, u32)>,
    count: usize,
}

impl Unacked {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// One more waits.
    pub(super) fn add(&mut self, sequence: u32, is_data: bool) {
        let (delivers, datas) = self.waiting.entry(sequence).or_default();
        *(if is_data { datas } else { delivers }) += 1;
        self.count += 1;
    }

    /// One of this number waits no longer: whether it was a data_sm. `None` when none waits.
    pub(super) fn take(&mut self, sequence: u32) -> Option<bool> {
        let (delivers, datas) = self.waiting.get_mut(&sequence)?;
        let is_data = *delivers == 0;
        *(if is_data { &mut *datas } else { &mut *delivers }) -= 1;
        if (*delivers, *datas) == (0, 0) {
            self.waiting.remove(&sequence);
        }
        self.count -= 1;
        Some(is_data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delivery_is_answered_once_whatever_its_number() {
        let mut unacked = Unacked::default();
        for (sequence, is_data) in [(7, false), (7, true), (7, false), (8, true)] {
            unacked.add(sequence, is_data);
        }
        assert_eq!(unacked.len(), 4);
        let mut kinds = [unacked.take(7), unacked.take(7), unacked.take(7)];
        kinds.sort_unstable();
        assert_eq!(kinds, [Some(false), Some(false), Some(true)]);
        assert_eq!(
            (unacked.take(7), unacked.take(9), unacked.take(8), unacked.take(8)),
            (None, None, Some(true), None)
        );
        assert_eq!((unacked.len(), unacked.waiting.len()), (0, 0));
    }
}
