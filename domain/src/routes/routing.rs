//! What of the routes concerns one account: read once a request or job, asked for each message.

use std::collections::HashSet;

use sea_orm::ConnectionTrait;

use super::{Facts, Rule, choose, queries};
use crate::{
    error::Result,
    ids::{AccountId, CarrierId, RouteId},
    money::{Currency, Micros},
    scope::AccountScope,
    senders, vals,
};

/// The way a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane<'a> {
    pub carrier: CarrierId,
    /// The route that led there; none: it is the account's own carrier.
    pub route: Option<RouteId>,
    /// What the carrier takes for a segment, where the route tells.
    pub cost: Option<(Micros, &'a Currency)>,
}

/// The routes of an account, and its own carrier.
#[derive(Debug, Clone)]
pub struct Routing {
    account: AccountId,
    livemode: bool,
    own: Option<CarrierId>,
    rules: Vec<Rule>,
    /// Of each rule.
    currencies: Vec<Option<Currency>>,
}

impl Routing {
    /// Reads the routes that may be the account's; `own` is its own carrier.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(conn: &impl ConnectionTrait, scope: &AccountScope, own: Option<CarrierId>) -> Result<Self> {
        let general = if scope.livemode() { " OR r.account_id IS NULL" } else { "" };
        let condition = format!("r.enabled AND (r.account_id = $4{general}) ORDER BY r.priority, r.id");
        let routes = queries::read(conn, scope.clock().now(), &condition, vals![scope.account()]).await?;
        Ok(Self {
            account: scope.account(),
            livemode: scope.livemode(),
            own,
            rules: routes.iter().map(queries::Route::rule).collect(),
            currencies: routes.into_iter().map(|route| route.currency).collect(),
        })
    }

    /// Any carrier that messages of this account may go to; `None` when no message can be sent.
    pub fn any_carrier(&self) -> Option<CarrierId> {
        self.own.or_else(|| self.rules.iter().find(|r| r.carrier_enabled).map(|r| r.carrier))
    }

    fn facts<'a>(
        &self,
        country: Option<&'a str>,
        operator: Option<&'a str>,
        sender_class: senders::Class,
    ) -> Facts<'a> {
        Facts { account: self.account, livemode: self.livemode, country, operator, sender_class }
    }

    /// Whether there is a way for messages of this kind.
    pub fn reaches(&self, country: Option<&str>, operator: Option<&str>, sender_class: senders::Class) -> bool {
        let facts = self.facts(country, operator, sender_class);
        self.own.is_some() || self.rules.iter().any(|rule| rule.mismatch(&facts).is_none())
    }

    /// The way of one message; `hash` is its [`super::hash`]. `None` exactly when [`Routing::reaches`] is false.
    pub fn lane(
        &self,
        country: Option<&str>,
        operator: Option<&str>,
        sender_class: senders::Class,
        hash: u64,
    ) -> Option<Lane<'_>> {
        let facts = self.facts(country, operator, sender_class);
        let first = choose(&self.rules, &facts, hash).first().map(|rule| self.by(rule));
        let own = || self.own.map(|carrier| Lane { carrier, route: None, cost: None });
        // With nothing but canaries, those take everything.
        let canary = || self.rules.iter().find(|rule| rule.mismatch(&facts).is_none()).map(|rule| self.by(rule));
        first.or_else(own).or_else(canary)
    }

    /// The next way of a message that the carriers of `tried` have refused: the first of its routes that leads to another
    /// carrier, which is up.
    pub fn next_lane(
        &self,
        country: Option<&str>,
        operator: Option<&str>,
        sender_class: senders::Class,
        hash: u64,
        tried: &HashSet<CarrierId>,
    ) -> Option<Lane<'_>> {
        let facts = self.facts(country, operator, sender_class);
        let ways = choose(&self.rules, &facts, hash);
        ways.into_iter().find(|rule| !rule.carrier_down && !tried.contains(&rule.carrier)).map(|rule| self.by(rule))
    }

    /// Whether any route leads to another carrier than this, which is up.
    pub fn leads_past(&self, carrier: CarrierId) -> bool {
        self.rules.iter().any(|rule| rule.carrier_enabled && !rule.carrier_down && rule.carrier != carrier)
    }

    fn by(&self, rule: &Rule) -> Lane<'_> {
        let place = self.rules.iter().position(|r| r.id == rule.id);
        let currency = place.and_then(|place| self.currencies.get(place)).and_then(Option::as_ref);
        Lane { carrier: rule.carrier, route: Some(rule.id), cost: rule.cost.zip(currency) }
    }
}
