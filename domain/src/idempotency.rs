//! The answers of requests that carried an `Idempotency-Key`, committed in one transaction with what they did.
//!
//! Invariants: a row exists if and only if its effect does; refusals are not stored; a key belongs to one account and
//! one operation; a row past its time counts as absent; a second answer in a slot is refused by the table's key.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, FromQueryResult, SqlErr};
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    db::{Columns, Sql, Writes},
    error::{Code, Error, Result},
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

/// What a slot holds when it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Another transaction has it.
    Elsewhere,
    /// Nothing: the request is new.
    Free,
    /// The answer that was given.
    Answered(Stored),
}

/// Takes slots for the length of the transaction, and tells what they hold, in their order. SQLite has no such locks: there
/// the process keeps them, since one process writes. An answer that another commits just now may be missed: then [`store`]
/// is refused, which [`or_in_flight`] tells.
///
/// # Errors
/// When the database refuses.
pub async fn take(tx: &DatabaseTransaction, now: Timestamp, slots: &[Slot<'_>]) -> Result<Vec<Taken>> {
    #[derive(FromQueryResult)]
    struct Found {
        n: i64,
        locked: bool,
        expires_at: Option<Timestamp>,
        fingerprint: Option<Vec<u8>>,
        status: Option<i64>,
        body: Option<String>,
    }
    let backend = tx.get_database_backend();
    let number = |slot: &Slot<'_>| {
        let [a, b, c, d, e, f, g, h, ..] = slot.digest();
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    };
    let columns = Columns::new()
        .ints("n", slots.iter().enumerate().map(|(n, _)| i64::try_from(n).ok()))
        .ints("number", slots.iter().map(number))
        .ids("account", slots.iter().map(|s| s.account.0))
        .texts("operation", slots.iter().map(|s| s.operation))
        .texts("key", slots.iter().map(|s| s.key));
    let same = "k.account_id = x.account AND k.operation = x.operation AND k.key = x.key";
    let source = columns.source(backend, 1, "x");
    let (locked, keys) = if backend == DbBackend::Postgres {
        let keys = format!("LATERAL (SELECT * FROM idempotency_keys k WHERE {same} OFFSET 0) k ON true");
        ("pg_try_advisory_xact_lock(x.number)", keys)
    } else {
        ("true", format!("idempotency_keys k ON {same}"))
    };
    let sql = format!(
        "SELECT x.n, {locked} AS locked, k.expires_at, k.fingerprint, k.status, k.body FROM {source} LEFT JOIN {keys}"
    );
    let mut all = vec![Taken::Elsewhere; slots.len()];
    for found in tx.all::<Found>(&sql, columns.after(backend, vals![])).await? {
        let place = usize::try_from(found.n).unwrap_or(usize::MAX);
        let (Some(taken), Some(slot)) = (all.get_mut(place), slots.get(place)) else { continue };
        *taken = match found {
            Found { locked: false, .. } => Taken::Elsewhere,
            Found { expires_at: Some(at), .. } if at <= now => {
                let Slot { account, operation, key } = slot;
                let sql = "DELETE FROM idempotency_keys WHERE account_id = $1 AND operation = $2 AND key = $3 AND expires_at <= $4";
                tx.run(sql, vals![*account, *operation, *key, now]).await?;
                Taken::Free
            }
            Found { fingerprint: Some(fingerprint), status: Some(status), body: Some(body), .. } => {
                Taken::Answered(Stored { fingerprint, status, body })
            }
            _ => Taken::Free,
        };
    }
    Ok(all)
}

/// Stores answers for `keep` in slots that were free.
pub fn store(writes: &mut Writes, now: Timestamp, answers: &[(Slot<'_>, Stored)], keep: Duration) {
    let backend = writes.backend();
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
         SELECT x.account, x.operation, x.key, {bytes}, x.status, COALESCE(x.body, ''), $1, $2 FROM {} ORDER BY x.key",
        columns.source(backend, 3, "x")
    );
    writes.add(sql, columns.after(backend, vals![now, now.plus(keep)]));
}

/// Turns the refusal of an answer whose slot another has filled meanwhile into `idempotency_in_flight`.
pub fn or_in_flight(e: DbErr) -> Error {
    match e.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(what)) if what.contains("idempotency_keys") => in_flight(),
        _ => e.into(),
    }
}

/// `idempotency_in_flight`: another request with this key runs.
pub fn in_flight() -> Error {
    Error::new(
        Code::IdempotencyInFlight,
        "A request with this Idempotency-Key is still running; try again in a moment.",
    )
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
