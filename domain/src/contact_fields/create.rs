//! Defining a field.

use sea_orm::DatabaseTransaction;

use super::{ContactField, FieldType, MAX_FIELDS, MAX_TITLE, check_choices, composed_all, is_key, queries};
use crate::{
    contacts::Column,
    db::Sql,
    error::{Code, Error, Faults, Result},
    ids::ContactFieldId,
    scope::AccountScope,
    vals,
};

/// What a new field is made of.
#[derive(Debug, Clone)]
pub struct New {
    /// `^[a-z][a-z0-9_]{0,39}$`, not the name of a built-in column.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// What values it takes.
    pub kind: FieldType,
    /// For a choice: what may be chosen.
    pub choices: Vec<String>,
}

/// Defines a field.
///
/// # Errors
/// `invalid_request` with every fault, `already_exists` for a known key, `limit_reached`.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, new: New) -> Result<ContactField> {
    let mut faults = Faults::default();
    if !is_key(&new.key) {
        faults.add("/key", "invalid_key", "must be 1 to 40 of a-z, 0-9 and _, beginning with a letter");
    } else if new.key == "phone" || new.key == "consent" || Column::by_name(&new.key).is_some() {
        faults.add("/key", "reserved", "is the name of a built-in field of contacts");
    }
    faults.text("/title", &new.title, MAX_TITLE);
    check_choices(&mut faults, new.kind, &new.choices);
    faults.check()?;
    let (id, now) = (ContactFieldId::new(scope.clock().now()), scope.clock().now());
    let count: i64 = tx
        .scalar("SELECT COUNT(*) FROM contact_fields WHERE account_id = $1", vals![scope.account()])
        .await?
        .unwrap_or(0);
    if usize::try_from(count).unwrap_or(usize::MAX) >= MAX_FIELDS {
        return Err(Error::new(Code::LimitReached, format!("An account may define {MAX_FIELDS} contact fields.")));
    }
    let made = tx
        .run(
            "INSERT INTO contact_fields (id, account_id, key, title, type, choices, created_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1) ON CONFLICT (account_id, key) DO NOTHING",
            vals![
                id,
                scope.account(),
                new.key.as_str(),
                new.title,
                new.kind.as_str(),
                serde_json::Value::from(composed_all(new.choices)),
                now
            ],
        )
        .await?;
    if made == 0 {
        return Err(Error::new(Code::AlreadyExists, format!("There is a contact field {} already.", new.key)));
    }
    queries::get(tx, scope, id).await
}
