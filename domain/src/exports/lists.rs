//! The blacklist and unsubscribes as rows of a table.

use std::borrow::Cow;

use crate::{blacklist, files::output::Cell, unsubscribes::Unsubscribe};

/// Fields of a blacklisted number.
pub const BLACKLIST_FIELDS: [&str; 6] = ["phone", "reason", "source", "source_id", "created_at", "id"];
/// Fields of an unsubscribe.
pub const UNSUBSCRIBE_FIELDS: [&str; 7] = ["phone", "sender", "reason", "source", "source_id", "created_at", "id"];

fn owned(text: String) -> Cell<'static> {
    Cell::Text(Cow::Owned(text))
}

/// What stands in a column of the blacklist.
pub(super) fn listed<'a>(entry: &'a blacklist::Entry, field: &str) -> Cell<'a> {
    match field {
        "phone" => owned(entry.phone.to_string()),
        "reason" => Cell::text(entry.reason.as_deref()),
        "source" => Cell::text(Some(entry.source.as_str())),
        "source_id" => Cell::text(entry.source_id.as_deref()),
        "created_at" => owned(entry.created_at.to_string()),
        "id" => owned(entry.id.to_string()),
        _ => Cell::Empty,
    }
}

/// What stands in a column of unsubscribes.
pub(super) fn unsubscribed<'a>(entry: &'a Unsubscribe, field: &str) -> Cell<'a> {
    match field {
        "phone" => owned(entry.phone.to_string()),
        "sender" => Cell::text(Some(&entry.sender)),
        "reason" => Cell::text(entry.reason.as_deref()),
        "source" => Cell::text(Some(entry.source.as_str())),
        "source_id" => Cell::text(entry.source_id.as_deref()),
        "created_at" => owned(entry.created_at.to_string()),
        "id" => owned(entry.id.to_string()),
        _ => Cell::Empty,
    }
}
