//! Running a filter: a page of contacts, their ids in pieces, their number.
//!
//! What a filter is walked by is chosen here and not left to the planner, whose statistics know little of one account:
//! the few contacts that a search found by its index, the members of one group, or all contacts of the account.

use std::hash::{DefaultHasher, Hash, Hasher};

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};
use uuid::Uuid;

use super::{
    compile::Writer,
    fold,
    tree::{Condition, Operand, Test, Tree},
};
use crate::{
    contacts::Contact,
    db::{Sql, Window, ids_json, ids_source, lookup},
    error::Result,
    ids::{ContactId, GroupId},
    scope::AccountScope,
    vals,
};

/// What a search may find to be walked by: of more, a page is found sooner among all contacts.
const FEW: usize = 2_000;

/// FROM and WHERE of a filter, and the column that is the id in the order of the walk.
struct Selected {
    from: String,
    condition: String,
    key: &'static str,
}

/// What is done with a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Some rows in the order of ids.
    Walk,
    /// All rows, in any order.
    Count,
}

/// The part of a filter that it is walked by.
enum Driver<'a> {
    Account,
    /// Members of one group, by their own key (group, contact), which is in the order of ids already.
    Group(GroupId),
    /// What a search found.
    Found(Vec<Uuid>),
    /// What a search finds, when it is too much to be named.
    Search(&'a str),
}

fn one_group(part: &Tree) -> Option<GroupId> {
    match part {
        Tree::Is(Condition { operand: Operand::Groups, test: Test::Members(ids) }) => match ids.as_slice() {
            [one] => Some(*one),
            _ => None,
        },
        _ => None,
    }
}

fn term(part: &Tree) -> Option<&str> {
    match part {
        Tree::Is(Condition { operand: Operand::Search, test: Test::Contains(term) }) => Some(term),
        _ => None,
    }
}

/// A statement that PostgreSQL plans for these very values: it plans a text that it has seen some times for any values, and
/// then takes a rare word for a common one. A remark with a hash makes it a text of its own.
fn for_these(backend: DbBackend, sql: String, values: &[Value]) -> String {
    if backend != DbBackend::Postgres {
        return sql;
    }
    let mut hash = DefaultHasher::new();
    format!("{values:?}").hash(&mut hash);
    format!("/* {:016x} */ {sql}", hash.finish())
}

/// The texts of the account that have a term in them, by the index of trigrams: FROM and WHERE over `contact_search cs`.
fn having(writer: &mut Writer, term: &str) -> (&'static str, String) {
    if writer.backend == DbBackend::Postgres {
        let escaped = term.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = writer.bind(format!("%{escaped}%"));
        return ("contact_search cs", format!("cs.account_id = $1 AND cs.text LIKE {like}"));
    }
    let glob = writer.bind(format!("*{}*", fold::plain_glob(term)));
    let from = "contact_search_text f CROSS JOIN contact_search cs ON cs.place = f.rowid";
    (from, format!("f.text GLOB {glob} AND cs.account_id = $1"))
}

/// Chooses what to walk by, and gives the other parts.
async fn driver<'a>(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &'a Tree,
    what: Use,
) -> Result<(Driver<'a>, Vec<&'a Tree>)> {
    let mut parts = tree.conjuncts();
    if let Some(place) = parts.iter().position(|part| term(part).is_some())
        && let Some(term) = parts.get(place).and_then(|part| term(part))
    {
        let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account()] };
        let (from, condition) = having(&mut writer, term);
        let sql = format!("SELECT cs.contact_id FROM {from} WHERE {condition} LIMIT {}", FEW + 1);
        let sql = for_these(writer.backend, sql, &writer.values);
        let found: Vec<Uuid> = conn.column(&sql, writer.values).await?;
        if found.len() <= FEW {
            parts.remove(place);
            return Ok((Driver::Found(found), parts));
        }
        if what == Use::Count {
            parts.remove(place);
            return Ok((Driver::Search(term), parts));
        }
    }
    if let Some(place) = parts.iter().position(|part| one_group(part).is_some())
        && let Some(group) = one_group(parts.remove(place))
    {
        return Ok((Driver::Group(group), parts));
    }
    Ok((Driver::Account, parts))
}

