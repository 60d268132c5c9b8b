//! Reading contacts.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;

use super::{Consent, Contact};
use crate::{
    accounts,
    clock::Timestamp,
    db::{Sql, Window, ids_json, ids_list},
    error::{Error, Result},
    ids::{ContactId, GroupId},
    phone::{Msisdn, Rule},
    scope::AccountScope,
    vals,
};

/// What a list of contacts is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Members of this group.
    pub group: Option<GroupId>,
    /// The contact with this number.
    pub phone: Option<Msisdn>,
    /// Numbers of this country.
    pub country: Option<String>,
    /// Numbers of this operator.
    pub operator: Option<String>,
    /// The contact with this id of the integrator's.
    pub external_id: Option<String>,
    /// This state of consent.
    pub consent: Option<Consent>,
    /// Made at this moment or later.
    pub created_after: Option<Timestamp>,
    /// Made before this moment.
    pub created_before: Option<Timestamp>,
}

/// One contact.
///
/// # Errors
/// `not_found`.
pub async fn get(conn: &impl ConnectionTrait, scope: &AccountScope, id: ContactId) -> Result<Contact> {
    let sql = "SELECT * FROM contacts WHERE account_id = $1 AND id = $2";
    conn.one(sql, vals![scope.account(), id]).await?.ok_or_else(|| Error::not_found("contact"))
}

/// Those of `ids` that are contacts of the account.
pub(crate) async fn several(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    ids: &[ContactId],
) -> Result<Vec<Contact>> {
    let list = ids_list(conn.get_database_backend(), 2);
    let sql = format!("SELECT * FROM contacts WHERE account_id = $1 AND id IN {list} ORDER BY id");
    Ok(conn.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?)
}

/// The groups of each of these contacts, in order of their creation. One statement, however many there are.
///
/// # Errors
/// When the database refuses.
pub async fn memberships(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    ids: &[ContactId],
) -> Result<HashMap<ContactId, Vec<GroupId>>> {
    #[derive(sea_orm::FromQueryResult)]
    struct Membership {
        contact_id: ContactId,
        group_id: GroupId,
    }
    let mut all: HashMap<ContactId, Vec<GroupId>> = HashMap::new();
    if ids.is_empty() {
        return Ok(all);
    }
    let list = ids_list(conn.get_database_backend(), 2);
    let sql = format!(
        "SELECT m.contact_id, m.group_id FROM contact_groups m JOIN groups g ON g.id = m.group_id \
         WHERE g.account_id = $1 AND m.contact_id IN {list} ORDER BY m.group_id"
    );
    let rows: Vec<Membership> = conn.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    for Membership { contact_id, group_id } in rows {
        all.entry(contact_id).or_default().push(group_id);
    }
    Ok(all)
}

/// The groups of a contact, in order of their creation.
///
/// # Errors
/// When the database refuses.
pub async fn groups_of(conn: &impl ConnectionTrait, scope: &AccountScope, id: ContactId) -> Result<Vec<GroupId>> {
    Ok(memberships(conn, scope, &[id]).await?.remove(&id).unwrap_or_default())
}

/// A page of contacts in order of their ids; and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &Filter,
    window: Window<ContactId>,
) -> Result<(Vec<Contact>, bool)> {
    let Filter { group, phone, country, operator, external_id, consent, created_after, created_before } = filter;
    let mut values = vals![scope.account(), i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    let mut sql = "SELECT c.* FROM contacts c".to_owned();
    // A group is walked by its own key (group, contact), which is already in the order of the list.
    let mut key = "c.id";
    if let Some(group) = group {
        values.push((*group).into());
        key = "m.contact_id";
        sql.push_str(" JOIN contact_groups m ON m.contact_id = c.id AND m.group_id = $3");
    }
    sql.push_str(" WHERE c.account_id = $1");
    let conditions: [(&str, Option<sea_orm::Value>); 8] = [
        ("c.phone =", phone.map(|p| i64::from(p).into())),
        ("c.country =", country.as_deref().map(Into::into)),
        ("c.operator =", operator.as_deref().map(Into::into)),
        ("c.external_id =", external_id.as_deref().map(Into::into)),
        ("c.consent =", consent.map(|c| c.as_str().into())),
        ("c.created_at >=", created_after.map(Into::into)),
        ("c.created_at <", created_before.map(Into::into)),
        (if group.is_some() { "m.contact_id >" } else { "c.id >" }, window.after.map(Into::into)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    }
    sql.push_str(&format!(" ORDER BY {key} LIMIT $2"));
    Ok(window.cut(conn.all(&sql, values).await?))
}

/// How the account reads bare digits: international first, then as numbers of its default country.
///
/// # Errors
/// When the database refuses.
pub async fn rule(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Rule> {
    let country = accounts::find(conn, scope).await?.default_country;
    Ok(country.and_then(|c| c.parse().ok()).map_or(Rule::None, Rule::AccountCountry))
}
