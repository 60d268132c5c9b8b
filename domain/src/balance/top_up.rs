//! Money in: paid (`purchased`) or given (`granted`). The first posting fixes the account's currency.

use sea_orm::DatabaseTransaction;

use super::ledger::{Kind, Ledger, Posting, lock, post, posted};
use crate::{
    accounts,
    db::{Sql, Writes},
    error::{Code, Error, Result},
    ids::{AccountId, JournalId},
    money::{Micros, Money},
    scope::OperatorScope,
    vals,
};

/// Which bucket money goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// Paid by the customer.
    Purchased,
    /// Given by the operator; spent first.
    Granted,
}

/// Adds money to an account. `key` makes a repeat harmless: false means it was added before.
///
/// # Errors
/// `invalid_request` for an amount that is not above zero or another currency than the account's; `not_found`.
pub async fn top_up(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    account: AccountId,
    money: &Money,
    bucket: Bucket,
    key: &str,
    note: Option<&str>,
) -> Result<bool> {
    if money.amount <= Micros::ZERO {
        return Err(Error::field("/amount", "too_small", "must be above zero"));
    }
    accounts::fix_currency(tx, scope, account, &money.currency).await?;
    tx.run(
        "INSERT INTO balances (account_id, currency, purchased, granted) VALUES ($1, $2, 0, 0) ON CONFLICT (account_id) DO NOTHING",
        vals![account, money.currency.0.as_str()],
    )
    .await?;
    let balance = lock(tx, account).await?.ok_or_else(|| Error::internal("balance row missing after insert"))?;
    let total = balance.purchased.checked_add(balance.granted).and_then(|b| b.checked_add(money.amount));
    if total.is_none_or(|t| t.0 > i64::MAX / 4) {
        return Err(Error::new(Code::LimitReached, "The balance would be larger than the ledger can hold."));
    }
    let (kind, into, from) = match bucket {
        Bucket::Purchased => (Kind::TopUp, Ledger::Purchased, Ledger::Clearing),
        Bucket::Granted => (Kind::Grant, Ledger::Granted, Ledger::Bonus),
    };
    let now = scope.clock.now();
    let lines = vec![(into, money.amount), (from, Micros(-money.amount.0))];
    let entry = Posting { id: JournalId::new(now), key: key.to_owned(), hold: None, note, lines };
    if posted(tx, account, kind, key).await? {
        return Ok(false);
    }
    let mut writes = Writes::new(tx);
    post(&mut writes, now, (account, &balance.currency, kind), &[entry])?;
    writes.run(tx).await?;
    Ok(true)
}
