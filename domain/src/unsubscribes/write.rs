//! Noting that a number wants nothing from a sender, and that it does again.

use sea_orm::DatabaseTransaction;

use super::{Source, Unsubscribe, queries};
use crate::{
    blacklist::MAX_REASON,
    contacts::{self, Contact},
    db::Sql,
    error::{Error, Faults, Result},
    ids::{InboundMessageId, UnsubscribeId},
    phone::{self, Msisdn},
    scope::AccountScope,
    vals,
};

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
    let made = insert(tx, scope, (phone, sender), reason, Source::Api, None).await?;
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
    insert(tx, scope, (phone, sender), None, Source::StopReply, Some(by.to_string())).await
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
    for Unsubscribe { sender, reason, .. } in pairs {
        insert(tx, scope, (to, &sender), reason, Source::Merge, Some(merged.id.to_string())).await?;
    }
    Ok(())
}

/// A subscriber wants messages of a sender again: what a stop of theirs did is undone.
pub(crate) async fn start(tx: &DatabaseTransaction, scope: &AccountScope, phone: Msisdn, sender: &str) -> Result<bool> {
    let sql = "DELETE FROM unsubscribes WHERE account_id = $1 AND phone = $2 AND sender = $3 AND source = $4";
    let values = vals![scope.account(), i64::from(phone), sender, Source::StopReply.as_str()];
    Ok(tx.run(sql, values).await? > 0)
}

async fn insert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    (phone, sender): (Msisdn, &str),
    reason: Option<String>,
    source: Source,
    source_id: Option<String>,
) -> Result<bool> {
    let now = scope.clock().now();
    let sql = "INSERT INTO unsubscribes (id, account_id, phone, sender, reason, source, source_id, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account_id, phone, sender) DO NOTHING";
    let values = vals![
        UnsubscribeId::new(now),
        scope.account(),
        i64::from(phone),
        sender,
        reason,
        source.as_str(),
        source_id,
        now
    ];
    Ok(tx.run(sql, values).await? > 0)
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
