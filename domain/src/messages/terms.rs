//! The terms under which an account sends: its prices, countries, limits and routes, read once per request or job.

use std::sync::Arc;

use sea_orm::ConnectionTrait;

use crate::{
    accounts::{self, Account, Countries, Status},
    error::{Code, Error, Result},
    rates::{Deck, deck_of},
    routes::Routing,
    scope::AccountScope,
};

/// What rules an account's sending.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The prices of now.
    pub deck: Arc<Deck>,
    /// Where it may send to.
    pub countries: Countries,
    /// The most segments one message may have.
    pub max_segments: i64,
    /// The ways out.
    pub routing: Routing,
}

impl Terms {
    /// Reads the terms of the scope's account.
    ///
    /// # Errors
    /// `account_suspended`, `no_route` without any carrier, `no_rate` without prices.
    pub async fn load(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Self> {
        let account = accounts::find(conn, scope).await?;
        Self::of(conn, scope, account).await
    }

    /// Reads the terms of the scope's account, as it has just been read.
    ///
    /// # Errors
    /// As [`Terms::load`].
    pub async fn of(conn: &impl ConnectionTrait, scope: &AccountScope, account: Account) -> Result<Self> {
        if account.status != Status::Active {
            return Err(Error::new(
                Code::AccountSuspended,
                format!("The account is {}; only an active account sends. Ask the operator.", account.status),
            ));
        }
        let routing = Routing::load(conn, scope, account.carrier_id).await?;
        if routing.any_carrier().is_none() {
            let detail = "The account is not connected to a carrier: ask the operator for a route.";
            return Err(Error::new(Code::NoRoute, detail));
        }
        Ok(Self {
            deck: deck_of(conn, scope).await?,
            countries: account.countries,
            max_segments: account.max_segments,
            routing,
        })
    }

    /// Whether the account may send to this country.
    pub fn allows(&self, country: Option<&str>) -> bool {
        country.map_or(matches!(self.countries, Countries::All(_)), |country| self.countries.allow(country))
    }
}
