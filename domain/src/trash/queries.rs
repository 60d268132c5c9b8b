//! Reading the trash.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult};

use super::shape::Shape;
use crate::{
    clock::Timestamp,
    contacts::{Consent, Contact, NewConsent},
    db::{Sql, Window, ids_json, ids_list},
    error::{Error, Result},
    ids::{ContactId, GroupId},
    phone::Msisdn,
    scope::AccountScope,
    vals,
};

/// A contact in the trash.
#[derive(Debug, Clone, PartialEq)]
pub struct TrashedContact {
    /// As it was.
    pub contact: Contact,
    /// The groups that it joins again.
    pub group_ids: Vec<GroupId>,
    /// When it was deleted.
    pub trashed_at: Timestamp,
    /// When it is purged.
    pub purge_at: Timestamp,
}

impl FromQueryResult for TrashedContact {
    fn from_query_result(row: &QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            contact: Contact::from_query_result(row, pre)?,
            group_ids: Vec::new(),
            trashed_at: row.try_get(pre, "trashed_at")?,
            purge_at: row.try_get(pre, "purge_at")?,
        })
    }
}

/// A group in the trash.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct TrashedGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Contacts that join it again: those that are live now, and those in the trash when they are restored.
    pub contacts: i64,
    /// When it was deleted.
    pub trashed_at: Timestamp,
    /// When it is purged.
    pub purge_at: Timestamp,
}

/// A page of the contacts in the trash in order of their ids, perhaps of one number; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list_contacts(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    phone: Option<Msisdn>,
    window: Window<ContactId>,
) -> Result<(Vec<TrashedContact>, bool)> {
    let mut conditions = String::new();
    let mut values = vals![scope.account(), scope.clock().now(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    for (condition, value) in [
        ("t.id > ", window.after.map(sea_orm::Value::from)),
        ("t.phone = ", phone.map(|phone| i64::from(phone).into())),
    ] {
        if let Some(value) = value {
            values.push(value);
            conditions.push_str(&format!(" AND {condition}${}", values.len()));
        }
    }
    let (rows, more) = window.cut(contacts(conn, &format!("{conditions} ORDER BY t.id LIMIT $3"), values).await?);
    Ok((rows, more))
}

/// One contact in the trash.
///
/// # Errors
/// `not_found`.
pub async fn get_contact(conn: &impl ConnectionTrait, scope: &AccountScope, id: ContactId) -> Result<TrashedContact> {
    let found = contacts(conn, " AND t.id = $3", vals![scope.account(), scope.clock().now(), id]).await?;
    found.into_iter().next().ok_or_else(|| Error::not_found("contact in the trash"))
}

async fn contacts(
    conn: &impl ConnectionTrait,
    which: &str,
    values: Vec<sea_orm::Value>,
) -> Result<Vec<TrashedContact>> {
    #[derive(FromQueryResult)]
    struct Membership {
        contact_id: ContactId,
        group_id: GroupId,
    }
    let shape = Shape::of(conn, "contacts").await?;
    let sql = format!(
        "SELECT {}, t.trashed_at, t.purge_at FROM trashed_contacts t{} WHERE t.account_id = $1 AND t.purge_at > $2{which}",
        shape.values("t"),
        shape.unpacked("t")
    );
    let mut rows: Vec<TrashedContact> = conn.all(&sql, values).await?;
    let sql = format!(
        "SELECT contact_id, group_id FROM trashed_memberships WHERE contact_id IN {} ORDER BY group_id",
        ids_list(conn.get_database_backend(), 1)
    );
    let of: Vec<Membership> = conn.all(&sql, vals![ids_json(rows.iter().map(|row| row.contact.id.0))]).await?;
    for row in &mut rows {
        row.group_ids = of.iter().filter(|m| m.contact_id == row.contact.id).map(|m| m.group_id).collect();
    }
    Ok(rows)
}

const GROUP: &str = "SELECT t.id, t.name, t.trashed_at, t.purge_at, \
    (SELECT COUNT(*) FROM trashed_memberships m WHERE m.group_id = t.id) AS contacts FROM trashed_groups t";

/// A page of the groups in the trash in order of their ids; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list_groups(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    window: Window<GroupId>,
) -> Result<(Vec<TrashedGroup>, bool)> {
    let sql = format!("{GROUP} WHERE t.account_id = $1 AND t.purge_at > $4 AND t.id > $2 ORDER BY t.id LIMIT $3");
    let after = window.after.map_or(uuid::Uuid::nil(), |id| id.0);
    let more = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    Ok(window.cut(conn.all(&sql, vals![scope.account(), after, more, scope.clock().now()]).await?))
}

/// One group in the trash.
///
/// # Errors
/// `not_found`.
pub async fn get_group(conn: &impl ConnectionTrait, scope: &AccountScope, id: GroupId) -> Result<TrashedGroup> {
    let sql = format!("{GROUP} WHERE t.account_id = $1 AND t.id = $2 AND t.purge_at > $3");
    conn.one(&sql, vals![scope.account(), id, scope.clock().now()])
        .await?
        .ok_or_else(|| Error::not_found("group in the trash"))
}

/// What contacts of these numbers that lie in the trash have refused, with time and source.
pub(crate) async fn refusals(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    phones: &[Msisdn],
) -> Result<HashMap<Msisdn, NewConsent>> {
    #[derive(FromQueryResult)]
    struct Row {
        phone: i64,
        at: Option<i64>,
        source: Option<String>,
    }
    let (list, at, source) = if conn.get_database_backend() == DbBackend::Postgres {
        (
            "(SELECT value::bigint FROM jsonb_array_elements_text($2::jsonb))",
            "(data->>'consent_at')::bigint",
            "data->>'consent_source'",
        )
    } else {
        ("(SELECT value FROM json_each($2))", "data->>'$.consent_at'", "data->>'$.consent_source'")
    };
    let sql = format!(
        "SELECT phone, {at} AS at, {source} AS source FROM trashed_contacts \
         WHERE account_id = $1 AND phone IN {list} AND consent = 'refused' ORDER BY id"
    );
    let phones: Vec<u64> = phones.iter().map(|phone| phone.as_u64()).collect();
    let rows: Vec<Row> = conn.all(&sql, vals![scope.account(), serde_json::Value::from(phones)]).await?;
    let refusal = |Row { phone, at, source }: Row| {
        let said = NewConsent { status: Consent::Refused, at: at.map(Timestamp), source };
        Some((Msisdn::try_from(phone).ok()?, said))
    };
    Ok(rows.into_iter().filter_map(refusal).collect())
}
