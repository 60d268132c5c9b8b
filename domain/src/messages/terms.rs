//! The terms under which an account sends: its prices, countries, limits and carrier, read once per request or job.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{
    db::Sql,
    error::{Code, Error, Result},
    ids::CarrierId,
    rates::{Deck, deck_of},
    scope::AccountScope,
    vals,
};

/// Which countries an account may send to.
#[derive(Debug, Clone)]
pub enum Countries {
    /// Every one that has a price.
    All,
    /// These, by ISO code.
    Some(HashSet<String>),
}

/// What rules an account's sending.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The prices of now.
    pub deck: Deck,
    /// Where it may send to.
    pub countries: Countries,
    /// The most segments one message may have.
    pub max_segments: i64,
    /// The way out.
    pub carrier: CarrierId,
}

#[derive(FromQueryResult)]
struct Row {
    status: String,
    countries: serde_json::Value,
    max_segments: i64,
    carrier_id: Option<CarrierId>,
}

impl Terms {
    /// Reads the terms of the scope's account.
    ///
    /// # Errors
    /// `account_suspended`, `no_route` without a carrier, `no_rate` without prices.
    pub async fn load(conn: &(impl ConnectionTrait + Sync), scope: &AccountScope) -> Result<Self> {
        let sql = "SELECT status, countries, max_segments, carrier_id FROM accounts WHERE id = $1";
        let Row { status, countries, max_segments, carrier_id } =
            conn.one(sql, vals![scope.account()]).await?.ok_or_else(|| Error::not_found("account"))?;
        if status != "active" {
            return Err(Error::new(
                Code::AccountSuspended,
                format!("The account is {status}; only an active account sends. Ask the operator."),
            ));
        }
        let carrier = carrier_id.ok_or_else(|| {
            Error::new(Code::NoRoute, "The account is not connected to a carrier: ask the operator for a route.")
        })?;
        let countries = match serde_json::from_value::<HashSet<String>>(countries) {
            Ok(list) => Countries::Some(list),
            Err(_) => Countries::All, // "*"
        };
        Ok(Self { deck: deck_of(conn, scope).await?, countries, max_segments, carrier })
    }

    /// Whether the account may send to this country.
    pub fn allows(&self, country: Option<&str>) -> bool {
        match (&self.countries, country) {
            (Countries::All, _) => true,
            (Countries::Some(list), Some(country)) => list.contains(country),
            (Countries::Some(_), None) => false,
        }
    }
}
