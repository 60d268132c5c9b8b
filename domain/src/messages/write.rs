//! Writing drafts as messages: one chunk, its texts and its counts, in three statements whatever their number.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;

use super::{
    Status, moves,
    plan::{Draft, Letter, Outcome},
};
use crate::{
    clock::Timestamp,
    db::{Field, Records, Sql},
    error::{Error, Result},
    ids::{AccountId, BatchId, CampaignId, CarrierId, ChunkId, HoldId, MessageId},
    money::{Currency, Micros},
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

const FIELDS: &[(&str, Field)] = &[
    ("id", Field::Id),
    ("contact", Field::Id),
    ("phone", Field::Int),
    ("country", Field::Text),
    ("operator", Field::Text),
    ("encoding", Field::Text),
    ("segments", Field::Int),
    ("parts", Field::Int),
    ("price", Field::Int),
    ("cost", Field::Int),
    ("status", Field::Text),
    ("reason", Field::Text),
    ("text", Field::Text),
];

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
    let mut rows = Vec::with_capacity(drafts.len());
    for (place, draft) in drafts.iter().enumerate() {
        // A microsecond apart, so that the order of ids is the order of drafts.
        let id = MessageId::new(Timestamp(now.0.saturating_add(i64::try_from(place).unwrap_or(0))));
        written.ids.push(id);
        let Draft { phone, contact, country, operator, outcome } = draft;
        let common = json!({
            "id": id.0.simple().to_string(), "contact": contact.map(|c| c.0.simple().to_string()), "phone": phone.as_u64(),
            "country": country, "operator": operator,
        });
        let own = match outcome {
            Outcome::Send(p) => {
                let price = p.unit_price.checked_mul(p.segments).and_then(|price| written.cost.checked_add(price));
                written.cost = price.ok_or_else(|| Error::internal("cost out of range"))?;
                written.sending += 1;
                json!({
                    "encoding": p.encoding, "segments": p.segments, "parts": p.parts, "price": p.unit_price.0, "cost": p.unit_cost.map(|c| c.0),
                    "status": waiting.as_str(), "text": p.text,
                })
            }
            Outcome::Skip(skip) => {
                json!({ "encoding": "gsm7", "segments": 0, "parts": 0, "price": 0, "status": Status::Skipped.as_str(), "reason": skip.as_str() })
            }
        };
        rows.push(merged(common, own));
    }
    let backend = tx.get_database_backend();
    let records = Records::new(FIELDS, rows);
    let source = records.source(backend, 1, "x");
    let value = records.value();
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
    tx.run(
        &format!(
            "INSERT INTO messages (id, account_id, campaign_id, batch_id, chunk_id, contact_id, phone, country, operator, sender, encoding, split_mode, \
             segments, parts, unit_price, unit_cost, currency, status, reason, carrier_id, hold_id, send_at, done_at, external_id, metadata, created_at) \
             SELECT x.id, $2, $3, $4, $5, x.contact, x.phone, x.country, x.operator, $6, x.encoding, $7, x.segments, x.parts, x.price, x.cost, $8, \
             x.status, x.reason, $9, $10, $11, CASE WHEN x.status = 'skipped' THEN $14 END, $12, $13, $14 FROM {source}"
        ),
        vals![
            value.clone(),
            home.account,
            home.campaign,
            home.batch,
            chunk,
            letter.sender.clone(),
            json!(letter.split_mode).as_str().unwrap_or("udh"),
            home.currency.0.as_str(),
            home.carrier,
            home.hold,
            home.send_at,
            home.external_id.clone(),
            home.metadata.clone(),
            now
        ],
    )
    .await?;
    tx.run(
        &format!(
            "INSERT INTO message_texts (message_id, body) SELECT x.id, x.text FROM {source} WHERE x.text IS NOT NULL"
        ),
        vals![value],
    )
    .await?;
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

fn merged(mut a: serde_json::Value, b: serde_json::Value) -> serde_json::Value {
    if let (Some(a), serde_json::Value::Object(b)) = (a.as_object_mut(), b) {
        a.extend(b);
    }
    a
}
