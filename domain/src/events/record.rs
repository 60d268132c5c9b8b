//! Writing an event beside the change it tells of.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
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
    let data = serde_json::to_string(&data).map_err(|e| Error::internal(format!("an event: {e}")))?;
    let id = EventId::new(now);
    // Written as text: a batch has a thousand items, and a tree of them would cost more than the rest of the event.
    let json = if tx.get_database_backend() == DbBackend::Postgres { "$5::text::jsonb" } else { "$5" };
    let sql = format!(
        "INSERT INTO events (id, account_id, seq, type, subject, data, created_at) VALUES ($1, $2, NULL, $3, $4, {json}, $6)"
    );
    tx.run(&sql, vals![id, account, kind, subject, data, now]).await?;
    Ok(id)
}
