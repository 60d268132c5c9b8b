//! Making a token.

use ipnet::IpNet;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel};

use super::{Secret, Token};
use crate::{
    accounts::{self, Words},
    clock::Timestamp,
    error::{Code, Error, Faults, Result},
    ids::TokenId,
    scope::{AccountScope, Scopes},
};

/// What the caller says.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it will be used for.
    pub description: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// CIDR networks it may be used from; empty: any.
    pub networks: Vec<String>,
    /// Its own limit, in the place of the default.
    pub requests_per_minute: Option<i64>,
    /// When it ends; never when absent.
    pub expires_at: Option<Timestamp>,
}

/// Makes a token of the account's mode and tells its secret. `maker` is what the one who asks may do.
///
/// # Errors
/// When a value is not valid, or the token would do more than its maker may.
pub async fn create(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    maker: &Scopes,
    new: NewToken,
) -> Result<(Token, Secret)> {
    let account = accounts::find(tx, scope).await?;
    let secret = Secret::generate(account.mode);
    Ok((insert(tx, scope, maker, new, &secret).await?, secret))
}

/// Makes a token with a secret chosen by the operator, for a demonstration or a restored installation.
///
/// # Errors
/// When a value is not valid, or the secret is of the other mode.
pub async fn seed(tx: &DatabaseTransaction, scope: &AccountScope, new: NewToken, secret: &Secret) -> Result<Token> {
    let account = accounts::find(tx, scope).await?;
    if account.mode != secret.mode() {
        return Err(Error::field("/secret", "invalid", format!("must begin with crl_{}_", account.mode)));
    }
    insert(tx, scope, &Scopes::new(vec!["*".to_owned()]), new, secret).await
}

async fn insert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    maker: &Scopes,
    new: NewToken,
    secret: &Secret,
) -> Result<Token> {
    let NewToken { description, scopes, networks, requests_per_minute, expires_at } = new;
    let now = scope.clock().now();
    let mut faults = Faults::default();
    faults.text("/description", &description, 200);
    check_scopes(&mut faults, &Scopes::ALL, &scopes);
    check_networks(&mut faults, &networks);
    if requests_per_minute.is_some_and(|n| !(1..=600_000).contains(&n)) {
        faults.add("/requests_per_minute", "out_of_range", "must be from 1 to 600000");
    }
    if expires_at.is_some_and(|t| t <= now) {
        faults.add("/expires_at", "in_the_past", "must be in the future");
    }
    faults.check()?;
    check_grant(maker, &scopes)?;
    let row = Token {
        id: TokenId::new(now),
        account_id: scope.account(),
        description,
        hash: secret.hash(),
        hint: secret.hint(),
        scopes: Words(scopes),
        networks: Words(networks),
        requests_per_minute,
        expires_at,
        revoked_at: None,
        last_used_at: None,
        created_at: now,
        version: 1,
    };
    Ok(row.into_active_model().insert(tx).await?)
}

/// Notes what is wrong with a list of scopes, `known` being those there are.
pub(crate) fn check_scopes(faults: &mut Faults, known: &[(&str, &str)], scopes: &[String]) {
    if scopes.is_empty() {
        faults.add("/scopes", "required", "must name at least one scope");
    }
    for (i, scope) in scopes.iter().enumerate() {
        if !known.iter().any(|(name, _)| name == scope) {
            let all: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            faults.add(format!("/scopes/{i}"), "unknown", format!("must be one of {}", all.join(", ")));
        }
        if scopes.iter().take(i).any(|earlier| earlier == scope) {
            faults.add(format!("/scopes/{i}"), "duplicate", "is in the list already");
        }
    }
}

/// Notes what is wrong with a list of networks.
pub(crate) fn check_networks(faults: &mut Faults, networks: &[String]) {
    if networks.len() > 50 {
        faults.add("/networks", "too_many", "must have at most 50 networks");
    }
    for (i, network) in networks.iter().enumerate().take(50) {
        if parse_network(network).is_none() {
            faults.add(format!("/networks/{i}"), "invalid", "must be an address or a network, such as 192.0.2.0/24");
        }
    }
}

/// Refuses to hand out more than one has.
pub(super) fn check_grant(maker: &Scopes, scopes: &[String]) -> Result<()> {
    match scopes.iter().find(|s| !maker.allow(s)) {
        Some(s) => Err(Error::new(
            Code::ScopeMissing,
            format!("A token cannot grant {s}, which the token in use does not have."),
        )),
        None => Ok(()),
    }
}

/// A network in CIDR form, or one address.
pub(super) fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}
