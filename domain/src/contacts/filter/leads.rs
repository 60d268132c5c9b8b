//! Conditions that may lead a filter, since an index knows who meets them: what they are, and whether they are few.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Bound,
    time::Duration,
};

use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::{
    compile::Writer,
    fold,
    tree::{Condition, Operand, Span, Test, Tree},
};
use crate::{
    clock::Timestamp,
    db::{Sql, lookup},
    error::Result,
    ids::{GroupId, uuid_floor},
    scope::AccountScope,
    vals,
};

/// What a search may find to be walked by: of more, a page is found sooner among all contacts.
const FEW: usize = if cfg!(test) { 20 } else { 2_000 };

/// Numbers that may be read and sorted for a page. A walk over all contacts may find the first of them at its very end, so
/// this is as many as can be read in some milliseconds.
const FEW_NUMBERS: i64 = if cfg!(test) { 20 } else { 10_000 };

/// By how much the time in an id may be past the time of making: those of one write are counted up by microseconds.
const AHEAD: Duration = Duration::from_secs(1);

pub(super) fn one_group(part: &Tree) -> Option<GroupId> {
    match part {
        Tree::Is(Condition { operand: Operand::Groups, test: Test::Members(ids) }) => match ids.as_slice() {
            [one] => Some(*one),
            _ => None,
        },
        _ => None,
    }
}

/// The group that everybody is in who meets a condition on a value there.
pub(super) fn within(part: &Tree) -> Option<GroupId> {
    match part {
        Tree::Is(Condition { operand: Operand::InGroup(group, _), test }) if *test != Test::Exists(false) => {
            Some(*group)
        }
        _ => None,
    }
}

pub(super) fn term(part: &Tree) -> Option<&str> {
    match part {
        Tree::Is(Condition { operand: Operand::Search, test: Test::Contains(term) }) => Some(term),
        _ => None,
    }
}

pub(super) fn external_ids(part: &Tree) -> Option<&[String]> {
    match part {
        Tree::Is(Condition { operand: Operand::Text("external_id"), test: Test::Words(words) }) => Some(words),
        _ => None,
    }
}

/// The ids that a condition on the time of making leaves, since an id has that time in it.
pub(super) fn made(part: &Tree) -> (Option<Uuid>, Option<Uuid>) {
    let Tree::Is(Condition { operand: Operand::Moment("created_at"), test: Test::Integers(spans) }) = part else {
        return (None, None);
    };
    let apart = apart(spans);
    let from = apart.first().map(|(from, _)| *from).filter(|from| *from > i64::MIN);
    let to = apart.last().map(|(_, to)| *to).filter(|to| *to < i64::MAX);
    (from.map(|at| uuid_floor(Timestamp(at))), to.map(|at| uuid_floor(Timestamp(at).plus(AHEAD))))
}

pub(super) fn numbers(part: &Tree) -> Option<Vec<(i64, i64)>> {
    match part {
        Tree::Is(Condition { operand: Operand::Phone, test: Test::Integers(spans) }) => Some(apart(spans)),
        _ => None,
    }
}

/// The same integers in spans that do not meet, in order.
fn apart(spans: &[Span<i64>]) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> = spans.iter().map(|Span { from, to }| (least(*from), greatest(*to))).collect();
    all.retain(|(from, to)| from <= to);
    all.sort_unstable();
    let mut apart: Vec<(i64, i64)> = Vec::new();
    for (from, to) in all {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    apart
}

fn least(from: Bound<i64>) -> i64 {
    match from {
        Bound::Included(n) => n,
        Bound::Excluded(n) => n.saturating_add(1),
        Bound::Unbounded => i64::MIN,
    }
}

fn greatest(to: Bound<i64>) -> i64 {
    match to {
        Bound::Included(n) => n,
        Bound::Excluded(n) => n.saturating_sub(1),
        Bound::Unbounded => i64::MAX,
    }
}

/// A statement that PostgreSQL plans for these very values: it plans a text that it has seen some times for any values, and
/// then takes a rare word for a common one. A remark with a hash makes it a text of its own.
pub(super) fn for_these(backend: DbBackend, sql: String, values: &[Value]) -> String {
    if backend != DbBackend::Postgres {
        return sql;
    }
    let mut hash = DefaultHasher::new();
    format!("{values:?}").hash(&mut hash);
    format!("/* {:016x} */ {sql}", hash.finish())
}

