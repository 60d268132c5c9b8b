//! The states of a message and what moves it.
//!
//! ```text
//! scheduled → queued → submitting → sent → delivered | undelivered | expired | rejected | failed | no_report
//!                          │  ├──→ rejected (refused by the carrier, uncharged)
//!                          │  └──→ in_doubt → sent … | unknown
//!     (any unsent) ──────→ cancelled, expired, skipped;  skipped and failed may be born final
//! ```
//!
//! Invariants: `submitting` is committed before a byte goes to the carrier; a message in doubt is never sent again; a
//! final state is left by nothing.

crate::text_enum! {
    /// The state of a message.
    pub enum Status("MessageStatus") {
        /// Waits for its time; no money is held yet.
        Scheduled = "scheduled",
        /// Waits for a window; its money is held.
        Queued = "queued",
        /// Handed to a carrier's socket, or about to be.
        Submitting = "submitting",
        /// Accepted by the carrier and charged; its receipt is awaited.
        Sent = "sent",
        /// It may or may not have left: the answer was lost. Its money stays held.
        InDoubt = "in_doubt",
        /// Reached the handset.
        Delivered = "delivered",
        /// Could not be delivered.
        Undelivered = "undelivered",
        /// Its validity ended at the carrier, or before it left, told in `reason`; uncharged then.
        Expired = "expired",
        /// Refused by the carrier or the operator.
        Rejected = "rejected",
        /// Failed for another reason, told in `reason`.
        Failed = "failed",
        /// Sent, but no receipt came in time; charged.
        NoReport = "no_report",
        /// In doubt to the end; not charged.
        Unknown = "unknown",
        /// Cancelled before it was sent; not charged.
        Cancelled = "cancelled",
        /// Never to be sent, told in `reason`; not charged.
        Skipped = "skipped",
    }
}

impl Status {
    /// Whether nothing moves it any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Queued | Self::Submitting | Self::Sent | Self::InDoubt)
    }
    /// How a campaign counts it: what is being submitted counts as queued, so that a window costs no count.
    pub fn counted(self) -> Self {
        if self == Self::Submitting { Self::Queued } else { self }
    }
}

/// What a carrier's receipt says of a part (SMPP 3.4 §5.2.28).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptState {
    /// Under way; not final.
    Enroute,
    /// Taken by the operator; not final.
    Accepted,
    /// Reached the handset.
    Delivered,
    /// Its validity ended.
    Expired,
    /// Deleted at the carrier.
    Deleted,
    /// Could not be delivered.
    Undeliverable,
    /// Refused.
    Rejected,
    /// The carrier does not know.
    Unknown,
}

impl ReceiptState {
    /// The text in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enroute => "enroute",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Undeliverable => "undelivered",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
    /// Whether the carrier will say nothing else of this part.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Enroute | Self::Accepted)
    }
    /// Reads what [`ReceiptState::as_str`] wrote.
    pub fn read(text: &str) -> Option<Self> {
        let all = [
            Self::Enroute,
            Self::Accepted,
            Self::Delivered,
            Self::Expired,
            Self::Deleted,
            Self::Undeliverable,
            Self::Rejected,
            Self::Unknown,
        ];
        all.into_iter().find(|s| s.as_str() == text)
    }
    /// What a message becomes whose every part is in this final state, and why.
    fn verdict(self) -> (Status, Option<&'static str>) {
        match self {
            Self::Delivered => (Status::Delivered, None),
            Self::Undeliverable => (Status::Undelivered, Some("undeliverable")),
            Self::Expired => (Status::Expired, Some("expired_at_carrier")),
            Self::Rejected => (Status::Rejected, Some("rejected_by_operator")),
            Self::Deleted => (Status::Failed, Some("deleted_at_carrier")),
            Self::Unknown | Self::Enroute | Self::Accepted => (Status::Failed, Some("unknown_to_carrier")),
        }
    }
}

/// What the parts together say of a message of `parts` parts: its final state and reason, or `None` while one is open.
/// Parts of one mind give their state; otherwise the message failed, and the first part that did is told.
pub fn verdict(parts: i64, known: &[(i64, ReceiptState)]) -> Option<(Status, Option<String>)> {
    let done: Vec<_> = known.iter().filter(|(_, s)| s.is_final()).collect();
    if i64::try_from(done.len()).ok()? < parts {
        return None;
    }
    let (_, first) = done.first()?;
    if done.iter().all(|(_, s)| s == first) {
        let (status, reason) = first.verdict();
        return Some((status, reason.map(str::to_owned)));
    }
    let (part, state) = done.iter().find(|(_, s)| *s != ReceiptState::Delivered)?;
    Some((Status::Failed, Some(format!("part_{part}_of_{parts}_{}", state.as_str()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>().unwrap(), *status);
        }
    }

    #[test]
    fn parts_decide_together() {
        use ReceiptState::*;
        assert_eq!(verdict(2, &[(1, Delivered)]), None);
        assert_eq!(verdict(2, &[(1, Delivered), (2, Enroute)]), None);
        assert_eq!(verdict(2, &[(1, Delivered), (2, Delivered)]), Some((Status::Delivered, None)));
        assert_eq!(verdict(1, &[(1, Undeliverable)]), Some((Status::Undelivered, Some("undeliverable".into()))));
        assert_eq!(
            verdict(3, &[(1, Delivered), (2, Undeliverable), (3, Delivered)]),
            Some((Status::Failed, Some("part_2_of_3_undelivered".into())))
        );
    }
}
