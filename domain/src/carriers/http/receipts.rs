//! Reading a call-back's receipts.

use serde_json::Value;

use super::{ERROR, ID, ReceiptRules, ReceiptWord, scalar, tidy};
use crate::messages::{MOST_RAW, Receipt, ReceiptState, Reference};

/// The most receipts of one call.
pub const MOST: usize = 1000;

/// What a call-back brought.
#[derive(Debug, Default)]
pub struct Called {
    pub receipts: Vec<Receipt>,
    /// Receipts whose state is a word without a meaning here.
    pub ignored: usize,
    /// Things in which no id or no state was found.
    pub unreadable: usize,
}

/// Reads a body: JSON, or the fields of a form as an object of texts.
pub fn read(rules: &ReceiptRules, body: &Value) -> Called {
    let mut called = Called::default();
    let items = match &rules.items_pointer {
        Some(pointer) => body.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default(),
        None => std::slice::from_ref(body),
    };
    if items.is_empty() {
        called.unreadable = 1;
    }
    for item in items {
        let at = |pointer: &String| item.pointer(pointer).and_then(scalar);
        let id = at(&rules.message_id_pointer).map(|id| tidy(&id, ID)).filter(|id| !id.is_empty());
        let (Some(id), Some(word)) = (id, at(&rules.status_pointer)) else {
            called.unreadable += 1;
            continue;
        };
        let word = word.trim().to_lowercase();
        let Some(meaning) = rules.statuses.iter().find(|(w, _)| w.to_lowercase() == word).map(|(_, m)| *m) else {
            called.ignored += 1;
            continue;
        };
        let state = state(meaning);
        let error = rules.error_pointer.as_ref().and_then(at).map(|e| tidy(&e, ERROR));
        called.receipts.push(Receipt {
            reference: Reference { canonical: id.clone(), raw: id },
            state,
            // Some send a zero or an empty text with a success; it tells nothing.
            error: error.filter(|e| state != ReceiptState::Delivered && e.chars().any(|c| c != '0')),
            phone: rules.to_pointer.as_ref().and_then(at).and_then(|t| t.trim_start_matches('+').parse().ok()),
            sender: None,
            raw: Some(tidy(&item.to_string(), MOST_RAW)),
        });
    }
    called
}

fn state(word: ReceiptWord) -> ReceiptState {
    match word {
        ReceiptWord::Enroute => ReceiptState::Enroute,
        ReceiptWord::Delivered => ReceiptState::Delivered,
        ReceiptWord::Undelivered => ReceiptState::Undeliverable,
        ReceiptWord::Expired => ReceiptState::Expired,
        ReceiptWord::Rejected => ReceiptState::Rejected,
        ReceiptWord::Deleted => ReceiptState::Deleted,
        ReceiptWord::Unknown => ReceiptState::Unknown,
    }
}
