//! What happened to a message on its way and is nowhere else, for its trace: receipts that did not end their part (under
//! way, repeated, contradicting), tries that the carrier put off, answers that were lost, carriers that went down. Most messages have none: they
//! are accepted at the first try, and their one receipt lies with their part.
//!
//! Invariants: a note is written by the transaction that records what it tells; a message has [`MOST`] at most, the first
//! ones; nothing but the trace reads them; they are in partitions by message, and so go with it.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{Submitted, parts::Found};
use crate::{
    carriers,
    clock::Timestamp,
    db::{Columns, Sql},
    error::Result,
    ids::{CarrierId, MessageId, uuid_v7},
    vals,
};

/// The most notes of one message.
const MOST: i64 = 20;
/// The most kinds of refusals that one try is told of.
const KINDS: usize = 8;

crate::text_enum! {
    /// What is noted.
    pub enum Kind {
        /// A receipt that did not end its part.
        Receipt = "receipt",
        /// The carrier did not take it just then.
        PutOff = "put_off",
        /// The carrier's answer was lost.
        Lost = "lost",
        /// It waited for a carrier that was passed over, and took another route.
        Moved = "moved",
    }
}

/// A part that the carrier did not take just then, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOff {
    pub part: i64,
    /// The carrier's own code.
    pub error: String,
    pub times: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl PutOff {
    /// Counts that a part was put off once more.
    pub fn count(all: &mut Vec<Self>, part: i64, error: &str, at: Timestamp) {
        if let Some(known) = all.iter_mut().find(|known| known.part == part && known.error == error) {
            (known.times, known.last_at) = (known.times.saturating_add(1), at);
        } else if all.len() < KINDS {
            all.push(Self { part, error: error.to_owned(), times: 1, first_at: at, last_at: at });
        }
    }
}

/// Something to be noted.
#[derive(Debug, Clone)]
pub(super) struct Note<'a> {
    message: MessageId,
    part: Option<i64>,
    carrier: CarrierId,
    kind: Kind,
    word: &'a str,
    error: Option<&'a str>,
    raw: Option<&'a str>,
    times: i64,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl<'a> Note<'a> {
    /// A receipt that did not end its part.
    pub fn receipt(carrier: CarrierId, found: &'a Found) -> Self {
        let Found { message, part, state, error, raw, at } = found;
        let (message, part, word) = (*message, Some(*part), state.as_str());
        let (error, raw) = (error.as_deref(), raw.as_deref());
        let kind = Kind::Receipt;
        Self { message, part, carrier, kind, word, error, raw, times: 1, first_at: *at, last_at: *at }
    }

    /// What was put off before a message was settled.
    pub fn put_offs(carrier: CarrierId, submitted: &'a Submitted) -> impl Iterator<Item = Self> {
        let message = submitted.message;
        submitted.put_off.iter().map(move |put_off| {
            let PutOff { part, error: word, times, first_at, last_at } = put_off;
            let (part, kind) = (Some(*part), Kind::PutOff);
            let (times, first_at, last_at) = (*times, *first_at, *last_at);
            Self { message, part, carrier, kind, word, error: None, raw: None, times, first_at, last_at }
        })
    }

    /// An answer that was lost.
    pub fn lost(carrier: CarrierId, message: MessageId, why: &'a str, at: Timestamp) -> Self {
        let (part, kind) = (None, Kind::Lost);
        Self { message, part, carrier, kind, word: why, error: None, raw: None, times: 1, first_at: at, last_at: at }
    }

    /// A message that waited for a carrier which was passed over.
    pub fn moved(carrier: CarrierId, message: MessageId, at: Timestamp) -> Self {
        Self { kind: Kind::Moved, ..Self::lost(carrier, message, "carrier_down", at) }
    }
}

