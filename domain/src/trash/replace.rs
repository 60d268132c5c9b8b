//! Values of the account's own fields that lie in the trash follow their field: a field that is deleted and made anew
//! with another type must not find them again.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use crate::{db::Sql, error::Result, groups, scope::AccountScope, vals};

/// Replaces a value by another, or takes it away; without `from`, whatever the value is. `key` has been checked to be
/// letters, digits and _. Tells how many rows of the trash had it.
pub(crate) async fn replace_values(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    key: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<u64> {
    let postgres = tx.get_database_backend() == DbBackend::Postgres;
    let fields = if postgres { "(data->'fields')" } else { "(data->>'$.fields')" };
    let (has, value) = match (postgres, to) {
        (true, None) => (format!("jsonb_exists({fields}, $2)"), format!("{fields} - $2")),
        (true, Some(_)) => {
            (format!("jsonb_exists({fields}, $2)"), format!("jsonb_set({fields}, ARRAY[$2], to_jsonb($4::text))"))
        }
        (false, None) => {
            (format!("json_type({fields}, '$.' || $2) IS NOT NULL"), format!("json_remove({fields}, '$.' || $2)"))
        }
        (false, Some(_)) => {
            (format!("json_type({fields}, '$.' || $2) IS NOT NULL"), format!("json_set({fields}, '$.' || $2, $4)"))
        }
    };
    let is = match (postgres, from) {
        (_, None) => "($3 IS NULL)".to_owned(),
        (true, Some(_)) => format!("{fields}->>$2 = $3"),
        (false, Some(_)) => format!("{fields}->>('$.' || $2) = $3"),
    };
    // On SQLite the inner object is kept as the text that the column had.
    let data = match postgres {
        true => format!("jsonb_set(data, ARRAY['fields'], {value})"),
        false => format!("json_set(data, '$.fields', CAST({value} AS TEXT))"),
    };
    let sql = format!("UPDATE trashed_contacts SET data = {data} WHERE account_id = $1 AND {has} AND {is}");
    let mut values = vals![scope.account(), key, from];
    values.extend(to.map(sea_orm::Value::from));
    let contacts = tx.run(&sql, values).await?;
    let mine = "group_id IN (SELECT id FROM groups WHERE account_id = $1 UNION ALL SELECT id FROM trashed_groups WHERE account_id = $1)";
    let members = groups::replace_overrides(tx, scope, "trashed_memberships", mine, key, from, to).await?;
    Ok(contacts.saturating_add(members))
}
