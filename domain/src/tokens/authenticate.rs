//! From a secret to a scope.

use std::net::IpAddr;

use super::{Lookups, Secret, lookups::Known};
use crate::{
    accounts,
    clock::Clock,
    error::{Code, Error, Result},
    ids::TokenId,
    scope::{AccountScope, Scopes},
};

/// Who is asking, and what they may.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// Whose rows they see.
    pub scope: AccountScope,
    /// What the token lets them do.
    pub scopes: Scopes,
    /// The token.
    pub token: TokenId,
    /// The token's own limit.
    pub requests_per_minute: Option<i64>,
    /// Whether the account may only read.
    pub read_only: bool,
}

/// Finds the token and its account. `from` is the client's address; unknown only over a Unix socket, where a token that
/// is bound to networks is refused.
///
/// # Errors
/// `unauthorized` when the secret is not valid, `address_not_allowed`, `account_suspended` when the account is closed.
pub async fn authenticate(
    lookups: &Lookups,
    clock: &Clock,
    secret: &str,
    from: Option<IpAddr>,
) -> Result<Authenticated> {
    let unknown = || Error::new(Code::Unauthorized, "The token does not exist, is revoked or has expired.");
    let secret = Secret::parse(secret).ok_or_else(unknown)?;
    let found = lookups.find(secret.hash()).await?.ok_or_else(unknown)?;
    let Known { token, mode, status } = found.as_ref();
    if token.revoked_at.is_some() || token.expires_at.is_some_and(|t| t <= clock.now()) {
        return Err(unknown());
    }
    require_network(&token.networks.0, from)?;
    if *status == accounts::Status::Closed {
        return Err(Error::new(Code::AccountSuspended, "The account is closed."));
    }
    Ok(Authenticated {
        scope: AccountScope::new(token.account_id, Some(token.id), *mode == accounts::Mode::Live, clock.clone()),
        scopes: token.granted(),
        token: token.id,
        requests_per_minute: token.requests_per_minute,
        read_only: *status == accounts::Status::Suspended,
    })
}

/// Refuses an address that is in none of a token's networks.
pub(crate) fn require_network(networks: &[String], from: Option<IpAddr>) -> Result<()> {
    if network_allowed(networks, from) {
        return Ok(());
    }
    Err(Error::new(
        Code::AddressNotAllowed,
        "The token may not be used from this address; add its network to the token, or use another token.",
    ))
}

/// Whether `from` is in one of the networks; an empty list allows every address.
fn network_allowed(networks: &[String], from: Option<IpAddr>) -> bool {
    if networks.is_empty() {
        return true;
    }
    let Some(from) = from.map(|a| a.to_canonical()) else { return false };
    networks.iter().filter_map(|n| super::create::parse_network(n)).any(|n| n.contains(&from))
}

#[cfg(test)]
mod tests {
    use super::network_allowed;

    #[test]
    fn networks() {
        let list = ["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()];
        let from = |a: &str| Some(a.parse().unwrap());
        assert!(network_allowed(&[], from("203.0.113.9")));
        assert!(network_allowed(&list, from("192.0.2.9")));
        assert!(network_allowed(&list, from("::ffff:192.0.2.9")));
        assert!(network_allowed(&list, from("2001:db8::1")));
        assert!(!network_allowed(&list, from("203.0.113.9")));
        assert!(!network_allowed(&list, None));
    }
}
