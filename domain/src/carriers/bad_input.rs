//! What a carrier sends that cannot be used: all of it is counted, by a few fixed reasons, and told in the log, of each
//! carrier and reason once a second, with the number that was left out meanwhile.
//!
//! Invariants: the names of the reasons never change; what is kept is bounded by the number of carriers.

use std::{
    collections::HashMap,
    fmt::Display,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often a carrier and a reason may have a line of the log.
const EVERY: Duration = Duration::from_secs(1);

/// Why it cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadInput {
    /// A request that nobody knows, or that is not a carrier's to make.
    UnknownRequest,
    /// A delivery or a call-back that cannot be read.
    Unreadable,
    /// An answer to nothing that waits for one.
    AnswerToNothing,
    /// A receipt without an id, or without a state that is known.
    UnreadableReceipt,
    /// A length that no PDU has: the connection ends.
    WrongLength,
}

/// What a reason was told of last.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    at: Option<Instant>,
    left_out: u64,
}

type Carriers = HashMap<String, [Told; BadInput::ALL.len()]>;

static TOLD: LazyLock<Mutex<Carriers>> = LazyLock::new(Mutex::default);

impl BadInput {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::UnknownRequest, Self::Unreadable, Self::AnswerToNothing, Self::UnreadableReceipt, Self::WrongLength];

    /// Its name, in the log and as the label of the count.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownRequest => "unknown_request",
            Self::Unreadable => "unreadable",
            Self::AnswerToNothing => "answer_to_nothing",
            Self::UnreadableReceipt => "unreadable_receipt",
            Self::WrongLength => "wrong_length",
        }
    }

    /// Writes a line of the log, unless this carrier has had one for this reason a moment ago.
    pub fn tell(self, carrier: &str, what: impl Display) {
        let left_out = {
            let mut carriers = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
            due(&mut carriers, carrier, self, Instant::now())
        };
        if let Some(left_out) = left_out {
            let reason = self.as_str();
            tracing::warn!(carrier, reason, %what, left_out, "bad input from a carrier");
        }
    }
}

/// Whether a line is due, and how many were left out since the one before.
fn due(carriers: &mut Carriers, carrier: &str, reason: BadInput, now: Instant) -> Option<u64> {
    if !carriers.contains_key(carrier) {
        carriers.insert(carrier.to_owned(), Default::default());
    }
    let place = BadInput::ALL.iter().position(|known| *known == reason)?;
    let told = carriers.get_mut(carrier)?.get_mut(place)?;
    if told.at.is_some_and(|at| now < at + EVERY) {
        told.left_out += 1;
        return None;
    }
    told.at = Some(now);
    Some(std::mem::take(&mut told.left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_line_a_second_for_each_carrier_and_reason() {
        let mut carriers = Carriers::default();
        let begin = Instant::now();
        let mut at = |milliseconds: u64, carrier: &str, reason| {
            due(&mut carriers, carrier, reason, begin + Duration::from_millis(milliseconds))
        };
        assert_eq!(at(0, "one", BadInput::Unreadable), Some(0));
        assert_eq!(at(1, "one", BadInput::Unreadable), None);
        assert_eq!(at(2, "one", BadInput::WrongLength), Some(0), "another reason");
        assert_eq!(at(3, "two", BadInput::Unreadable), Some(0), "another carrier");
        assert_eq!(at(999, "one", BadInput::Unreadable), None);
        assert_eq!(at(1000, "one", BadInput::Unreadable), Some(2));
        assert_eq!(at(2001, "one", BadInput::Unreadable), Some(0));
    }

    #[test]
    fn every_reason_has_a_name_of_its_own_in_the_manual() {
        let manual = include_str!("../../../docs/operations.md");
        for reason in BadInput::ALL {
            assert!(manual.contains(&format!("| `{}` |", reason.as_str())), "{} is not there", reason.as_str());
        }
    }
}