/// The texts of the account that have a term in them, by the index of trigrams: FROM and WHERE over `contact_search cs`.
pub(super) fn having(writer: &mut Writer, term: &str) -> (&'static str, String) {
    if writer.backend == DbBackend::Postgres {
        let escaped = term.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = writer.bind(format!("%{escaped}%"));
        return ("contact_search cs", format!("cs.account_id = $1 AND cs.text LIKE {like}"));
    }
    let glob = writer.bind(format!("*{}*", fold::plain_glob(term)));
    let from = "contact_search_text f CROSS JOIN contact_search cs ON cs.place = f.rowid";
    (from, format!("f.text GLOB {glob} AND cs.account_id = $1"))
}

/// The contacts `c` of the account with these numbers, span after span by the index of numbers.
pub(super) fn numbered(writer: &mut Writer, spans: &[(i64, i64)]) -> String {
    let each: Vec<String> = spans
        .iter()
        .map(|(from, to)| format!("(CAST({} AS BIGINT), CAST({} AS BIGINT))", writer.bind(*from), writer.bind(*to)))
        .collect();
    let within = "c.account_id = $1 AND c.phone BETWEEN s.column1 AND s.column2";
    format!("(VALUES {}) AS s {}", each.join(", "), lookup(writer.backend, "contacts", "c", within))
}

/// The contacts that a search finds, when they are few.
pub(super) async fn found(conn: &impl ConnectionTrait, scope: &AccountScope, term: &str) -> Result<Option<Vec<Uuid>>> {
    let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account()] };
    let (from, condition) = having(&mut writer, term);
    let sql = format!("SELECT cs.contact_id FROM {from} WHERE {condition} LIMIT {}", FEW + 1);
    let sql = for_these(writer.backend, sql, &writer.values);
    let found: Vec<Uuid> = conn.column(&sql, writer.values).await?;
    Ok((found.len() <= FEW).then_some(found))
}

/// Whether at least every fourth contact is one of these: rows of an index, with `$1`.
pub(super) async fn are_many(conn: &impl ConnectionTrait, of: &str, which: impl Into<Value>) -> Result<bool> {
    let sql = format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM {of} = $1 LIMIT (SELECT COALESCE(MAX(rowid), 0) / 4 + 1 FROM contacts)) \
         HAVING COUNT(*) * 4 >= (SELECT COALESCE(MAX(rowid), 0) FROM contacts)"
    );
    Ok(conn.scalar::<i64>(&sql, vec![which.into()]).await?.is_some())
}

/// The contacts with these external ids, of which each has one owner at most.
pub(super) async fn owners(conn: &impl ConnectionTrait, scope: &AccountScope, words: &[String]) -> Result<Vec<Uuid>> {
    let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account()] };
    let list: Vec<String> = words.iter().map(|word| writer.bind(word.as_str())).collect();
    let sql = format!(
        "SELECT id FROM contacts WHERE account_id = $1 AND external_id IN ({}) AND external_id IS NOT NULL",
        list.join(", ")
    );
    Ok(conn.column(&sql, writer.values).await?)
}

/// Whether few contacts have these numbers.
pub(super) async fn are_few(conn: &impl ConnectionTrait, scope: &AccountScope, spans: &[(i64, i64)]) -> Result<bool> {
    if spans.is_empty() {
        return Ok(false); // VALUES wants a row; the condition itself finds nobody
    }
    let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account()] };
    let from = numbered(&mut writer, spans);
    let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {from} LIMIT {}) AS few", FEW_NUMBERS + 1);
    let few: Option<i64> = conn.scalar(&sql, writer.values).await?;
    Ok(few.is_some_and(|few| few <= FEW_NUMBERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_put_apart() {
        let span = |from, to| Span { from, to };
        let spans = [
            Span::one(7),
            span(Bound::Excluded(9), Bound::Included(20)),
            span(Bound::Included(20), Bound::Excluded(30)),
            Span::one(7),
            span(Bound::Included(5), Bound::Included(4)),
            span(Bound::Included(12), Bound::Included(13)),
            Span::from(Bound::Included(40)),
        ];
        assert_eq!(apart(&spans), [(7, 7), (10, 29), (40, i64::MAX)]);
        assert_eq!(apart(&[span(Bound::Included(5), Bound::Included(4))]), []);
    }
}
