//! Reads.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{
    Entity, Template,
    entity::Column::{AccountId, Id},
};
use crate::{
    db::Window,
    error::{Error, Result},
    ids::TemplateId,
    scope::AccountScope,
};

/// The templates of the scope: every query begins here.
pub(super) fn within(scope: &AccountScope) -> Select<Entity> {
    Entity::find().filter(AccountId.eq(scope.account()))
}

/// One template.
///
/// # Errors
/// When the account has no such template, or the database refuses.
pub async fn find(conn: &impl ConnectionTrait, scope: &AccountScope, id: TemplateId) -> Result<Template> {
    within(scope).filter(Id.eq(id)).one(conn).await?.ok_or_else(|| Error::not_found("template"))
}

/// One page, newest first, and whether there are more.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    window: Window<TemplateId>,
) -> Result<(Vec<Template>, bool)> {
    let mut query = within(scope).order_by_desc(Id).limit(window.fetch());
    if let Some(after) = window.after {
        query = query.filter(Id.lt(after));
    }
    Ok(window.cut(query.all(conn).await?))
}
