//! Reads.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{Entity, Token, entity::Column};
use crate::{
    db::Window,
    error::{Error, Result},
    ids::TokenId,
    scope::AccountScope,
};

/// The tokens of the scope: every query begins here.
pub(super) fn within(scope: &AccountScope) -> Select<Entity> {
    Entity::find().filter(Column::AccountId.eq(scope.account()))
}

/// One token.
///
/// # Errors
/// When the account has no such token, or the database refuses.
pub async fn find(conn: &impl ConnectionTrait, scope: &AccountScope, id: TokenId) -> Result<Token> {
    within(scope).filter(Column::Id.eq(id)).one(conn).await?.ok_or_else(|| Error::not_found("API token"))
}

/// The same, locked until the transaction ends.
pub(super) async fn lock(conn: &impl ConnectionTrait, scope: &AccountScope, id: TokenId) -> Result<Token> {
    let query = within(scope).filter(Column::Id.eq(id)).lock_exclusive();
    query.one(conn).await?.ok_or_else(|| Error::not_found("API token"))
}

/// One page, newest first, and whether there are more; revoked and expired ones too.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    window: Window<TokenId>,
) -> Result<(Vec<Token>, bool)> {
    let mut query = within(scope).order_by_desc(Column::Id).limit(window.fetch());
    if let Some(after) = window.after {
        query = query.filter(Column::Id.lt(after));
    }
    Ok(window.cut(query.all(conn).await?))
}
