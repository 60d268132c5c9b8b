//! The answers of requests that carried an `Idempotency-Key`, committed in one transaction with what they did.
//!
//! Invariants: a row exists if and only if its effect does; refusals are not stored; a key belongs to one account and
//! one operation; a row past its time counts as absent.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    db::Sql,
    error::Result,
    ids::AccountId,
    scope::{AccountScope, OperatorScope},
    vals,
};

/// Who may use a key: within one owner it names one intent.
pub trait Owner {
    /// The account whose keys these are.
    fn owner(&self) -> AccountId;
}

impl Owner for AccountScope {
    fn owner(&self) -> AccountId {
        self.account()
    }
}

/// The operator is one, whichever token is shown: no account has the nil id.
impl Owner for OperatorScope {
    fn owner(&self) -> AccountId {
        AccountId(uuid::Uuid::nil())
    }
}

/// What a key is unique within.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// Whose key.
    pub account: AccountId,
    /// The operation it was used on, such as `campaigns.launch`.
    pub operation: &'a str,
    /// The key itself.
    pub key: &'a str,
}

impl Slot<'_> {
    /// One number for the slot: what locks are taken on.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.account.0.as_bytes());
        hash.update(self.operation.as_bytes());
        hash.update([0]);
        hash.update(self.key.as_bytes());
        hash.finalize().into()
    }
}

/// An answer as it was first given.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Stored {
    /// SHA-256 over the request that got it.
    pub fingerprint: Vec<u8>,
    /// The HTTP status.
    pub status: i64,
    /// The body's JSON.
    pub body: String,
}

/// Takes the slot's lock for the length of the transaction; false when another transaction has it. SQLite has no such
/// lock: there the process keeps one, since one process writes.
///
/// # Errors
/// When the database refuses.
pub async fn try_lock(tx: &DatabaseTransaction, slot: &Slot<'_>) -> Result<bool> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    let [a, b, c, d, e, f, g, h, ..] = slot.digest();
    let number = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
    Ok(tx.scalar::<bool>("SELECT pg_try_advisory_xact_lock($1)", vals![number]).await?.unwrap_or(false))
}

/// The answer stored in the slot, if it has not expired.
///
/// # Errors
/// When the database refuses.
pub async fn find(tx: &DatabaseTransaction, now: Timestamp, slot: &Slot<'_>) -> Result<Option<Stored>> {
    let sql = "SELECT fingerprint, status, body FROM idempotency_keys \
               WHERE account_id = $1 AND operation = $2 AND key = $3 AND expires_at > $4";
    Ok(tx.one(sql, vals![slot.account, slot.operation, slot.key, now]).await?)
}

/// Stores the answer for `keep`, in the place of one that has expired.
///
/// # Errors
/// When the database refuses.
pub async fn store(
    tx: &DatabaseTransaction,
    now: Timestamp,
    slot: &Slot<'_>,
    answer: Stored,
    keep: Duration,
) -> Result<()> {
    let Stored { fingerprint, status, body } = answer;
    tx.run(
        "INSERT INTO idempotency_keys (account_id, operation, key, fingerprint, status, body, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account_id, operation, key) DO UPDATE SET \
         fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, \
         created_at = excluded.created_at, expires_at = excluded.expires_at",
        vals![slot.account, slot.operation, slot.key, fingerprint, status, body, now, now.plus(keep)],
    )
    .await?;
    Ok(())
}

/// Deletes what has expired; tells how many rows went.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(tx: &DatabaseTransaction, now: Timestamp) -> Result<u64> {
    Ok(tx.run("DELETE FROM idempotency_keys WHERE expires_at <= $1", vals![now]).await?)
}
