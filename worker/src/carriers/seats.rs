//! How many binds of each carrier this worker holds, and may: the workers that are there share them evenly, rounded up, so that
//! there is a worker for every bind.
//!
//! Invariant: a seat is taken before the lease of a bind, so that this worker takes no more than its share; of what it held when
//! another worker came it gives up the rest, as many as are too many.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::ids::CarrierId;

/// The seats of one worker.
#[derive(Debug, Clone, Default)]
pub struct Seats(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Other workers that are there.
    others: u32,
    taken: HashMap<CarrierId, u32>,
}

impl Known {
    /// Binds of a carrier that a worker may hold.
    fn share(&self, binds: u32) -> u32 {
        binds.div_ceil(self.others + 1)
    }
}

/// The right to hold one bind; it ends with this.
#[derive(Debug)]
pub struct Seat {
    of: Seats,
    carrier: CarrierId,
    given_up: bool,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns how many workers there are, this one among them.
    pub fn share_with(&self, workers: u32) {
        self.lock().others = workers.saturating_sub(1);
    }

    /// How many binds of a carrier this worker holds.
    pub fn held(&self, carrier: CarrierId) -> u32 {
        self.lock().taken.get(&carrier).copied().unwrap_or(0)
    }

    /// A seat for one of a carrier's binds, when one is free.
    pub fn take(&self, carrier: CarrierId, binds: u32) -> Option<Seat> {
        let mut known = self.lock();
        let share = known.share(binds);
        let taken = known.taken.entry(carrier).or_default();
        if *taken >= share {
            return None;
        }
        *taken += 1;
        Some(Seat { of: self.clone(), carrier, given_up: false })
    }
}

impl Seat {
    /// Gives the seat up when this worker has more than its share; true when it did: the bind is to be let go.
    pub fn is_too_many(&mut self, binds: u32) -> bool {
        let mut known = self.of.lock();
        let share = known.share(binds);
        let Some(taken) = known.taken.get_mut(&self.carrier).filter(|taken| **taken > share) else { return false };
        *taken -= 1;
        self.given_up = true;
        true
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.given_up
            && let Some(taken) = self.of.lock().taken.get_mut(&self.carrier)
        {
            *taken = taken.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::clock::Timestamp;

    use super::*;

    #[test]
    fn workers_share_the_binds_of_a_carrier() {
        let seats = Seats::default();
        let (one, other) = (CarrierId::new(Timestamp(1)), CarrierId::new(Timestamp(2)));
        let mut alone: Vec<Seat> = (0..4).map(|_| seats.take(one, 4).unwrap()).collect();
        assert!(seats.take(one, 4).is_none());
        assert!(seats.take(other, 1).is_some());
        assert!(!alone.iter_mut().any(|seat| seat.is_too_many(4)));
        seats.share_with(3);
        let given: Vec<bool> = alone.iter_mut().map(|seat| seat.is_too_many(4)).collect();
        assert_eq!(given, [true, true, false, false], "two of four, rounded up");
        assert!(seats.take(one, 4).is_none());
        drop(alone);
        let kept: Vec<_> = (0..3).map_while(|_| seats.take(one, 4)).collect();
        assert_eq!(kept.len(), 2);
        seats.share_with(1);
        assert!(seats.take(one, 4).is_some(), "the others are gone");
    }
}
