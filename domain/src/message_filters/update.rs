//! Changing a filter.

use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, IntoActiveModel, QueryFilter, QuerySelect, Set};

use super::{
    MessageFilter,
    create::{NAME_TAKEN, check_conditions, check_name},
    entity::Column::Id,
    queries::within,
};
use crate::{
    db::{expect_version, or_exists},
    error::{Error, Faults, Result},
    ids::MessageFilterId,
    scope::AccountScope,
};

/// What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// Other conditions, in place of all before.
    pub conditions: Option<serde_json::Value>,
}

/// Changes a filter; `expected` is the version the caller read.
///
/// # Errors
/// When there is none, a value is not valid, the name is taken, or it has changed since `expected`.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: MessageFilterId,
    expected: Option<i64>,
    change: Change,
) -> Result<MessageFilter> {
    let Change { name, conditions } = change;
    let mut faults = Faults::default();
    if let Some(name) = &name {
        check_name(&mut faults, name);
    }
    if let Some(conditions) = &conditions {
        check_conditions(&mut faults, conditions);
    }
    faults.check()?;
    let row = within(scope).filter(Id.eq(id)).lock_exclusive().one(tx).await?;
    let row = row.ok_or_else(|| Error::not_found("message filter"))?;
    expect_version(row.version, expected)?;
    let version = row.version + 1;
    let mut row = row.into_active_model();
    if let Some(name) = name {
        row.name = Set(name);
    }
    if let Some(conditions) = conditions {
        row.conditions = Set(conditions);
    }
    row.updated_at = Set(scope.clock().now());
    row.version = Set(version);
    row.update(tx).await.map_err(|e| or_exists(e, NAME_TAKEN))
}
