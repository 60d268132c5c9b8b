//! Reading inbound messages.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{Encoding, Keyword};
use crate::{
    clock::Timestamp,
    db::{Sql, Window},
    error::{Error, Result},
    ids::{CampaignId, CarrierId, ContactId, InboundMessageId, MessageId},
    phone::Msisdn,
    scope::{AccountScope, OperatorScope},
    vals,
};

/// A message from a subscriber.
#[derive(Debug, Clone, FromQueryResult)]
pub struct InboundMessage {
    pub id: InboundMessageId,
    pub carrier_id: CarrierId,
    /// The address it came from, without a plus.
    pub source: String,
    /// Our sender that it was sent to.
    pub recipient: String,
    pub body: String,
    pub encoding: Encoding,
    pub keyword: Option<Keyword>,
    pub parts: i64,
    pub complete: bool,
    pub deliveries: i64,
    pub contact_id: Option<ContactId>,
    pub message_id: Option<MessageId>,
    pub campaign_id: Option<CampaignId>,
    pub received_at: Timestamp,
}

impl InboundMessage {
    /// Whom it is from: E.164 where it is a number, else as it came.
    pub fn from(&self) -> String {
        super::receive::shown(&self.source)
    }
}

/// Which messages a list shows. Every field narrows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub from: Option<Msisdn>,
    /// Our sender.
    pub to: Option<String>,
    pub keyword: Option<Keyword>,
    pub contact: Option<ContactId>,
    pub message: Option<MessageId>,
    pub campaign: Option<CampaignId>,
    pub received_from: Option<Timestamp>,
    pub received_to: Option<Timestamp>,
}

const COLUMNS: &str = "id, carrier_id, source, recipient, body, encoding, keyword, parts, complete, deliveries, contact_id, message_id, campaign_id, received_at";

/// One message.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: InboundMessageId) -> Result<InboundMessage> {
    let sql = format!("SELECT {COLUMNS} FROM inbound_messages WHERE id = $1 AND account_id = $2");
    conn.one(&sql, vals![id, scope.account()]).await?.ok_or_else(|| Error::not_found("inbound message"))
}

/// Messages of an account, newest first, and whether there are more.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &Filter,
    window: Window<InboundMessageId>,
) -> Result<(Vec<InboundMessage>, bool)> {
    let Filter { from, to, keyword, contact, message, campaign, received_from, received_to } = filter.clone();
    let mut sql = format!("SELECT {COLUMNS} FROM inbound_messages WHERE account_id = $1");
    let mut values = vals![scope.account(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    // Ids have the time of arrival in them.
    let bound = received_from.map(crate::ids::uuid_floor);
    for (condition, value) in [
        ("id < ", window.after.map(sea_orm::Value::from)),
        ("id >= ", bound.map(sea_orm::Value::from)),
        ("received_at >= ", received_from.map(sea_orm::Value::from)),
        ("received_at < ", received_to.map(sea_orm::Value::from)),
        ("phone = ", from.map(|phone| i64::from(phone).into())),
        ("recipient = ", to.map(sea_orm::Value::from)),
        ("keyword = ", keyword.map(|k| k.as_str().into())),
        (
            "COALESCE((SELECT g.survivor_id FROM contact_merges g WHERE g.contact_id = inbound_messages.contact_id), contact_id) = ",
            contact.map(sea_orm::Value::from),
        ),
        ("message_id = ", message.map(sea_orm::Value::from)),
        ("campaign_id = ", campaign.map(sea_orm::Value::from)),
    ] {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition}${}", values.len()));
        }
    }
    sql.push_str(" ORDER BY id DESC LIMIT $2");
    Ok(window.cut(conn.all(&sql, values).await?))
}

/// Messages that are nobody's, newest first, and whether there are more.
///
/// # Errors
/// When the database cannot be read.
pub async fn unattributed(
    conn: &impl ConnectionTrait,
    _: &OperatorScope,
    window: Window<InboundMessageId>,
) -> Result<(Vec<InboundMessage>, bool)> {
    let sql = format!(
        "SELECT {COLUMNS} FROM inbound_messages WHERE account_id IS NULL AND ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2"
    );
    let fetch = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    Ok(window.cut(conn.all(&sql, vals![window.after, fetch]).await?))
}
