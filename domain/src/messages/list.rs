//! Listing messages (REP-01).
//!
//! Invariants: a list walks one index downwards, of the campaign, the send or the account, between two ids; a period
//! becomes such ids, since an id has its time in it. What no index serves is looked for in a bounded number of messages
//! a page, so that no question costs more because nothing answers it.

use std::time::Duration;

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, Value};

use super::{Message, Status, queries::COLUMNS, weekdays};
use crate::{
    accounts,
    clock::Timestamp,
    db::Sql,
    error::{Error, Result},
    ids::{self, BatchId, CampaignId, ContactId, MessageId},
    scope::AccountScope,
};

/// By how much the time in an id may be past its message's time: those of one write are counted up by microseconds.
const AHEAD: Duration = Duration::from_secs(1);

/// Which messages a list shows. Every field narrows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub campaign: Option<CampaignId>,
    pub batch: Option<BatchId>,
    pub contact: Option<ContactId>,
    /// Any of these statuses; empty means all.
    pub statuses: Vec<Status>,
    pub reason: Option<String>,
    /// The whole number.
    pub phone: Option<i64>,
    /// Digits anywhere in the number.
    pub phone_contains: Option<String>,
    pub sender: Option<String>,
    /// Of texts, A–Z and a–z count as the same where a part is looked for.
    pub sender_contains: Option<String>,
    /// The whole text.
    pub text: Option<String>,
    pub text_contains: Option<String>,
    pub country: Option<String>,
    pub operator: Option<String>,
    pub external_id: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    /// ISO weekdays of creation in the account's time zone, 1 = Monday … 7 = Sunday; empty means all.
    pub weekdays: Vec<i64>,
    pub after: Option<MessageId>,
}

/// A page of messages.
#[derive(Debug)]
pub struct Listed {
    pub rows: Vec<Message>,
    /// After which message the next page begins; `None` at the end. A page that looked at as many messages as it may is
    /// short or empty and still has one.
    pub next: Option<MessageId>,
}

/// A growing WHERE with its values.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.push(value.into());
            self.sql.push_str(" AND ");
            self.sql.push_str(&condition.replace('?', &format!("${}", self.values.len())));
        }
    }
    fn any<V: Into<Value>>(&mut self, column: &str, values: impl IntoIterator<Item = V>) {
        let marks: Vec<String> = values
            .into_iter()
            .map(|v| {
                self.values.push(v.into());
                format!("${}", self.values.len())
            })
            .collect();
        if !marks.is_empty() {
            self.sql.push_str(&format!(" AND {column} IN ({})", marks.join(", ")));
        }
    }
}

