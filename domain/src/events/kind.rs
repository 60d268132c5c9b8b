//! What a row of the outbox tells of, and what readers see of it.
//!
//! Invariant: a row has one of these words, and a reader sees only words of [`public_kinds`].

use crate::messages::Status;

crate::text_enum! {
    /// What a row of the outbox tells of.
    pub enum Kind {
        /// A batch of messages changed state; readers see one `message.<status>` for each.
        MessagesMoved = "messages.moved",
        /// A subscriber has sent a message.
        MessageReceived = "message.received",
        /// A campaign was launched, now or for a later time.
        CampaignLaunched = "campaign.launched",
        /// A campaign's money is held and its first message may leave.
        CampaignStarted = "campaign.started",
        /// A campaign was stopped until it is resumed.
        CampaignPaused = "campaign.paused",
        /// A paused campaign goes on.
        CampaignResumed = "campaign.resumed",
        /// All of a campaign is handed over; receipts are awaited.
        CampaignFinishing = "campaign.finishing",
        /// Every message of a campaign is final.
        CampaignCompleted = "campaign.completed",
        /// A campaign was ended by its owner.
        CampaignCancelled = "campaign.cancelled",
        /// A campaign ended before its first message left.
        CampaignFailed = "campaign.failed",
        /// Every row of an import has been read.
        ImportCompleted = "import.completed",
        /// An import ended before its last row.
        ImportFailed = "import.failed",
        /// The operator approved a sender.
        SenderApproved = "sender.approved",
        /// The operator rejected a sender.
        SenderRejected = "sender.rejected",
    }
}

/// The states whose coming is told. A message that is born scheduled or skipped was told by the answer that made it, and
/// marking one for the carrier makes no event.
pub const TOLD: &[Status] = &[
    Status::Queued,
    Status::Sent,
    Status::InDoubt,
    Status::Delivered,
    Status::Undelivered,
    Status::Expired,
    Status::Rejected,
    Status::Failed,
    Status::NoReport,
    Status::Unknown,
    Status::Cancelled,
    Status::Skipped,
];

/// The word under which readers see that a message came to this state.
pub fn message_kind(status: &str) -> String {
    format!("message.{status}")
}

/// Every word that a reader can see.
pub fn public_kinds() -> Vec<String> {
    let messages = TOLD.iter().map(|status| message_kind(status.as_str()));
    let others = Kind::ALL.iter().filter(|kind| **kind != Kind::MessagesMoved).map(ToString::to_string);
    messages.chain(others).collect()
}
