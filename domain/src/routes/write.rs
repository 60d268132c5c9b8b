//! Making and changing routes.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::{
    Route,
    canaries::{Canary, heaviest},
    queries,
};
use crate::{
    db::{Sql, expect_version},
    error::{Faults, Result},
    ids::{self, AccountId, CarrierId, RouteId},
    money::{Currency, Micros, Money},
    phone,
    scope::OperatorScope,
    senders, vals,
};

/// All that is set of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoute {
    pub name: String,
    pub carrier: CarrierId,
    pub account: Option<AccountId>,
    pub country: Option<String>,
    pub operator: Option<String>,
    pub sender_class: Option<senders::Class>,
    pub priority: i64,
    pub weight: i64,
    /// In hundredths of a per cent.
    pub canary: Option<i64>,
    pub cost: Option<Money>,
    pub enabled: bool,
}

/// A merge patch: what is `None` stays, the inner `None` clears.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub name: Option<String>,
    pub carrier: Option<CarrierId>,
    pub account: Option<Option<AccountId>>,
    pub country: Option<Option<String>>,
    pub operator: Option<Option<String>>,
    pub sender_class: Option<Option<senders::Class>>,
    pub priority: Option<i64>,
    pub weight: Option<i64>,
    pub canary: Option<Option<i64>>,
    pub cost: Option<Option<Money>>,
    pub enabled: Option<bool>,
}

/// Makes a route; messages that are prepared from now on may take it.
///
/// # Errors
/// `invalid_request` with every fault.
pub async fn create(tx: &DatabaseTransaction, scope: &OperatorScope, new: NewRoute) -> Result<Route> {
    let now = scope.clock.now();
    let id = RouteId::new(now);
    check(tx, id, &new).await?;
    let NewRoute { name, carrier, account, country, operator, sender_class, priority, weight, canary, cost, enabled } =
        new;
    let (cost, currency) = split(cost);
    tx.run(
        "INSERT INTO routes (id, name, carrier_id, account_id, country, operator, sender_class, priority, weight, canary, cost, currency, enabled, \
         created_at, updated_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, 1)",
        vals![id, name, carrier, account, country, operator, sender_class, priority, weight, canary, cost, currency, enabled, now],
    )
    .await?;
    queries::find(tx, scope, id).await
}

/// Changes a route; messages that are prepared already keep their way. `expected` is the version the caller read.
///
/// # Errors
/// `not_found`, `version_mismatch`; `invalid_request` with every fault.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    id: RouteId,
    expected: Option<i64>,
    change: Change,
) -> Result<Route> {
    let row = queries::lock(tx, scope, id).await?;
    expect_version(row.version, expected)?;
    let Change { name, carrier, account, country, operator, sender_class, priority, weight, canary, cost, enabled } =
        change;
    let known = row.cost.zip(row.currency).map(|(amount, currency)| Money { amount, currency });
    let new = NewRoute {
        name: name.unwrap_or(row.name),
        carrier: carrier.unwrap_or(row.carrier_id),
        account: account.unwrap_or(row.account_id),
        country: country.unwrap_or(row.country),
        operator: operator.unwrap_or(row.operator),
        sender_class: sender_class.unwrap_or(row.sender_class),
        priority: priority.unwrap_or(row.priority),
        weight: weight.unwrap_or(row.weight),
        canary: canary.unwrap_or(row.canary),
        cost: cost.unwrap_or(known),
        enabled: enabled.unwrap_or(row.enabled),
    };
    check(tx, id, &new).await?;
    let NewRoute { name, carrier, account, country, operator, sender_class, priority, weight, canary, cost, enabled } =
        new;
    let (cost, currency) = split(cost);
    tx.run(
        "UPDATE routes SET name = $2, carrier_id = $3, account_id = $4, country = $5, operator = $6, sender_class = $7, priority = $8, weight = $9, \
         canary = $10, cost = $11, currency = $12, enabled = $13, updated_at = $14, version = version + 1 WHERE id = $1",
        vals![
            id,
            name,
            carrier,
            account,
            country,
            operator,
            sender_class,
            priority,
            weight,
            canary,
            cost,
            currency,
            enabled,
            scope.clock.now()
        ],
    )
    .await?;
    queries::find(tx, scope, id).await
}

fn split(cost: Option<Money>) -> (Option<Micros>, Option<Currency>) {
    cost.map(|Money { amount, currency }| (amount, currency)).unzip()
}

