//! How fast a bind may submit: the carrier's limit in parts a second, which its binds share ([`super::quota`]), and what its
//! answers have taught us since.
//!
//! Additive increase, multiplicative decrease: ESME_RTHROTTLED takes a quarter off the rate, at most once a second, and
//! each second without one adds a little, up to the limit that is set; ESME_RMSGQFUL halves the window, and each full
//! window of other answers adds to it again. Invariants: no more than a tenth of a second's parts go at once; rate and
//! window never fall below one; one answer never takes more than five eighths off the rate, however idle the bind was.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::quota::Quota;

/// What a carrier without a limit gives back a second, at least.
const LEAST_STEP: f64 = 1.0;
/// The part of the rate that throttling leaves.
const KEPT: f64 = 0.75;
/// The part of its best that a second without throttling adds.
const STEP: f64 = 0.05;
/// The rate falls once for all answers of so long: those to what went before it fell say nothing of what it is now.
const BURST: Duration = Duration::from_secs(1);

/// The pace of one bind.
#[derive(Debug)]
pub struct Pace {
    /// The limit that is set, in parts a second.
    limit: Option<f64>,
    /// What is allowed now; none: as fast as the window lets.
    rate: Option<f64>,
    /// Parts that may go at once.
    tokens: f64,
    filled: Instant,
    /// When the rate was changed last, and when it fell last.
    turned: Instant,
    fell: Option<Instant>,
    /// Parts the carrier took in this second, in the one before, and in its best.
    second: Instant,
    taken: f64,
    taken_before: f64,
    best: f64,
    full: usize,
    window: usize,
    /// Answers since the window was changed.
    answers: usize,
    /// What all binds of the carrier share.
    quota: Option<Arc<Quota>>,
}

impl Pace {
    /// The pace of a bind with this limit and window.
    pub fn new(limit: Option<f64>, window: usize, now: Instant) -> Self {
        Self {
            limit,
            rate: limit,
            tokens: 1.0,
            filled: now,
            turned: now,
            fell: None,
            second: now,
            taken: 0.0,
            taken_before: 0.0,
            best: 0.0,
            full: window,
            window,
            answers: 0,
            quota: None,
        }
    }

    /// The same, drawing from what the carrier's binds share.
    pub fn within(self, quota: Option<Arc<Quota>>) -> Self {
        Self { quota, ..self }
    }

    /// Unanswered parts that there may be.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Whether a part may go now.
    pub fn allows(&mut self, now: Instant) -> bool {
        let shared = self.quota.as_ref().is_none_or(|quota| quota.allows(now));
        let Some(rate) = self.rate else { return shared };
        let burst = (rate / 10.0).max(1.0);
        self.tokens = (self.tokens + (now - self.filled).as_secs_f64() * rate).min(burst);
        self.filled = now;
        shared && self.tokens >= 1.0
    }

    /// Notes that a part went.
    pub fn sent(&mut self) {
        self.tokens -= 1.0;
        if let Some(quota) = &self.quota {
            quota.sent();
        }
    }

    /// When the next part may go.
    pub fn next(&self) -> Instant {
        let own = self
            .rate
            .map_or(self.filled, |rate| self.filled + Duration::from_secs_f64(((1.0 - self.tokens) / rate).max(0.0)));
        self.quota.as_ref().map_or(own, |quota| own.max(quota.next()))
    }

    /// Parts worth being marked now: what may go within the second.
    pub fn room(&self) -> usize {
        let shared = self.quota.as_ref().map(|quota| quota.rate());
        let least = self.rate.into_iter().chain(shared).reduce(f64::min);
        least.map_or(usize::MAX, |rate| whole(rate).max(1))
    }

    /// The parts a second that answers have brought us down to; none: as many as the limit lets.
    pub fn reduced(&self) -> Option<usize> {
        self.rate.filter(|rate| self.limit.is_none_or(|limit| *rate < limit)).map(|rate| whole(rate).max(1))
    }