/// Writes notes, as far as their messages have room for them: one statement, and none where nothing is to be noted.
pub(super) async fn write(tx: &DatabaseTransaction, now: Timestamp, notes: &[Note<'_>]) -> Result<()> {
    let mut of: HashMap<MessageId, i64> = HashMap::new();
    let mut ranked: Vec<(i64, &Note<'_>)> = Vec::with_capacity(notes.len());
    for note in notes {
        let rank = of.entry(note.message).or_insert(0);
        if *rank < MOST {
            ranked.push((*rank, note));
        }
        *rank += 1;
    }
    if ranked.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("id", ranked.iter().map(|_| uuid_v7(now)))
        .ints("rank", ranked.iter().map(|(rank, _)| *rank))
        .ids("message", ranked.iter().map(|(_, n)| n.message.0))
        .ints("part", ranked.iter().map(|(_, n)| n.part))
        .ids("carrier", ranked.iter().map(|(_, n)| n.carrier.0))
        .texts("kind", ranked.iter().map(|(_, n)| n.kind.as_str()))
        .texts("word", ranked.iter().map(|(_, n)| n.word))
        .some_texts("error", ranked.iter().map(|(_, n)| n.error))
        .some_texts("raw", ranked.iter().map(|(_, n)| n.raw))
        .ints("times", ranked.iter().map(|(_, n)| n.times))
        .ints("begun", ranked.iter().map(|(_, n)| n.first_at.0))
        .ints("ended", ranked.iter().map(|(_, n)| n.last_at.0));
    let sql = format!(
        "INSERT INTO message_notes (message_id, id, part, carrier_id, kind, word, error, raw, times, first_at, last_at) \
         SELECT x.message, x.id, x.part, x.carrier, x.kind, COALESCE(x.word, ''), x.error, x.raw, x.times, x.begun, x.ended FROM {} \
         WHERE x.rank + (SELECT COUNT(*) FROM message_notes n WHERE n.message_id = x.message) < $1",
        columns.source(backend, 2, "x")
    );
    tx.run(&sql, columns.after(backend, vals![MOST])).await?;
    Ok(())
}

/// A note as it is stored.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Stored {
    pub part: Option<i64>,
    pub carrier_id: CarrierId,
    pub carrier_name: Option<String>,
    pub carrier_kind: Option<carriers::Kind>,
    pub kind: Kind,
    pub word: String,
    pub error: Option<String>,
    pub raw: Option<String>,
    pub times: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// The notes of a message, in the order of time.
pub(super) async fn of(conn: &impl ConnectionTrait, id: MessageId) -> Result<Vec<Stored>> {
    let sql = "SELECT n.part, n.carrier_id, c.name AS carrier_name, c.kind AS carrier_kind, n.kind, n.word, n.error, n.raw, n.times, n.first_at, \
               n.last_at FROM message_notes n LEFT JOIN carriers c ON c.id = n.carrier_id WHERE n.message_id = $1 ORDER BY n.first_at, n.id";
    Ok(conn.all(sql, vals![id]).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn put_offs_are_counted_by_part_and_code() {
        let mut all = Vec::new();
        for (n, (part, error)) in
            [(1, "ESME_RTHROTTLED"), (1, "ESME_RTHROTTLED"), (2, "ESME_RTHROTTLED"), (1, "ESME_RSYSERR")]
                .into_iter()
                .enumerate()
        {
            PutOff::count(&mut all, part, error, Timestamp(i64::try_from(n).unwrap()));
        }
        let told: Vec<_> = all.iter().map(|p| (p.part, p.error.as_str(), p.times, p.first_at.0, p.last_at.0)).collect();
        assert_eq!(
            told,
            [(1, "ESME_RTHROTTLED", 2, 0, 1), (2, "ESME_RTHROTTLED", 1, 2, 2), (1, "ESME_RSYSERR", 1, 3, 3)]
        );
        for part in 3..100 {
            PutOff::count(&mut all, part, "x", Timestamp(9));
        }
        assert_eq!(all.len(), KINDS, "a carrier with ever new codes fills no memory");
    }
}
