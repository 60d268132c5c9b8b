//! Setting money apart for a dispatch, earning it as messages are accepted, giving back what was not used.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::ledger::{Kind, Ledger, Locked, Posting, for_update, lock, post};
use crate::{
    clock::Timestamp,
    db::{Columns, Sql, Writes, ids_json, ids_list},
    error::{Code, Error, Result},
    ids::{AccountId, HoldId, JournalId},
    money::{Currency, Micros},
    vals,
};

/// Sets `amount` apart under the id `hold`, granted money first. Does nothing when the hold exists, so that a resumed
/// job may call it again.
///
/// # Errors
/// `insufficient_funds` when less is available, with the shortfall in the sentence.
pub async fn hold(
    tx: &DatabaseTransaction,
    now: Timestamp,
    account: AccountId,
    hold: HoldId,
    amount: Micros,
) -> Result<()> {
    lock(tx, account).await?; // else another may make it between the question and the answer
    if tx.scalar::<i32>("SELECT 1 FROM holds WHERE id = $1", vals![hold]).await?.is_some() {
        return Ok(());
    }
    let mut writes = Writes::new(tx);
    hold_new(tx, &mut writes, now, account, hold, amount).await?;
    Ok(writes.run(tx).await?)
}

/// The same under an id that nobody else has: locks the balance, and leaves the rest to `writes`.
///
/// # Errors
/// `insufficient_funds` when less is available, with the shortfall in the sentence.
pub async fn hold_new(
    tx: &DatabaseTransaction,
    writes: &mut Writes,
    now: Timestamp,
    account: AccountId,
    hold: HoldId,
    amount: Micros,
) -> Result<()> {
    let short = |available: Micros, currency: &str| {
        let missing = Micros(amount.0.saturating_sub(available.0));
        Error::new(
            Code::InsufficientFunds,
            format!(
                "This costs {amount} {currency} and {available} {currency} are available: top up at least {missing} {currency}."
            ),
        )
    };
    let Some(Locked { currency, purchased, granted }) = lock(tx, account).await? else {
        return Err(short(Micros::ZERO, ""));
    };
    let from_granted = granted.min(amount);
    let from_purchased = amount.checked_sub(from_granted).ok_or_else(|| Error::internal("hold out of range"))?;
    if from_purchased > purchased {
        return Err(short(Micros(granted.0.saturating_add(purchased.0)), &currency.0));
    }
    writes.add(
        "INSERT INTO holds (id, account_id, currency, reserved_granted, reserved_purchased, captured_granted, captured_purchased, \
         released_granted, released_purchased, created_at, closed_at) VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, $6, $7)",
        vals![
            hold,
            account,
            currency.0.as_str(),
            from_granted,
            from_purchased,
            now,
            (amount == Micros::ZERO).then_some(now)
        ],
    );
    let lines = vec![
        (Ledger::Granted, Micros(-from_granted.0)),
        (Ledger::Purchased, Micros(-from_purchased.0)),
        (Ledger::Held, amount),
    ];
    let entry = Posting { id: JournalId::new(now), key: hold.to_string(), hold: Some(hold), note: None, lines };
    post(writes, now, (account, &currency, Kind::Hold), &[entry])
}

#[derive(FromQueryResult)]
struct Remaining {
    id: HoldId,
    currency: Currency,
    granted: Micros,
    purchased: Micros,
}

