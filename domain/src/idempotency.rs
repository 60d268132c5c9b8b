//! The answers of requests that carried an `Idempotency-Key`, committed in one transaction with what they did.
//!
//! Invariants: a row exists if and only if its effect does; refusals are not stored; a key belongs to one account and
//! one operation; a row past its time counts as absent.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    db::{Columns, Sql, lookup},
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

/// The operator is one, whichever token is shown: no account has the highest id (the nil id would count as a null).
impl Owner for OperatorScope {
    fn owner(&self) -> AccountId {
        AccountId(uuid::Uuid::max())
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

/// Takes the slots' locks for the length of the transaction; false for those that another transaction has. SQLite has
/// no such lock: there the process keeps one, since one process writes.
///
/// # Errors
/// When the database refuses.
pub async fn try_lock(tx: &DatabaseTransaction, slots: &[Slot<'_>]) -> Result<Vec<bool>> {
    let backend = tx.get_database_backend();
    if backend != DbBackend::Postgres {
        return Ok(vec![true; slots.len()]);
    }
    let number = |slot: &Slot<'_>| {
        let [a, b, c, d, e, f, g, h, ..] = slot.digest();
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    };
    let columns = Columns::new().ints("number", slots.iter().map(number));
    let sql = format!("SELECT pg_try_advisory_xact_lock(x.number) FROM {}", columns.source(backend, 1, "x"));
    Ok(tx.column(&sql, columns.after(backend, vals![])).await?)
}

/// The answers stored in these slots, in their order, those that have not expired.
///
/// # Errors
/// When the database refuses.
pub async fn find(tx: &DatabaseTransaction, now: Timestamp, slots: &[Slot<'_>]) -> Result<Vec<Option<Stored>>> {
    #[derive(FromQueryResult)]
    struct Found {
        n: i64,
        fingerprint: Vec<u8>,
        status: i64,
        body: String,
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ints("n", slots.iter().enumerate().map(|(n, _)| i64::try_from(n).ok()))
        .ids("account", slots.iter().map(|s| s.account.0))
        .texts("operation", slots.iter().map(|s| s.operation))
        .texts("key", slots.iter().map(|s| s.key));
    let sql = format!(
        "SELECT x.n, k.fingerprint, k.status, k.body FROM {} {}",
        columns.source(backend, 2, "x"),
        lookup(
            backend,
            "idempotency_keys",
            "k",
            "k.account_id = x.account AND k.operation = x.operation AND k.key = x.key AND k.expires_at > $1"
        )
    );
    let mut all: Vec<Option<Stored>> = vec![None; slots.len()];
    for Found { n, fingerprint, status, body } in tx.all(&sql, columns.after(backend, vals![now])).await? {
        if let Some(place) = usize::try_from(n).ok().and_then(|n| all.get_mut(n)) {
            *place = Some(Stored { fingerprint, status, body });
        }
    }
    Ok(all)
}

/// Stores answers for `keep`, in the place of those that have expired.
///
/// # Errors
/// When the database refuses.
pub async fn store(
    tx: &DatabaseTransaction,
    now: Timestamp,
    answers: &[(Slot<'_>, Stored)],
    keep: Duration,
) -> Result<()> {
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("account", answers.iter().map(|(slot, _)| slot.account.0))
        .texts("operation", answers.iter().map(|(slot, _)| slot.operation))
        .texts("key", answers.iter().map(|(slot, _)| slot.key))
        .texts("fingerprint", answers.iter().map(|(_, answer)| hex(&answer.fingerprint)))
        .ints("status", answers.iter().map(|(_, answer)| answer.status))
        .texts("body", answers.iter().map(|(_, answer)| answer.body.as_str()));
    let bytes = if backend == DbBackend::Postgres { "decode(x.fingerprint, 'hex')" } else { "unhex(x.fingerprint)" };
    // The order keeps two transactions with the same keys from waiting for each other in a circle.
    let sql = format!(
        "INSERT INTO idempotency_keys (account_id, operation, key, fingerprint, status, body, created_at, expires_at) \
         SELECT x.account, x.operation, x.key, {bytes}, x.status, COALESCE(x.body, ''), $1, $2 FROM {} WHERE true ORDER BY x.key \
         ON CONFLICT (account_id, operation, key) DO UPDATE SET \
         fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, \
         created_at = excluded.created_at, expires_at = excluded.expires_at",
        columns.source(backend, 3, "x")
    );
    tx.run(&sql, columns.after(backend, vals![now, now.plus(keep)])).await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
        text
    })
}

/// Deletes what has expired; tells how many rows went.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(tx: &DatabaseTransaction, now: Timestamp) -> Result<u64> {
    Ok(tx.run("DELETE FROM idempotency_keys WHERE expires_at <= $1", vals![now]).await?)
}
