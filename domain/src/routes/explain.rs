//! Why a message takes the route it takes: the same choice, with every route that was looked at.

use sea_orm::ConnectionTrait;

use super::{Facts, Mismatch, Route, Rule, choose, queries};
use crate::{error::Result, scope::AccountScope, vals};

/// A route that was looked at.
#[derive(Debug, Clone)]
pub struct Considered {
    pub route: Route,
    /// Why it is not for the message; `None` when it is.
    pub mismatch: Option<Mismatch>,
    /// Its place among those that would be taken, from 1; none: not matching, a canary whose share this message is not
    /// of, or another route to the same carrier stands before it.
    pub rank: Option<usize>,
}

/// Looks at every route that may be the account's, as they are now. Routes of other accounts are left out.
///
/// # Errors
/// When the database cannot be read.
pub async fn explain(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    facts: &Facts<'_>,
    hash: u64,
) -> Result<Vec<Considered>> {
    let condition = "r.account_id = $4 OR r.account_id IS NULL ORDER BY r.priority, r.id";
    let routes = queries::read(conn, scope.clock().now(), condition, vals![scope.account()]).await?;
    let rules: Vec<Rule> = routes.iter().map(Route::rule).collect();
    let order: Vec<_> = choose(&rules, facts, hash).iter().map(|rule| rule.id).collect();
    let considered = routes.into_iter().zip(&rules).map(|(route, rule)| Considered {
        mismatch: rule.mismatch(facts),
        rank: order.iter().position(|id| *id == route.id).map(|place| place + 1),
        route,
    });
    Ok(considered.collect())
}
