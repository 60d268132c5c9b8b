//! The parts a second that a carrier takes, as far as they are this worker's: its share of the limit is that of its binds
//! ([`super::seats`]), and all its binds draw from it, so that one that has work uses what the others leave.
//!
//! Invariant: no more than a tenth of a second's parts go at once.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::ids::CarrierId;
use tokio::time::Instant;

use super::seats::Seats;

/// What the binds of one carrier draw from.
#[derive(Debug)]
pub struct Quota {
    seats: Seats,
    carrier: CarrierId,
    /// Of the carrier, in parts a second.
    limit: f64,
    /// How many binds share it, wherever they are.
    binds: u32,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Quota {
    /// The quota of a carrier with this limit, shared by so many binds.
    pub fn new(seats: &Seats, carrier: CarrierId, limit: u32, binds: u32) -> Self {
        let bucket = Mutex::new(Bucket { tokens: 1.0, filled: Instant::now() });
        Self { seats: seats.clone(), carrier, limit: f64::from(limit), binds: binds.max(1), bucket }
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parts a second that are this worker's.
    pub fn rate(&self) -> f64 {
        let held = self.seats.held(self.carrier).clamp(1, self.binds);
        self.limit * f64::from(held) / f64::from(self.binds)
    }

    /// Whether a part may go now.
    pub fn allows(&self, now: Instant) -> bool {
        let rate = self.rate();
        let mut bucket = self.bucket();
        let filled = now.saturating_duration_since(bucket.filled).as_secs_f64() * rate;
        bucket.tokens = (bucket.tokens + filled).min((rate / 10.0).max(1.0));
        bucket.filled = bucket.filled.max(now);
        bucket.tokens >= 1.0
    }

    /// Notes that a part went.
    pub fn sent(&self) {
        self.bucket().tokens -= 1.0;
    }

    /// When the next part may go.
    pub fn next(&self) -> Instant {
        let rate = self.rate();
        let bucket = self.bucket();
        bucket.filled + Duration::from_secs_f64(((1.0 - bucket.tokens) / rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use domain::clock::Timestamp;

    use super::*;

    #[test]
    fn binds_draw_from_what_is_this_workers() {
        let (seats, carrier) = (Seats::default(), CarrierId::new(Timestamp(1)));
        let quota = Quota::new(&seats, carrier, 100, 4);
        let held: Vec<_> = (0..4).map(|_| seats.take(carrier, 4).unwrap()).collect();
        let start = Instant::now();
        let went = |from: u64, seconds: u64| {
            let ticks =
                (0..seconds * 100).map(|tick| start + Duration::from_secs(from) + Duration::from_millis(tick * 10));
            let part = |now: Instant| (0..5).filter(|_| quota.allows(now)).inspect(|_| quota.sent()).count();
            ticks.map(part).sum::<usize>()
        };
        let all = went(0, 10);
        assert!((990..=1010).contains(&all), "{all} of 1,000: one bind may use all of it");
        drop(held);
        let _half: Vec<_> = (0..2).map(|_| seats.take(carrier, 4).unwrap()).collect();
        let half = went(10, 10);
        assert!((490..=520).contains(&half), "{half} of 500: the other binds are another worker's");
    }
}
