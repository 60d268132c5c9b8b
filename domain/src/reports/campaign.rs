//! The report of one campaign (REP-02): by status, country, operator and sender.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{
    campaigns::{self, Campaign},
    db::Sql,
    error::Result,
    ids::CampaignId,
    money::Micros,
    scope::AccountScope,
    vals,
};

/// A part of a campaign: one country, operator or reason.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Slice {
    /// The country, operator or reason; `None` where it is not known.
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
        by_reason: slices(conn, id, "reason", "reason IS NOT NULL").await?,
    })
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
