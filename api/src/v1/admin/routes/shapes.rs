//! The requests and responses of routes.

use domain::{
    clock::Timestamp,
    ids::{AccountId, CarrierId, RouteId},
    money::Money,
    routes::{self, Route as Row},
    senders,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shared::json::{clearable, given};

/// A route: which messages go to a carrier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "rte_01kazsw6e3f8e9xq2m4r7t5v0b",
    "name": "Britain by acme",
    "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b",
    "account_id": null,
    "country": "GB",
    "operator": null,
    "sender_class": null,
    "priority": 100,
    "weight": 100,
    "canary_basis_points": null,
    "cost": {"amount": "0.021000", "currency": "EUR"},
    "enabled": true,
    "created_at": "2026-11-21T10:00:00.000000Z",
    "updated_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct Route {
    /// Its id.
    pub id: RouteId,
    /// What the operator calls it.
    pub name: String,
    /// Where it leads.
    pub carrier_id: CarrierId,
    /// Only messages of this account; null: of every live account.
    pub account_id: Option<AccountId>,
    /// Only messages to this country, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Only messages to numbers of this operator, as messages name it.
    pub operator: Option<String>,
    /// Only messages from this kind of sender.
    pub sender_class: Option<senders::Class>,
    /// Lower goes first.
    pub priority: i64,
    /// Its share among the routes of one priority; 0 is a reserve.
    pub weight: i64,
    /// The share that it takes before all others of its priority, in hundredths of a per cent: 500 is 5 %.
    pub canary_basis_points: Option<i64>,
    /// What the carrier takes for a segment.
    pub cost: Option<Money>,
    /// Whether it is used.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<Row> for Route {
    fn from(row: Row) -> Self {
        let Row {
            id,
            name,
            carrier_id,
            carrier_name: _,
            carrier_enabled: _,
            carrier_down: _,
            account_id,
            country,
            operator,
            sender_class,
            priority,
            weight,
            canary,
            cost,
            currency,
            enabled,
            created_at,
            updated_at,
            version: _,
        } = row;
        Self {
            id,
            name,
            carrier_id,
            account_id,
            country,
            operator,
            sender_class,
            priority,
            weight,
            canary_basis_points: canary,
            cost: cost.zip(currency).map(|(amount, currency)| Money { amount, currency }),
            enabled,
            created_at,
            updated_at,
        }
    }
}

/// A route to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Britain by acme", "carrier_id": "car_01kazsw6e3f8e9xq2m4r7t5v0b", "country": "GB", "cost": {"amount": "0.0210", "currency": "EUR"}
}))]
pub struct NewRoute {
    /// What to call it, at most 100 characters.
    pub name: String,
    /// Where it leads.
    pub carrier_id: CarrierId,
    /// Only messages of this account; when left out, of every live account.
    pub account_id: Option<AccountId>,
    /// Only messages to this country, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Only messages to numbers of this operator, as messages name it; one that no number is known to be of is refused.
    pub operator: Option<String>,
    /// Only messages from this kind of sender.
    pub sender_class: Option<senders::Class>,
    /// 0 to 1000, lower goes first; 100 when left out.
    #[serde(default = "hundred")]
    #[schema(required = false, default = 100, minimum = 0, maximum = 1000)]
    pub priority: i64,
    /// Its share among the routes of one priority, 0 to 1000; 100 when left out. 0 is a reserve; where all are 0, the
    /// cheapest goes first.
    #[serde(default = "hundred")]
    #[schema(required = false, default = 100, minimum = 0, maximum = 1000)]
    pub weight: i64,
    /// The share that it takes before all others of its priority, in hundredths of a per cent, 1 to 10,000: 500 is 5 %.
    /// It gets no other message, so its weight is of no account. Enabled canaries of one priority that may be for the same
    /// message take 10,000 together at most.
    #[schema(minimum = 1, maximum = 10000)]
    pub canary_basis_points: Option<i64>,
    /// What the carrier takes for a segment, in the currency of the other routes. It is kept with each message.
    pub cost: Option<Money>,
    /// Whether it is used; true when left out.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub enabled: bool,
}

fn hundred() -> i64 {
    100
}

fn yes() -> bool {
    true
}

impl From<NewRoute> for routes::NewRoute {
    fn from(new: NewRoute) -> Self {
        let NewRoute {
            name,
            carrier_id,
            account_id,
            country,
            operator,
            sender_class,
            priority,
            weight,
            canary_basis_points,
            cost,
            enabled,
        } = new;
        Self {
            name,
            carrier: carrier_id,
            account: account_id,
            country,
            operator,
            sender_class,
            priority,
            weight,
            canary: canary_basis_points,
            cost,
            enabled,
        }
    }
}

/// What to change of a route; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"weight": 50, "country": null}))]
pub struct RoutePatch {
    /// A new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Another carrier.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub carrier_id: Option<CarrierId>,
    /// Only messages of this account; null: of every live account.
    #[serde(default, deserialize_with = "clearable")]
    pub account_id: Option<Option<AccountId>>,
    /// Only messages to this country; null: to every one.
    #[serde(default, deserialize_with = "clearable")]
    pub country: Option<Option<String>>,
    /// Only messages to numbers of this operator, as messages name it; null: of every one.
    #[serde(default, deserialize_with = "clearable")]
    pub operator: Option<Option<String>>,
    /// Only messages from this kind of sender; null: from every one.
    #[serde(default, deserialize_with = "clearable")]
    pub sender_class: Option<Option<senders::Class>>,
    /// 0 to 1000, lower goes first.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, minimum = 0, maximum = 1000)]
    pub priority: Option<i64>,
    /// Its share among the routes of one priority, 0 to 1000.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, minimum = 0, maximum = 1000)]
    pub weight: Option<i64>,
    /// A canary's share in hundredths of a per cent, 1 to 10,000; null: it is none.
    #[serde(default, deserialize_with = "clearable")]
    #[schema(minimum = 1, maximum = 10000)]
    pub canary_basis_points: Option<Option<i64>>,
    /// What the carrier takes for a segment; null: not known.
    #[serde(default, deserialize_with = "clearable")]
    pub cost: Option<Option<Money>>,
    /// Whether it is used.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
}

impl From<RoutePatch> for routes::Change {
    fn from(patch: RoutePatch) -> Self {
        let RoutePatch {
            name,
            carrier_id,
            account_id,
            country,
            operator,
            sender_class,
            priority,
            weight,
            canary_basis_points,
            cost,
            enabled,
        } = patch;
        Self {
            name,
            carrier: carrier_id,
            account: account_id,
            country,
            operator,
            sender_class,
            priority,
            weight,
            canary: canary_basis_points,
            cost,
            enabled,
        }
    }
}
