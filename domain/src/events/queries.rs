//! Reading the stream of an account from a place on.

use std::{fmt, str::FromStr};

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{clock::Timestamp, db::Sql, error::Result, ids::EventId, scope::AccountScope, vals};

/// A place in the stream: a row's place, and how many of the row's items were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The row's `seq`.
    pub seq: i64,
    /// Items of the row up to this one, from 1.
    pub item: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq, self.item)
    }
}

impl FromStr for Place {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        let (seq, item) = s.split_once('-').ok_or(())?;
        let read = |t: &str| t.parse::<i64>().ok().filter(|n| *n >= 0).ok_or(());
        Ok(Self { seq: read(seq)?, item: read(item)? })
    }
}

/// One event as readers see it.
#[derive(Debug, Clone)]
pub struct Event {
    /// Stable: `evt_…`, with `_<n>` for an item of a batch.
    pub id: String,
    /// Such as `campaign.completed` or `message.delivered`.
    pub kind: String,
    pub created_at: Timestamp,
    pub data: serde_json::Value,
    /// Where it stands.
    pub place: Place,
}

/// Events after a place, oldest first, and whether there are more.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    after: Place,
    limit: usize,
) -> Result<(Vec<Event>, bool)> {
    #[derive(FromQueryResult)]
    struct Row {
        id: EventId,
        seq: i64,
        kind: String,
        data: serde_json::Value,
        created_at: Timestamp,
    }
    let sql = "SELECT id, seq, type AS kind, data, created_at FROM events WHERE account_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
    let rows: Vec<Row> =
        conn.all(sql, vals![scope.account(), after.seq, i64::try_from(limit + 2).unwrap_or(i64::MAX)]).await?;
    let mut events = Vec::new();
    for Row { id, seq, kind, data, created_at } in rows {
        if kind == super::MESSAGES_MOVED.as_str() {
            let items = data.get("items").and_then(|i| i.as_array()).cloned().unwrap_or_default();
            for (data, item) in items.into_iter().zip(1..) {
                let status = data.get("status").and_then(|s| s.as_str()).unwrap_or("moved");
                events.push(Event {
                    id: format!("{id}_{item}"),
                    kind: super::message_kind(status),
                    created_at,
                    place: Place { seq, item },
                    data,
                });
            }
        } else {
            events.push(Event { id: id.to_string(), kind, created_at, place: Place { seq, item: 1 }, data });
        }
    }
    events.retain(|e| e.place > after);
    Ok(crate::db::page_bounds(events, limit))
}
