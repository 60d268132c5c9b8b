//! Charged money given back, by the account's policy for final statuses that it does not pay for.

use sea_orm::DatabaseTransaction;

use super::ledger::{Kind, Ledger, Posting, lock, post};
use crate::{
    clock::Timestamp,
    db::Writes,
    error::{Error, Result},
    ids::{AccountId, HoldId, JournalId},
    money::Micros,
};

/// Gives `amount` back to the purchased bucket as the refund `id`. The caller guards each message by its empty
/// `refund_id`, so that it is refunded once and by exactly what it was charged.
///
/// # Errors
/// Internal when the account has no balance row.
pub async fn refund(
    tx: &DatabaseTransaction,
    now: Timestamp,
    account: AccountId,
    hold: HoldId,
    id: JournalId,
    amount: Micros,
) -> Result<()> {
    let balance = lock(tx, account).await?.ok_or_else(|| Error::internal("refund without a balance"))?;
    let lines = vec![(Ledger::Revenue, Micros(-amount.0)), (Ledger::Purchased, amount)];
    let entry = Posting { id, key: id.to_string(), hold: Some(hold), note: None, lines };
    let mut writes = Writes::new(tx);
    post(&mut writes, now, (account, &balance.currency, Kind::Refund), &[entry])?;
    Ok(writes.run(tx).await?)
}
