//! Setting money apart for a dispatch, earning it as messages are accepted, giving back what was not used.

use sea_orm::{DatabaseTransaction, FromQueryResult};

use super::ledger::{Kind, Ledger, Locked, Posting, for_update, lock, post};
use crate::{
    clock::Timestamp,
    db::Sql,
    error::{Code, Error, Result},
    ids::{AccountId, HoldId, JournalId},
    money::Micros,
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
    if tx.scalar::<i32>("SELECT 1 FROM holds WHERE id = $1", vals![hold]).await?.is_some() {
        return Ok(());
    }
    let from_granted = granted.min(amount);
    let from_purchased = amount.checked_sub(from_granted).ok_or_else(|| Error::internal("hold out of range"))?;
    if from_purchased > purchased {
        return Err(short(Micros(granted.0.saturating_add(purchased.0)), &currency.0));
    }
    tx.run(
            "INSERT INTO holds (id, account_id, currency, reserved_granted, reserved_purchased, captured_granted, captured_purchased, \
             released_granted, released_purchased, created_at, closed_at) VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, $6, $7)",
            vals![hold, account, currency.0.as_str(), from_granted, from_purchased, now, (amount == Micros::ZERO).then_some(now)],
        )
        .await?;
    let lines = [
        (Ledger::Granted, Micros(-from_granted.0)),
        (Ledger::Purchased, Micros(-from_purchased.0)),
        (Ledger::Held, amount),
    ];
    let entry = Posting {
        id: JournalId::new(now),
        account,
        kind: Kind::Hold,
        key: &hold.to_string(),
        currency: &currency,
        hold: Some(hold),
        note: None,
        lines: &lines,
    };
    post(tx, now, &entry).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Remaining {
    granted: Micros,
    purchased: Micros,
}

async fn remaining(tx: &DatabaseTransaction, hold: HoldId, account: AccountId) -> Result<Remaining> {
    let sql = format!(
        "SELECT reserved_granted - captured_granted - released_granted AS granted, \
         reserved_purchased - captured_purchased - released_purchased AS purchased \
         FROM holds WHERE id = $1 AND account_id = $2{}",
        for_update(tx)
    );
    tx.one(&sql, vals![hold, account]).await?.ok_or_else(|| Error::internal(format!("{hold} does not exist")))
}

/// Earns `amount` of a hold as the charge `charge`, granted money first. The caller guards each message by its state,
/// so that it is captured once.
///
/// # Errors
/// Internal when the hold has less than that left: an invariant is broken.
pub async fn capture(
    tx: &DatabaseTransaction,
    now: Timestamp,
    account: AccountId,
    hold: HoldId,
    charge: JournalId,
    amount: Micros,
) -> Result<()> {
    let Locked { currency, .. } =
        lock(tx, account).await?.ok_or_else(|| Error::internal("capture without a balance"))?;
    let left = remaining(tx, hold, account).await?;
    let granted = left.granted.min(amount);
    let purchased = amount.0 - granted.0;
    if purchased > left.purchased.0 {
        return Err(Error::internal(format!("{hold} has less left than {amount}")));
    }
    let lines = [(Ledger::Held, Micros(-amount.0)), (Ledger::Revenue, amount)];
    let entry = Posting {
        id: charge,
        account,
        kind: Kind::Capture,
        key: &charge.to_string(),
        currency: &currency,
        hold: Some(hold),
        note: None,
        lines: &lines,
    };
    if post(tx, now, &entry).await? {
        draw(tx, now, hold, "captured", granted.0, purchased).await?;
    }
    Ok(())
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
    let left = remaining(tx, hold, account).await?;
    let purchased = left.purchased.min(amount);
    let granted = amount.0 - purchased.0;
    if granted > left.granted.0 {
        return Err(Error::internal(format!("{hold} has less left than {amount}")));
    }
    let id = JournalId::new(now);
    let lines = [(Ledger::Held, Micros(-amount.0)), (Ledger::Granted, Micros(granted)), (Ledger::Purchased, purchased)];
    let entry = Posting {
        id,
        account,
        kind: Kind::Release,
        key: &id.to_string(),
        currency: &currency,
        hold: Some(hold),
        note: Some(note),
        lines: &lines,
    };
    post(tx, now, &entry).await?;
    draw(tx, now, hold, "released", granted, purchased.0).await
}

/// Moves what is left of a hold into `captured` or `released`, and closes it when nothing is left.
async fn draw(
    tx: &DatabaseTransaction,
    now: Timestamp,
    hold: HoldId,
    into: &str,
    granted: i64,
    purchased: i64,
) -> Result<()> {
    tx.run(
        &format!(
            "UPDATE holds SET {into}_granted = {into}_granted + $2, {into}_purchased = {into}_purchased + $3, \
             closed_at = CASE WHEN captured_granted + released_granted + $2 = reserved_granted \
             AND captured_purchased + released_purchased + $3 = reserved_purchased THEN COALESCE(closed_at, $4) ELSE closed_at END WHERE id = $1"
        ),
        vals![hold, granted, purchased, now],
    )
    .await?;
    Ok(())
}
