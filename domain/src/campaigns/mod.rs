//! Campaigns: one text to an audience.
//!
//! ```text
//! draft → scheduled → preparing → sending → finishing → completed
//!   │          │           │  └──────┼→ paused → sending
//!   └──────────┴───────────┴─────────┴→ cancelled;  preparing → failed
//! ```
//!
//! `preparing` freezes the messages (text, segments, price, sender) and ends with one hold over all of them;
//! `finishing` means that all are handed over; `completed` that all are final and nothing is held.
//!
//! Invariants: a campaign that fails does so before its first message leaves, and leaves no message behind; an estimate
//! made of the same audience and prices equals the charge; what is handed over is never handed over again by a resume.

mod advance;
mod audience;
mod change;
mod copy;
mod estimate;
mod launch;
mod pacing;
mod prepare;
mod queries;
mod segments;
mod slots;
mod stop;
#[cfg(test)]
mod tests;

pub use advance::advance;
pub use audience::{Audience, MAX_GROUPS, MAX_NUMBERS, MAX_SEGMENTS};
pub use change::{Content, create, delete, update};
pub use copy::{copy, resend};
pub use estimate::{Estimate, estimate};
pub use launch::launch;
pub use pacing::{Pacing, Window};
pub use prepare::prepare;
pub use queries::{Campaign, Counts, Filter, counts_of, get, list, lock};
pub use slots::{close, open, replan};
pub use stop::{cancel, pause, resume};

crate::text_enum! {
    /// The state of a campaign.
    pub enum Status("CampaignStatus") {
        /// Being written; nothing is sent.
        Draft = "draft",
        /// Launched for a later time.
        Scheduled = "scheduled",
        /// Its messages are being frozen and their money held.
        Preparing = "preparing",
        /// Its messages are being handed to the carrier.
        Sending = "sending",
        /// Stopped until it is resumed.
        Paused = "paused",
        /// All is handed over; receipts are awaited.
        Finishing = "finishing",
        /// Every message is final.
        Completed = "completed",
        /// Ended by its owner; what had not left was not charged.
        Cancelled = "cancelled",
        /// Ended before its first message left, told in `error`.
        Failed = "failed",
    }
}
