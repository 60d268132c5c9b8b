//! What must hold once all is sent: the carrier's log against the API and the ledger.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    harness::{Client, Judge, micros},
    load::Promised,
};

/// What a judgement found.
#[derive(Debug, Default)]
pub struct Found {
    pub messages: usize,
    pub delivered: usize,
    pub unknown: usize,
}

/// Fails when anything was lost, sent twice, or charged otherwise than accepted. `since`: when the load began;
/// `before`: the money then.
pub fn judge(client: &Client, judge: &Judge, promised: &Promised, since: &str, before: i64) -> Found {
    let mut taken: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for submit in judge.taken() {
        // The last octet of the header is the part's number.
        let part = submit.udh.as_ref().map_or(1, |udh| u8::from_str_radix(&udh[udh.len() - 2..], 16).unwrap());
        taken.entry(submit.dest.trim_start_matches('+')).or_default().push(part);
    }
    let twice: Vec<_> =
        taken.iter().filter(|(_, parts)| parts.iter().any(|p| parts.iter().filter(|o| *o == p).count() > 1)).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");

    let mut messages: BTreeMap<String, Value> = BTreeMap::new();
    for message in client.pages(&format!("/v1/messages?created_from={since}")) {
        let doubled = messages.insert(message["to"].as_str().unwrap().to_owned(), message);
        assert!(doubled.is_none(), "two messages to one number: {doubled:?}");
    }
    let lost: Vec<_> = promised.parts.keys().filter(|number| !messages.contains_key(*number)).collect();
    assert!(lost.is_empty(), "accepted and lost: {lost:?}");

    let (mut found, mut charged) = (Found { messages: messages.len(), ..Found::default() }, 0);
    for (number, message) in &messages {
        let parts = taken.get(&number[1..]).map_or(0, Vec::len);
        // A request that was never answered promised nothing, and is not repeated after the load has ended.
        let wanted = promised.parts.get(number).copied().unwrap_or_else(|| panic!("not asked for: {message}"));
        let status = if parts == wanted { "delivered" } else { "unknown" };
        assert_eq!(message["status"], json!(status), "{parts} of {wanted} parts were taken: {message}");
        let price = micros(&message["unit_price"]) * wanted as i64;
        let cost = if parts == wanted { price } else { 0 };
        assert_eq!(micros(&message["cost"]), cost, "{message}");
        charged += cost;
        if parts == wanted { found.delivered += 1 } else { found.unknown += 1 }
    }
    assert_eq!((before - client.available(), client.held()), (charged, 0), "the money is that of the accepted");
    client.audited();
    found
}
