//! Writing drafts as messages: one chunk, its texts and its counts, in three statements whatever their number.

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
    ids::{AccountId, BatchId, CampaignId, CarrierId, ChunkId, HoldId, MessageId},
    money::{Currency, Micros},
    segments::Encoding,
    vals,
};

/// Where drafts belong.
#[derive(Debug, Clone)]
pub struct Home {
    pub account: AccountId,
    pub campaign: Option<CampaignId>,
    pub batch: Option<BatchId>,
    pub carrier: CarrierId,
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
}

/// Writes up to about 1,000 drafts as one chunk.
///
/// # Errors
/// When the database refuses.
pub async fn write(
    tx: &DatabaseTransaction,
    now: Timestamp,
    home: &Home,
    letter: &Letter,
    drafts: &[Draft],
) -> Result<Written> {
    let chunk = ChunkId::new(now);
    let waiting = if home.chunk_status == "scheduled" { Status::Scheduled } else { Status::Queued };
    let mut written = Written { ids: Vec::with_capacity(drafts.len()), cost: Micros::ZERO, sending: 0 };
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
    let piece = |d: &Draft, of: fn(&Piece) -> i64| if let Outcome::Send(p) = &d.outcome { of(p) } else { 0 };
    let skip = |d: &Draft| if let Outcome::Skip(skip) = &d.outcome { Some(skip.as_str()) } else { None };
    let columns = Columns::new()
        .ids("id", written.ids.iter().map(|id| id.0))
        .ids("contact", drafts.iter().map(|d| d.contact.map(|c| c.0)))
        .ints("phone", drafts.iter().map(|d| i64::from(d.phone)))
        .some_texts("country", drafts.iter().map(|d| d.country.as_deref()))
        .some_texts("operator", drafts.iter().map(|d| d.operator))
        .texts(
            "encoding",
            drafts.iter().map(|d| match &d.outcome {
                Outcome::Send(p) => p.encoding.as_str(),
                Outcome::Skip(_) => Encoding::Gsm7.as_str(),
            }),
        )
        .ints("segments", drafts.iter().map(|d| piece(d, |p| p.segments)))
        .ints("parts", drafts.iter().map(|d| piece(d, |p| p.parts)))
        .ints("price", drafts.iter().map(|d| piece(d, |p| p.unit_price.0)))
        .ints(
            "cost",
            drafts.iter().map(|d| match &d.outcome {
                Outcome::Send(p) => p.unit_cost.map(|c| c.0),
                Outcome::Skip(_) => None,
            }),
        )
        .some_texts("reason", drafts.iter().map(skip));
    let backend = tx.get_database_backend();
    tx.run(
        "INSERT INTO chunks (id, account_id, campaign_id, batch_id, carrier_id, hold_id, status, priority, send_at, messages, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        vals![
            chunk,
            home.account,
            home.campaign,
            home.batch,
            home.carrier,
            home.hold,
            if written.sending == 0 { "done" } else { home.chunk_status },
            home.priority,
            home.send_at,
            written.sending,
            now
        ],
    )
    .await?;
    let sql = format!(
        "INSERT INTO messages (id, account_id, campaign_id, batch_id, chunk_id, contact_id, phone, country, operator, sender, encoding, split_mode, \
         segments, parts, unit_price, unit_cost, currency, status, reason, carrier_id, hold_id, send_at, done_at, external_id, metadata, created_at) \
         SELECT x.id, $1, $2, $3, $4, x.contact, x.phone, x.country, x.operator, $5, x.encoding, $6, x.segments, x.parts, x.price, x.cost, $7, \
         CASE WHEN x.reason IS NULL THEN $14 ELSE 'skipped' END, x.reason, $8, $9, $10, CASE WHEN x.reason IS NOT NULL THEN $13 END, $11, $12, $13 FROM {}",
        columns.source(backend, 15, "x")
    );
    let values = vals![
        home.account,
        home.campaign,
        home.batch,
        chunk,
        letter.sender.clone(),
        letter.split_mode.as_str(),
        home.currency.0.as_str(),
        home.carrier,
        home.hold,
        home.send_at,
        home.external_id.clone(),
        home.metadata.clone(),
        now,
        waiting.as_str()
    ];
    tx.run(&sql, columns.after(backend, values)).await?;
    let texts = || {
        written.ids.iter().zip(drafts).filter_map(|(id, d)| match &d.outcome {
            Outcome::Send(p) => Some((id.0, p.text.as_str())),
            Outcome::Skip(_) => None,
        })
    };
    let columns = Columns::new().ids("id", texts().map(|(id, _)| id)).texts("text", texts().map(|(_, text)| text));
    let sql = format!(
        "INSERT INTO message_texts (message_id, body) SELECT x.id, x.text FROM {}",
        columns.source(backend, 1, "x")
    );
    tx.run(&sql, columns.after(backend, vals![])).await?;
    if let Some(campaign) = home.campaign {
        let skipped = i64::try_from(drafts.len()).unwrap_or(0) - written.sending;
        let counts = BTreeMap::from([
            ((campaign, waiting.as_str()), written.sending),
            ((campaign, Status::Skipped.as_str()), skipped),
        ]);
        moves::count(tx, counts).await?;
    }
    Ok(written)
}
