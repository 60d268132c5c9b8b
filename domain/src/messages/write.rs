//! Writing drafts as messages: a chunk for each carrier, all messages and their texts, together in one statement whatever
//! their number. Sends that came at the same time are written together.

use chrono_tz::Tz;
use sea_orm::DatabaseTransaction;

use super::{
    Status,
    plan::{Draft, Letter, Outcome, Piece},
    tally, validity,
};
use crate::{
    clock::Timestamp,
    db::{Columns, Writes},
    error::{Error, Result},
    ids::{AccountId, BatchId, CampaignId, CarrierId, ChunkId, HoldId, MessageId},
    money::{Currency, Micros},
    phone,
    routes::{self, Routing},
    segments::Encoding,
    senders, vals,
};

/// Where drafts belong.
#[derive(Debug, Clone)]
pub struct Home {
    pub account: AccountId,
    pub campaign: Option<CampaignId>,
    pub hold: HoldId,
    pub currency: Currency,
    pub send_at: Timestamp,
    /// Lower goes first: 1 for single sends, 5 for campaigns.
    pub priority: i64,
    /// The chunk's first state: `preparing`, `ready` or `scheduled`.
    pub chunk_status: &'static str,
    pub portions: Portions,
}

/// How drafts are cut into chunks, beside their carriers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portions {
    /// The most messages of one; none: as many as there are.
    pub most: Option<i64>,
    /// Recipients of each time zone apart, where this is the account's.
    pub by_zone: Option<Tz>,
}

/// One letter to some: a send, or a page of a campaign.
#[derive(Debug, Clone, Copy)]
pub struct Mailing<'a> {
    pub batch: Option<BatchId>,
    pub letter: &'a Letter,
    pub external_id: Option<&'a str>,
    pub metadata: &'a serde_json::Value,
    pub drafts: &'a [Draft],
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// One id per draft, in the order of mailings and of their drafts.
    pub ids: Vec<MessageId>,
    /// What the messages to be sent cost.
    pub cost: Micros,
    /// How many messages will be sent.
    pub sending: i64,
    /// How many will not, and say why.
    pub skipped: i64,
    /// The carriers they go to.
    pub carriers: Vec<CarrierId>,
}

/// A chunk to be written, and what of it is to be sent.
struct NewChunk {
    id: ChunkId,
    carrier: CarrierId,
    hold: HoldId,
    sending: i64,
    /// When the first of its messages is over.
    over_at: Option<Timestamp>,
    /// Whose clock counts for it.
    zone: Option<Tz>,
}

/// A message to be written.
struct Row<'a> {
    id: MessageId,
    mailing: &'a Mailing<'a>,
    draft: &'a Draft,
    /// What is to be sent, and its way; none when it is skipped.
    send: Option<(&'a Piece, routes::Lane<'a>)>,
    /// The place of its chunk.
    chunk: usize,
}

