//! Writing the journal and its postings. Nothing else inserts into either table.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use crate::{
    clock::Timestamp,
    db::{Columns, Sql, Writes},
    error::{Error, Result},
    ids::{AccountId, HoldId, JournalId},
    money::{Currency, Micros},
    vals,
};

/// What a journal entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Money paid in.
    TopUp,
    /// Money given by the operator.
    Grant,
    /// Money set apart for a dispatch.
    Hold,
    /// Held money earned: messages the carrier accepted.
    Capture,
    /// Held money given back: messages that did not go.
    Release,
    /// Charged money given back.
    Refund,
}

impl Kind {
    /// The text in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Grant => "grant",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Refund => "refund",
        }
    }
}

/// An account of the ledger. The first three are the customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ledger {
    /// Paid-in money that may be spent.
    Purchased,
    /// Given money that may be spent, before the purchased.
    Granted,
    /// Money set apart.
    Held,
    /// What the operator has earned.
    Revenue,
    /// Where paid-in money comes from.
    Clearing,
    /// Where given money comes from.
    Bonus,
}

impl Ledger {
    /// The text in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Purchased => "purchased",
            Self::Granted => "granted",
            Self::Held => "held",
            Self::Revenue => "revenue",
            Self::Clearing => "clearing",
            Self::Bonus => "bonus",
        }
    }
}

/// One entry to be written.
pub(super) struct Posting<'a> {
    pub id: JournalId,
    /// Unique per account and kind.
    pub key: String,
    pub hold: Option<HoldId>,
    pub note: Option<&'a str>,
    pub lines: Vec<(Ledger, Micros)>,
}

/// Writes journal entries of one kind, which are new, with their postings, and moves the balance row by what they do to
/// spendable money; the caller then holds its lock.
pub(super) fn post(
    writes: &mut Writes,
    now: Timestamp,
    (account, currency, kind): (AccountId, &Currency, Kind),
    entries: &[Posting<'_>],
) -> Result<()> {
    for Posting { key, lines, .. } in entries {
        if Micros::checked_sum(lines.iter().map(|(_, amount)| *amount)) != Some(Micros::ZERO) {
            return Err(Error::internal(format!("postings of {} {key} do not sum to zero", kind.as_str())));
        }
    }
    let backend = writes.backend();
    let columns = Columns::new()
        .ids("id", entries.iter().map(|e| e.id.0))
        .texts("key", entries.iter().map(|e| e.key.as_str()))
        .ids("hold", entries.iter().map(|e| e.hold.map(|hold| hold.0)))
        .some_texts("note", entries.iter().map(|e| e.note));
    let sql = format!(
        "INSERT INTO journal (id, account_id, kind, key, currency, hold_id, note, created_at) \
         SELECT x.id, $1, $2, x.key, $3, x.hold, x.note, $4 FROM {}",
        columns.source(backend, 5, "x")
    );
    writes.add(sql, columns.after(backend, vals![account, kind.as_str(), currency.0.as_str(), now]));
    let lines =
        || entries.iter().flat_map(|e| e.lines.iter().filter(|(_, a)| *a != Micros::ZERO).map(move |l| (e.id, l)));
    let columns = Columns::new()
        .ids("journal", lines().map(|(id, _)| id.0))
        .texts("ledger", lines().map(|(_, (ledger, _))| ledger.as_str()))
        .ints("amount", lines().map(|(_, (_, amount))| amount.0));
    let sql = format!(
        "INSERT INTO postings (journal_id, ledger, account_id, currency, amount) SELECT x.journal, x.ledger, $1, $2, x.amount FROM {}",
        columns.source(backend, 3, "x")
    );
    writes.add(sql, columns.after(backend, vals![account, currency.0.as_str()]));
    let of = |wanted: Ledger| {
        let amounts = lines().filter(|(_, (ledger, _))| *ledger == wanted).map(|(_, (_, amount))| *amount);
        Micros::checked_sum(amounts).ok_or_else(|| Error::internal("sum of postings out of range"))
    };
    let (purchased, granted) = (of(Ledger::Purchased)?, of(Ledger::Granted)?);
    if (purchased, granted) != (Micros::ZERO, Micros::ZERO) {
        writes.add(
            "UPDATE balances SET purchased = purchased + $2, granted = granted + $3 WHERE account_id = $1",
            vals![account, purchased, granted],
        );
    }
    Ok(())
}

/// Whether a journal entry of this kind has this key already. The caller holds the lock of the balance row.
pub(super) async fn posted(tx: &DatabaseTransaction, account: AccountId, kind: Kind, key: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM journal WHERE account_id = $1 AND kind = $2 AND key = $3";
    Ok(tx.scalar::<i32>(sql, vals![account, kind.as_str(), key]).await?.is_some())
}

/// The spendable buckets of a balance row, locked until the transaction ends. `None` when nothing was ever paid in.
#[derive(Debug, sea_orm::FromQueryResult)]
pub(super) struct Locked {
    pub currency: Currency,
    pub purchased: Micros,
    pub granted: Micros,
}

/// What locks the rows of a SELECT until the transaction ends. A writing transaction of SQLite has everything locked.
pub(super) fn for_update(tx: &DatabaseTransaction) -> &'static str {
    if tx.get_database_backend() == DbBackend::Postgres { " FOR NO KEY UPDATE" } else { "" }
}

/// Locks the balance row. Every verb but a capture begins with this, so that balances come before holds in the order of
/// locks; a capture moves no spendable money, and waits for nobody who does.
pub(super) async fn lock(tx: &DatabaseTransaction, account: AccountId) -> Result<Option<Locked>> {
    let lock = for_update(tx);
    let sql = format!("SELECT currency, purchased, granted FROM balances WHERE account_id = $1{lock}");
    Ok(tx.one(&sql, vals![account]).await?)
}

/// Locks the balance of an account before a sum that a hold will be made of, so that nobody releases meanwhile.
///
/// # Errors
/// When the database refuses.
pub async fn freeze(tx: &DatabaseTransaction, account: AccountId) -> Result<()> {
    lock(tx, account).await.map(|_| ())
}
