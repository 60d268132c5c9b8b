//! Forgetting a template. Drafts that name it are refused at launch; messages keep their own text.

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::{Entity, entity::Column::Id, queries::within};
use crate::{
    db::expect_version,
    error::{Error, Result},
    ids::TemplateId,
    scope::AccountScope,
};

/// Deletes a template; `expected` is the version the caller read.
///
/// # Errors
/// When there is none, or it has changed since `expected`.
pub async fn delete(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    id: TemplateId,
    expected: Option<i64>,
) -> Result<()> {
    let row =
        within(scope).filter(Id.eq(id)).lock_exclusive().one(tx).await?.ok_or_else(|| Error::not_found("template"))?;
    expect_version(row.version, expected)?;
    Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}
