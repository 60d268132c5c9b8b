//! Reading messages one by one.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::Status;
use crate::{
    clock::Timestamp,
    db::Sql,
    error::{Error, Result},
    ids::{BatchId, CampaignId, ContactId, MessageId},
    money::{Currency, Micros},
    scope::AccountScope,
};

/// A message as reports show it.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Message {
    pub id: MessageId,
    pub campaign_id: Option<CampaignId>,
    pub batch_id: Option<BatchId>,
    pub contact_id: Option<ContactId>,
    pub phone: i64,
    pub country: Option<String>,
    pub operator: Option<String>,
    pub sender: String,
    pub text: Option<String>,
    pub encoding: String,
    pub split_mode: String,
    pub segments: i64,
    pub parts: i64,
    pub unit_price: Micros,
    pub currency: Currency,
    pub status: Status,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub charged: bool,
    pub send_at: Timestamp,
    pub submitted_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    pub valid_until: Option<Timestamp>,
    pub external_id: Option<String>,
    pub metadata: serde_json::Value,
    pub created_at: Timestamp,
}

impl Message {
    /// What the customer paid: price × segments once charged, unless it was given back.
    pub fn cost(&self) -> Micros {
        if self.charged { self.unit_price.checked_mul(self.segments).unwrap_or_default() } else { Micros::ZERO }
    }
}

pub(super) const COLUMNS: &str = "m.id, m.campaign_id, m.batch_id, m.contact_id, m.phone, m.country, m.operator, m.sender, t.body AS text, m.encoding, m.split_mode, \
                       m.segments, m.parts, m.unit_price, m.currency, m.status, m.reason, m.error, \
                       (m.charge_id IS NOT NULL AND m.refund_id IS NULL) AS charged, m.send_at, m.submitted_at, m.done_at, m.valid_until, m.external_id, m.metadata, \
                       m.created_at FROM messages m LEFT JOIN message_texts t ON t.message_id = m.id";

/// One message.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: MessageId) -> Result<Message> {
    let sql = format!("SELECT {COLUMNS} WHERE m.id = $1 AND m.account_id = $2");
    conn.one(&sql, crate::vals![id, scope.account()]).await?.ok_or_else(|| Error::not_found("message"))
}

/// One part as submitted.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Part {
    pub part: i64,
    pub carrier_ref_raw: Option<String>,
    pub status: String,
    pub error: Option<String>,
    pub submitted_at: Timestamp,
    pub done_at: Option<Timestamp>,
}

/// The parts of one message of the account, in order.
///
/// # Errors
/// When the database cannot be read.
pub async fn parts_of(conn: &impl ConnectionTrait, scope: &AccountScope, id: MessageId) -> Result<Vec<Part>> {
    let sql = "SELECT p.part, p.carrier_ref_raw, p.status, p.error, p.submitted_at, p.done_at FROM messages m \
               JOIN message_parts p ON p.message_id = m.id WHERE m.id = $1 AND m.account_id = $2 ORDER BY p.part";
    Ok(conn.all(sql, crate::vals![id, scope.account()]).await?)
}
