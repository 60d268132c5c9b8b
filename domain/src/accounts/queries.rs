//! Reads.

use sea_orm::{ConnectionTrait, EntityTrait};

use super::{Account, Entity};
use crate::{
    error::{Error, Result},
    ids::AccountId,
    scope::{AccountScope, OperatorScope},
};

/// The account of the scope.
///
/// # Errors
/// When it is gone, or the database refuses.
pub async fn find(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Account> {
    Entity::find_by_id(scope.account()).one(conn).await?.ok_or_else(|| Error::not_found("account"))
}

/// Any account, for the operator.
///
/// # Errors
/// When there is none, or the database refuses.
pub async fn by_id(conn: &impl ConnectionTrait, _: &OperatorScope, id: AccountId) -> Result<Account> {
    Entity::find_by_id(id).one(conn).await?.ok_or_else(|| Error::not_found("account"))
}
