//! Forgetting a filter.

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::{Entity, entity::Column::Id, queries::within};
use crate::{
    db::expect_version,
    error::{Error, Result},
    ids::MessageFilterId,
    scope::AccountScope,
};

/// Deletes a filter; `expected` is the version the caller read.
///
/// # Errors
/// When there is none, or it has changed since `expected`.
pub async fn delete(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: MessageFilterId,
    expected: Option<i64>,
) -> Result<()> {
    let row = within(scope)
        .filter(Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| Error::not_found("message filter"))?;
    expect_version(row.version, expected)?;
    Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}
