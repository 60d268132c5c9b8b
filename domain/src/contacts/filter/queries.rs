//! Running a filter: a page of contacts, their ids in pieces, their number.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::{
    compile::Writer,
    driver::{Plan, Selected, Use},
    leads::for_these,
    tree::Tree,
};
use crate::{
    contacts::Contact,
    db::{Sql, Window},
    error::Result,
    ids::ContactId,
    scope::AccountScope,
    vals,
};

/// A page of contacts.
#[derive(Debug)]
pub struct Listed {
    /// The contacts, in order of their ids.
    pub rows: Vec<Contact>,
    /// After which contact the next page begins; `None` at the end. A page that looked at as many contacts as it may is short
    /// or empty and still has one.
    pub next: Option<ContactId>,
}

/// The ids a walk is kept to: after the one, up to the other.
#[derive(Clone, Copy, Default)]
struct Stretch {
    after: Option<ContactId>,
    to: Option<ContactId>,
}

fn walk(
    scope: &AccountScope,
    plan: &Plan<'_>,
    mut writer: Writer,
    columns: &str,
    limit: u64,
    Stretch { after, to }: Stretch,
) -> (String, Vec<Value>) {
    writer.values = vals![scope.account(), i64::try_from(limit).unwrap_or(i64::MAX)];
    let Selected { from, mut condition, key } = plan.selected(&mut writer);
    for (word, end) in [(">", after), ("<=", to)] {
        if let Some(end) = end {
            condition.push_str(&format!(" AND {key} {word} {}", writer.bind(end)));
        }
    }
    let sql = format!("SELECT {columns} FROM {from} WHERE {condition} ORDER BY {key} LIMIT $2");
    (for_these(writer.backend, sql, &writer.values), writer.values)
}

fn writer(conn: &impl ConnectionTrait, scope: &AccountScope) -> Writer {
    Writer { backend: conn.get_database_backend(), values: vals![scope.account()] }
}

/// A page of the contacts that match. `reach` is how many a page may look at, where no index leads to those that are meant;
/// `None`: all.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &Tree,
    window: Window<ContactId>,
    reach: Option<usize>,
) -> Result<Listed> {
    let plan = Plan::of(conn, scope, tree, Use::Walk).await?;
    let mut rows: Vec<Contact> = Vec::new();
    let mut after = window.after;
    // Most pages are full after a short way, so its end is looked up first: that of the whole takes some milliseconds.
    let ways = reach.map_or(vec![None], |reach| vec![Some((reach / 10).max(1)), Some(reach - reach / 10)]);
    for way in ways {
        let to = match way {
            Some(way) => end_of(conn, scope, &plan, after, way).await?,
            None => None,
        };
        let limit = window.fetch().saturating_sub(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        let (sql, values) = walk(scope, &plan, writer(conn, scope), "c.*", limit, Stretch { after, to });
        rows.extend(conn.all::<Contact>(&sql, values).await?);
        if rows.len() > window.limit {
            rows.truncate(window.limit);
            let next = rows.last().map(|row| row.id);
            return Ok(Listed { rows, next });
        }
        after = to;
        if to.is_none() {
            break;
        }
    }
    Ok(Listed { rows, next: after })
}

/// The last of so many that a walk looks at; `None` when there are fewer, or all of them are meant.
async fn end_of(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    plan: &Plan<'_>,
    after: Option<ContactId>,
    way: usize,
) -> Result<Option<ContactId>> {
    let mut writer = writer(conn, scope);
    let Some(Selected { from, condition, key }) = plan.looked_at(&mut writer) else { return Ok(None) };
    let after = after.map(|id| format!(" AND {key} > {}", writer.bind(id))).unwrap_or_default();
    let before_it = writer.bind(i64::try_from(way.saturating_sub(1)).unwrap_or(i64::MAX));
    let sql = format!("SELECT {key} FROM {from} WHERE {condition}{after} ORDER BY {key} LIMIT 1 OFFSET {before_it}");
    Ok(conn.scalar(&sql, writer.values).await?)
}

/// The ids of up to `limit` contacts that match, in order, after one of them: for what works through many in pieces. Who
/// comes later than the last piece with a smaller id is not met, since ids grow with time.
///
/// # Errors
/// When the database refuses.
pub async fn ids(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &Tree,
    after: Option<ContactId>,
    limit: usize,
) -> Result<Vec<ContactId>> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let plan = Plan::of(conn, scope, tree, Use::Walk).await?;
    let (sql, values) = walk(scope, &plan, writer(conn, scope), "c.id", limit, Stretch { after, to: None });
    Ok(conn.column(&sql, values).await?)
}

/// Those of some contacts that match.
///
/// # Errors
/// When the database refuses.
pub async fn among(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &Tree,
    ids: &[ContactId],
) -> Result<HashSet<ContactId>> {
    let mut writer = writer(conn, scope);
    let Selected { from, condition, key } = Plan::of_these(writer.backend, tree, ids).selected(&mut writer);
    let found: Vec<ContactId> =
        conn.column(&format!("SELECT {key} FROM {from} WHERE {condition}"), writer.values).await?;
    Ok(found.into_iter().collect())
}

/// How many contacts match, exactly.
///
/// # Errors
/// When the database refuses.
pub async fn count(conn: &impl ConnectionTrait, scope: &AccountScope, tree: &Tree) -> Result<i64> {
    let mut writer = writer(conn, scope);
    let plan = Plan::of(conn, scope, tree, Use::Count).await?;
    let Selected { from, condition, key: _ } = plan.selected(&mut writer);
    let sql = format!("SELECT COUNT(*) FROM {from} WHERE {condition}");
    let sql = for_these(writer.backend, sql, &writer.values);
    Ok(conn.scalar(&sql, writer.values).await?.unwrap_or(0))
}

/// What is summed up of the contacts `c` that match.
pub struct Sum {
    /// What is selected.
    pub columns: String,
    /// Tables joined to the contacts.
    pub join: &'static str,
    /// GROUP BY and what follows.
    pub tail: String,
}

/// Sums over the contacts that match. `make` says what, and binds what it needs.
///
/// # Errors
/// When the database refuses.
pub async fn summed<T: FromQueryResult + Send>(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &Tree,
    make: impl FnOnce(&mut Writer) -> Sum,
) -> Result<Vec<T>> {
    let mut writer = writer(conn, scope);
    let Sum { columns, join, tail } = make(&mut writer);
    let plan = Plan::of(conn, scope, tree, Use::Count).await?;
    let Selected { from, condition, key: _ } = plan.selected(&mut writer);
    let sql = format!("SELECT {columns} FROM {from} {join} WHERE {condition} {tail}");
    let sql = for_these(writer.backend, sql, &writer.values);
    Ok(conn.all(&sql, writer.values).await?)
}
