//! Reading the balance and the movement of funds.

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{
    clock::Timestamp,
    db::{Sql, page_bounds},
    error::Result,
    ids::{AccountId, HoldId, JournalId},
    money::{Currency, Micros},
    scope::AccountScope,
    vals,
};

/// What an account has.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Balance {
    /// The account's one currency.
    pub currency: Currency,
    /// Paid-in money that may be spent.
    pub purchased: Micros,
    /// Given money that may be spent, spent first.
    pub granted: Micros,
    /// Money set apart for what is on its way: what the open holds have left.
    pub held: Micros,
}

impl Balance {
    /// What may be spent: both buckets.
    pub fn available(&self) -> Micros {
        Micros(self.purchased.0.saturating_add(self.granted.0))
    }
}

/// The balance; zero in the account's (or the deck's) currency when nothing was ever paid in.
///
/// # Errors
/// When the database cannot be read.
pub async fn balance(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Balance> {
    let sql = "SELECT currency, purchased, granted, CAST(COALESCE((SELECT SUM(reserved_granted + reserved_purchased - captured_granted \
               - captured_purchased - released_granted - released_purchased) FROM holds h WHERE h.account_id = b.account_id \
               AND closed_at IS NULL), 0) AS BIGINT) AS held FROM balances b WHERE account_id = $1";
    if let Some(balance) = conn.one(sql, vals![scope.account()]).await? {
        return Ok(balance);
    }
    let sql = "SELECT COALESCE(a.currency, d.currency) FROM accounts a LEFT JOIN rate_decks d ON d.id = a.rate_deck_id WHERE a.id = $1";
    let currency: Option<Option<String>> = conn.scalar(sql, vals![scope.account()]).await?;
    let currency = Currency(currency.flatten().unwrap_or_else(|| "EUR".to_owned()));
    Ok(Balance { currency, purchased: Micros::ZERO, granted: Micros::ZERO, held: Micros::ZERO })
}

/// One line of the statement.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Entry {
    pub id: JournalId,
    pub kind: String,
    pub currency: Currency,
    /// What the entry did to the spendable money; negative when it took some.
    pub available: Micros,
    /// What it did to the held money.
    pub held: Micros,
    pub hold_id: Option<HoldId>,
    pub note: Option<String>,
    pub created_at: Timestamp,
}

/// Which lines of the statement.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    pub kind: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub after: Option<JournalId>,
}

/// The movement of funds, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn entries(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &EntryFilter,
    limit: usize,
) -> Result<(Vec<Entry>, bool)> {
    let EntryFilter { kind, from, to, after } = filter;
    let rows = conn
        .all(
            "SELECT j.id, j.kind, j.currency, j.hold_id, j.note, j.created_at, \
             CAST(COALESCE((SELECT SUM(p.amount) FROM postings p WHERE p.journal_id = j.id AND p.ledger IN ('purchased', 'granted')), 0) AS BIGINT) AS available, \
             CAST(COALESCE((SELECT SUM(p.amount) FROM postings p WHERE p.journal_id = j.id AND p.ledger = 'held'), 0) AS BIGINT) AS held \
             FROM journal j WHERE j.account_id = $1 AND ($2 IS NULL OR j.kind = $2) AND ($3 IS NULL OR j.created_at >= $3) \
             AND ($4 IS NULL OR j.created_at < $4) AND ($5 IS NULL OR j.id < $5) ORDER BY j.id DESC LIMIT $6",
            vals![scope.account(), kind.clone(), *from, *to, *after, i64::try_from(limit + 1).unwrap_or(i64::MAX)],
        )
        .await?;
    Ok(page_bounds(rows, limit))
}

/// By what a message's money is known in the journal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trail {
    pub hold: Option<HoldId>,
    pub charge: Option<JournalId>,
    pub refund: Option<JournalId>,
    /// When it ended uncharged: what the hold released then has its money.
    pub released_at: Option<Timestamp>,
}

/// The journal entries that a message's money went through, oldest first. Each is of a whole batch.
///
/// # Errors
/// When the database cannot be read.
pub async fn trail(conn: &impl ConnectionTrait, scope: &AccountScope, trail: Trail) -> Result<Vec<Entry>> {
    let Trail { hold, charge, refund, released_at } = trail;
    let sql = "SELECT j.id, j.kind, j.currency, j.hold_id, j.note, j.created_at, \
               CAST(COALESCE((SELECT SUM(p.amount) FROM postings p WHERE p.journal_id = j.id AND p.ledger IN ('purchased', 'granted')), 0) AS BIGINT) AS available, \
               CAST(COALESCE((SELECT SUM(p.amount) FROM postings p WHERE p.journal_id = j.id AND p.ledger = 'held'), 0) AS BIGINT) AS held \
               FROM journal j WHERE j.account_id = $1 AND (j.id = $2 OR j.id = $3 OR (j.hold_id = $4 AND (j.kind = 'hold' \
               OR j.kind = 'release' AND j.created_at = $5))) ORDER BY j.id";
    Ok(conn.all(sql, vals![scope.account(), charge, refund, hold, released_at]).await?)
}

/// What was charged, less what was refunded, under each of these holds.
///
/// # Errors
/// When the database cannot be read.
pub async fn charged(conn: &impl ConnectionTrait, account: AccountId, hold: HoldId) -> Result<Micros> {
    let sql = "SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM journal j JOIN postings p ON p.journal_id = j.id \
               WHERE j.hold_id = $1 AND j.account_id = $2 AND p.ledger = 'revenue'";
    Ok(conn.scalar(sql, vals![hold, account]).await?.unwrap_or_default())
}
