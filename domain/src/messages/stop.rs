//! The emergency stop of one account: while the operator has it suspended or closed, nothing of it is submitted.
//!
//! A chunk of it waits as `paused`, with `stopped_at`. What is ready when the account is suspended is stopped at once
//! ([`stop`]); what a pump has is stopped at its next window, since a mark asks whether the account may send
//! ([`super::window`]), and goes back; what becomes ready later (a campaign's preparation, a slot) is stopped where a pump
//! would claim it. So nothing is asked for each message, and a queue is passed over once.
//!
//! Invariants: no message is marked once its account is suspended and that is committed; the money of what waits stays
//! held until it leaves, is over or is cancelled; what its owner has paused stays paused when the account goes on.

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::Sql,
    error::Result,
    ids::AccountId,
    jobs::{self, Queue},
    vals,
};

/// In SQL, whether the account of `table` may send.
pub(super) fn goes(table: &str) -> String {
    format!("(SELECT a.status NOT IN ('suspended', 'closed') FROM accounts a WHERE a.id = {table}.account_id)")
}

/// Stops what is ready of an account; the pumps find the rest.
///
/// # Errors
/// When the database refuses.
pub async fn stop(tx: &DatabaseTransaction, now: Timestamp, account: AccountId) -> Result<()> {
    let sql = "UPDATE chunks SET status = 'paused', stopped_at = $2 WHERE account_id = $1 AND status = 'ready'";
    tx.run(sql, vals![account, now]).await?;
    Ok(())
}

/// Lets the chunks of an account go on, and wakes the pumps.
///
/// # Errors
/// When the database refuses.
pub async fn go_on(tx: &DatabaseTransaction, now: Timestamp, account: AccountId) -> Result<()> {
    let stopped = "account_id = $1 AND stopped_at IS NOT NULL AND status = 'paused'";
    let carriers: Vec<Uuid> =
        tx.column(&format!("SELECT DISTINCT carrier_id FROM chunks WHERE {stopped}"), vals![account]).await?;
    let sql = format!(
        "UPDATE chunks SET stopped_at = NULL, status = CASE WHEN (SELECT c.status FROM campaigns c WHERE c.id = chunks.campaign_id) = 'paused' \
         THEN 'paused' ELSE 'ready' END WHERE {stopped}"
    );
    tx.run(&sql, vals![account]).await?;
    for carrier in carriers {
        jobs::enqueue(tx, now, Queue::MessagesDeliver, carrier).await?;
    }
    Ok(())
}

/// Cancels what is stopped of an account: the sweep that ends cancelled chunks releases its money. Tells how many chunks.
///
/// # Errors
/// When the database refuses.
pub async fn cancel(tx: &DatabaseTransaction, account: AccountId) -> Result<u64> {
    let sql =
        "UPDATE chunks SET status = 'cancelled' WHERE account_id = $1 AND stopped_at IS NOT NULL AND status = 'paused'";
    Ok(tx.run(sql, vals![account]).await?)
}
