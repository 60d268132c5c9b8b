//! What a pump tells of its connection, for the supervisor to report ([`domain::carriers::health`]). Telling costs a
//! lock that nobody holds for long; writing is the supervisor's, every second what has changed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    carriers::health::{Bind, BindKind, BindState, EVERY},
    clock::{Clock, Timestamp},
};

use super::breaker::Breaker;

/// How often numbers alone are reported; a new state is at once.
const NUMBERS: Duration = Duration::from_secs(2);
/// How long a pump takes nothing once its breaker has opened, so that a sweep finds what waits.
const STAND_BACK: Duration = Duration::from_secs(2);

/// How one connection is.
#[derive(Debug, Clone)]
pub struct Health {
    clock: Clock,
    /// The carrier's name, for the log.
    carrier: String,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug)]
struct Known {
    bind: Bind,
    breaker: Breaker,
    /// When the breaker opened last.
    opened_at: Option<Timestamp>,
    /// What was reported last, and when.
    told: Option<(Bind, Timestamp)>,
}

impl Health {
    /// A connection that is about to be made.
    pub fn new(clock: Clock, carrier: &str, (n, kind): (u32, BindKind), owner: &str, window: usize) -> Self {
        let bind = Bind {
            n: i64::from(n),
            kind,
            interface_version: None,
            state: BindState::Binding,
            owner: Some(owner.to_owned()),
            since: Some(clock.now()),
            retry_at: None,
            window_size: count(window),
            window_used: 0,
            throttled_until: None,
            tripped_until: None,
            last_error: None,
            last_error_at: None,
            reported_at: None,
        };
        Self {
            clock,
            carrier: carrier.to_owned(),
            known: Arc::new(Mutex::new(Known { bind, breaker: Breaker::default(), opened_at: None, told: None })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection is being made.
    pub fn binding(&self) {
        let bind = &mut self.lock().bind;
        (bind.state, bind.retry_at) = (BindState::Binding, None);
    }

    /// It is up.
    pub fn connected(&self) {
        let now = self.clock.now();
        let bind = &mut self.lock().bind;
        (bind.state, bind.since, bind.retry_at) = (BindState::Connected, Some(now), None);
    }

    /// The carrier named the version of SMPP that it speaks, such as 0x34, or none.
    pub fn speaks(&self, version: Option<u8>) {
        self.lock().bind.interface_version = version.map(|v| format!("{}.{}", v >> 4, v & 0x0F));
    }

    /// Something went wrong with it.
    pub fn failed(&self, error: &str) {
        let now = self.clock.now();
        let bind = &mut self.lock().bind;
        (bind.last_error, bind.last_error_at) = (Some(error.chars().take(200).collect()), Some(now));
    }

    /// It is not up, and is tried again after a pause.
    pub fn backing_off(&self, pause: Duration) {
        let now = self.clock.now();
        let bind = &mut self.lock().bind;
        if bind.state == BindState::Connected {
            bind.since = Some(now);
        }
        (bind.state, bind.retry_at) = (BindState::BackingOff, Some(now.plus(pause)));
        (bind.window_used, bind.throttled_until) = (0, None);
    }

    /// How many submits are unanswered, and how long the carrier wants us to wait.
    pub fn turn(&self, used: usize, throttled: Duration) {
        let until = (!throttled.is_zero()).then(|| self.clock.now().plus(throttled));
        let bind = &mut self.lock().bind;
        (bind.window_used, bind.throttled_until) = (count(used), until);
    }

    /// The carrier answered a submit, or did not: `fault` when that says that the carrier is unwell. After too many faults
    /// routing passes it over, which the log is told.
    pub fn answered(&self, fault: bool) {
        let now = self.clock.now();
        let mut known = self.lock();
        let opened = known.breaker.answered(fault, now);
        known.bind.tripped_until = known.breaker.open_until(now);
        if opened {
            known.opened_at = Some(now);
            let (carrier, bind, until) =
                (&self.carrier, known.bind.n, known.bind.tripped_until.map(tracing::field::display));
            tracing::warn!(carrier, bind, until, "too many answers are faults: routing passes the carrier over");
        }
    }

    /// Whether the breaker has just opened: what waits is left to other routes for a moment.
    pub fn stands_back(&self) -> bool {
        let now = self.clock.now();
        self.lock().opened_at.is_some_and(|at| at.until(now) < STAND_BACK)
    }

    /// How the connection is now.
    pub fn bind(&self) -> Bind {
        self.lock().bind.clone()
    }

    /// What is to be reported now: a new state, new numbers after a while, and all of it again after [`EVERY`].
    pub fn due(&self) -> Option<Bind> {
        let now = self.clock.now();
        let mut known = self.lock();
        let due = match &known.told {
            None => true,
            Some((told, at)) => {
                let age = at.until(now);
                let state = |bind: &Bind| (bind.state, bind.since, bind.tripped_until);
                let turned = state(told) != state(&known.bind);
                turned || age >= EVERY || age >= NUMBERS && *told != known.bind
            }
        };
        if !due {
            return None;
        }
        known.told = Some((known.bind.clone(), now));
        Some(known.bind.clone())
    }

    /// A report that was not written is due again.
    pub fn untold(&self) {
        self.lock().told = None;
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_state_is_due_at_once_and_numbers_after_a_while() {
        let clock = Clock::fixed(Timestamp(1_795_000_000_000_000));
        let health = Health::new(clock.clone(), "c", (1, BindKind::Transceiver), "w", 50);
        assert_eq!(health.due().map(|b| (b.n, b.state, b.window_size)), Some((1, BindState::Binding, 50)));
        assert_eq!(health.due(), None);
        clock.advance(Duration::from_millis(100));
        health.connected();
        health.speaks(Some(0x34));
        let told = health.due().unwrap();
        assert_eq!((told.state, told.since), (BindState::Connected, Some(clock.now())));
        assert_eq!(told.interface_version.as_deref(), Some("3.4"));
        health.turn(7, Duration::from_millis(400));
        assert_eq!(health.due(), None, "numbers wait");
        clock.advance(NUMBERS);
        let told = health.due().unwrap();
        assert_eq!(told.window_used, 7);
        assert!(told.throttled_until.is_some());
        clock.advance(NUMBERS);
        assert_eq!(health.due(), None, "nothing is new");
        clock.advance(EVERY);
        assert!(health.due().is_some(), "told again, so that it does not look stale");
        health.untold();
        assert!(health.due().is_some());
    }

    #[test]
    fn away_lasts_from_the_first_loss() {
        let clock = Clock::fixed(Timestamp(1_795_000_000_000_000));
        let health = Health::new(clock.clone(), "c", (0, BindKind::Transceiver), "w", 50);
        health.connected();
        clock.advance(Duration::from_secs(5));
        health.backing_off(Duration::from_secs(1));
        let lost = clock.now();
        clock.advance(Duration::from_secs(1));
        health.binding();
        health.failed("refused: ESME_RBINDFAIL");
        health.backing_off(Duration::from_secs(2));
        let bind = health.due().unwrap();
        assert_eq!(
            (bind.state, bind.since, bind.retry_at),
            (BindState::BackingOff, Some(lost), Some(clock.now().plus(Duration::from_secs(2))))
        );
        assert_eq!(bind.last_error.as_deref(), Some("refused: ESME_RBINDFAIL"));
    }
}
