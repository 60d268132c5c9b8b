//! Noting that a number wants nothing from a sender, and that it does again.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Source, Unsubscribe, queries};
use crate::{
    blacklist::MAX_REASON,
    contacts::{self, Contact},
    db::{Columns, Sql},
    error::{Error, Faults, Result},
    ids::{InboundMessageId, UnsubscribeId},
    phone::{self, Msisdn},
    scope::AccountScope,
    vals,
};

/// A pair to be noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub phone: Msisdn,
    /// As the account writes it.
    pub sender: String,
    pub reason: Option<String>,
}

/// Notes a pair and tells whether it is new. One that is there already keeps its reason and source.
///
/// # Errors
/// `invalid_request` for a number or reason that cannot be, and for a sender that the account does not have.
pub async fn add(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    raw_phone: &str,
    sender: &str,
    reason: Option<String>,
) -> Result<(Unsubscribe, bool)> {
    let mut faults = Faults::default();
    let phone = match phone::parse(raw_phone, &contacts::rule(tx, scope).await?) {
        Ok(parsed) => Some(parsed.number),
        Err(e) => {
            faults.add("/phone", e.code, format!("cannot be used: {}", e.detail));
            None
        }
    };
    let known = "SELECT 1 FROM senders WHERE account_id = $1 AND value = $2";
    if tx.scalar::<i32>(known, vals![scope.account(), sender]).await?.is_none() {
        faults.add("/sender", "not_found", "there is no such sender in this account");
    }
    faults.optional_text("/reason", reason.as_deref(), MAX_REASON);
    faults.check()?;
    let phone = phone.ok_or_else(|| Error::internal("a phone without fault is missing"))?;
    let wanted = Wanted { phone, sender: sender.to_owned(), reason };
    let made = insert(tx, scope, &[wanted], Source::Api, None).await? > 0;
    let sql = "SELECT * FROM unsubscribes WHERE account_id = $1 AND phone = $2 AND sender = $3";
    let row = tx.one(sql, vals![scope.account(), i64::from(phone), sender]).await?;
    Ok((row.ok_or_else(|| Error::not_found("unsubscribe"))?, made))
}

/// A subscriber has asked for nothing more from a sender.
pub(crate) async fn stop(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    phone: Msisdn,
    sender: &str,
    by: InboundMessageId,
) -> Result<bool> {
    let wanted = Wanted { phone, sender: sender.to_owned(), reason: None };
    Ok(insert(tx, scope, &[wanted], Source::StopReply, Some(by.to_string())).await? > 0)
}

/// What a contact that was merged wants nothing from, the survivor's number wants nothing from either.
pub(crate) async fn carry_over(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    merged: &Contact,
    to: Msisdn,
) -> Result<()> {
    let sql = "SELECT * FROM unsubscribes WHERE account_id = $1 AND phone = $2 ORDER BY id";
    let pairs: Vec<Unsubscribe> = tx.all(sql, vals![scope.account(), i64::from(merged.phone)]).await?;
    let wanted = |Unsubscribe { sender, reason, .. }| Wanted { phone: to, sender, reason };
    let pairs: Vec<Wanted> = pairs.into_iter().map(wanted).collect();
    insert(tx, scope, &pairs, Source::Merge, Some(merged.id.to_string())).await?;
    Ok(())
}

/// A subscriber wants messages of a sender again: what a stop of theirs did is undone.
pub(crate) async fn start(tx: &DatabaseTransaction, scope: &AccountScope, phone: Msisdn, sender: &str) -> Result<bool> {
    let sql = "DELETE FROM unsubscribes WHERE account_id = $1 AND phone = $2 AND sender = $3 AND source = $4";
    let values = vals![scope.account(), i64::from(phone), sender, Source::StopReply.as_str()];
    Ok(tx.run(sql, values).await? > 0)
}

/// Notes pairs, each given once, and tells how many are new. What is there already stays as it is.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    pairs: &[Wanted],
    source: Source,
    source_id: Option<String>,
) -> Result<u64> {
    if pairs.is_empty() {
        return Ok(0);
    }
    let now = scope.clock().now();
    let backend = tx.get_database_backend();
    // Ids in the order given, a microsecond apart: the list shows the pairs as they came.
    let ids = (0_u64..).map(|place| UnsubscribeId::new(now.plus(Duration::from_micros(place))).0);
    let columns = Columns::new()
        .ids("id", ids.take(pairs.len()))
        .ints("phone", pairs.iter().map(|one| i64::from(one.phone)))
        .texts("sender", pairs.iter().map(|one| one.sender.as_str()))
        .some_texts("reason", pairs.iter().map(|one| one.reason.as_deref()));
    // In the order of the key, so that two that note the same ones do not wait for each other in a circle.
    let sql = format!(
        "INSERT INTO unsubscribes (id, account_id, phone, sender, reason, source, source_id, created_at) \
         SELECT r.id, $1, r.phone, r.sender, r.reason, $2, $3, $4 FROM {} WHERE true ORDER BY r.phone, r.sender \
         ON CONFLICT (account_id, phone, sender) DO NOTHING",
        columns.source(backend, 5, "r")
    );
    Ok(tx.run(&sql, columns.after(backend, vals![scope.account(), source.as_str(), source_id, now])).await?)
}

/// The number wants messages of the sender again.
///
/// # Errors
/// `not_found`.
pub async fn remove(tx: &DatabaseTransaction, scope: &AccountScope, id: UnsubscribeId) -> Result<()> {
    queries::get(tx, scope, id).await?;
    tx.run("DELETE FROM unsubscribes WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
