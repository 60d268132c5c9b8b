//! A new secret for a token. The old secret lives on for a while as a token of its own, so that a fleet of programs can
//! be changed one by one, and so that it can be seen and revoked like any other.

use std::time::Duration;

use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel, Set};

use super::{Secret, Token, create::check_grant, queries::lock};
use crate::{
    accounts,
    error::{Code, Error, Result},
    ids::TokenId,
    scope::{AccountScope, Scopes},
};

/// The longest time an old secret may live on.
pub const MAX_GRACE: Duration = Duration::from_secs(86_400);

/// Gives the token a new secret; the old one stays valid for `grace`. `maker` is what the one who asks may do: whoever
/// gets the secret gets the token's scopes.
///
/// # Errors
/// When there is none, it is revoked, the grace is too long, or the token may do more than its maker.
pub async fn rotate(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    maker: &Scopes,
    id: TokenId,
    grace: Duration,
) -> Result<(Token, Secret)> {
    if grace > MAX_GRACE {
        return Err(Error::field("/grace_seconds", "out_of_range", "must be from 0 to 86400"));
    }
    let token = lock(tx, scope, id).await?;
    check_grant(maker, &token.scopes.0)?;
    let now = scope.clock().now();
    if token.revoked_at.is_some() || token.expires_at.is_some_and(|t| t <= now) {
        return Err(Error::new(Code::Conflict, "The token is revoked or has expired; make a new one."));
    }
    let secret = Secret::generate(accounts::find(tx, scope).await?.mode);
    let (old, version) = (token.clone(), token.version + 1);
    let mut row = token.into_active_model();
    row.hash = Set(secret.hash());
    row.hint = Set(secret.hint());
    row.version = Set(version);
    let row = row.update(tx).await?;
    if !grace.is_zero() {
        let end = now.plus(grace);
        let retired = Token {
            id: TokenId::new(now),
            description: format!("{} (before rotation)", crate::ids::short(&old.description)),
            expires_at: Some(old.expires_at.map_or(end, |t| t.min(end))),
            created_at: now,
            version: 1,
            ..old
        };
        retired.into_active_model().insert(tx).await?;
    }
    Ok((row, secret))
}