/// Writes up to about 1,000 drafts: a chunk for each carrier they go to. What is skipped goes with the first.
///
/// # Errors
/// Internal when a cost is out of range.
pub fn write(
    writes: &mut Writes,
    now: Timestamp,
    home: &Home,
    routing: &Routing,
    mailings: &[Mailing<'_>],
) -> Result<Written> {
    let waiting = if home.chunk_status == "scheduled" { Status::Scheduled } else { Status::Queued };
    let (rows, chunks) = rows(now, home, waiting, routing, mailings)?;
    if rows.is_empty() {
        return Ok(Written { ids: Vec::new(), cost: Micros::ZERO, sending: 0, skipped: 0, carriers: Vec::new() });
    }
    let batch = if let [only] = mailings { only.batch } else { None };
    for chunk in &chunks {
        insert_chunk(writes, now, home, batch, chunk);
    }
    insert_messages(writes, (now, waiting), home, &rows, &chunks);
    insert_texts(writes, &rows);
    let sending: i64 = chunks.iter().map(|chunk| chunk.sending).sum();
    let prices = rows.iter().filter_map(|row| row.send).map(|(piece, _)| piece.price());
    let cost = prices.collect::<Option<Vec<_>>>().and_then(|prices| Micros::checked_sum(prices.into_iter()));
    Ok(Written {
        ids: rows.iter().map(|row| row.id).collect(),
        cost: cost.ok_or_else(|| Error::internal("cost out of range"))?,
        sending,
        skipped: i64::try_from(rows.len()).unwrap_or(0) - sending,
        carriers: chunks.iter().filter(|chunk| chunk.sending > 0).map(|chunk| chunk.carrier).collect(),
    })
}

/// Adds what was written to the counts of its campaign: the last of a page's statements, for it locks the counts.
///
/// # Errors
/// When the database refuses.
pub async fn count(tx: &DatabaseTransaction, campaign: CampaignId, written: &Written) -> Result<()> {
    let counts = [(Status::Queued, written.sending), (Status::Skipped, written.skipped)];
    let mut writes = Writes::new(tx);
    tally::count(&mut writes, counts.into_iter().map(|(status, n)| ((campaign, status.as_str()), n)).collect());
    Ok(writes.run(tx).await?)
}

/// Every message with its id and its way, and the chunks they make.
fn rows<'a>(
    now: Timestamp,
    home: &Home,
    waiting: Status,
    routing: &'a Routing,
    mailings: &'a [Mailing<'a>],
) -> Result<(Vec<Row<'a>>, Vec<NewChunk>)> {
    let lost = || Error::internal("a message without a carrier");
    let mut rows = Vec::with_capacity(mailings.iter().map(|m| m.drafts.len()).sum());
    let mut chunks: Vec<NewChunk> = Vec::new();
    let Portions { most, by_zone } = home.portions;
    let mut chunk_of = |carrier: CarrierId, sending: i64, over_at: Option<Timestamp>, zone: Option<Tz>| {
        let room = |chunk: &NewChunk| sending == 0 || most.is_none_or(|most| chunk.sending < most);
        let fits = |chunk: &NewChunk| chunk.carrier == carrier && (sending == 0 || chunk.zone == zone) && room(chunk);
        if let Some(place) = chunks.iter().rposition(fits) {
            if let Some(chunk) = chunks.get_mut(place) {
                chunk.sending += sending;
                chunk.over_at = chunk.over_at.into_iter().chain(over_at).min();
            }
            return place;
        }
        // What is sent later holds its money chunk by chunk; otherwise one hold is for all.
        let own_hold = waiting == Status::Scheduled && !chunks.is_empty();
        let hold = if own_hold { HoldId::new(now) } else { home.hold };
        chunks.push(NewChunk { id: ChunkId::new(now), carrier, hold, sending, over_at, zone });
        chunks.len() - 1
    };
    for mailing in mailings {
        let class = senders::Class::of(&mailing.letter.sender);
        let over_at = validity::until(home.send_at, mailing.letter.validity_seconds);
        for draft in mailing.drafts {
            // A microsecond apart, so that the order of ids is the order of drafts.
            let after = i64::try_from(rows.len()).unwrap_or(0);
            let id = MessageId::new(Timestamp(now.0.saturating_add(after)));
            let (country, operator) = (draft.country.as_deref(), draft.operator.as_deref());
            let send = match &draft.outcome {
                Outcome::Skip(_) => None,
                Outcome::Send(piece) => {
                    let lane = routing.lane(country, operator, class, routes::hash(id)).ok_or_else(lost)?;
                    Some((piece, lane))
                }
            };
            let told = |account| phone::zone_of(&phone::time_zones_of(draft.phone), account, now);
            let zone = by_zone.map(|account| draft.zone.unwrap_or_else(|| told(account)));
            let chunk = send.as_ref().map_or(usize::MAX, |(_, lane)| chunk_of(lane.carrier, 1, over_at, zone));
            rows.push(Row { id, mailing, draft, send, chunk });
        }
    }
    if rows.iter().any(|row| row.send.is_none()) {
        let first = match rows.iter().find_map(|row| row.send.as_ref()) {
            Some((_, lane)) => lane.carrier,
            None => routing.any_carrier().ok_or_else(lost)?,
        };
        let place = chunk_of(first, 0, None, None);
        for row in rows.iter_mut().filter(|row| row.send.is_none()) {
            row.chunk = place;
        }
    }
    Ok((rows, chunks))
}

fn insert_chunk(writes: &mut Writes, now: Timestamp, home: &Home, batch: Option<BatchId>, chunk: &NewChunk) {
    let NewChunk { id, carrier, hold, sending, over_at, zone } = chunk;
    writes.add(
        "INSERT INTO chunks (id, account_id, campaign_id, batch_id, carrier_id, hold_id, status, priority, send_at, messages, created_at, over_at, zone) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        vals![
            *id,
            home.account,
            home.campaign,
            batch,
            *carrier,
            *hold,
            if *sending == 0 { "done" } else { home.chunk_status },
            home.priority,
            home.send_at,
            *sending,
            now,
            *over_at,
            zone.map(|zone| zone.name())
        ],
    );
}

