//! Giving a sender up. Messages keep what they were sent from.

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::{Entity, entity::Column, queries::within};
use crate::{
    db::expect_version,
    error::{Error, Result},
    ids::SenderId,
    scope::AccountScope,
};

/// Deletes a sender; `expected` is the version the caller read.
///
/// # Errors
/// When there is none, or it has changed since `expected`.
pub async fn delete(tx: &DatabaseTransaction, scope: &AccountScope, id: SenderId, expected: Option<i64>) -> Result<()> {
    let row = within(scope).filter(Column::Id.eq(id)).lock_exclusive().one(tx).await?;
    let row = row.ok_or_else(|| Error::not_found("sender"))?;
    expect_version(row.version, expected)?;
    Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}
