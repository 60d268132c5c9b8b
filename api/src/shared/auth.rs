//! Who is asking: from `Authorization: Bearer crl_…` to an account's scope.
//!
//! Invariant: a handler gets an [`AccountScope`] only through [`Auth`], and the front door puts one there only after it
//! has checked the token, its network, its rate limit and the scope that the operation's `security` names.

use std::{
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, dev::ServiceRequest, http::header};
use domain::{
    Code, Error,
    scope::{AccountScope, Scopes},
    tokens::{self, Authenticated},
};
use ipnet::IpNet;

use super::problem::Failure;
use crate::App;

/// The account whose rows the request may see: `Auth(scope): Auth`.
#[derive(Debug, Clone)]
pub struct Auth(pub AccountScope);

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
from_extensions!(Granted);

/// Checks the token of a request.
pub async fn authenticate(app: &App, req: &ServiceRequest) -> Result<Authenticated, Error> {
    let missing = || Error::new(Code::Unauthorized, "Send an Authorization header: Bearer crl_…");
    let header = req.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).ok_or_else(missing)?;
    let (scheme, secret) = header.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    tokens::authenticate(app.db.read(), &app.clock, secret.trim(), client_address(req, &app.config.trusted_proxies))
        .await
}

/// Refuses what the token or its account may not do.
pub fn permit(who: &Authenticated, scope: &str, writes: bool) -> Result<(), Error> {
    if !who.scopes.allow(scope) {
        return Err(Error::new(Code::ScopeMissing, format!("The token lacks the scope {scope}.")));
    }
    if writes && who.read_only {
        return Err(Error::new(Code::AccountSuspended, "The account is suspended: it can be read, but not used."));
    }
    Ok(())
}

/// Puts what the extractors above find.
pub fn remember(who: Authenticated, req: &ServiceRequest) {
    let Authenticated { scope, scopes, token: _, requests_per_minute: _, read_only: _ } = who;
    req.extensions_mut().insert(Auth(scope));
    req.extensions_mut().insert(Granted(scopes));
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
