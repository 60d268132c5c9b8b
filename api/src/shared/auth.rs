//! Who is asking: from `Authorization: Bearer crl_…` to an account's scope, or with `crl_op_…` to the operator's.
//!
//! Invariant: a handler gets an [`AccountScope`] only through [`Auth`] and an [`OperatorScope`] only through
//! [`Operator`], and the front door puts one there only after it has checked the token, its kind, its network, its rate
//! limit and the scope that the operation's `security` names.

use std::{
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::{Payload, ServiceRequest},
    http::{Method, header},
};
use domain::{
    Code, Error,
    ids::{OperatorTokenId, TokenId},
    operator_tokens,
    scope::{AccountScope, OperatorScope, Scopes},
    tokens::{self, Secret},
};
use ipnet::IpNet;
use uuid::Uuid;

use super::{
    operations::{Operation, Security},
    problem::Failure,
};
use crate::App;

/// The account whose rows the request may see: `Auth(scope): Auth`.
#[derive(Debug, Clone)]
pub struct Auth(pub AccountScope);

/// The whole platform, for operations under `/v1/admin`: `Operator(scope): Operator`.
#[derive(Debug, Clone)]
pub struct Operator(pub OperatorScope);

/// The operator's token in use, for what is noted of who did it: `OperatorToken(by): OperatorToken`.
#[derive(Debug, Clone, Copy)]
pub struct OperatorToken(pub OperatorTokenId);

/// What the token in use may do, for the operations that hand rights on.
#[derive(Debug, Clone)]
pub struct Granted(pub Scopes);

macro_rules! from_extensions {
    ($name:ident) => {
        impl FromRequest for $name {
            type Error = Failure;
            type Future = Ready<Result<Self, Failure>>;
            fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
                let found = req.extensions().get::<Self>().cloned();
                ready(
                    found.ok_or_else(|| Failure(Error::internal("an operation without security asked who is asking"))),
                )
            }
        }
    };
}
from_extensions!(Auth);
from_extensions!(Operator);
from_extensions!(OperatorToken);
from_extensions!(Granted);

/// Whoever shows a valid token.
#[derive(Debug)]
pub enum Caller {
    /// An account.
    Account(tokens::Authenticated),
    /// The operator of the platform.
    Operator(operator_tokens::Authenticated),
}

/// The token that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// An account's.
    Account(TokenId),
    /// The operator's.
    Operator(OperatorTokenId),
}

impl Bearer {
    /// Its id, whatever its kind.
    pub fn id(self) -> Uuid {
        match self {
            Self::Account(id) => id.0,
            Self::Operator(id) => id.0,
        }
    }
}

impl Caller {
    /// The token.
    pub fn bearer(&self) -> Bearer {
        match self {
            Self::Account(who) => Bearer::Account(who.token),
            Self::Operator(who) => Bearer::Operator(who.token),
        }
    }
    /// The token's own limit of requests a minute, if it has one.
    pub fn requests_per_minute(&self) -> Option<i64> {
        match self {
            Self::Account(who) => who.requests_per_minute,
            Self::Operator(_) => None,
        }
    }
}

/// Checks the token of a request.
pub async fn authenticate(app: &App, req: &ServiceRequest) -> Result<Caller, Error> {
    let missing = || Error::new(Code::Unauthorized, "Send an Authorization header: Bearer crl_…");
    let header = req.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).ok_or_else(missing)?;
    let (scheme, secret) = header.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    let (secret, from) = (secret.trim(), client_address(req, &app.config.trusted_proxies));
    match Secret::parse_operator(secret) {
        Some(secret) => {
            operator_tokens::authenticate(app.db.read(), &app.clock, &secret, from).await.map(Caller::Operator)
        }
        None => tokens::authenticate(&app.tokens, &app.clock, secret, from).await.map(Caller::Account),
    }
}

/// Refuses what the token or its account may not do.
pub fn permit(who: &Caller, operation: &Operation, security: &Security) -> Result<(), Error> {
    let (scopes, read_only) = match (who, security.operator) {
        (Caller::Account(who), false) => (&who.scopes, who.read_only),
        (Caller::Operator(who), true) => (&who.scopes, false),
        (Caller::Account(_), true) => {
            return Err(Error::new(Code::WrongToken, "This operation is the operator's: it takes a token crl_op_…"));
        }
        (Caller::Operator(_), false) => {
            return Err(Error::new(
                Code::WrongToken,
                "This operation is an account's: it takes a token crl_live_… or crl_test_… of that account.",
            ));
        }
    };
    let scope = &security.scope;
    if !scopes.allow(scope) {
        return Err(Error::new(Code::ScopeMissing, format!("The token lacks the scope {scope}.")));
    }
    if operation.method != Method::GET && read_only {
        return Err(Error::new(Code::AccountSuspended, "The account is suspended: it can be read, but not used."));
    }
    Ok(())
}

/// Puts what the extractors above find.
pub fn remember(who: Caller, req: &ServiceRequest) {
    match who {
        Caller::Account(who) => {
            let tokens::Authenticated { scope, scopes, token: _, requests_per_minute: _, read_only: _ } = who;
            req.extensions_mut().insert(Auth(scope));
            req.extensions_mut().insert(Granted(scopes));
        }
        Caller::Operator(who) => {
            let operator_tokens::Authenticated { scope, scopes: _, token } = who;
            req.extensions_mut().insert(Operator(scope));
            req.extensions_mut().insert(OperatorToken(token));
        }
    }
}

/// The peer's address; behind a configured proxy, the last address of `X-Forwarded-For` that is not such a proxy's.
fn client_address(req: &ServiceRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_proxy = |a: &IpAddr| trusted.iter().any(|n| n.contains(a));
    let mut address = req.peer_addr()?.ip().to_canonical();
    let lines: Vec<&str> =
        req.headers().get_all("x-forwarded-for").filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).collect();
    for hop in lines.iter().rev() {
        if !is_proxy(&address) {
            break;
        }
        // What cannot be read is not believed, and neither is what stands before it.
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop.to_canonical();
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::client_address;

    #[test]
    fn forwarding_headers_count_only_behind_a_proxy() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let seen = |peer: &str, header: &str| {
            let peer = format!("{peer}:5000").parse().unwrap();
            let req = TestRequest::default().peer_addr(peer).insert_header(("x-forwarded-for", header));
            client_address(&req.to_srv_request(), &proxies).unwrap().to_string()
        };
        assert_eq!(seen("203.0.113.5", "192.0.2.1"), "203.0.113.5");
        assert_eq!(seen("10.0.0.1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", "198.51.100.7, 192.0.2.1, 10.0.0.2"), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", "198.51.100.7, nonsense"), "10.0.0.1");
    }
}