/// Messages, newest first. `reach` is how many a page may look at, when something is asked that no index serves.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &Filter,
    limit: usize,
    reach: Option<usize>,
) -> Result<Listed> {
    let Filter {
        campaign,
        batch,
        contact,
        statuses,
        reason,
        phone,
        phone_contains,
        sender,
        sender_contains,
        text,
        text_contains,
        country,
        operator,
        external_id,
        created_from,
        created_to,
        weekdays,
        after,
    } = filter.clone();
    let mut c = Conditions { sql: "m.account_id = $1".to_owned(), values: vec![scope.account().into()] };
    c.add("m.campaign_id = ?", campaign);
    c.add("m.batch_id = ?", batch);
    let (from, to) = (created_from.map(ids::uuid_floor), created_to.map(|to| ids::uuid_floor(to.plus(AHEAD))));
    c.add("m.id >= ?", from);
    c.add("m.id < ?", to);
    c.add("m.id < ?", after);
    let range = Conditions { sql: c.sql.clone(), values: c.values.clone() };

    c.add(
        "(m.contact_id = ? OR m.contact_id IN (SELECT g.contact_id FROM contact_merges g WHERE g.account_id = $1 AND g.survivor_id = ?))",
        contact,
    );
    c.any("m.status", statuses);
    c.add("m.reason = ?", reason);
    c.add("m.phone = ?", phone);
    c.add("CAST(m.phone AS TEXT) LIKE ?", phone_contains.map(|digits| containing(&digits)));
    c.add("m.sender = ?", sender);
    c.add("LOWER(m.sender) LIKE LOWER(?) ESCAPE '\\'", sender_contains.map(|part| containing(&part)));
    let of_text = text.is_some() || text_contains.is_some();
    c.add("t.body = ?", text);
    c.add("LOWER(t.body) LIKE LOWER(?) ESCAPE '\\'", text_contains.map(|part| containing(&part)));
    c.add("m.country = ?", country);
    c.add("m.operator = ?", operator);
    c.add("m.external_id = ?", external_id);
    if !weekdays.is_empty() {
        let zone = time_zone(conn, scope).await?;
        let until = scope.clock().now().plus(AHEAD);
        c.any(&weekdays::of("m.created_at", zone, created_from, created_to.unwrap_or(until).min(until)), weekdays);
    }
    let floor = match reach {
        Some(reach) if c.values.len() > range.values.len() => lowest(conn, range, reach).await?,
        _ => None,
    };
    c.add("m.id >= ?", floor);
    if of_text {
        // PostgreSQL carries no range over a join: without these it may read every text there is.
        c.add("t.message_id >= ?", floor.map(|id| id.0).or(from));
        c.add("t.message_id < ?", after.map(|id| id.0).or(to));
    }
    c.add("m.created_at >= ?", created_from);
    c.add("m.created_at < ?", created_to);

    c.values.push(i64::try_from(limit + 1).unwrap_or(i64::MAX).into());
    let sql = format!("SELECT {COLUMNS} WHERE {} ORDER BY m.id DESC LIMIT ${}", c.sql, c.values.len());
    let mut rows: Vec<Message> = conn.all(&sql, c.values).await?;
    if rows.len() > limit {
        rows.truncate(limit);
        let next = rows.last().map(|m| m.id);
        return Ok(Listed { rows, next });
    }
    Ok(Listed { rows, next: floor })
}

/// The last message of a range that a page may look at; `None` when the range is not longer.
async fn lowest(conn: &impl ConnectionTrait, range: Conditions, reach: usize) -> Result<Option<MessageId>> {
    let Conditions { sql, mut values } = range;
    values.push(i64::try_from(reach.saturating_sub(1)).unwrap_or(i64::MAX).into());
    let sql = format!("SELECT m.id FROM messages m WHERE {sql} ORDER BY m.id DESC LIMIT 1 OFFSET ${}", values.len());
    Ok(conn.scalar(&sql, values).await?)
}

