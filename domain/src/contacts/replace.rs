//! Changing the values of one of the account's own fields in every contact at once.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use crate::{db::Sql, error::Result, scope::AccountScope, vals};

/// Replaces a value by another, or takes it away; without `from`, whatever the value is. Tells how many contacts had it.
/// `key` has been checked to be letters, digits and _, so it needs no quoting inside a JSON path.
pub(crate) async fn replace_values(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    key: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<u64> {
    let postgres = tx.get_database_backend() == DbBackend::Postgres;
    let (has, value) = match (postgres, to) {
        (true, None) => ("jsonb_exists(fields, $2)", "fields - $2"),
        (true, Some(_)) => ("jsonb_exists(fields, $2)", "jsonb_set(fields, ARRAY[$2], to_jsonb($5::text))"),
        (false, None) => ("json_type(fields, '$.' || $2) IS NOT NULL", "json_remove(fields, '$.' || $2)"),
        (false, Some(_)) => ("json_type(fields, '$.' || $2) IS NOT NULL", "json_set(fields, '$.' || $2, $5)"),
    };
    let is = match (postgres, from) {
        (_, None) => "($4 IS NULL)",
        (true, Some(_)) => "fields->>$2 = $4",
        (false, Some(_)) => "fields->>('$.' || $2) = $4",
    };
    let sql = format!(
        "UPDATE contacts SET fields = {value}, updated_at = $3, version = version + 1 \
         WHERE account_id = $1 AND {has} AND {is}"
    );
    let mut values = vals![scope.account(), key, scope.clock().now(), from];
    values.extend(to.map(sea_orm::Value::from));
    Ok(tx.run(&sql, values).await?)
}