/// Refuses what is wrong, with every fault. The carrier's row is locked, so that it is not deleted meanwhile.
async fn check(tx: &DatabaseTransaction, id: RouteId, route: &NewRoute) -> Result<()> {
    let NewRoute { name, carrier, account, country, operator, sender_class, priority, weight, canary, cost, enabled } =
        route;
    let mut faults = Faults::default();
    faults.text("/name", name, 100);
    let share = if tx.get_database_backend() == DbBackend::Postgres { " FOR SHARE" } else { "" };
    let known = format!("SELECT 1 FROM carriers WHERE id = $1{share}");
    if tx.scalar::<i32>(&known, vals![*carrier]).await?.is_none() {
        faults.add("/carrier_id", "not_found", "there is no such carrier");
    }
    if let Some(account) = account
        && tx.scalar::<i32>("SELECT 1 FROM accounts WHERE id = $1", vals![*account]).await?.is_none()
    {
        faults.add("/account_id", "not_found", "there is no such account");
    }
    match country.as_ref().map(|code| (code, code.parse::<phone::Country>())) {
        Some((_, Err(unknown))) => faults.add("/country", "invalid", unknown.to_string()),
        Some((code, Ok(known))) if known.code() != *code => {
            faults.add("/country", "invalid", "must be in capital letters");
        }
        _ => {}
    }
    faults.optional_text("/operator", operator.as_deref(), 100);
    if operator.as_deref().is_some_and(|o| o.trim().is_empty()) {
        faults.add("/operator", "required", "must not be empty; leave it out for every operator");
    } else if let Some(name) = operator
        && !phone::is_operator(name)
        && tx
            .scalar::<i32>("SELECT 1 FROM ported_numbers WHERE operator = $1 LIMIT 1", vals![name.as_str()])
            .await?
            .is_none()
    {
        // A route of an operator that no number has, by its prefix or ported, would never be taken.
        let meant = phone::operator_like(name).map_or(String::new(), |known| format!("; did you mean {known}?"));
        let name = ids::short(name);
        faults.add(
            "/operator",
            "not_found",
            format!("no number is known to be of {name}: operators are named as messages tell them, such as EE{meant}"),
        );
    }
    let mut range = |pointer: &str, value: i64, min: i64, max: i64| {
        if !(min..=max).contains(&value) {
            faults.add(pointer, "out_of_range", format!("must be {min} to {max}"));
        }
    };
    range("/priority", *priority, 0, 1000);
    range("/weight", *weight, 0, 1000);
    if let Some(share) = canary {
        range("/canary_basis_points", *share, 1, 10_000);
    }
    if let Some(Money { amount, currency }) = cost {
        range("/cost/amount", amount.0, 0, i64::MAX);
        let other = "SELECT currency FROM routes WHERE currency <> $1 AND id <> $2 LIMIT 1";
        if let Some(other) = tx.scalar::<String>(other, vals![currency.0.as_str(), id]).await? {
            faults.add(
                "/cost/currency",
                "mismatch",
                format!("must be {other}, as of the other routes: costs are compared"),
            );
        }
    }
    if let (Some(share), true) = (canary, enabled) {
        let sql = "SELECT r.account_id, COALESCE(a.mode, 'live') = 'test' AS test, r.country, r.operator, r.sender_class, r.canary \
                   FROM routes r LEFT JOIN accounts a ON a.id = r.account_id \
                   WHERE r.enabled AND r.canary IS NOT NULL AND r.priority = $1 AND r.id <> $2";
        let mut canaries: Vec<Canary> = tx.all(sql, vals![*priority, id]).await?;
        let test = match account {
            Some(account) => tx.scalar("SELECT mode FROM accounts WHERE id = $1", vals![*account]).await?,
            None => None,
        }
        .is_some_and(|mode: String| mode == "test");
        let before = heaviest(&canaries);
        let (country, operator) = (country.clone(), operator.clone());
        canaries.push(Canary {
            account_id: *account,
            test,
            country,
            operator,
            sender_class: *sender_class,
            canary: *share,
        });
        let together = heaviest(&canaries);
        if together > 10_000 && together > before {
            let detail = format!(
                "canaries of priority {priority} would take {together} hundredths of a per cent of the same messages: 10000 is all of them"
            );
            faults.add("/canary_basis_points", "out_of_range", detail);
        }
    }
    faults.check()
}
