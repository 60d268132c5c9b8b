//! Writing an event beside the change it tells of.

use sea_orm::DatabaseTransaction;

use crate::{
    clock::Timestamp,
    db::Sql,
    error::Result,
    ids::{AccountId, EventId},
    vals,
};

/// Writes one event. `kind` is a name such as `campaign.launched`, `subject` the public id it is about, `data` what a
/// reader needs to act without asking back.
///
/// # Errors
/// When the database refuses.
pub async fn record(
    tx: &DatabaseTransaction,
    now: Timestamp,
    account: AccountId,
    kind: &str,
    subject: &str,
    data: serde_json::Value,
) -> Result<EventId> {
    let id = EventId::new(now);
    tx.run(
        "INSERT INTO events (id, account_id, seq, type, subject, data, created_at) VALUES ($1, $2, NULL, $3, $4, $5, $6)",
        vals![id, account, kind, subject, data, now],
    )
    .await?;
    Ok(id)
}