    /// The carrier says that we are too fast; whether the rate falls.
    pub fn throttled(&mut self, now: Instant) -> bool {
        self.turn_second(now);
        if self.fell.is_some_and(|fell| now - fell < BURST) {
            return false;
        }
        let seen = self.taken.max(self.taken_before);
        let was = match self.rate {
            // What it took tells what it takes, unless we came nowhere near the rate: then we were idle.
            Some(rate) if seen * 2.0 < rate => rate,
            Some(rate) => rate.min(seen),
            None => seen.max(float(self.full)),
        };
        self.rate = Some((was * KEPT).max(1.0));
        self.tokens = 0.0;
        (self.filled, self.turned, self.fell) = (now, now, Some(now));
        true
    }

    /// The carrier says that its queue is full.
    pub fn queue_full(&mut self) {
        self.window = (self.window / 2).max(1);
        self.answers = 0;
    }

    /// The carrier answered a part otherwise.
    pub fn answered(&mut self, now: Instant) {
        self.turn_second(now);
        self.taken += 1.0;
        self.answers += 1;
        if self.window < self.full && self.answers >= self.window {
            self.window = (self.window + (self.full / 20).max(1)).min(self.full);
            self.answers = 0;
        }
        let (Some(rate), true) = (self.rate, now - self.turned >= Duration::from_secs(1)) else { return };
        let faster = rate + (self.best * STEP).max(LEAST_STEP);
        self.rate = match self.limit {
            Some(limit) => Some(faster.min(limit)),
            // Twice what it ever was: no limit any more.
            None => Some(faster).filter(|rate| *rate < 2.0 * self.best.max(float(self.full))),
        };
        self.turned = now;
    }

    /// The carrier answered a part and says that it is busy: it gets no more than it took in the second before.
    pub fn busy(&mut self, now: Instant) {
        self.turn_second(now);
        self.taken += 1.0;
        if self.rate.is_none() && self.taken_before >= 1.0 {
            (self.rate, self.filled) = (Some(self.taken_before), now);
        }
        self.turned = now;
    }

    fn turn_second(&mut self, now: Instant) {
        let past = now - self.second;
        if past >= Duration::from_secs(1) {
            self.best = self.best.max(self.taken);
            self.taken_before = if past < Duration::from_secs(2) { self.taken } else { 0.0 };
            (self.second, self.taken) = (now, 0.0);
        }
    }
}

/// The whole part of a rate.
fn whole(rate: f64) -> usize {
    usize::try_from(Duration::from_secs_f64(rate.clamp(0.0, 1e9)).as_secs()).unwrap_or(usize::MAX)
}

