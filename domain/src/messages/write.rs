//! Writing drafts as messages: a chunk for each carrier, the messages of each way, their texts and counts. With one way,
//! which is usual, four statements whatever their number.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{
    Status, moves,
    plan::{Draft, Letter, Outcome, Piece},
};
use crate::{
    clock::Timestamp,
    db::{Columns, Sql},
    error::{Error, Result},
    ids::{AccountId, BatchId, CampaignId, CarrierId, ChunkId, HoldId, MessageId, RouteId},
    money::{Currency, Micros},
    routes::{self, Routing},
    segments::Encoding,
    senders, vals,
};

/// Where drafts belong.
#[derive(Debug, Clone)]
pub struct Home {
    pub account: AccountId,
    pub campaign: Option<CampaignId>,
    pub batch: Option<BatchId>,
    pub hold: HoldId,
    pub currency: Currency,
    pub send_at: Timestamp,
    /// Lower goes first: 1 for single sends, 5 for campaigns.
    pub priority: i64,
    /// The chunk's first state: `preparing`, `ready` or `scheduled`.
    pub chunk_status: &'static str,
    pub external_id: Option<String>,
    pub metadata: serde_json::Value,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// One id per draft, in order.
    pub ids: Vec<MessageId>,
    /// What the messages to be sent cost.
    pub cost: Micros,
    /// How many messages will be sent.
    pub sending: i64,
    /// The carriers they go to.
    pub carriers: Vec<CarrierId>,
}

/// The drafts of one way, by their places.
struct Lane<'a> {
    carrier: CarrierId,
    route: Option<RouteId>,
    cost: Option<(Micros, &'a Currency)>,
    places: Vec<usize>,
}

/// A chunk to be written, and what of it is to be sent.
struct NewChunk {
    id: ChunkId,
    carrier: CarrierId,
    hold: HoldId,
    sending: i64,
}

/// Writes up to about 1,000 drafts: a chunk for each carrier they go to. What is skipped goes with the first.
///
/// # Errors
/// When the database refuses.
pub async fn write(
    tx: &DatabaseTransaction,
    now: Timestamp,
    home: &Home,
    letter: &Letter,
    routing: &Routing,
    drafts: &[Draft],
) -> Result<Written> {
    let waiting = if home.chunk_status == "scheduled" { Status::Scheduled } else { Status::Queued };
    let mut written =
        Written { ids: Vec::with_capacity(drafts.len()), cost: Micros::ZERO, sending: 0, carriers: Vec::new() };
    for (place, draft) in drafts.iter().enumerate() {
        // A microsecond apart, so that the order of ids is the order of drafts.
        let id = MessageId::new(Timestamp(now.0.saturating_add(i64::try_from(place).unwrap_or(0))));
        written.ids.push(id);
        if let Outcome::Send(p) = &draft.outcome {
            let price = p.unit_price.checked_mul(p.segments).and_then(|price| written.cost.checked_add(price));
            written.cost = price.ok_or_else(|| Error::internal("cost out of range"))?;
            written.sending += 1;
        }
    }
    let lanes = lanes(letter, routing, drafts, &written.ids)?;
    let mut chunks: Vec<NewChunk> = Vec::new();
    for lane in &lanes {
        let sending = lane.places.iter().filter_map(|place| drafts.get(*place));
        let sending = sending.filter(|draft| matches!(draft.outcome, Outcome::Send(_))).count();
        let sending = i64::try_from(sending).unwrap_or(0);
        match chunks.iter_mut().find(|chunk| chunk.carrier == lane.carrier) {
            Some(chunk) => chunk.sending += sending,
            None => {
                // What is sent later holds its money chunk by chunk; otherwise one hold is for all.
                let own_hold = waiting == Status::Scheduled && !chunks.is_empty();
                let hold = if own_hold { HoldId::new(now) } else { home.hold };
                chunks.push(NewChunk { id: ChunkId::new(now), carrier: lane.carrier, hold, sending });
            }
        }
    }
    for chunk in &chunks {
        insert_chunk(tx, now, home, chunk).await?;
    }
    for lane in &lanes {
        let Some(chunk) = chunks.iter().find(|chunk| chunk.carrier == lane.carrier) else { continue };
        insert_messages(tx, (now, waiting), home, letter, (chunk, lane), (drafts, &written.ids)).await?;
    }
    insert_texts(tx, drafts, &written.ids).await?;
    if let Some(campaign) = home.campaign {
        let skipped = i64::try_from(drafts.len()).unwrap_or(0) - written.sending;
        let counts = BTreeMap::from([
            ((campaign, waiting.as_str()), written.sending),
            ((campaign, Status::Skipped.as_str()), skipped),
        ]);
        moves::count(tx, counts).await?;
    }
    written.carriers.extend(chunks.iter().filter(|chunk| chunk.sending > 0).map(|chunk| chunk.carrier));
    Ok(written)
}

/// The way of each draft.
fn lanes<'a>(letter: &Letter, routing: &'a Routing, drafts: &[Draft], ids: &[MessageId]) -> Result<Vec<Lane<'a>>> {
    let lost = || Error::internal("a message without a carrier");
    let class = senders::Class::of(&letter.sender);
    let mut lanes: Vec<Lane<'a>> = Vec::new();
    let mut skipped = Vec::new();
    for (place, (draft, id)) in drafts.iter().zip(ids).enumerate() {
        if matches!(draft.outcome, Outcome::Skip(_)) {
            skipped.push(place);
            continue;
        }
        let way = routing.lane(draft.country.as_deref(), draft.operator, class, routes::hash(*id)).ok_or_else(lost)?;
        match lanes.iter_mut().find(|lane| lane.carrier == way.carrier && lane.route == way.route) {
            Some(lane) => lane.places.push(place),
            None => {
                let routes::Lane { carrier, route, cost } = way;
                lanes.push(Lane { carrier, route, cost, places: vec![place] });
            }
        }
    }
    match lanes.first_mut() {
        Some(lane) => lane.places.extend(skipped),
        None if skipped.is_empty() => {}
        None => {
            let carrier = routing.any_carrier().ok_or_else(lost)?;
            lanes.push(Lane { carrier, route: None, cost: None, places: skipped });
        }
    }
    Ok(lanes)
}

