//! Values of a contact that hold in one group only, kept with its membership by the markers that read them.
//!
//! Invariants: a key is a built-in column that markers read, or `fields.<key>` of a field of the account, and its value
//! is what that takes; what is copied or moved to another group takes its values along, and what is in that group
//! already keeps its own.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use serde_json::{Map, Value};

use crate::{
    clock::Timestamp,
    contact_fields::{self, ContactField, composed},
    contacts::{Column, Reading},
    db::{Columns, Sql, Window, ids_json, ids_list},
    error::{Error, Faults, Result},
    ids::{ContactId, GroupId},
    messages::Values,
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

/// Members that one request may change.
pub const MAX_CHANGES: usize = 1_000;

/// What to change of a member's values: a merge patch. `None` and null take a value away.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Whose.
    pub contact: Option<ContactId>,
    /// Built-in columns, of those that markers read.
    pub columns: Vec<(Column, Option<String>)>,
    /// The account's own fields.
    pub fields: Map<String, Value>,
    /// Takes every value of the account's own fields away before.
    pub clear_fields: bool,
    /// Takes every value away before.
    pub clear: bool,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The contact.
    pub contact: ContactId,
    /// Its number.
    pub phone: Msisdn,
    /// Since when it is in the group.
    pub added_at: Timestamp,
    /// The values that hold in this group only.
    pub overrides: Map<String, Value>,
}

