//! Reading routes.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use super::Rule;
use crate::{
    carriers::health,
    clock::Timestamp,
    db::{Sql, Window},
    error::{Code, Error, Result},
    ids::{AccountId, CarrierId, RouteId},
    money::{Currency, Micros},
    scope::OperatorScope,
    senders, vals,
};

/// A route as stored, and how its carrier is.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Route {
    pub id: RouteId,
    /// What the operator calls it.
    pub name: String,
    pub carrier_id: CarrierId,
    pub carrier_name: String,
    pub carrier_enabled: bool,
    pub carrier_down: bool,
    pub account_id: Option<AccountId>,
    pub country: Option<String>,
    pub operator: Option<String>,
    pub sender_class: Option<senders::Class>,
    pub priority: i64,
    pub weight: i64,
    pub canary: Option<i64>,
    pub cost: Option<Micros>,
    pub currency: Option<Currency>,
    pub enabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl Route {
    /// What of it decides.
    pub fn rule(&self) -> Rule {
        Rule {
            id: self.id,
            carrier: self.carrier_id,
            enabled: self.enabled,
            account: self.account_id,
            country: self.country.clone(),
            operator: self.operator.clone(),
            sender_class: self.sender_class,
            priority: self.priority,
            weight: self.weight,
            canary: self.canary,
            cost: self.cost,
            carrier_enabled: self.carrier_enabled,
            carrier_down: self.carrier_down,
        }
    }
}

/// Whether carrier `c` is down: `$1` is the age at which a report is stale, `$2` how long a carrier must have been away to
/// count as down, `$3` now: a connection that answers with faults counts as away for its rest.
const DOWN: &str = "(EXISTS (SELECT 1 FROM carrier_binds b WHERE b.carrier_id = c.id AND b.reported_at >= $1 AND b.kind <> 'receiver') \
     AND NOT EXISTS (SELECT 1 FROM carrier_binds b WHERE b.carrier_id = c.id AND b.reported_at >= $1 AND b.kind <> 'receiver' \
     AND (b.state = 'connected' OR b.since > $2) AND COALESCE(b.tripped_until, 0) <= $3))";

const COLUMNS: &str = "r.id, r.name, r.carrier_id, c.name AS carrier_name, c.enabled AS carrier_enabled, {DOWN} AS carrier_down, r.account_id, r.country, r.operator, r.sender_class, r.priority, r.weight, r.canary, r.cost, r.currency, r.enabled, \
    r.created_at, r.updated_at, r.version FROM routes r JOIN carriers c ON c.id = r.carrier_id";

/// How long every connection of a carrier must have been away for it to count as down.
const AWAY: std::time::Duration = std::time::Duration::from_secs(10);

/// Routes that `condition` picks and orders, `$4` and on being `more`.
pub(super) async fn read(
    conn: &impl ConnectionTrait,
    now: Timestamp,
    condition: &str,
    more: Vec<sea_orm::Value>,
) -> Result<Vec<Route>> {
    let values = [since(now), more].concat();
    let columns = COLUMNS.replace("{DOWN}", DOWN);
    Ok(conn.all(&format!("SELECT {columns} WHERE {condition}"), values).await?)
}

/// The values of [`DOWN`].
fn since(now: Timestamp) -> Vec<sea_orm::Value> {
    vals![now.minus(health::STALE), now.minus(AWAY), now]
}

/// The carriers that routing passes over: they are down, or answer with faults.
///
/// # Errors
/// When the database cannot be read.
pub async fn passed_over(conn: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<CarrierId>> {
    Ok(conn.column(&format!("SELECT c.id FROM carriers c WHERE c.enabled AND {DOWN}"), since(now)).await?)
}

/// Which routes a list shows. Every field narrows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub carrier: Option<CarrierId>,
    pub account: Option<AccountId>,
}

/// One page, newest first, and whether there are more.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &OperatorScope,
    filter: Filter,
    window: Window<RouteId>,
) -> Result<(Vec<Route>, bool)> {
    let Filter { carrier, account } = filter;
    let condition = "($4 IS NULL OR r.id < $4) AND ($5 IS NULL OR r.carrier_id = $5) AND ($6 IS NULL OR r.account_id = $6) ORDER BY r.id DESC LIMIT $7";
    let more = vals![window.after, carrier, account, i64::try_from(window.fetch()).unwrap_or(i64::MAX)];
    Ok(window.cut(read(conn, scope.clock.now(), condition, more).await?))
}

/// One route.
///
/// # Errors
/// `not_found`.
pub async fn find(conn: &impl ConnectionTrait, scope: &OperatorScope, id: RouteId) -> Result<Route> {
    let row = read(conn, scope.clock.now(), "r.id = $4", vals![id]).await?.into_iter().next();
    row.ok_or_else(|| Error::new(Code::NotFound, "There is no such route."))
}

/// The same, locked until the transaction ends.
pub(super) async fn lock(tx: &DatabaseTransaction, scope: &OperatorScope, id: RouteId) -> Result<Route> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.run("SELECT 1 FROM routes WHERE id = $1 FOR UPDATE", vals![id]).await?;
    }
    find(tx, scope, id).await
}
