//! Senders.
