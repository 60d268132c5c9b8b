//! Writing an event beside the change it tells of.

use sea_orm::{DatabaseTransaction, DbBackend};
use serde::Serialize;

use super::Kind;
use crate::{
    clock::Timestamp,
    db::Writes,
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
    let mut writes = Writes::new(tx);
    let id = add(&mut writes, now, account, kind, subject, data)?;
    writes.run(tx).await?;
    Ok(id)
}

/// The same, together with other writes.
///
/// # Errors
/// Internal when `data` cannot be written as JSON.
pub fn add(
    writes: &mut Writes,
    now: Timestamp,
    account: AccountId,
    kind: Kind,
    subject: &str,
    data: impl Serialize,
) -> Result<EventId> {
    let data = serde_json::to_string(&data).map_err(|e| Error::internal(format!("an event: {e}")))?;
    let id = EventId::new(now);
    // Written as text: a batch has a thousand items, and a tree of them would cost more than the rest of the event.
    let json = if writes.backend() == DbBackend::Postgres { "$5::text::jsonb" } else { "$5" };
    let sql = format!(
        "INSERT INTO events (id, account_id, seq, type, subject, data, created_at) VALUES ($1, $2, NULL, $3, $4, {json}, $6)"
    );
    writes.add(sql, vals![id, account, kind, subject, data, now]);
    Ok(id)
}
