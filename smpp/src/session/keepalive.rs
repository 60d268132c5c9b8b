//! Whether the peer still lives: `enquire_link` after silence, the end after an unanswered one (SMPP 3.4 §4.11, §7.2).
//!
//! States: heard lately → asked → dead. Invariant: any PDU from the peer proves life and leads back to "heard lately".

use std::time::Duration;
use tokio::time::Instant;

/// What is due now.
#[derive(Debug, PartialEq, Eq)]
pub enum Pulse {
    Nothing,
    /// Send an `enquire_link`.
    Ask,
    /// The peer did not answer in time: close.
    Dead,
}

/// Keeps the two times that matter; one per connection.
#[derive(Debug)]
pub struct KeepAlive {
    interval: Duration,
    timeout: Duration,
    heard: Instant,
    asked: Option<Instant>,
}

impl KeepAlive {
    /// Asks after `interval` of silence and gives up `timeout` later.
    pub fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        Self { interval, timeout, heard: now, asked: None }
    }

    /// A PDU came.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
    }

    /// What is due at `now`. `Ask` is returned once per silence.
    pub fn poll(&mut self, now: Instant) -> Pulse {
        match self.asked {
            Some(asked) if now >= asked + self.timeout => Pulse::Dead,
            Some(_) => Pulse::Nothing,
            None if now >= self.heard + self.interval => {
                self.asked = Some(now);
                Pulse::Ask
            }
            None => Pulse::Nothing,
        }
    }

    /// When to poll next.
    pub fn due(&self) -> Instant {
        match self.asked {
            Some(asked) => asked + self.timeout,
            None => self.heard + self.interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_once_then_gives_up_unless_something_is_heard() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut keep = KeepAlive::new(second * 10, second * 3, start);
        assert_eq!(keep.poll(start + second * 9), Pulse::Nothing);
        assert_eq!(keep.poll(start + second * 10), Pulse::Ask);
        assert_eq!(keep.poll(start + second * 11), Pulse::Nothing);
        keep.heard(start + second * 12);
        assert_eq!(keep.poll(start + second * 13), Pulse::Nothing);
        assert_eq!(keep.poll(start + second * 22), Pulse::Ask);
        assert_eq!(keep.due(), start + second * 25);
        assert_eq!(keep.poll(start + second * 25), Pulse::Dead);
    }
}
