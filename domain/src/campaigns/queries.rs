//! Reading campaigns.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use super::{Audience, Pacing, Status};
use crate::{
    clock::Timestamp,
    db::{Sql, ids_json, ids_list, page_bounds},
    error::{Error, Result},
    ids::{AccountId, CampaignId, HoldId, TemplateId},
    money::{Currency, Micros},
    scope::AccountScope,
    vals,
};

/// A campaign as stored.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Campaign {
    pub id: CampaignId,
    pub account_id: AccountId,
    pub name: String,
    pub description: Option<String>,
    pub status: Status,
    pub sender: String,
    pub template_id: Option<TemplateId>,
    pub text: Option<String>,
    pub split_mode: String,
    pub audience: serde_json::Value,
    pub send_at: Option<Timestamp>,
    pub validity_seconds: Option<i64>,
    pub pacing: Option<serde_json::Value>,
    pub currency: Option<Currency>,
    pub hold_id: Option<HoldId>,
    pub error_code: Option<String>,
    pub error_detail: Option<String>,
    pub copied_from: Option<CampaignId>,
    pub external_id: Option<String>,
    pub metadata: serde_json::Value,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub launched_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub version: i64,
}

impl Campaign {
    /// The audience, as it was checked when written.
    ///
    /// # Errors
    /// Internal when the stored form cannot be read.
    pub fn audience(&self) -> Result<Audience> {
        serde_json::from_value(self.audience.clone())
            .map_err(|e| Error::internal(format!("audience of {}: {e}", self.id)))
    }

    /// When its messages may leave, as it was checked when written.
    ///
    /// # Errors
    /// Internal when the stored form cannot be read.
    pub fn pacing(&self) -> Result<Pacing> {
        let Some(stored) = self.pacing.clone() else { return Ok(Pacing::default()) };
        serde_json::from_value(stored).map_err(|e| Error::internal(format!("pacing of {}: {e}", self.id)))
    }
}

pub(super) const COLUMNS: &str = "id, account_id, name, description, status, sender, template_id, text, split_mode, audience, send_at, validity_seconds, pacing, currency, hold_id, \
                                  error_code, error_detail, copied_from, external_id, metadata, created_at, updated_at, launched_at, started_at, finished_at, version";

/// One campaign.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: CampaignId) -> Result<Campaign> {
    let sql = format!("SELECT {COLUMNS} FROM campaigns WHERE id = $1 AND account_id = $2");
    conn.one(&sql, vals![id, scope.account()]).await?.ok_or_else(|| Error::not_found("campaign"))
}

/// The same, locked until the transaction ends; rows that refer to it may still be written.
///
/// # Errors
/// `not_found`.
pub async fn lock(tx: &DatabaseTransaction, scope: &AccountScope, id: CampaignId) -> Result<Campaign> {
    let for_update = if tx.get_database_backend() == DbBackend::Postgres { " FOR NO KEY UPDATE" } else { "" };
    let sql = format!("SELECT {COLUMNS} FROM campaigns WHERE id = $1 AND account_id = $2{for_update}");
    tx.one(&sql, vals![id, scope.account()]).await?.ok_or_else(|| Error::not_found("campaign"))
}

/// Which campaigns a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub name_contains: Option<String>,
    pub external_id: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    pub after: Option<CampaignId>,
}

/// Campaigns, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<Campaign>, bool)> {
    let Filter { status, name_contains, external_id, created_from, created_to, after } = filter.clone();
    let sql = format!(
        "SELECT {COLUMNS} FROM campaigns WHERE account_id = $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR LOWER(name) LIKE $3) \
         AND ($4 IS NULL OR external_id = $4) AND ($5 IS NULL OR created_at >= $5) AND ($6 IS NULL OR created_at < $6) \
         AND ($7 IS NULL OR id < $7) ORDER BY id DESC LIMIT $8"
    );
    let name = name_contains.map(|n| format!("%{}%", n.to_lowercase()));
    let values = vals![
        scope.account(),
        status,
        name,
        external_id,
        created_from,
        created_to,
        after,
        i64::try_from(limit + 1).unwrap_or(i64::MAX)
    ];
    Ok(page_bounds(conn.all(&sql, values).await?, limit))
}

/// What a campaign's messages came to.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Messages by status; what is being submitted counts as queued.
    pub by_status: BTreeMap<String, i64>,
    /// Charged, less refunded.
    pub cost: Micros,
}

/// The counts of several campaigns of the account, in two queries.
///
/// # Errors
/// When the database cannot be read.
pub async fn counts_of(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    campaigns: &[Campaign],
) -> Result<HashMap<CampaignId, Counts>> {
    #[derive(FromQueryResult)]
    struct Count {
        campaign_id: CampaignId,
        status: String,
        messages: i64,
    }
    #[derive(FromQueryResult)]
    struct Cost {
        hold_id: HoldId,
        cost: Micros,
    }
    let backend = conn.get_database_backend();
    let mut counts: HashMap<CampaignId, Counts> = HashMap::new();
    let sql = format!(
        "SELECT campaign_id, status, messages FROM campaign_counts WHERE messages > 0 AND campaign_id IN {}",
        ids_list(backend, 1)
    );
    for Count { campaign_id, status, messages } in
        conn.all::<Count>(&sql, vals![ids_json(campaigns.iter().map(|c| c.id.0))]).await?
    {
        counts.entry(campaign_id).or_default().by_status.insert(status, messages);
    }
    let sql = format!(
        "SELECT j.hold_id, CAST(SUM(p.amount) AS BIGINT) AS cost FROM journal j JOIN postings p ON p.journal_id = j.id \
         WHERE j.account_id = $2 AND p.ledger = 'revenue' AND j.hold_id IN {} GROUP BY j.hold_id",
        ids_list(backend, 1)
    );
    let holds = ids_json(campaigns.iter().filter_map(|c| c.hold_id).map(|h| h.0));
    let costs: HashMap<HoldId, Micros> =
        conn.all::<Cost>(&sql, vals![holds, scope.account()]).await?.into_iter().map(|c| (c.hold_id, c.cost)).collect();
    for campaign in campaigns {
        if let Some(cost) = campaign.hold_id.and_then(|h| costs.get(&h)) {
            counts.entry(campaign.id).or_default().cost = *cost;
        }
    }
    Ok(counts)
}
