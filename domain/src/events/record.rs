//! Writing an event beside the change it tells of.

use sea_orm::DatabaseTransaction;
use serde::Serialize;

use super::Kind;
use crate::{
    clock::Timestamp,
    db::Sql,
    error::{Error, Result},
    ids::{AccountId, EventId},
    vals,
};

/// Writes one event. `subject` is the public id it is about, `data` one of the structs of this capability, or the items
/// of a batch.
///
/// # Errors
/// When the database refuses.
pub async fn record(
    tx: &DatabaseTransaction,
    now: Timestamp,
    account: AccountId,
    kind: Kind,
    subject: &str,
    data: impl Serialize,
) -> Result<EventId> {
    let data = serde_json::to_value(data).map_err(|e| Error::internal(format!("an event: {e}")))?;
    let id = EventId::new(now);
    tx.run(
        "INSERT INTO events (id, account_id, seq, type, subject, data, created_at) VALUES ($1, $2, NULL, $3, $4, $5, $6)",
        vals![id, account, kind, subject, data, now],
    )
    .await?;
    Ok(id)
}
