//! How long a message is worth sending: asked for in seconds, frozen as a moment when the message is written, enforced by
//! us while it waits and told to the carrier when it leaves.
//!
//! Invariant: what is over is never handed to a carrier that has nothing of it yet; it ends as `expired` with the reason
//! [`OVER`], uncharged.

use std::time::Duration;

use crate::{clock::Timestamp, error::Faults};

/// The least and the most that can be asked for. Beyond three days carriers keep no message.
pub const LEAST: i64 = 60;
pub const MOST: i64 = 259_200;

/// The reason of a message whose time was over before it left.
pub(super) const OVER: &str = "validity_over";

/// Notes a validity that cannot be.
pub fn check(faults: &mut Faults, seconds: Option<i64>) {
    if seconds.is_some_and(|seconds| !(LEAST..=MOST).contains(&seconds)) {
        faults.add("/validity_seconds", "out_of_range", format!("must be {LEAST} to {MOST} seconds (three days)"));
    }
}

/// Until when a message is worth sending that is due at `from`.
pub(super) fn until(from: Timestamp, seconds: Option<i64>) -> Option<Timestamp> {
    Some(from.plus(Duration::from_secs(u64::try_from(seconds?).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told() {
        for (seconds, faulty) in [
            (None, false),
            (Some(60), false),
            (Some(259_200), false),
            (Some(59), true),
            (Some(259_201), true),
            (Some(-1), true),
        ] {
            let mut faults = Faults::default();
            check(&mut faults, seconds);
            assert_eq!(faults.check().is_err(), faulty, "{seconds:?}");
        }
        assert_eq!(until(Timestamp(5), Some(60)), Some(Timestamp(60_000_005)));
        assert_eq!(until(Timestamp(5), None), None);
    }
}
