//! The parts of long messages: kept until the last has come, whatever their order, and remembered for a while after, so
//! that one that is delivered again is known.
//!
//! Invariants: a part that is there already with the same octets changes nothing; one with others begins a new message,
//! and what the reference meant before is kept as it is; the caller is alone with the carrier's parts.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::{
    MOST_PARTS,
    decode::{Encoding, hex, unhex},
    delivery::Tie,
    receive::Whole,
};
use crate::{
    clock::Timestamp,
    db::{Columns, Sql, lookup},
    error::Result,
    ids::CarrierId,
    vals,
};

/// The most messages that one transaction gives up waiting for.
const PIECE: i64 = 500;

/// One message in parts: from whom, to whom, and what ties it.
type Key = (String, String, String);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    data_coding: u8,
    body: Vec<u8>,
    received_at: Timestamp,
}

#[derive(Debug, Default)]
struct Set {
    parts: BTreeMap<u8, Part>,
    done: bool,
    changed: bool,
}

/// A part that came.
pub(super) struct Arrived<'a> {
    pub subscriber: String,
    pub sender: String,
    pub tie: Tie,
    pub data_coding: u8,
    pub body: &'a [u8],
    pub received_at: Timestamp,
}

/// What parts came to.
#[derive(Default)]
pub(super) struct Joined {
    pub wholes: Vec<Whole>,
    /// Parts that were there already.
    pub repeated: u64,
}

#[derive(FromQueryResult)]
struct Row {
    source: String,
    recipient: String,
    tie: String,
    part: i64,
    data_coding: i64,
    body: String,
    done: bool,
    received_at: Timestamp,
}

/// Puts parts to those that wait, and gives the messages that are whole now.
pub(super) async fn join(tx: &DatabaseTransaction, carrier: CarrierId, arrived: Vec<Arrived<'_>>) -> Result<Joined> {
    let mut joined = Joined::default();
    if arrived.is_empty() {
        return Ok(joined);
    }
    let keys: BTreeSet<Key> =
        arrived.iter().map(|a| (a.subscriber.clone(), a.sender.clone(), a.tie.key.clone())).collect();
    let mut sets = read(tx, carrier, &keys).await?;
    for Arrived { subscriber, sender, tie, data_coding, body, received_at } in arrived {
        let key = (subscriber, sender, tie.key);
        let part = Part { data_coding, body: body.to_vec(), received_at };
        let set = sets.entry(key.clone()).or_default();
        match set.parts.get(&tie.part) {
            Some(had) if had.body == part.body && had.data_coding == part.data_coding => {
                joined.repeated += 1;
                continue;
            }
            Some(_) => {
                // The subscriber's counter began anew: another message.
                let old = std::mem::take(set);
                joined.wholes.extend((!old.done).then(|| old.whole(&key, total(&key))));
            }
            None => {}
        }
        set.parts.insert(tie.part, part);
        set.changed = true;
        if set.parts.len() == usize::from(tie.total) {
            joined.wholes.push(set.whole(&key, tie.total));
            set.done = true;
        }
    }
    sets.retain(|_, set| set.changed);
    write(tx, carrier, &sets).await?;
    Ok(joined)
}

/// The moment before which parts wait no longer because there are too many; `None` when there are not.
pub(super) async fn overfull(tx: &DatabaseTransaction, carrier: CarrierId) -> Result<Option<Timestamp>> {
    let sql = "SELECT received_at FROM inbound_parts WHERE carrier_id = $1 ORDER BY received_at DESC LIMIT 1 OFFSET $2";
    Ok(tx.scalar(sql, vals![carrier, MOST_PARTS]).await?)
}

/// Forgets what came up to `until`: what was not whole is given as it is.
pub(super) async fn end_until(tx: &DatabaseTransaction, carrier: CarrierId, until: Timestamp) -> Result<Vec<Whole>> {
    #[derive(FromQueryResult)]
    struct Found {
        source: String,
        recipient: String,
        tie: String,
    }
    let sql = "SELECT DISTINCT source, recipient, tie FROM inbound_parts WHERE carrier_id = $1 AND received_at <= $2 LIMIT $3";
    let found: Vec<Found> = tx.all(sql, vals![carrier, until, PIECE]).await?;
    let keys: BTreeSet<Key> =
        found.into_iter().map(|Found { source, recipient, tie }| (source, recipient, tie)).collect();
    let sets = read(tx, carrier, &keys).await?;
    remove(tx, carrier, keys.iter()).await?;
    Ok(sets.into_iter().filter(|(_, set)| !set.done).map(|(key, set)| set.whole(&key, total(&key))).collect())
}

/// How many parts a message has, from its key.
fn total((.., tie): &Key) -> u8 {
    tie.rsplit('/').next().and_then(|n| n.parse().ok()).unwrap_or(1)
}

