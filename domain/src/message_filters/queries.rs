//! Reads.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{
    Entity, MessageFilter,
    entity::Column::{AccountId, Id},
};
use crate::{
    db::Window,
    error::{Error, Result},
    ids::MessageFilterId,
    scope::AccountScope,
};

/// The filters of the scope: every query begins here.
pub(super) fn within(scope: &AccountScope) -> Select<Entity> {
    Entity::find().filter(AccountId.eq(scope.account()))
}

/// One filter.
///
/// # Errors
/// When the account has no such filter, or the database refuses.
pub async fn find(conn: &impl ConnectionTrait, scope: &AccountScope, id: MessageFilterId) -> Result<MessageFilter> {
    within(scope).filter(Id.eq(id)).one(conn).await?.ok_or_else(|| Error::not_found("message filter"))
}

/// One page, newest first, and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    window: Window<MessageFilterId>,
) -> Result<(Vec<MessageFilter>, bool)> {
    let mut query = within(scope).order_by_desc(Id).limit(window.fetch());
    if let Some(after) = window.after {
        query = query.filter(Id.lt(after));
    }
    Ok(window.cut(query.all(conn).await?))
}
