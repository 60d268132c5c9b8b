//! Running a filter: a page of contacts, their ids in pieces, their number.

use sea_orm::{ConnectionTrait, DbBackend};

use super::{
    compile::Writer,
    tree::{Condition, Operand, Test, Tree},
};
use crate::{
    contacts::Contact,
    db::{Sql, Window, lookup},
    error::Result,
    ids::{ContactId, GroupId},
    scope::AccountScope,
    vals,
};

/// FROM and WHERE of a filter, and the column that is the id in the order of the walk.
struct Selected {
    from: String,
    condition: String,
    key: &'static str,
}

/// Whether it asks for the members of one group.
fn one_group(part: &Tree) -> Option<GroupId> {
    match part {
        Tree::Is(Condition { operand: Operand::Groups, test: Test::Members(ids) }) => match ids.as_slice() {
            [one] => Some(*one),
            _ => None,
        },
        _ => None,
    }
}

/// FROM and WHERE. `$1` is the account. A filter that wants the members of one group walks them, by their own key (group,
/// contact), which is in the order of ids already; any other walks the contacts of the account.
fn selected(writer: &mut Writer, tree: &Tree, walk: bool) -> Selected {
    let mut parts = tree.conjuncts();
    let place = parts.iter().position(|part| one_group(part).is_some());
    let group = place.and_then(|place| one_group(parts.remove(place)));
    let (mut conditions, from, key) = match group {
        None => (vec!["c.account_id = $1".to_owned()], "contacts c".to_owned(), "c.id"),
        Some(group) => {
            let member = "c.id = m.contact_id AND c.account_id = $1";
            // A walk stops after some rows, so it goes from member to contact; a count needs all and is joined at will.
            let from = if walk || writer.backend == DbBackend::Sqlite {
                format!("contact_groups m {}", lookup(writer.backend, "contacts", "c", member))
            } else {
                format!("contact_groups m JOIN contacts c ON {member}")
            };
            (vec![format!("m.group_id = {}", writer.bind(group))], from, "m.contact_id")
        }
    };
    conditions.extend(parts.into_iter().map(|part| format!("({})", writer.tree(part))));
    Selected { from, condition: conditions.join(" AND "), key }
}

fn walk(
    backend: DbBackend,
    scope: &AccountScope,
    tree: &Tree,
    columns: &str,
    limit: u64,
    after: Option<ContactId>,
) -> (String, Vec<sea_orm::Value>) {
    let mut writer = Writer { backend, values: vals![scope.account(), i64::try_from(limit).unwrap_or(i64::MAX)] };
    let Selected { from, condition, key } = selected(&mut writer, tree, true);
    let from_there = after.map(|id| format!(" AND {key} > {}", writer.bind(id))).unwrap_or_default();
    let sql = format!("SELECT {columns} FROM {from} WHERE {condition}{from_there} ORDER BY {key} LIMIT $2");
    (sql, writer.values)
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
    let (sql, values) = walk(conn.get_database_backend(), scope, tree, "c.*", window.fetch(), window.after);
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
    let (sql, values) = walk(conn.get_database_backend(), scope, tree, "c.id", limit, after);
    Ok(conn.column(&sql, values).await?)
}

/// How many contacts match, exactly.
///
/// # Errors
/// When the database refuses.
pub async fn count(conn: &impl ConnectionTrait, scope: &AccountScope, tree: &Tree) -> Result<i64> {
    let mut writer = Writer { backend: conn.get_database_backend(), values: vals![scope.account()] };
    let Selected { from, condition, key: _ } = selected(&mut writer, tree, false);
    let sql = format!("SELECT COUNT(*) FROM {from} WHERE {condition}");
    Ok(conn.scalar(&sql, writer.values).await?.unwrap_or(0))
}