fn float(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends for some seconds as fast as allowed, answered by `answer`; tells how many went in each.
    fn run(
        pace: &mut Pace,
        from: Instant,
        seconds: u32,
        mut answer: impl FnMut(&mut Pace, Instant, usize),
    ) -> Vec<usize> {
        let mut sent = Vec::new();
        for second in 0..seconds {
            let mut nth = 0;
            for tick in 0..100 {
                let now = from + Duration::from_secs(u64::from(second)) + Duration::from_millis(tick * 10);
                while pace.allows(now) && nth < 5000 {
                    pace.sent();
                    nth += 1;
                    answer(pace, now, nth);
                }
            }
            sent.push(nth);
        }
        sent
    }

    #[test]
    fn a_limit_is_kept_in_parts() {
        let from = Instant::now();
        let mut pace = Pace::new(Some(40.0), 500, from);
        let sent = run(&mut pace, from, 5, |pace, now, _| pace.answered(now));
        assert!(sent.iter().all(|n| (38..=42).contains(n)), "{sent:?}");
        assert_eq!(pace.room(), 40);
    }

    #[test]
    fn throttling_finds_the_carriers_rate() {
        let from = Instant::now();
        let mut pace = Pace::new(None, 500, from);
        assert_eq!(pace.room(), usize::MAX);
        // A carrier that takes a hundred a second and throttles the rest; a refusal counts once for all of its moment.
        let (mut refused, mut heard) = (0, None);
        let mut took = |pace: &mut Pace, now: Instant, nth: usize| {
            if nth <= 100 {
                pace.answered(now);
            } else if heard.is_none_or(|at| now - at >= Duration::from_millis(100)) {
                heard = Some(now);
                pace.throttled(now);
            }
        };
        run(&mut pace, from, 5, &mut took);
        let sent = run(&mut pace, from + Duration::from_secs(5), 30, |pace, now, nth| {
            refused += usize::from(nth > 100);
            took(pace, now, nth);
        });
        let all: usize = sent.iter().sum();
        assert!((2000..=3100).contains(&all), "two thirds of what there is at least: {sent:?}");
        assert!(refused < 60, "it does not run into it all the time: {refused}");
    }

    #[test]
    fn one_refusal_of_an_idle_bind_costs_a_quarter_for_seconds() {
        for (limit, least) in [(Some(200.0), 150), (None, 375)] {
            let from = Instant::now();
            let mut pace = Pace::new(limit, 500, from);
            let refused = from + Duration::from_secs(60);
            assert!(pace.throttled(refused));
            assert_eq!((pace.reduced(), pace.room()), (Some(least), least));
            assert!(pace.next() <= refused + Duration::from_millis(100), "the pause decides when the part goes again");
            // The rest of the same burst.
            assert!(!pace.throttled(refused + Duration::from_millis(400)));
            assert_eq!(pace.reduced(), Some(least));
            let sent = run(&mut pace, refused + Duration::from_millis(500), 12, |pace, now, _| pace.answered(now));
            let all: usize = sent.iter().take(4).sum();
            assert!(all >= 600, "a batch of 600 takes seconds: {sent:?}");
            if limit.is_some() {
                assert_eq!(pace.reduced(), None, "up again: {sent:?}");
            }
        }
    }

    #[test]
    fn a_trickle_does_not_tell_what_a_carrier_takes() {
        let from = Instant::now();
        let mut pace = Pace::new(Some(200.0), 500, from);
        for tenth in 0..30 {
            pace.answered(from + Duration::from_millis(100) * tenth);
        }
        assert!(pace.throttled(from + Duration::from_secs(3)));
        assert_eq!(pace.reduced(), Some(150), "not three quarters of ten");
    }

    #[test]
    fn a_limit_far_above_what_the_carrier_takes_is_left_in_seconds() {
        let from = Instant::now();
        let mut pace = Pace::new(Some(1000.0), 500, from);
        let mut took = |pace: &mut Pace, now: Instant, nth: usize| {
            if nth <= 20 {
                pace.answered(now);
            } else {
                pace.throttled(now);
            }
        };
        run(&mut pace, from, 15, &mut took);
        let sent = run(&mut pace, from + Duration::from_secs(15), 20, &mut took);
        assert!(sent.iter().all(|n| *n <= 60), "{sent:?}");
        assert!(sent.iter().map(|n| (*n).min(20)).sum::<usize>() >= 260, "two thirds of what there is: {sent:?}");
    }

    #[test]
    fn without_a_limit_what_was_learnt_is_forgotten_in_time() {
        let from = Instant::now();
        let mut pace = Pace::new(None, 10, from);
        pace.throttled(from);
        for second in 1..60 {
            pace.answered(from + Duration::from_secs(second));
        }
        assert_eq!(pace.reduced(), None);
    }

    #[test]
    fn a_busy_carrier_gets_what_it_takes_and_no_more() {
        let from = Instant::now();
        let mut pace = Pace::new(None, 500, from);
        let mut sent = Vec::new();
        for tenth in 0..50_u32 {
            let now = from + Duration::from_millis(100) * tenth;
            // In the first second ten a time, in the others as fast as it may.
            let most = if tenth < 10 { 10 } else { 1000 };
            let mut n = 0;
            while n < most && pace.allows(now) {
                pace.sent();
                if tenth >= 10 {
                    pace.busy(now)
                } else {
                    pace.answered(now)
                }
                n += 1;
            }
            sent.push(n);
        }
        let second = |n: usize| sent[n * 10..n * 10 + 10].iter().sum::<u32>();
        assert!((2..5).map(second).all(|n| (80..=110).contains(&n)), "{sent:?}");
    }

    #[test]
    fn a_full_queue_shrinks_the_window_until_it_flows_again() {
        let from = Instant::now();
        let mut pace = Pace::new(None, 100, from);
        pace.queue_full();
        pace.queue_full();
        assert_eq!(pace.window(), 25);
        for _ in 0..10 {
            pace.queue_full();
        }
        assert_eq!(pace.window(), 1);
        for _ in 0..3000 {
            pace.answered(from);
        }
        assert_eq!(pace.window(), 100);
    }
}
