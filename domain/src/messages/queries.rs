//! Reading messages.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};

use super::Status;
use crate::{
    clock::Timestamp,
    db::{Sql, page_bounds},
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

const COLUMNS: &str = "m.id, m.campaign_id, m.batch_id, m.contact_id, m.phone, m.country, m.operator, m.sender, t.body AS text, m.encoding, m.split_mode, \
                       m.segments, m.parts, m.unit_price, m.currency, m.status, m.reason, m.error, \
                       (m.charge_id IS NOT NULL AND m.refund_id IS NULL) AS charged, m.send_at, m.submitted_at, m.done_at, m.external_id, m.metadata, \
                       m.created_at FROM messages m LEFT JOIN message_texts t ON t.message_id = m.id";

/// Which messages a list shows (REP-01). Every field narrows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub campaign: Option<CampaignId>,
    pub batch: Option<BatchId>,
    pub contact: Option<ContactId>,
    /// Any of these statuses; empty means all.
    pub statuses: Vec<Status>,
    pub reason: Option<String>,
    /// The whole number.
    pub phone: Option<i64>,
    /// Digits anywhere in the number.
    pub phone_contains: Option<String>,
    pub sender: Option<String>,
    pub text_contains: Option<String>,
    pub country: Option<String>,
    pub operator: Option<String>,
    pub external_id: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    /// ISO weekdays of creation in UTC, 1 = Monday … 7 = Sunday.
    pub weekdays: Vec<i64>,
    pub after: Option<MessageId>,
}

/// A growing WHERE with its values.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.push(value.into());
            self.sql.push_str(" AND ");
            self.sql.push_str(&condition.replace('?', &format!("${}", self.values.len())));
        }
    }
    fn any<V: Into<Value>>(&mut self, column: &str, values: impl IntoIterator<Item = V>) {
        let marks: Vec<String> = values
            .into_iter()
            .map(|v| {
                self.values.push(v.into());
                format!("${}", self.values.len())
            })
            .collect();
        if !marks.is_empty() {
            self.sql.push_str(&format!(" AND {column} IN ({})", marks.join(", ")));
        }
    }
}

/// Messages, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<Message>, bool)> {
    let Filter {
        campaign,
        batch,
        contact,
        statuses,
        reason,
        phone,
        phone_contains,
        sender,
        text_contains,
        country,
        operator,
        external_id,
        created_from,
        created_to,
        weekdays,
        after,
    } = filter.clone();
    let mut c = Conditions { sql: "m.account_id = $1".to_owned(), values: vec![scope.account().into()] };
    c.add("m.campaign_id = ?", campaign);
    c.add("m.batch_id = ?", batch);
    c.add("m.contact_id = ?", contact);
    c.any("m.status", statuses);
    c.add("m.reason = ?", reason);
    c.add("m.phone = ?", phone);
    c.add("CAST(m.phone AS TEXT) LIKE ?", phone_contains.map(|d| format!("%{}%", d.trim_start_matches('+'))));
    c.add("m.sender = ?", sender);
    c.add("t.body LIKE ? ESCAPE '\\'", text_contains.map(|t| format!("%{}%", escape_like(&t))));
    c.add("m.country = ?", country);
    c.add("m.operator = ?", operator);
    c.add("m.external_id = ?", external_id);
    c.add("m.created_at >= ?", created_from);
    c.add("m.created_at < ?", created_to);
    // Day 0 of the epoch was a Thursday, the fourth day of the ISO week.
    let day = if conn.get_database_backend() == DbBackend::Postgres {
        "div(m.created_at, 86400000000)::bigint"
    } else {
        "(m.created_at / 86400000000)"
    };
    c.any(&format!("(({day} + 3) % 7 + 1)"), weekdays);
    c.add("m.id < ?", after);
    c.values.push(i64::try_from(limit + 1).unwrap_or(i64::MAX).into());
    let sql = format!("SELECT {COLUMNS} WHERE {} ORDER BY m.id DESC LIMIT ${}", c.sql, c.values.len());
    Ok(page_bounds(conn.all(&sql, c.values).await?, limit))
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

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
