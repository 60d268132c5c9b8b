//! Reading the stream of an account from a place on.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{
    clock::Timestamp,
    db::Sql,
    error::Result,
    ids::{EventId, MessageId, uuid_floor},
    scope::AccountScope,
    vals,
};

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

/// What the stream tells of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The event's id, as the stream has it.
    pub id: String,
    /// Such as `message.delivered`.
    pub kind: String,
    pub created_at: Timestamp,
}

/// The events of one message at these moments, oldest first. A batch of moves is one row without an index over its
/// messages, so they are looked for at the moments that the message's row knows.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_message(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    message: MessageId,
    moments: &[Timestamp],
) -> Result<Vec<Told>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: EventId,
        data: serde_json::Value,
        created_at: Timestamp,
    }
    let message = message.to_string();
    let mut told = Vec::new();
    for at in moments.iter().copied().collect::<BTreeSet<_>>() {
        // Ids begin with their millisecond.
        let (from, to) = (uuid_floor(at), uuid_floor(at.plus(Duration::from_millis(1))));
        let sql = "SELECT id, data, created_at FROM events WHERE id >= $1 AND id < $2 AND account_id = $3 AND created_at = $4 AND type = $5 ORDER BY id";
        let rows: Vec<Row> = conn.all(sql, vals![from, to, scope.account(), at, super::MESSAGES_MOVED]).await?;
        for Row { id, data, created_at } in rows {
            let items = data.get("items").and_then(|items| items.as_array()).map(Vec::as_slice).unwrap_or_default();
            let text = |item: &serde_json::Value, key: &str| item.get(key).and_then(|v| v.as_str()).map(str::to_owned);
            let mine = items.iter().zip(1..).filter(|(item, _)| text(item, "id").as_ref() == Some(&message));
            told.extend(mine.map(|(item, place)| Told {
                id: format!("{id}_{place}"),
                kind: super::message_kind(text(item, "status").as_deref().unwrap_or("moved")),
                created_at,
            }));
        }
    }
    Ok(told)
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