fn insert_messages(
    writes: &mut Writes,
    (now, waiting): (Timestamp, Status),
    home: &Home,
    rows: &[Row<'_>],
    chunks: &[NewChunk],
) {
    let chunk = |row: &Row<'_>| chunks.get(row.chunk);
    let piece = |row: &Row<'_>, of: fn(&Piece) -> i64| row.send.as_ref().map_or(0, |(p, _)| of(p));
    // What a route tells of the cost rules, in the account's currency.
    let cost = |row: &Row<'_>| {
        let (piece, lane) = row.send.as_ref()?;
        let told = lane.cost.filter(|(_, currency)| **currency == home.currency).map(|(cost, _)| cost);
        told.or(piece.unit_cost).map(|cost| cost.0)
    };
    let valid = |row: &Row<'_>| {
        row.send.as_ref()?;
        validity::until(home.send_at, row.mailing.letter.validity_seconds).map(|until| until.0)
    };
    let skipped = |row: &Row<'_>| if let Outcome::Skip(skip) = &row.draft.outcome { Some(skip.as_str()) } else { None };
    let encoding = |row: &Row<'_>| row.send.as_ref().map_or(Encoding::Gsm7, |(p, _)| p.encoding).as_str();
    let columns = Columns::new()
        .ids("id", rows.iter().map(|r| r.id.0))
        .ids("batch", rows.iter().map(|r| r.mailing.batch.map(|b| b.0)))
        .ids("chunk", rows.iter().map(|r| chunk(r).map(|c| c.id.0)))
        .ids("contact", rows.iter().map(|r| r.draft.contact.map(|c| c.0)))
        .ints("phone", rows.iter().map(|r| i64::from(r.draft.phone)))
        .some_texts("country", rows.iter().map(|r| r.draft.country.as_deref()))
        .some_texts("operator", rows.iter().map(|r| r.draft.operator.as_deref()))
        .texts("sender", rows.iter().map(|r| r.mailing.letter.sender.as_str()))
        .texts("encoding", rows.iter().map(encoding))
        .texts("split", rows.iter().map(|r| r.mailing.letter.split_mode.as_str()))
        .ints("segments", rows.iter().map(|r| piece(r, |p| p.segments)))
        .ints("parts", rows.iter().map(|r| piece(r, |p| p.parts)))
        .ints("price", rows.iter().map(|r| piece(r, |p| p.unit_price.0)))
        .ints("cost", rows.iter().map(cost))
        .some_texts("reason", rows.iter().map(skipped))
        .ids("carrier", rows.iter().map(|r| r.send.as_ref().map(|(_, lane)| lane.carrier.0)))
        .ids("route", rows.iter().map(|r| r.send.as_ref().and_then(|(_, lane)| lane.route).map(|id| id.0)))
        .ids("hold", rows.iter().map(|r| chunk(r).map(|c| c.hold.0)))
        .ints("valid", rows.iter().map(valid))
        .some_texts("external", rows.iter().map(|r| r.mailing.external_id))
        .json("metadata", rows.iter().map(|r| r.mailing.metadata));
    let backend = writes.backend();
    let sql = format!(
        "INSERT INTO messages (id, account_id, campaign_id, batch_id, chunk_id, contact_id, phone, country, operator, sender, encoding, split_mode, \
         segments, parts, unit_price, unit_cost, currency, status, reason, carrier_id, route_id, hold_id, send_at, done_at, valid_until, external_id, metadata, created_at) \
         SELECT x.id, $1, $2, x.batch, x.chunk, x.contact, x.phone, x.country, x.operator, x.sender, x.encoding, x.split, x.segments, x.parts, x.price, \
         x.cost, $3, CASE WHEN x.reason IS NULL THEN $4 ELSE 'skipped' END, x.reason, x.carrier, x.route, x.hold, $5, \
         CASE WHEN x.reason IS NOT NULL THEN $6 END, x.valid, x.external, x.metadata, $6 FROM {}",
        columns.source(backend, 7, "x")
    );
    let values = vals![home.account, home.campaign, home.currency.0.as_str(), waiting.as_str(), home.send_at, now];
    writes.add(sql, columns.after(backend, values));
}

fn insert_texts(writes: &mut Writes, rows: &[Row<'_>]) {
    let texts = || rows.iter().filter_map(|row| row.send.as_ref().map(|(piece, _)| (row.id.0, piece.text.as_str())));
    let backend = writes.backend();
    let columns = Columns::new().ids("id", texts().map(|(id, _)| id)).texts("text", texts().map(|(_, text)| text));
    let sql = format!(
        "INSERT INTO message_texts (message_id, body) SELECT x.id, x.text FROM {}",
        columns.source(backend, 1, "x")
    );
    writes.add(sql, columns.after(backend, vals![]));
}
