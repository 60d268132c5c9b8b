//! Proving the balance: every figure derived again from the postings and the messages, in one snapshot.

use sea_orm::{AccessMode, ConnectionTrait, IsolationLevel, TransactionTrait};

use super::{Balance, balance};
use crate::{
    db::{Db, Sql},
    error::Result,
    scope::AccountScope,
    vals,
};

/// One invariant and whether it holds.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its number in the house's list, such as `I2`.
    pub id: &'static str,
    /// What it says.
    pub rule: &'static str,
    /// How many rows break it: zero when it holds.
    pub broken: i64,
}

/// The outcome of an audit.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// The balance that was audited.
    pub balance: Balance,
}

impl Audit {
    /// Whether every check holds.
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|c| c.broken == 0)
    }
}

const RULES: [(&str, &str, &str); 7] = [
    (
        "I1",
        "the postings of each journal entry sum to zero",
        "SELECT COUNT(*) FROM (SELECT p.journal_id FROM postings p WHERE p.account_id = $1 GROUP BY p.journal_id, p.currency HAVING SUM(p.amount) <> 0) x",
    ),
    (
        "I2",
        "each bucket of spendable money is the sum of its postings",
        "SELECT COUNT(*) FROM balances b WHERE b.account_id = $1 AND ( \
         b.purchased <> COALESCE((SELECT SUM(amount) FROM postings WHERE account_id = $1 AND ledger = 'purchased'), 0) OR \
         b.granted <> COALESCE((SELECT SUM(amount) FROM postings WHERE account_id = $1 AND ledger = 'granted'), 0))",
    ),
    (
        "I3",
        "what the postings hold is what the holds have left, and only open holds have something left",
        "SELECT CASE WHEN COALESCE((SELECT SUM(amount) FROM postings WHERE account_id = $1 AND ledger = 'held'), 0) <> COALESCE((SELECT \
         SUM(reserved_granted + reserved_purchased - captured_granted - captured_purchased - released_granted - released_purchased) \
         FROM holds WHERE account_id = $1), 0) THEN 1 ELSE 0 END + (SELECT COUNT(*) FROM holds WHERE account_id = $1 AND (closed_at IS NULL) = \
         (reserved_granted + reserved_purchased = captured_granted + captured_purchased + released_granted + released_purchased))",
    ),
    (
        "I4",
        "each charge is the sum of price × segments of its messages",
        "SELECT COUNT(*) FROM (SELECT j.id, p.amount FROM journal j JOIN postings p ON p.journal_id = j.id AND p.ledger = 'revenue' \
         WHERE j.account_id = $1 AND j.kind = 'capture') c FULL JOIN (SELECT charge_id, SUM(unit_price * segments) AS amount FROM messages \
         WHERE account_id = $1 AND charge_id IS NOT NULL GROUP BY charge_id) m ON m.charge_id = c.id WHERE COALESCE(c.amount, 0) <> COALESCE(m.amount, 0)",
    ),
    (
        "I5",
        "only a charged message is refunded",
        "SELECT COUNT(*) FROM messages WHERE account_id = $1 AND refund_id IS NOT NULL AND charge_id IS NULL",
    ),
    (
        "I6",
        "each refund is what its messages were charged",
        "SELECT COUNT(*) FROM (SELECT j.id, -p.amount AS amount FROM journal j JOIN postings p ON p.journal_id = j.id AND p.ledger = 'revenue' \
         WHERE j.account_id = $1 AND j.kind = 'refund') c FULL JOIN (SELECT refund_id, SUM(unit_price * segments) AS amount FROM messages \
         WHERE account_id = $1 AND refund_id IS NOT NULL GROUP BY refund_id) m ON m.refund_id = c.id WHERE COALESCE(c.amount, 0) <> COALESCE(m.amount, 0)",
    ),
    (
        "I7",
        "no balance and no hold is below zero",
        "SELECT (SELECT COUNT(*) FROM balances WHERE account_id = $1 AND (purchased < 0 OR granted < 0)) + \
         (SELECT COUNT(*) FROM holds WHERE account_id = $1 AND (reserved_granted < captured_granted + released_granted \
         OR reserved_purchased < captured_purchased + released_purchased))",
    ),
];

/// Derives the account's money again from the ledger and from its messages.
///
/// # Errors
/// When the database cannot be read.
pub async fn audit(db: &Db, scope: &AccountScope) -> Result<Audit> {
    // One snapshot, so that a message charged while we read does not look like an error.
    let isolation = (!db.is_sqlite()).then_some(IsolationLevel::RepeatableRead);
    let tx = db.read().begin_with_config(isolation, (!db.is_sqlite()).then_some(AccessMode::ReadOnly)).await?;
    let mut checks = Vec::with_capacity(RULES.len());
    for (id, rule, sql) in RULES {
        checks.push(Check { id, rule, broken: count(&tx, sql, scope).await? });
    }
    let balance = balance(&tx, scope).await?;
    tx.rollback().await?;
    Ok(Audit { checks, balance })
}

async fn count(conn: &impl ConnectionTrait, sql: &str, scope: &AccountScope) -> Result<i64> {
    Ok(conn.scalar::<i64>(sql, vals![scope.account()]).await?.unwrap_or(0))
}