async fn time_zone(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Tz> {
    let zone = accounts::find(conn, scope).await?.time_zone;
    zone.parse().map_err(|_| Error::internal(format!("the account's time zone {zone:?} is not known")))
}

/// A pattern of LIKE.
fn containing(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::CampaignId,
        testing::{Stage, stages, write_tx},
        vals,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Writes messages, each with when it was made, its sender and its text.
    async fn write(stage: &Stage, campaign: Option<CampaignId>, rows: &[(&str, &str, &str)]) {
        let tx = stage.db.begin().await.unwrap();
        for (made, sender, text) in rows {
            let id = MessageId::new(at(made));
            let sql = "INSERT INTO messages (id, account_id, campaign_id, phone, sender, encoding, split_mode, segments, parts, \
                       unit_price, currency, status, send_at, metadata, created_at) \
                       VALUES ($1, $2, $3, 447400123456, $4, 'gsm7', 'udh', 1, 1, 0, 'EUR', 'delivered', $5, $6, $5)";
            let none = serde_json::json!({});
            tx.run(sql, vals![id, stage.scope.account(), campaign, *sender, at(made), none]).await.unwrap();
            tx.run("INSERT INTO message_texts (message_id, body) VALUES ($1, $2)", vals![id, *text]).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn texts(stage: &Stage, filter: Filter, reach: Option<usize>) -> (Vec<String>, Option<MessageId>) {
        let Listed { rows, next } = list(stage.db.read(), &stage.scope, &filter, 50, reach).await.unwrap();
        (rows.into_iter().map(|m| m.text.unwrap()).collect(), next)
    }

    #[tokio::test]
    async fn weekdays_are_those_of_the_accounts_clock() {
        for stage in stages().await {
            let change =
                accounts::Change { time_zone: Some("America/New_York".to_owned()), ..accounts::Change::default() };
            write_tx!(stage, tx => accounts::update(&tx, &stage.scope, None, change)).unwrap();
            let rows = [
                ("2026-07-06T03:59:59Z", "A", "sunday in summer"),
                ("2026-07-06T04:00:00Z", "A", "monday in summer"),
                ("2026-11-09T04:59:59Z", "A", "sunday in winter"),
                ("2026-11-09T05:00:00Z", "A", "monday in winter"),
            ];
            write(&stage, None, &rows).await;
            let on = |day| Filter { weekdays: vec![day], ..Filter::default() };
            assert_eq!(texts(&stage, on(7), None).await.0, ["sunday in winter", "sunday in summer"]);
            assert_eq!(texts(&stage, on(1), None).await.0, ["monday in winter", "monday in summer"]);
            assert_eq!(texts(&stage, on(2), None).await.0, [""; 0]);
            let late = Filter { created_from: Some(at("2026-08-01T00:00:00Z")), ..on(1) };
            assert_eq!(texts(&stage, late, None).await.0, ["monday in winter"]);
        }
    }

    #[tokio::test]
    async fn texts_and_senders_are_found_whole_and_in_part() {
        for stage in stages().await {
            let rows = [
                ("2026-11-01T10:00:00Z", "ACME", "50% off_today"),
                ("2026-11-01T10:00:01Z", "Acme Shop", "50 and off today"),
                ("2026-11-01T10:00:02Z", "4444", "50% OFF_TODAY"),
            ];
            write(&stage, None, &rows).await;
            let by = async |filter| {
                let mut found = texts(&stage, filter, None).await.0;
                found.reverse();
                found
            };
            let some = |text: &str| Some(text.to_owned());
            assert_eq!(by(Filter { text: some("50% off_today"), ..Filter::default() }).await, ["50% off_today"]);
            let part = Filter { text_contains: some("% off_t"), ..Filter::default() };
            assert_eq!(by(part).await, ["50% off_today", "50% OFF_TODAY"]);
            assert_eq!(by(Filter { sender: some("ACME"), ..Filter::default() }).await, ["50% off_today"]);
            let part = Filter { sender_contains: some("acm"), ..Filter::default() };
            assert_eq!(by(part).await, ["50% off_today", "50 and off today"]);
        }
    }

    #[tokio::test]
    async fn a_page_looks_no_further_than_it_may_and_the_next_one_goes_on() {
        for stage in stages().await {
            let campaign = CampaignId::new(stage.clock.now());
            let minutes: Vec<String> = (0..10).map(|n| format!("2026-11-01T10:0{n}:00Z")).collect();
            let text = |n: usize| if n.is_multiple_of(5) { "wanted" } else { "other" };
            let rows: Vec<_> = minutes.iter().enumerate().map(|(n, m)| (m.as_str(), "ACME", text(n))).collect();
            write(&stage, None, &rows).await;
            let wanted = Filter { text: Some("wanted".to_owned()), ..Filter::default() };
            let mut pages = Vec::new();
            let mut after = None;
            loop {
                let (found, next) = texts(&stage, Filter { after, ..wanted.clone() }, Some(4)).await;
                pages.push(found.len());
                after = next;
                if next.is_none() {
                    break;
                }
            }
            assert_eq!(pages, [0, 1, 1]);
            // an empty filter and a period are served by the index
            let (all, next) = texts(&stage, Filter::default(), Some(4)).await;
            assert_eq!((all.len(), next), (10, None));
            let period = Filter {
                created_from: Some(at("2026-11-01T10:02:00Z")),
                created_to: Some(at("2026-11-01T10:05:00Z")),
                ..Filter::default()
            };
            assert_eq!(texts(&stage, period.clone(), Some(4)).await.0.len(), 3);
            // and bound what is looked through
            let (found, next) = texts(&stage, Filter { text: Some("wanted".to_owned()), ..period }, Some(5)).await;
            assert_eq!((found.len(), next), (0, None));
            let theirs = Filter { campaign: Some(campaign), ..wanted };
            assert_eq!(texts(&stage, theirs, Some(4)).await, (Vec::new(), None));
        }
    }
}