/// FROM and WHERE. `$1` is the account.
async fn selected(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    writer: &mut Writer,
    tree: &Tree,
    what: Use,
) -> Result<Selected> {
    let (driver, parts) = driver(conn, scope, tree, what).await?;
    let backend = writer.backend;
    let contact = |id: &str| format!("c.id = {id} AND c.account_id = $1");
    let (mut conditions, from, key) = match driver {
        Driver::Account => (vec!["c.account_id = $1".to_owned()], "contacts c".to_owned(), "c.id"),
        Driver::Group(group) => {
            let group = format!("m.group_id = {}", writer.bind(group));
            // A walk stops after some rows, so it goes from member to contact; a count needs all and is joined at will.
            let from = if what == Use::Walk || backend == DbBackend::Sqlite {
                format!("contact_groups m {}", lookup(backend, "contacts", "c", &contact("m.contact_id")))
            } else {
                format!("contact_groups m JOIN contacts c ON {}", contact("m.contact_id"))
            };
            (vec![group], from, "m.contact_id")
        }
        Driver::Found(ids) => {
            writer.values.push(ids_json(ids));
            let source = ids_source(backend, writer.values.len(), "x");
            (Vec::new(), format!("{source} {}", lookup(backend, "contacts", "c", &contact("x.id"))), "c.id")
        }
        Driver::Search(term) => {
            let (from, condition) = having(writer, term);
            let join = if backend == DbBackend::Sqlite { "CROSS JOIN" } else { "JOIN" };
            (vec![condition], format!("{from} {join} contacts c ON {}", contact("cs.contact_id")), "c.id")
        }
    };
    conditions.extend(parts.into_iter().map(|part| format!("({})", writer.tree(part))));
    if conditions.is_empty() {
        conditions.push("1 = 1".to_owned());
    }
    Ok(Selected { from, condition: conditions.join(" AND "), key })
}

async fn walk(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &Tree,
    columns: &str,
    limit: u64,
    after: Option<ContactId>,
) -> Result<(String, Vec<Value>)> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account(), limit] };
    let Selected { from, condition, key } = selected(conn, scope, &mut writer, tree, Use::Walk).await?;
    let from_there = after.map(|id| format!(" AND {key} > {}", writer.bind(id))).unwrap_or_default();
    let sql = format!("SELECT {columns} FROM {from} WHERE {condition}{from_there} ORDER BY {key} LIMIT $2");
    Ok((for_these(writer.backend, sql, &writer.values), writer.values))
}

/// A page of the contacts that match, in order of their ids; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    tree: &Tree,
    window: Window<ContactId>,
) -> Result<(Vec<Contact>, bool)> {
    let (sql, values) = walk(conn, scope, tree, "c.*", window.fetch(), window.after).await?;
    Ok(window.cut(conn.all(&sql, values).await?))
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
    let (sql, values) = walk(conn, scope, tree, "c.id", limit, after).await?;
    Ok(conn.column(&sql, values).await?)
}

/// How many contacts match, exactly.
///
/// # Errors
/// When the database refuses.
pub async fn count(conn: &impl ConnectionTrait, scope: &AccountScope, tree: &Tree) -> Result<i64> {
    let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account()] };
    let Selected { from, condition, key: _ } = selected(conn, scope, &mut writer, tree, Use::Count).await?;
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
    let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account()] };
    let Sum { columns, join, tail } = make(&mut writer);
    let Selected { from, condition, key: _ } = selected(conn, scope, &mut writer, tree, Use::Count).await?;
    let sql = format!("SELECT {columns} FROM {from} {join} WHERE {condition} {tail}");
    let sql = for_these(writer.backend, sql, &writer.values);
    Ok(conn.all(&sql, writer.values).await?)
}
