//! Changing a template.

use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, IntoActiveModel, QueryFilter, QuerySelect, Set};

use super::{
    Template, check,
    create::{NAME_TAKEN, check_body, check_name},
    entity::Column::Id,
    queries::within,
};
use crate::{
    db::{expect_version, or_exists},
    error::{Error, Faults, Result},
    ids::TemplateId,
    scope::AccountScope,
};

/// A merge patch: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new text.
    pub body: Option<String>,
}

/// Changes a template; `expected` is the version the caller read.
///
/// # Errors
/// When there is none, a value is not valid, the name is taken, or it has changed since `expected`.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: TemplateId,
    expected: Option<i64>,
    change: Change,
) -> Result<Template> {
    let Change { name, body } = change;
    let mut faults = Faults::default();
    if let Some(name) = &name {
        check_name(&mut faults, name);
    }
    if let Some(body) = &body {
        check_body(&mut faults, body);
    }
    faults.check()?;
    if let Some(body) = &body {
        check(tx, scope, body).await?;
    }
    let row =
        within(scope).filter(Id.eq(id)).lock_exclusive().one(tx).await?.ok_or_else(|| Error::not_found("template"))?;
    expect_version(row.version, expected)?;
    let version = row.version + 1;
    let mut row = row.into_active_model();
    if let Some(name) = name {
        row.name = Set(name);
    }
    if let Some(body) = body {
        row.body = Set(body);
    }
    row.updated_at = Set(scope.clock().now());
    row.version = Set(version);
    row.update(tx).await.map_err(|e| or_exists(e, NAME_TAKEN))
}
