//! The report of one campaign (REP-02): by status, country, operator, class of the sender and reason.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{
    campaigns::{self, Campaign},
    db::Sql,
    error::{Error, Result},
    ids::CampaignId,
    money::Micros,
    scope::AccountScope,
    senders::Class,
    vals,
};

/// A part of a campaign: one country, operator, class of the sender or reason.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Slice {
    /// The country, operator, class or reason; `None` where it is not known.
    pub key: Option<String>,
    pub messages: i64,
    pub delivered: i64,
    pub segments: i64,
    /// Charged, less refunded.
    pub cost: Micros,
}

/// A campaign's report.
#[derive(Debug, Clone)]
pub struct CampaignReport {
    pub campaign: Campaign,
    /// Every message by its status.
    pub by_status: BTreeMap<String, i64>,
    pub by_country: Vec<Slice>,
    pub by_operator: Vec<Slice>,
    /// By what kind of sender it went out from, in the order of [`Class::ALL`].
    pub by_sender_class: Vec<Slice>,
    /// What failed or was skipped, by reason.
    pub by_reason: Vec<Slice>,
}

/// Adds a campaign's messages up, from the messages themselves.
///
/// # Errors
/// `not_found`.
pub async fn campaign(conn: &impl ConnectionTrait, scope: &AccountScope, id: CampaignId) -> Result<CampaignReport> {
    #[derive(FromQueryResult)]
    struct Count {
        status: String,
        n: i64,
    }
    let campaign = campaigns::get(conn, scope, id).await?;
    let counts: Vec<Count> = conn
        .all("SELECT status, COUNT(*) AS n FROM messages WHERE campaign_id = $1 GROUP BY status", vals![id])
        .await?;
    Ok(CampaignReport {
        campaign,
        by_status: counts.into_iter().map(|c| (c.status, c.n)).collect(),
        by_country: slices(conn, id, "country", "true").await?,
        by_operator: slices(conn, id, "operator", "true").await?,
        by_sender_class: classes(slices(conn, id, "sender", "true").await?)?,
        by_reason: slices(conn, id, "reason", "reason IS NOT NULL").await?,
    })
}

/// Adds the slices of single senders up by their class.
fn classes(senders: Vec<Slice>) -> Result<Vec<Slice>> {
    let mut sums: BTreeMap<Class, Slice> = BTreeMap::new();
    for Slice { key, messages, delivered, segments, cost } in senders {
        let class = Class::of(key.as_deref().unwrap_or_default());
        let sum = sums.entry(class).or_insert_with(|| Slice {
            key: Some(class.to_string()),
            messages: 0,
            delivered: 0,
            segments: 0,
            cost: Micros::ZERO,
        });
        sum.messages += messages;
        sum.delivered += delivered;
        sum.segments += segments;
        sum.cost = sum
            .cost
            .checked_add(cost)
            .ok_or_else(|| Error::internal("the cost of a campaign is past the range of money"))?;
    }
    Ok(sums.into_values().collect())
}

async fn slices(conn: &impl ConnectionTrait, id: CampaignId, column: &str, condition: &str) -> Result<Vec<Slice>> {
    let sql = format!(
        "SELECT {column} AS key, COUNT(*) AS messages, CAST(SUM(CASE WHEN status = 'delivered' THEN 1 ELSE 0 END) AS BIGINT) AS delivered, \
         CAST(SUM(segments) AS BIGINT) AS segments, \
         CAST(SUM(CASE WHEN charge_id IS NOT NULL AND refund_id IS NULL THEN unit_price * segments ELSE 0 END) AS BIGINT) AS cost \
         FROM messages WHERE campaign_id = $1 AND {condition} GROUP BY {column} ORDER BY {column}"
    );
    Ok(conn.all(&sql, vals![id]).await?)
}

#[cfg(test)]
mod tests {
    use super::{Micros, Slice, classes};

    #[test]
    fn senders_of_a_class_are_one_slice() {
        let slice = |sender: &str, messages, cost| Slice {
            key: Some(sender.to_owned()),
            messages,
            delivered: messages - 1,
            segments: messages * 2,
            cost: Micros(cost),
        };
        let all = classes(vec![
            slice("4444", 1, 5),
            slice("ACME", 2, 10),
            slice("447400123456", 4, 20),
            slice("SHOP", 8, 40),
        ]);
        let seen: Vec<_> =
            all.unwrap().into_iter().map(|s| (s.key.unwrap(), s.messages, s.delivered, s.segments, s.cost)).collect();
        let is = |class: &str, messages, delivered, cost| {
            (class.to_owned(), messages, delivered, messages * 2, Micros(cost))
        };
        assert_eq!(seen, [is("alphanumeric", 10, 8, 50), is("numeric", 4, 3, 20), is("short_code", 1, 0, 5)]);
    }
}
