//! Changing the values of one of the account's own fields that hold in one group only, in every group at once.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use crate::{db::Sql, error::Result, scope::AccountScope, vals};

/// Replaces a value of one of the account's own fields in every group, or takes it away; without `from`, whatever the
/// value is. Tells how many members had it.
pub(crate) async fn replace_values(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    key: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<u64> {
    let mine = "group_id IN (SELECT id FROM groups WHERE account_id = $1)";
    replace_overrides(tx, scope, "contact_groups", mine, key, from, to).await
}

/// The same in any table of memberships; `mine` is SQL that picks those of the account `$1`. `key` has been checked to
/// be letters, digits and _.
pub(crate) async fn replace_overrides(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    table: &str,
    mine: &str,
    key: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<u64> {
    let postgres = tx.get_database_backend() == DbBackend::Postgres;
    let (read, value) = match (postgres, to) {
        (true, None) => ("overrides->>$2", "NULLIF(overrides - $2, '{}'::jsonb)"),
        (true, Some(_)) => ("overrides->>$2", "jsonb_set(overrides, ARRAY[$2], to_jsonb($4::text))"),
        (false, None) => {
            ("overrides->>('$.\"' || $2 || '\"')", "NULLIF(json_remove(overrides, '$.\"' || $2 || '\"'), '{}')")
        }
        (false, Some(_)) => ("overrides->>('$.\"' || $2 || '\"')", "json_set(overrides, '$.\"' || $2 || '\"', $4)"),
    };
    let is = if from.is_some() { format!("{read} = $3") } else { format!("{read} IS NOT NULL AND $3 IS NULL") };
    let sql = format!("UPDATE {table} SET overrides = {value} WHERE {mine} AND overrides IS NOT NULL AND {is}");
    let mut values = vals![scope.account(), format!("fields.{key}"), from];
    values.extend(to.map(sea_orm::Value::from));
    Ok(tx.run(&sql, values).await?)
}
