//! Lanes: what is urgent overtakes what waits.

crate::text_enum! {
    /// What waits for whom at a carrier: messages of a lane leave before all of the lanes after it.
    pub enum Priority("MessagePriority") {
        /// One-time codes and the like: before everything else.
        Otp = "otp",
        /// Messages to single people, such as notes of an order: after one-time codes.
        Normal = "normal",
        /// Many at once: after the others, in the order in which they were to leave. Campaigns are of this lane.
        Bulk = "bulk",
    }
}

impl Priority {
    /// The number of a chunk: lower goes first.
    pub fn lane(self) -> i64 {
        match self {
            Self::Otp => 0,
            Self::Normal => 1,
            Self::Bulk => 5,
        }
    }
}
