//! `/v1/balance`: what the account has, how it moved, and the proof that it adds up.

use actix_web::{get, web::Data};
use domain::{
    balance::{self, Check as RuleCheck, Entry as Row, EntryFilter, Kind},
    clock::Timestamp,
    db::Window,
    ids::{HoldId, JournalId},
    money::Money,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    App,
    shared::{
        auth::Auth,
        paging::{Page, Query, window},
        problem::Failure,
        reply::Reply,
    },
};

/// The routes of this resource.
pub fn routes(config: &mut ServiceConfig) {
    config.service(audit).service(entries).service(get);
}

/// What the account has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "available": {"amount": "1000.000000", "currency": "EUR"},
    "held": {"amount": "0.000000", "currency": "EUR"},
    "purchased": {"amount": "900.000000", "currency": "EUR"},
    "granted": {"amount": "100.000000", "currency": "EUR"}
}))]
pub struct Balance {
    /// What may be spent: purchased and granted together.
    pub available: Money,
    /// What is set apart for messages on their way.
    pub held: Money,
    /// Paid-in money that may be spent.
    pub purchased: Money,
    /// Given money that may be spent; spent first.
    pub granted: Money,
}

impl From<balance::Balance> for Balance {
    fn from(row: balance::Balance) -> Self {
        let available = row.available();
        let balance::Balance { currency, purchased, granted, held } = row;
        let money = |amount| Money::new(amount, &currency);
        Self { available: money(available), held: money(held), purchased: money(purchased), granted: money(granted) }
    }
}

/// One movement of funds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "jrn_01kazsw6e3f8e9xq2m4r7t5v0b",
    "kind": "capture",
    "available": {"amount": "0.000000", "currency": "EUR"},
    "held": {"amount": "-12.340000", "currency": "EUR"},
    "hold_id": "hld_01kazsw6e3f8e9xq2m4r7t5v0b",
    "note": null,
    "created_at": "2026-11-21T10:00:00.000000Z"
}))]
pub struct LedgerEntry {
    /// Its id; messages name it as `charge_id`.
    pub id: JournalId,
    /// What it records.
    pub kind: Kind,
    /// What it did to the spendable money; negative when it took some.
    pub available: Money,
    /// What it did to the held money.
    pub held: Money,
    /// The hold it belongs to.
    pub hold_id: Option<HoldId>,
    /// What it was for.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl From<Row> for LedgerEntry {
    fn from(row: Row) -> Self {
        let Row { id, kind, currency, available, held, hold_id, note, created_at } = row;
        Self {
            id,
            kind,
            available: Money::new(available, &currency),
            held: Money::new(held, &currency),
            hold_id,
            note,
            created_at,
        }
    }
}

/// Which movements to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListEntries {
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only before this time.
    pub created_to: Option<Timestamp>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub after: Option<String>,
}

/// The outcome of an audit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "ok": true,
    "balance": {
        "available": {"amount": "1000.000000", "currency": "EUR"}, "held": {"amount": "0.000000", "currency": "EUR"},
        "purchased": {"amount": "900.000000", "currency": "EUR"}, "granted": {"amount": "100.000000", "currency": "EUR"}
    },
    "checks": [{"id": "I1", "rule": "the postings of each journal entry sum to zero", "ok": true, "broken": 0}]
}))]
pub struct Audit {
    /// Whether every rule holds.
    pub ok: bool,
    /// The balance that was audited.
    pub balance: Balance,
    /// Rule by rule.
    pub checks: Vec<AuditCheck>,
}

/// One rule of an audit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "I1", "rule": "the postings of each journal entry sum to zero", "ok": true, "broken": 0}))]
pub struct AuditCheck {
    /// Its number.
    pub id: String,
    /// What it says.
    pub rule: String,
    /// Whether it holds.
    pub ok: bool,
    /// How many rows break it.
    pub broken: i64,
}

impl From<RuleCheck> for AuditCheck {
    fn from(RuleCheck { id, rule, broken }: RuleCheck) -> Self {
        Self { id: id.to_owned(), rule: rule.to_owned(), ok: broken == 0, broken }
    }
}

/// Get the balance
///
/// What may be spent, and what is set apart for messages on their way. For example, `GET /v1/balance`.
#[utoipa::path(
    operation_id = "balance.get",
    tag = "Balance",
    security(("bearer" = ["balance:read"])),
    responses((status = OK, description = "The balance.", body = Balance)),
)]
#[get("/balance")]
async fn get(app: Data<App>, Auth(scope): Auth) -> Result<Reply<Balance>, Failure> {
    Ok(Reply::ok(balance::balance(app.db.read(), &scope).await?.into()))
}

/// List movements of funds
///
/// The statement, newest first: top-ups, holds at dispatch, captures as messages are accepted, releases of what did not
/// go. For example, `GET /v1/balance/entries?kind=capture` shows the charges.
#[utoipa::path(
    operation_id = "balance.entries",
    tag = "Balance",
    security(("bearer" = ["balance:read"])),
    params(ListEntries),
    responses((status = OK, description = "A page of movements.", body = Page<LedgerEntry>)),
)]
#[get("/balance/entries")]
async fn entries(
    app: Data<App>,
    Auth(scope): Auth,
    Query(asked): Query<ListEntries>,
) -> Result<Reply<Page<LedgerEntry>>, Failure> {
    let ListEntries { kind, created_from, created_to, limit, after } = asked;
    let Window { limit, after } = window(limit, after.as_deref())?;
    let filter = EntryFilter { kind, from: created_from, to: created_to, after };
    let rows = balance::entries(app.db.read(), &scope, &filter, limit).await?;
    Ok(Reply::ok(Page::new(rows, |row: &Row| row.id)))
}

/// Audit the balance
///
/// Derives the balance again from the ledger and every charge from its messages, in one snapshot, and tells rule by
/// rule whether they agree. For example, `GET /v1/balance/audit`.
#[utoipa::path(
    operation_id = "balance.audit",
    tag = "Balance",
    security(("bearer" = ["balance:read"])),
    responses((status = OK, description = "The outcome.", body = Audit)),
)]
#[get("/balance/audit")]
async fn audit(app: Data<App>, Auth(scope): Auth) -> Result<Reply<Audit>, Failure> {
    let audit = balance::audit(&app.db, &scope).await?;
    let ok = audit.ok();
    let balance::Audit { checks, balance } = audit;
    Ok(Reply::ok(Audit { ok, balance: balance.into(), checks: checks.into_iter().map(AuditCheck::from).collect() }))
}
