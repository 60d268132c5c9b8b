//! Changing what a token is for, what it may do and from where.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel, Set};

use super::{
    Token,
    create::{check_grant, check_networks, check_scopes},
    queries::lock,
};
use crate::{
    accounts::Words,
    db::expect_version,
    error::{Faults, Result},
    ids::TokenId,
    scope::{AccountScope, Scopes},
};

/// A merge patch: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What it is used for.
    pub description: Option<String>,
    /// What it may do.
    pub scopes: Option<Vec<String>>,
    /// The networks it may be used from.
    pub networks: Option<Vec<String>>,
}

/// Changes a token; `maker` is what the one who asks may do, `expected` the version the caller read.
///
/// # Errors
/// When there is none, a value is not valid, the token would do more than its maker may, or it has changed.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    maker: &Scopes,
    id: TokenId,
    expected: Option<i64>,
    change: Change,
) -> Result<Token> {
    let Change { description, scopes, networks } = change;
    let mut faults = Faults::default();
    if let Some(description) = &description {
        faults.text("/description", description, 200);
    }
    if let Some(scopes) = &scopes {
        check_scopes(&mut faults, &Scopes::ALL, scopes);
    }
    if let Some(networks) = &networks {
        check_networks(&mut faults, networks);
    }
    faults.check()?;
    check_grant(maker, scopes.as_deref().unwrap_or_default())?;
    let row = lock(tx, scope, id).await?;
    expect_version(row.version, expected)?;
    let version = row.version + 1;
    let mut row = row.into_active_model();
    if let Some(description) = description {
        row.description = Set(description);
    }
    if let Some(scopes) = scopes {
        row.scopes = Set(Words(scopes));
    }
    if let Some(networks) = networks {
        row.networks = Set(Words(networks));
    }
    row.version = Set(version);
    Ok(row.update(tx).await?)
}
