//! Changing a field's title or choices.

use sea_orm::DatabaseTransaction;

use super::{ContactField, MAX_TITLE, check_choices, composed_all, queries};
use crate::{
    db::Sql,
    error::{Code, Error, Faults, Result},
    ids::ContactFieldId,
    scope::AccountScope,
    vals,
};

/// What to change; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// A new title.
    pub title: Option<String>,
    /// New choices. Values that contacts have already stay, even when their choice is gone.
    pub choices: Option<Vec<String>>,
}

/// Changes a field. `expected` is the version the caller has read.
///
/// # Errors
/// `not_found`, `invalid_request`, `version_mismatch`.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: ContactFieldId,
    patch: Patch,
    expected: Option<i64>,
) -> Result<ContactField> {
    let field = queries::get(tx, scope, id).await?;
    let title = patch.title.unwrap_or(field.title);
    let choices = patch.choices.unwrap_or(field.choices);
    let mut faults = Faults::default();
    faults.text("/title", &title, MAX_TITLE);
    check_choices(&mut faults, field.kind, &choices);
    faults.check()?;
    let changed = tx
        .run(
            "UPDATE contact_fields SET title = $3, choices = $4, version = version + 1 \
             WHERE account_id = $1 AND id = $2 AND version = $5",
            vals![
                scope.account(),
                id,
                title,
                serde_json::Value::from(composed_all(choices)),
                expected.unwrap_or(field.version)
            ],
        )
        .await?;
    if changed == 0 {
        return Err(Error::new(Code::VersionMismatch, "The contact field has changed since it was read."));
    }
    queries::get(tx, scope, id).await
}
