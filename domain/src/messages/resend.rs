//! Messages that are submitted a second time because the answer to the first was lost, where their carrier's policy says so
//! (`resend_once`).
//!
//! States: submitting → queued, with a row in `message_resends` → submitting → sent; or in doubt, when the second answer is
//! lost too. Invariants: a message has one row at most, so it is submitted twice at most; one that has a row ends without
//! charge only by way of a doubt, for the carrier may have taken it the first time.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::moves::Row;
use crate::{
    carriers,
    clock::Timestamp,
    db::{Columns, Sql, ids_json, ids_list},
    error::Result,
    ids::{CarrierId, MessageId},
    vals,
};

/// The second attempt at a message.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Resend {
    /// When the first was given up.
    pub resent_at: Timestamp,
    /// Why: what its doubt would have been.
    pub reason: String,
}

/// Takes those of doubtful messages that are to be submitted again, and notes that they are: each once, for as long as it
/// is valid.
pub(super) async fn take(
    tx: &DatabaseTransaction,
    now: Timestamp,
    carrier: CarrierId,
    doubtful: &[(&Row, &str)],
) -> Result<HashSet<MessageId>> {
    let mut policies: HashMap<CarrierId, bool> = HashMap::new();
    for of in doubtful.iter().map(|(row, _)| row.carrier_id.unwrap_or(carrier)).collect::<BTreeSet<_>>() {
        policies.insert(of, carriers::resends(tx, of).await?);
    }
    let again = |row: &Row| policies.get(&row.carrier_id.unwrap_or(carrier)) == Some(&true);
    let valid = |row: &Row| row.valid_until.is_none_or(|until| until > now);
    let wanted: Vec<_> = doubtful.iter().filter(|(row, _)| again(row) && valid(row)).collect();
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("message", wanted.iter().map(|(row, _)| row.id.0))
        .ids("carrier", wanted.iter().map(|(row, _)| row.carrier_id.unwrap_or(carrier).0))
        .texts("reason", wanted.iter().map(|(_, reason)| *reason));
    let sql = format!(
        "INSERT INTO message_resends (message_id, carrier_id, reason, resent_at) SELECT x.message, x.carrier, x.reason, $1 \
         FROM {} WHERE true ON CONFLICT (message_id) DO NOTHING RETURNING message_id",
        columns.source(backend, 2, "x")
    );
    let taken: Vec<MessageId> = tx.column(&sql, columns.after(backend, vals![now])).await?;
    Ok(taken.into_iter().collect())
}

/// Which of these were given to their carrier before.
pub(super) async fn among(
    tx: &DatabaseTransaction,
    ids: impl IntoIterator<Item = MessageId>,
) -> Result<HashSet<MessageId>> {
    // Most platforms have no such message.
    if tx.scalar::<i32>("SELECT 1 FROM message_resends LIMIT 1", vals![]).await?.is_none() {
        return Ok(HashSet::new());
    }
    let list = ids_list(tx.get_database_backend(), 1);
    let sql = format!("SELECT message_id FROM message_resends WHERE message_id IN {list}");
    let found: Vec<MessageId> = tx.column(&sql, vals![ids_json(ids.into_iter().map(|id| id.0))]).await?;
    Ok(found.into_iter().collect())
}

/// Whether a message was submitted a second time, and why.
pub(super) async fn of(conn: &impl ConnectionTrait, id: MessageId) -> Result<Option<Resend>> {
    Ok(conn.one("SELECT resent_at, reason FROM message_resends WHERE message_id = $1", vals![id]).await?)
}
