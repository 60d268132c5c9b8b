//! Making a token.

use sea_orm::DatabaseTransaction;

use crate::{
    clock::Timestamp,
    db::Sql,
    error::{Faults, Result},
    ids::OperatorTokenId,
    scope::{OperatorScope, Scopes},
    tokens::{Secret, check_networks, check_scopes},
    vals,
};

/// What the operator says.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it will be used for.
    pub description: String,
    /// What it may do, of [`Scopes::OPERATOR`].
    pub scopes: Vec<String>,
    /// CIDR networks it may be used from; empty: any.
    pub networks: Vec<String>,
    /// When it ends; never when absent.
    pub expires_at: Option<Timestamp>,
}

/// Makes a token and tells its secret, this once.
///
/// # Errors
/// `invalid_request` with every fault.
pub async fn create(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    new: NewToken,
) -> Result<(OperatorTokenId, Secret)> {
    let NewToken { description, scopes, networks, expires_at } = new;
    let now = scope.clock.now();
    let mut faults = Faults::default();
    faults.text("/description", &description, 200);
    check_scopes(&mut faults, &Scopes::OPERATOR, &scopes);
    check_networks(&mut faults, &networks);
    if expires_at.is_some_and(|t| t <= now) {
        faults.add("/expires_at", "in_the_past", "must be in the future");
    }
    faults.check()?;
    let (id, secret) = (OperatorTokenId::new(now), Secret::generate_operator());
    tx.run(
        "INSERT INTO operator_tokens (id, description, hash, hint, scopes, networks, expires_at, revoked_at, last_used_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, NULL, $8)",
        vals![
            id,
            description,
            secret.hash(),
            secret.hint(),
            serde_json::json!(scopes),
            serde_json::json!(networks),
            expires_at,
            now
        ],
    )
    .await?;
    Ok((id, secret))
}
