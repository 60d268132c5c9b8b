//! Renaming a choice, or taking it away, with the values that have it.

use sea_orm::DatabaseTransaction;

use super::{ContactField, FieldType, check_choices, composed, queries};
use crate::{
    contacts,
    db::{Sql, expect_version},
    error::{Code, Error, Faults, Result},
    groups,
    ids::ContactFieldId,
    scope::AccountScope,
    trash, vals,
};

/// Puts `to` in the place of the choice `from`, in the list and in every value; `None` takes the choice and its values
/// away. When `to` is in the list already, the two become one. A value whose choice has gone from the list is replaced by
/// one of the list, or taken away. Gives the field and how many contacts had the value. `expected` is the version the caller
/// has read.
///
/// # Errors
/// `not_found`; `conflict` when the field is no choice; `invalid_request` when it has no such choice and no value is that;
/// `version_mismatch`.
pub async fn replace_choice(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactFieldId,
    from: &str,
    to: Option<&str>,
    expected: Option<i64>,
) -> Result<(ContactField, u64)> {
    let field = queries::get(tx, scope, id).await?;
    expect_version(field.version, expected)?;
    if field.kind != FieldType::Choice {
        return Err(Error::new(Code::Conflict, "Only a field of type choice has choices to replace."));
    }
    let to = to.map(composed);
    let to = to.as_deref();
    let listed = field.choices.iter().any(|choice| choice == from);
    if !listed && to.is_some_and(|to| !field.choices.iter().any(|choice| choice == to)) {
        let detail = format!("must be null or one of: {}, since from is no choice", field.choices.join(", "));
        return Err(Error::field("/to", "invalid_choice", detail));
    }
    let there = to.is_some_and(|to| field.choices.iter().any(|choice| choice == to && choice != from));
    let replaced =
        |choice: String| if choice == from { to.filter(|_| !there).map(str::to_owned) } else { Some(choice) };
    let choices: Vec<String> = field.choices.iter().cloned().filter_map(replaced).collect();
    let mut faults = Faults::default();
    if let Some(to) = to {
        faults.text("/to", to, super::MAX_TITLE);
    }
    check_choices(&mut faults, field.kind, &choices);
    faults.check()?;
    let sql = "UPDATE contact_fields SET choices = $3, version = version + 1 \
        WHERE account_id = $1 AND id = $2 AND version = $4";
    let values = vals![scope.account(), id, serde_json::Value::from(choices), field.version];
    if tx.run(sql, values).await? == 0 {
        return Err(Error::new(Code::VersionMismatch, "The contact field has changed since it was read."));
    }
    let Replaced { contacts, elsewhere } = everywhere(tx, scope, &field.key, Some(from), to).await?;
    if !listed && contacts == 0 && elsewhere == 0 {
        let detail = format!("must be the value of a contact, or one of: {}", field.choices.join(", "));
        return Err(Error::field("/from", "invalid_choice", detail));
    }
    Ok((queries::get(tx, scope, id).await?, contacts))
}

/// How many values were replaced.
pub(super) struct Replaced {
    /// Contacts that had one of their own.
    contacts: u64,
    /// Members that had one in a group only, and what lies in the trash.
    elsewhere: u64,
}

/// Replaces values of a field wherever they are kept.
pub(super) async fn everywhere(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    key: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Replaced> {
    let contacts = contacts::replace_values(tx, scope, key, from, to).await?;
    let in_groups = groups::replace_values(tx, scope, key, from, to).await?;
    let in_trash = trash::replace_values(tx, scope, key, from, to).await?;
    Ok(Replaced { contacts, elsewhere: in_groups.saturating_add(in_trash) })
}