impl Set {
    /// The text of the parts in order; `…` stands for each that is missing. Parts that follow each other are decoded
    /// together, since a character may lie on both sides of a cut.
    fn whole(&self, (subscriber, sender, _): &Key, total: u8) -> Whole {
        let mut runs: Vec<Option<(u8, Vec<u8>)>> = Vec::new();
        for n in 1..=total {
            match (self.parts.get(&n), runs.last_mut()) {
                (Some(part), Some(Some((coding, octets)))) if *coding == part.data_coding => octets.extend(&part.body),
                (part, _) => runs.push(part.map(|part| (part.data_coding, part.body.clone()))),
            }
        }
        let text = |run: &Option<(u8, Vec<u8>)>| match run {
            Some((coding, octets)) => Encoding::of(*coding, octets).text(octets),
            None => "…".to_owned(),
        };
        let first = self.parts.values().next();
        Whole {
            subscriber: subscriber.clone(),
            sender: sender.clone(),
            text: runs.iter().map(text).collect(),
            encoding: first.map_or(Encoding::Binary, |p| Encoding::of(p.data_coding, &p.body)),
            parts: i64::from(total),
            complete: self.parts.len() == usize::from(total),
            fingerprint: None,
            received_at: self.parts.values().map(|p| p.received_at).max().unwrap_or(Timestamp(0)),
        }
    }
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> Columns<'a> {
    Columns::new()
        .texts("source", keys.clone().map(|k| k.0.as_str()))
        .texts("recipient", keys.clone().map(|k| k.1.as_str()))
        .texts("tie", keys.map(|k| k.2.as_str()))
}

async fn read(tx: &DatabaseTransaction, carrier: CarrierId, keys: &BTreeSet<Key>) -> Result<BTreeMap<Key, Set>> {
    let mut sets: BTreeMap<Key, Set> = BTreeMap::new();
    if keys.is_empty() {
        return Ok(sets);
    }
    let backend = tx.get_database_backend();
    let columns = columns(keys.iter());
    let condition = "p.carrier_id = $1 AND p.source = x.source AND p.recipient = x.recipient AND p.tie = x.tie";
    let sql = format!(
        "SELECT p.source, p.recipient, p.tie, p.part, p.data_coding, p.body, p.done, p.received_at FROM {} {}",
        columns.source(backend, 2, "x"),
        lookup(backend, "inbound_parts", "p", condition)
    );
    let rows: Vec<Row> = tx.all(&sql, columns.after(backend, vals![carrier])).await?;
    for Row { source, recipient, tie, part, data_coding, body, done, received_at } in rows {
        let set = sets.entry((source, recipient, tie)).or_default();
        set.done |= done;
        let data_coding = u8::try_from(data_coding).unwrap_or(u8::MAX);
        let part_of = Part { data_coding, body: unhex(&body), received_at };
        set.parts.insert(u8::try_from(part).unwrap_or(u8::MAX), part_of);
    }
    Ok(sets)
}

/// Writes sets as they are now.
async fn write(tx: &DatabaseTransaction, carrier: CarrierId, sets: &BTreeMap<Key, Set>) -> Result<()> {
    remove(tx, carrier, sets.keys()).await?;
    let rows = || sets.iter().flat_map(|(key, set)| set.parts.iter().map(move |(n, part)| (key, set, *n, part)));
    if rows().next().is_none() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = columns(rows().map(|(key, ..)| key).collect::<Vec<_>>().into_iter())
        .ints("part", rows().map(|(_, _, n, _)| i64::from(n)))
        .ints("coding", rows().map(|(.., part)| i64::from(part.data_coding)))
        .texts("body", rows().map(|(.., part)| hex(&part.body)))
        .ints("done", rows().map(|(_, set, ..)| i64::from(set.done)))
        .ints("received", rows().map(|(.., part)| part.received_at.0));
    let sql = format!(
        "INSERT INTO inbound_parts (carrier_id, source, recipient, tie, part, data_coding, body, done, received_at) \
         SELECT $1, x.source, x.recipient, x.tie, x.part, x.coding, COALESCE(x.body, ''), x.done = 1, x.received FROM {}",
        columns.source(backend, 2, "x")
    );
    tx.run(&sql, columns.after(backend, vals![carrier])).await?;
    Ok(())
}

async fn remove<'a>(
    tx: &DatabaseTransaction,
    carrier: CarrierId,
    keys: impl Iterator<Item = &'a Key> + Clone,
) -> Result<()> {
    if keys.clone().next().is_none() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = columns(keys);
    let sql = format!(
        "DELETE FROM inbound_parts WHERE carrier_id = $1 AND (source, recipient, tie) IN (SELECT x.source, x.recipient, x.tie FROM {})",
        columns.source(backend, 2, "x")
    );
    tx.run(&sql, columns.after(backend, vals![carrier])).await?;
    Ok(())
}
