//! Delivery receipts as text (SMPP 3.4 Appendix B) and the states they tell.
//!
//! `id:IIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E Text: …`
//!
//! Invariants: any octets can be parsed, nothing panics; a field is what stands between its own key and the next known key, whatever the
//! case, order or spacing; nothing after `text:` is read as a field, for the text is the subscriber's.

mod id;
mod time;

pub use id::ReceiptIdCodec;
pub use time::format_date;

/// The state of a message (SMPP 3.4 §5.2.28, 5.0 §4.7.15; text forms in Appendix B).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// Not begun: its time has not come. SMPP 5.0.
    Scheduled,
    Enroute,
    Delivered,
    Expired,
    Deleted,
    Undeliverable,
    Accepted,
    Unknown,
    Rejected,
    /// Passed over by the carrier. SMPP 5.0.
    Skipped,
}

use MessageState::{
    Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Scheduled, Skipped, Undeliverable, Unknown,
};

/// State, value of the `message_state` TLV, text form, and how the spellings seen in the field begin.
pub const STATES: [(MessageState, u8, &str, &[&str]); 10] = [
    (Scheduled, 0, "SCHEDLD", &["SCHED"]),
    (Enroute, 1, "ENROUTE", &["ENROU", "EN_ROU", "EN ROU"]),
    (Delivered, 2, "DELIVRD", &["DELIV", "DLVR"]),
    (Expired, 3, "EXPIRED", &["EXPIR"]),
    (Deleted, 4, "DELETED", &["DELET"]),
    (Undeliverable, 5, "UNDELIV", &["UNDEL", "FAIL"]),
    (Accepted, 6, "ACCEPTD", &["ACCEP"]),
    (Unknown, 7, "UNKNOWN", &["UNKN"]),
    (Rejected, 8, "REJECTD", &["REJEC"]),
    (Skipped, 9, "SKIPPED", &["SKIPP"]),
];

impl MessageState {
    /// From the `message_state` TLV; `None` outside 0 ..= 9.
    pub fn from_tlv(value: u8) -> Option<Self> {
        STATES.iter().find(|row| row.1 == value).map(|row| row.0)
    }

    /// From the `stat` field; `None` for a word that is none of these.
    pub fn from_text(text: &str) -> Option<Self> {
        let upper = text.trim().to_ascii_uppercase();
        STATES.iter().find(|row| row.3.iter().any(|start| upper.starts_with(start))).map(|row| row.0)
    }

    /// The value of the `message_state` TLV, 0 ..= 9.
    pub fn tlv(self) -> u8 {
        STATES.iter().find(|row| row.0 == self).map_or(7, |row| row.1)
    }

    /// The seven letters of the `stat` field.
    pub fn text(self) -> &'static str {
        STATES.iter().find(|row| row.0 == self).map_or("UNKNOWN", |row| row.2)
    }

    /// Whether nothing can follow: all but SCHEDLD, ENROUTE and ACCEPTD.
    pub fn is_final(self) -> bool {
        !matches!(self, Scheduled | Enroute | Accepted)
    }
}

/// What a receipt's text said; every field may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiptText {
    /// The id as it stood there; see [`ReceiptIdCodec`].
    pub id: Option<String>,
    pub submitted: Option<u32>,
    pub delivered: Option<u32>,
    /// As it stood there, usually YYMMDDhhmm or YYMMDDhhmmss in a time zone of the carrier's choice.
    pub submit_date: Option<String>,
    pub done_date: Option<String>,
    pub state: Option<MessageState>,
    /// The `stat` word as it stood there.
    pub stat: Option<String>,
    /// The carrier's own error code, as it stood there (not always a number).
    pub error: Option<String>,
    pub text: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Id,
    Submitted,
    Delivered,
    SubmitDate,
    DoneDate,
    Stat,
    Error,
    Text,
}

const KEYS: [(&str, Field); 10] = [
    ("id", Field::Id),
    ("sub", Field::Submitted),
    ("dlvrd", Field::Delivered),
    ("submit date", Field::SubmitDate),
    ("submitdate", Field::SubmitDate),
    ("done date", Field::DoneDate),
    ("donedate", Field::DoneDate),
    ("stat", Field::Stat),
    ("err", Field::Error),
    ("text", Field::Text),
];

impl ReceiptText {
    /// Parses the text of a receipt. Never fails: what is not there is `None`.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut receipt = Self::default();
        let mut found = find_key(&text, 0);
        while let Some((field, _, value_start)) = found {
            let next = if field == Field::Text { None } else { find_key(&text, value_start) };
            let value_end = next.map_or(text.len(), |(_, key_start, _)| key_start);
            receipt.set(
                field,
                text.get(value_start..value_end).unwrap_or_default().trim_matches(['\0', ' ', '\t', '\r', '\n']),
            );
            found = next;
        }
        receipt
    }

    /// The first value of a field stands; empty values count as missing.
    fn set(&mut self, field: Field, value: &str) {
        if value.is_empty() {
            return;
        }
        let slot = match field {
            Field::Id => &mut self.id,
            Field::SubmitDate => &mut self.submit_date,
            Field::DoneDate => &mut self.done_date,
            Field::Error => &mut self.error,
            Field::Text => &mut self.text,
            Field::Submitted => {
                self.submitted = self.submitted.or_else(|| value.parse().ok());
                return;
            }
            Field::Delivered => {
                self.delivered = self.delivered.or_else(|| value.parse().ok());
                return;
            }
            Field::Stat => {
                self.state = self.state.or_else(|| MessageState::from_text(value));
                &mut self.stat
            }
        };
        slot.get_or_insert_with(|| value.to_owned());
    }

    /// Whether this looks like a receipt at all: an id and a state.
    pub fn is_receipt(&self) -> bool {
        self.id.is_some() && self.stat.is_some()
    }
}

/// The first key at or after `from`: the field, where the key begins, where its value begins.
fn find_key(text: &str, from: usize) -> Option<(Field, usize, usize)> {
    let bytes = text.as_bytes();
    let mut search = from;
    while let Some(offset) = bytes.get(search..)?.iter().position(|octet| *octet == b':') {
        let colon = search + offset;
        let before = bytes.get(from..colon).unwrap_or_default().trim_ascii_end();
        for (key, field) in KEYS {
            let Some(start) = before.len().checked_sub(key.len()) else { continue };
            let boundary = start == 0 || before.get(start - 1).is_some_and(|octet| !octet.is_ascii_alphanumeric());
            if boundary && before.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(key.as_bytes())) {
                return Some((field, from + start, colon + 1));
            }
        }
        search = colon + 1;
    }
    None
}

/// What goes into a receipt written by [`format_receipt`].
#[derive(Debug, Clone)]
pub struct ReceiptParts<'a> {
    pub id: &'a str,
    pub state: MessageState,
    /// 0 ..= 999.
    pub error: u16,
    /// Unix time in microseconds.
    pub submitted_at: i64,
    /// Unix time in microseconds.
    pub done_at: i64,
    /// The start of the message; at most 20 characters are used.
    pub text: &'a str,
}

/// The text of a receipt as Appendix B gives it; dates in UTC.
pub fn format_receipt(parts: &ReceiptParts<'_>) -> String {
    let ReceiptParts { id, state, error, submitted_at, done_at, text } = parts;
    let delivered = u8::from(*state == Delivered);
    let start: String = text.chars().take(20).collect();
    format!(
        "id:{id} sub:001 dlvrd:{delivered:03} submit date:{} done date:{} stat:{} err:{error:03} text:{start}",
        format_date(*submitted_at),
        format_date(*done_at),
        state.text()
    )
}

#[cfg(test)]
mod tests;