impl FromQueryResult for Member {
    fn from_query_result(row: &sea_orm::QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let phone: i64 = row.try_get(pre, "phone")?;
        Ok(Self {
            contact: row.try_get(pre, "contact_id")?,
            phone: Msisdn::try_from(phone).map_err(|e| sea_orm::DbErr::Type(e.to_string()))?,
            added_at: row.try_get(pre, "added_at")?,
            overrides: object(row.try_get(pre, "overrides")?),
        })
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// A page of the members of a group in order of their contacts' ids, perhaps only those with values of their own; and
/// whether there are more.
///
/// # Errors
/// `not_found` for the group.
pub async fn members(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    group: GroupId,
    with_values: bool,
    window: Window<ContactId>,
) -> Result<(Vec<Member>, bool)> {
    super::get(conn, scope, group).await?;
    let only = if with_values { " AND m.overrides IS NOT NULL" } else { "" };
    let sql = format!(
        "SELECT m.contact_id, c.phone, m.added_at, m.overrides FROM contact_groups m JOIN contacts c ON c.id = m.contact_id \
         WHERE m.group_id = $1 AND m.contact_id > $2 AND c.account_id = $3{only} ORDER BY m.contact_id LIMIT $4"
    );
    let after = window.after.map_or(uuid::Uuid::nil(), |id| id.0);
    let more = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    Ok(window.cut(conn.all(&sql, vals![group, after, scope.account(), more]).await?))
}

/// Changes the values of members of a group; gives them as they are now, in the order asked for. All or nothing.
///
/// # Errors
/// `not_found` for the group; `invalid_request` with every fault, such as a contact that is no member.
pub async fn set(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    group: GroupId,
    changes: Vec<Change>,
) -> Result<Vec<Member>> {
    super::get(tx, scope, group).await?;
    if changes.is_empty() || changes.len() > MAX_CHANGES {
        let detail = format!("must have 1 to {MAX_CHANGES} members");
        return Err(Error::field("/contacts", "invalid_count", detail));
    }
    let defined = contact_fields::all(tx, scope).await?;
    let backend = tx.get_database_backend();
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE OF m" } else { "" };
    let ids: Vec<ContactId> = changes.iter().filter_map(|change| change.contact).collect();
    let sql = format!(
        "SELECT m.contact_id, c.phone, m.added_at, m.overrides FROM contact_groups m JOIN contacts c ON c.id = m.contact_id \
         WHERE m.group_id = $1 AND c.account_id = $2 AND m.contact_id IN {} ORDER BY m.contact_id{lock}",
        ids_list(backend, 3)
    );
    let rows: Vec<Member> = tx.all(&sql, vals![group, scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    let mut members: HashMap<ContactId, Member> = rows.into_iter().map(|m| (m.contact, m)).collect();
    let mut faults = Faults::default();
    for (place, change) in changes.into_iter().enumerate() {
        let at = format!("/contacts/{place}");
        match change.contact.and_then(|id| members.get_mut(&id)) {
            None => faults.add(format!("{at}/contact_id"), "not_found", "is not a member of this group"),
            Some(member) => apply(&mut member.overrides, change, &defined, &format!("{at}/values"), &mut faults),
        }
    }
    faults.check()?;
    let nothing = Value::Null;
    let values: BTreeMap<ContactId, Value> = members
        .iter()
        .map(|(id, m)| (*id, if m.overrides.is_empty() { nothing.clone() } else { Value::Object(m.overrides.clone()) }))
        .collect();
    let columns = Columns::new().ids("contact_id", values.keys().map(|id| id.0)).json("overrides", values.values());
    let sql = format!(
        "UPDATE contact_groups SET overrides = {} FROM {} WHERE contact_groups.group_id = $1 AND contact_groups.contact_id = x.contact_id",
        if backend == DbBackend::Postgres {
            "NULLIF(x.overrides, 'null'::jsonb)"
        } else {
            "NULLIF(x.overrides, 'null')"
        },
        columns.source(backend, 2, "x")
    );
    tx.run(&sql, columns.after(backend, vals![group])).await?;
    Ok(ids.into_iter().filter_map(|id| members.get(&id).cloned()).collect())
}

fn apply(overrides: &mut Map<String, Value>, change: Change, defined: &[ContactField], at: &str, faults: &mut Faults) {
    let Change { contact: _, columns, fields, clear_fields, clear } = change;
    if clear {
        overrides.clear();
    }
    if clear_fields {
        overrides.retain(|key, _| !key.starts_with("fields."));
    }
    for (column, raw) in columns {
        let value = match raw.map(|raw| column.read(&raw, Reading::Strict)).transpose() {
            Ok(value) => value.flatten(),
            Err(e) => {
                faults.add(format!("{at}/{}", column.name()), e.code, e.detail);
                continue;
            }
        };
        match value {
            Some(value) => overrides.insert(column.name().to_owned(), composed(&value).into()),
            None => overrides.remove(column.name()),
        };
    }
    for (key, value) in fields {
        let pointer = format!("{at}/fields/{}", key.replace('~', "~0").replace('/', "~1"));
        let Some(field) = defined.iter().find(|f| f.key == key) else {
            let detail = "is not a contact field of this account; define it under /v1/contact-fields first";
            faults.add(pointer, "unknown_field", detail);
            continue;
        };
        match field.typed().from_json(&value) {
            Ok(Value::Null) => {
                overrides.remove(&format!("fields.{key}"));
            }
            Ok(value) => {
                overrides.insert(format!("fields.{key}"), value);
            }
            Err(e) => faults.add(pointer, e.code, e.detail),
        }
    }
}

/// The values that contacts from the one id to the other have in these groups only. Of several groups, the one that is
/// named first goes before the others, value by value.
pub(crate) async fn between(
    conn: &impl ConnectionTrait,
    groups: &[GroupId],
    (first, last): (ContactId, ContactId),
) -> Result<HashMap<ContactId, Map<String, Value>>> {
    #[derive(FromQueryResult)]
    struct Row {
        group_id: GroupId,
        contact_id: ContactId,
        overrides: Value,
    }
    let mut found: HashMap<ContactId, Map<String, Value>> = HashMap::new();
    if groups.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT group_id, contact_id, overrides FROM contact_groups \
         WHERE group_id IN {} AND contact_id >= $2 AND contact_id <= $3 AND overrides IS NOT NULL",
        ids_list(conn.get_database_backend(), 1)
    );
    let mut rows: Vec<Row> = conn.all(&sql, vals![ids_json(groups.iter().map(|id| id.0)), first, last]).await?;
    rows.sort_by_key(|row| groups.iter().position(|id| *id == row.group_id));
    for Row { group_id: _, contact_id, overrides } in rows {
        let values = found.entry(contact_id).or_default();
        for (key, value) in object(Some(overrides)) {
            values.entry(key).or_insert(value);
        }
    }
    Ok(found)
}

/// Puts values of a group over those of the contact.
pub(crate) fn over(values: &mut Values, overrides: Map<String, Value>) {
    let mut fields = object(Some(std::mem::take(&mut values.fields)));
    for (key, value) in overrides {
        if let Some(key) = key.strip_prefix("fields.") {
            fields.insert(key.to_owned(), value);
            continue;
        }
        let text = value.as_str().map(str::to_owned);
        match Column::by_name(&key) {
            Some(Column::FirstName) => values.first_name = text,
            Some(Column::LastName) => values.last_name = text,
            Some(Column::Patronymic) => values.patronymic = text,
            Some(Column::BirthDate) => values.birth_date = text,
            Some(Column::Sex) => values.sex = text,
            Some(Column::Email) => values.email = text,
            Some(Column::Company) => values.company = text,
            Some(Column::Link) => values.link = text,
            Some(Column::Comment) => values.comment = text,
            Some(Column::Language | Column::TimeZone | Column::ExternalId) | None => {}
        }
    }
    values.fields = Value::Object(fields);
}