async fn insert_chunk(tx: &DatabaseTransaction, now: Timestamp, home: &Home, chunk: &NewChunk) -> Result<()> {
    let NewChunk { id, carrier, hold, sending } = chunk;
    tx.run(
        "INSERT INTO chunks (id, account_id, campaign_id, batch_id, carrier_id, hold_id, status, priority, send_at, messages, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        vals![
            *id,
            home.account,
            home.campaign,
            home.batch,
            *carrier,
            *hold,
            if *sending == 0 { "done" } else { home.chunk_status },
            home.priority,
            home.send_at,
            *sending,
            now
        ],
    )
    .await?;
    Ok(())
}

async fn insert_messages(
    tx: &DatabaseTransaction,
    (now, waiting): (Timestamp, Status),
    home: &Home,
    letter: &Letter,
    (chunk, lane): (&NewChunk, &Lane<'_>),
    (drafts, ids): (&[Draft], &[MessageId]),
) -> Result<()> {
    let rows: Vec<(&Draft, &MessageId)> =
        lane.places.iter().filter_map(|place| Some((drafts.get(*place)?, ids.get(*place)?))).collect();
    let drafts = || rows.iter().map(|(draft, _)| *draft);
    let piece = |d: &Draft, of: fn(&Piece) -> i64| if let Outcome::Send(p) = &d.outcome { of(p) } else { 0 };
    let skip = |d: &Draft| if let Outcome::Skip(skip) = &d.outcome { Some(skip.as_str()) } else { None };
    let cost = lane.cost.filter(|(_, currency)| **currency == home.currency).map(|(cost, _)| cost);
    let columns = Columns::new()
        .ids("id", rows.iter().map(|(_, id)| id.0))
        .ids("contact", drafts().map(|d| d.contact.map(|c| c.0)))
        .ints("phone", drafts().map(|d| i64::from(d.phone)))
        .some_texts("country", drafts().map(|d| d.country.as_deref()))
        .some_texts("operator", drafts().map(|d| d.operator))
        .texts(
            "encoding",
            drafts().map(|d| match &d.outcome {
                Outcome::Send(p) => p.encoding.as_str(),
                Outcome::Skip(_) => Encoding::Gsm7.as_str(),
            }),
        )
        .ints("segments", drafts().map(|d| piece(d, |p| p.segments)))
        .ints("parts", drafts().map(|d| piece(d, |p| p.parts)))
        .ints("price", drafts().map(|d| piece(d, |p| p.unit_price.0)))
        .ints(
            "cost",
            drafts().map(|d| match &d.outcome {
                Outcome::Send(p) => cost.or(p.unit_cost).map(|c| c.0),
                Outcome::Skip(_) => None,
            }),
        )
        .some_texts("reason", drafts().map(skip));
    let backend = tx.get_database_backend();
    let sql = format!(
        "INSERT INTO messages (id, account_id, campaign_id, batch_id, chunk_id, contact_id, phone, country, operator, sender, encoding, split_mode, \
         segments, parts, unit_price, unit_cost, currency, status, reason, carrier_id, route_id, hold_id, send_at, done_at, external_id, metadata, created_at) \
         SELECT x.id, $1, $2, $3, $4, x.contact, x.phone, x.country, x.operator, $5, x.encoding, $6, x.segments, x.parts, x.price, x.cost, $7, \
         CASE WHEN x.reason IS NULL THEN $14 ELSE 'skipped' END, x.reason, CASE WHEN x.reason IS NULL THEN $8 END, \
         CASE WHEN x.reason IS NULL THEN $15 END, $9, $10, CASE WHEN x.reason IS NOT NULL THEN $13 END, $11, $12, $13 FROM {}",
        columns.source(backend, 16, "x")
    );
    let values = vals![
        home.account,
        home.campaign,
        home.batch,
        chunk.id,
        letter.sender.clone(),
        letter.split_mode.as_str(),
        home.currency.0.as_str(),
        lane.carrier,
        chunk.hold,
        home.send_at,
        home.external_id.clone(),
        home.metadata.clone(),
        now,
        waiting.as_str(),
        lane.route
    ];
    tx.run(&sql, columns.after(backend, values)).await?;
    Ok(())
}

async fn insert_texts(tx: &DatabaseTransaction, drafts: &[Draft], ids: &[MessageId]) -> Result<()> {
    let texts = || {
        ids.iter().zip(drafts).filter_map(|(id, d)| match &d.outcome {
            Outcome::Send(p) => Some((id.0, p.text.as_str())),
            Outcome::Skip(_) => None,
        })
    };
    let backend = tx.get_database_backend();
    let columns = Columns::new().ids("id", texts().map(|(id, _)| id)).texts("text", texts().map(|(_, text)| text));
    let sql = format!(
        "INSERT INTO message_texts (message_id, body) SELECT x.id, x.text FROM {}",
        columns.source(backend, 1, "x")
    );
    tx.run(&sql, columns.after(backend, vals![])).await?;
    Ok(())
}