/// What is left of holds, which are locked until the transaction ends.
async fn remaining(
    tx: &DatabaseTransaction,
    holds: impl Iterator<Item = HoldId>,
    account: AccountId,
) -> Result<HashMap<HoldId, Remaining>> {
    let sql = format!(
        "SELECT id, currency, reserved_granted - captured_granted - released_granted AS granted, \
         reserved_purchased - captured_purchased - released_purchased AS purchased \
         FROM holds WHERE id IN {} AND account_id = $2 ORDER BY id{}",
        ids_list(tx.get_database_backend(), 1),
        for_update(tx)
    );
    let rows: Vec<Remaining> = tx.all(&sql, vals![ids_json(holds.map(|hold| hold.0)), account]).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// What is earned of a hold: so much, as this charge.
#[derive(Debug, Clone, Copy)]
pub struct Capture {
    /// The hold.
    pub hold: HoldId,
    /// The journal entry of the charge.
    pub charge: JournalId,
    /// How much.
    pub amount: Micros,
}

/// Locks the balance of an account and these holds of it, for who gives back of some and earns of others.
///
/// # Errors
/// When the database refuses.
pub async fn lock_holds(
    tx: &DatabaseTransaction,
    account: AccountId,
    holds: impl Iterator<Item = HoldId>,
) -> Result<()> {
    lock(tx, account).await?;
    remaining(tx, holds, account).await?;
    Ok(())
}

/// Earns of holds of one account, each named once, granted money first. Only the holds are locked: spendable money does
/// not move. The caller guards each message by its state, so that it is captured once.
///
/// # Errors
/// Internal when a hold has less than that left: an invariant is broken.
pub async fn capture(tx: &DatabaseTransaction, now: Timestamp, account: AccountId, captures: &[Capture]) -> Result<()> {
    let left = remaining(tx, captures.iter().map(|c| c.hold), account).await?;
    let Some(currency) = left.values().next().map(|hold| &hold.currency) else {
        return Err(Error::internal("capture without a hold"));
    };
    let (mut entries, mut drawn) = (Vec::with_capacity(captures.len()), Vec::with_capacity(captures.len()));
    for Capture { hold, charge, amount } in captures.iter().copied() {
        let left = left.get(&hold).ok_or_else(|| Error::internal(format!("{hold} does not exist")))?;
        let granted = left.granted.min(amount);
        let purchased = amount.0 - granted.0;
        if purchased > left.purchased.0 {
            return Err(Error::internal(format!("{hold} has less left than {amount}")));
        }
        let lines = vec![(Ledger::Held, Micros(-amount.0)), (Ledger::Revenue, amount)];
        entries.push(Posting { id: charge, key: charge.to_string(), hold: Some(hold), note: None, lines });
        drawn.push((hold, granted.0, purchased));
    }
    let mut writes = Writes::new(tx);
    post(&mut writes, now, (account, currency, Kind::Capture), &entries)?;
    draw(&mut writes, now, "captured", &drawn);
    Ok(writes.run(tx).await?)
}

/// Gives `amount` of a hold back, purchased money first. Does nothing when the hold was never made: a campaign that is
/// cancelled while it is prepared has messages, but no hold yet. The balance is locked before the hold is looked for,
/// as it is before one is made, so that neither misses the other.
///
/// # Errors
/// Internal when the hold has less than that left: an invariant is broken.
pub async fn release(
    tx: &DatabaseTransaction,
    now: Timestamp,
    account: AccountId,
    hold: HoldId,
    amount: Micros,
    note: &str,
) -> Result<()> {
    if amount == Micros::ZERO {
        return Ok(());
    }
    let Locked { currency, .. } =
        lock(tx, account).await?.ok_or_else(|| Error::internal("release without a balance"))?;
    let left = remaining(tx, std::iter::once(hold), account).await?;
    let left = left.get(&hold).ok_or_else(|| Error::internal(format!("{hold} does not exist")))?;
    let purchased = left.purchased.min(amount);
    let granted = amount.0 - purchased.0;
    if granted > left.granted.0 {
        return Err(Error::internal(format!("{hold} has less left than {amount}")));
    }
    let id = JournalId::new(now);
    let lines =
        vec![(Ledger::Held, Micros(-amount.0)), (Ledger::Granted, Micros(granted)), (Ledger::Purchased, purchased)];
    let entry = Posting { id, key: id.to_string(), hold: Some(hold), note: Some(note), lines };
    let mut writes = Writes::new(tx);
    post(&mut writes, now, (account, &currency, Kind::Release), &[entry])?;
    draw(&mut writes, now, "released", &[(hold, granted, purchased.0)]);
    Ok(writes.run(tx).await?)
}

/// Moves what is left of holds into `captured` or `released`, so much granted and so much purchased money, and closes those
/// of which nothing is left.
fn draw(writes: &mut Writes, now: Timestamp, into: &str, drawn: &[(HoldId, i64, i64)]) {
    let backend = writes.backend();
    let columns = Columns::new()
        .ids("hold", drawn.iter().map(|(hold, ..)| hold.0))
        .ints("granted", drawn.iter().map(|(_, granted, _)| *granted))
        .ints("purchased", drawn.iter().map(|(.., purchased)| *purchased));
    let sql = format!(
        "UPDATE holds SET {into}_granted = {into}_granted + x.granted, {into}_purchased = {into}_purchased + x.purchased, \
         closed_at = CASE WHEN captured_granted + released_granted + x.granted = reserved_granted \
         AND captured_purchased + released_purchased + x.purchased = reserved_purchased THEN COALESCE(closed_at, $1) ELSE closed_at END \
         FROM {} WHERE holds.id = x.hold",
        columns.source(backend, 2, "x")
    );
    writes.add(sql, columns.after(backend, vals![now]));
}
