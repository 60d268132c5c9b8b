//! The values that a contact has in groups only, seen from the contact: for those who look for differing values.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::{Map, Value};

use crate::{
    db::{Sql, ids_json, ids_list},
    error::Result,
    ids::{ContactId, GroupId},
    scope::AccountScope,
    vals,
};

/// What a contact is in one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Elsewhere {
    /// The group.
    pub group: GroupId,
    /// The values that hold there only.
    pub overrides: Map<String, Value>,
}

#[derive(FromQueryResult)]
struct Row {
    contact_id: ContactId,
    group_id: GroupId,
    overrides: Value,
}

/// The next contacts that have values in groups only, in the order of their ids, with the values; groups in the order of
/// their making.
pub(crate) async fn with_overrides(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    after: Option<ContactId>,
    limit: usize,
) -> Result<Vec<(ContactId, Vec<Elsewhere>)>> {
    let sql = "SELECT DISTINCT m.contact_id FROM groups g CROSS JOIN contact_groups m \
        WHERE g.account_id = $1 AND m.group_id = g.id AND m.overrides IS NOT NULL AND m.contact_id > $2 \
        ORDER BY m.contact_id LIMIT $3";
    let after = after.map_or(uuid::Uuid::nil(), |id| id.0);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids: Vec<ContactId> = conn.column(sql, vals![scope.account(), after, limit]).await?;
    let sql = format!(
        "SELECT m.contact_id, m.group_id, m.overrides FROM contact_groups m JOIN groups g ON g.id = m.group_id \
         WHERE g.account_id = $1 AND m.contact_id IN {} AND m.overrides IS NOT NULL ORDER BY m.group_id",
        ids_list(conn.get_database_backend(), 2)
    );
    let rows: Vec<Row> = conn.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    let mut of: std::collections::HashMap<ContactId, Vec<Elsewhere>> = std::collections::HashMap::new();
    for Row { contact_id, group_id, overrides } in rows {
        of.entry(contact_id).or_default().push(elsewhere(group_id, overrides));
    }
    Ok(ids.into_iter().map(|id| (id, of.remove(&id).unwrap_or_default())).collect())
}

/// What one contact is in its groups.
pub(crate) async fn overrides_of(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    id: ContactId,
) -> Result<Vec<Elsewhere>> {
    let sql = "SELECT m.contact_id, m.group_id, m.overrides FROM contact_groups m JOIN groups g ON g.id = m.group_id \
        WHERE g.account_id = $1 AND m.contact_id = $2 AND m.overrides IS NOT NULL ORDER BY m.group_id";
    let rows: Vec<Row> = conn.all(sql, vals![scope.account(), id]).await?;
    Ok(rows.into_iter().map(|Row { contact_id: _, group_id, overrides }| elsewhere(group_id, overrides)).collect())
}

fn elsewhere(group: GroupId, overrides: Value) -> Elsewhere {
    let overrides = match overrides {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Elsewhere { group, overrides }
}

/// Takes every value away that one contact has in a group only; tells in how many groups it had some.
pub(crate) async fn clear_overrides(tx: &DatabaseTransaction, scope: &AccountScope, id: ContactId) -> Result<u64> {
    let sql = "UPDATE contact_groups SET overrides = NULL WHERE contact_id = $2 AND overrides IS NOT NULL \
        AND group_id IN (SELECT id FROM groups WHERE account_id = $1)";
    Ok(tx.run(sql, vals![scope.account(), id]).await?)
}

/// A contact joins the groups of others, with the values that they have there only; where it is already it stays as it is.
/// The caller holds all of them locked and has seen them to be the account's.
pub(crate) async fn unite(tx: &DatabaseTransaction, contact: ContactId, others: &[ContactId]) -> Result<()> {
    let sql = format!(
        "INSERT INTO contact_groups (group_id, contact_id, added_at, overrides) \
         SELECT m.group_id, $1, m.added_at, m.overrides FROM contact_groups m WHERE m.contact_id IN {} \
         ORDER BY m.group_id, m.contact_id ON CONFLICT (group_id, contact_id) DO NOTHING",
        ids_list(tx.get_database_backend(), 2)
    );
    tx.run(&sql, vals![contact, ids_json(others.iter().map(|id| id.0))]).await?;
    Ok(())
}
