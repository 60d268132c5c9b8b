//! Contacts as rows of a table: which they are, a page at a time, and what stands in each column.

use std::borrow::Cow;
use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::{Export, Settings};
use crate::{
    contacts::{
        self, Clock, Column, Contact,
        filter::{self, Tree},
    },
    db::{Sql, Window, ids_json, ids_list, lookup},
    error::Result,
    files::output::Cell,
    groups,
    ids::{ContactId, GroupId},
    scope::AccountScope,
    vals,
};

/// The built-in fields; `fields.<key>` are the account's own.
pub const FIELDS: [&str; 23] = [
    "phone",
    "first_name",
    "last_name",
    "patronymic",
    "birth_date",
    "sex",
    "email",
    "company",
    "link",
    "comment",
    "language",
    "external_id",
    "consent",
    "consent_at",
    "consent_source",
    "country",
    "region",
    "operator",
    "line_type",
    "time_zone",
    "groups",
    "created_at",
    "id",
];

/// The export's filter, read as of the moment the export was accepted.
pub(super) async fn tree(conn: &impl ConnectionTrait, scope: &AccountScope, export: &Export) -> Result<Option<Tree>> {
    let Some(filter) = &export.settings.filter else { return Ok(None) };
    Ok(Some(filter::read_at(conn, scope, filter, "/filter", export.created_at).await?))
}

/// How many contacts there are to write.
pub(super) async fn count(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    settings: &Settings,
    tree: Option<&Tree>,
) -> Result<i64> {
    let backend = conn.get_database_backend();
    if let Some(tree) = tree {
        return filter::count(conn, scope, tree).await;
    }
    let (sql, values) = match settings {
        Settings { contact_ids: Some(ids), .. } => {
            let list = ids_list(backend, 2);
            let sql = format!("SELECT COUNT(*) FROM contacts WHERE account_id = $1 AND id IN {list}");
            (sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))])
        }
        Settings { group_ids, .. } if !group_ids.is_empty() => {
            let list = ids_list(backend, 2);
            let sql = format!(
                "SELECT COUNT(DISTINCT m.contact_id) FROM contact_groups m JOIN groups g ON g.id = m.group_id \
                 WHERE g.account_id = $1 AND m.group_id IN {list}"
            );
            (sql, vals![scope.account(), ids_json(group_ids.iter().map(|id| id.0))])
        }
        _ => ("SELECT COUNT(*) FROM contacts WHERE account_id = $1".to_owned(), vals![scope.account()]),
    };
    Ok(conn.scalar(&sql, values).await?.unwrap_or(0))
}

/// The next contacts after an id, in the order of their ids.
pub(super) async fn page(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    settings: &Settings,
    tree: Option<&Tree>,
    window: Window<ContactId>,
) -> Result<Vec<Contact>> {
    if let Some(tree) = tree {
        return Ok(filter::list(conn, scope, tree, window, None).await?.rows);
    }
    let backend = conn.get_database_backend();
    let limit = i64::try_from(window.limit).unwrap_or(i64::MAX);
    let mut values: Vec<Value> = vals![scope.account(), window.after.unwrap_or(ContactId(Uuid::nil())), limit];
    let sql = match settings {
        Settings { contact_ids: Some(ids), .. } => {
            values.push(ids_json(ids.iter().map(|id| id.0)));
            let list = ids_list(backend, 4);
            format!("SELECT * FROM contacts WHERE account_id = $1 AND id > $2 AND id IN {list} ORDER BY id LIMIT $3")
        }
        Settings { group_ids, .. } if !group_ids.is_empty() => {
            values.extend(group_ids.iter().map(|id| Value::from(*id)));
            members(backend, group_ids.len())
        }
        _ => "SELECT * FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3".to_owned(),
    };
    Ok(conn.all(&sql, values).await?)
}

/// Members of any of the groups `$4` and on: the next ones of each, walked by its own key, then the first of them all. So
/// a page costs the same at the end of a large group as at its beginning.
fn members(backend: DbBackend, groups: usize) -> String {
    let each: Vec<String> = (0..groups)
        .map(|n| {
            format!(
                "SELECT contact_id FROM (SELECT contact_id FROM contact_groups WHERE group_id = ${} \
                 AND contact_id > $2 ORDER BY contact_id LIMIT $3) AS g{n}",
                n + 4
            )
        })
        .collect();
    format!(
        "SELECT c.* FROM (SELECT contact_id FROM ({}) AS u ORDER BY contact_id LIMIT $3) AS m {} \
         WHERE c.account_id = $1 ORDER BY m.contact_id",
        each.join(" UNION "),
        lookup(backend, "contacts", "c", "c.id = m.contact_id")
    )
}

/// Names of the groups of these contacts in alphabetical order, by contact.
pub(super) async fn groups_of(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    page: &[Contact],
) -> Result<HashMap<ContactId, String>> {
    let ids: Vec<ContactId> = page.iter().map(|contact| contact.id).collect();
    let memberships = contacts::memberships(conn, scope, &ids).await?;
    let mut all: Vec<GroupId> = memberships.values().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    let named = groups::named(conn, scope, &all).await?;
    let names: HashMap<GroupId, String> = named.into_iter().map(|group| (group.id, group.name)).collect();
    let joined = |groups: Vec<GroupId>| {
        let mut names: Vec<&str> = groups.iter().filter_map(|id| names.get(id).map(String::as_str)).collect();
        names.sort_unstable();
        names.join(", ")
    };
    Ok(memberships.into_iter().map(|(contact, groups)| (contact, joined(groups))).collect())
}

/// What stands in a column.
pub(super) fn cell<'a>(
    contact: &'a Contact,
    field: &str,
    groups: &'a HashMap<ContactId, String>,
    clock: &Clock,
) -> Cell<'a> {
    if let Some(column) = Column::by_name(field).filter(|column| *column != Column::TimeZone) {
        return Cell::text(contact.profile.get(column));
    }
    if let Some(key) = field.strip_prefix("fields.") {
        return match contact.fields.get(key) {
            None | Some(serde_json::Value::Null) => Cell::Empty,
            Some(serde_json::Value::Number(number)) => Cell::Number(number.to_string().into()),
            Some(serde_json::Value::String(text)) => Cell::text(Some(text)),
            Some(other) => Cell::Text(other.to_string().into()),
        };
    }
    let owned = |text: String| Cell::Text(Cow::Owned(text));
    match field {
        "phone" => owned(contact.phone.to_string()),
        "consent" => Cell::text(Some(contact.consent.as_str())),
        "consent_at" => contact.consent_at.map_or(Cell::Empty, |at| owned(at.to_string())),
        "consent_source" => Cell::text(contact.consent_source.as_deref()),
        "country" => Cell::text(contact.country.as_deref()),
        "region" => Cell::text(contact.region.as_deref()),
        "operator" => Cell::text(contact.operator.as_deref()),
        "line_type" => Cell::text(contact.line_type.as_deref()),
        "time_zone" => clock.zone(contact).map_or(Cell::Empty, Cell::Text),
        "groups" => Cell::text(groups.get(&contact.id).map(String::as_str)),
        "created_at" => owned(contact.created_at.to_string()),
        "id" => owned(contact.id.to_string()),
        _ => Cell::Empty,
    }
}
