//! What each carrier has before it: for Prometheus, read every few seconds. Both questions are answered by indexes over
//! what is open, whose size is that of the work itself.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{clock::Timestamp, db::Sql, error::Result, ids::CarrierId, scope::SystemScope, vals};

/// The open work of one carrier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// When the oldest chunk that is due and taken by no connection fell due.
    pub oldest: Option<Timestamp>,
    /// Messages in doubt.
    pub in_doubt: i64,
}

#[derive(FromQueryResult)]
struct Row {
    carrier_id: CarrierId,
    value: i64,
}

/// The open work of every carrier that has some.
///
/// # Errors
/// When the database cannot be read.
pub async fn backlog(db: &impl ConnectionTrait, scope: &SystemScope) -> Result<HashMap<CarrierId, Backlog>> {
    let mut found: HashMap<CarrierId, Backlog> = HashMap::new();
    let oldest = "SELECT carrier_id, MIN(send_at) AS value FROM chunks \
                  WHERE status = 'ready' AND lease_owner IS NULL AND send_at <= $1 GROUP BY carrier_id";
    for Row { carrier_id, value } in db.all(oldest, vals![scope.clock.now()]).await? {
        found.entry(carrier_id).or_default().oldest = Some(Timestamp(value));
    }
    let in_doubt = "SELECT carrier_id, COUNT(*) AS value FROM messages_in_doubt GROUP BY carrier_id";
    for Row { carrier_id, value } in db.all(in_doubt, vals![]).await? {
        found.entry(carrier_id).or_default().in_doubt = value;
    }
    Ok(found)
}
