//! Putting numbers on the blacklist and taking them off.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Entry, Listed, Origin, Source, queries};
use crate::{
    contacts::{self, Contact},
    db::{Columns, Sql},
    error::{Error, Faults, Result},
    ids::{BlacklistId, InboundMessageId},
    phone::{self, Msisdn},
    scope::AccountScope,
    vals,
};

/// Characters of a reason.
pub(crate) const MAX_REASON: usize = 500;

/// Puts a number on the list and tells whether it is new there. A number that is there already keeps its reason.
///
/// # Errors
/// `invalid_request` for a number or reason that cannot be.
pub async fn add(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    raw_phone: &str,
    reason: Option<String>,
) -> Result<(Entry, bool)> {
    let mut faults = Faults::default();
    let phone = match phone::parse(raw_phone, &contacts::rule(tx, scope).await?) {
        Ok(parsed) => Some(parsed.number),
        Err(e) => {
            faults.add("/phone", e.code, format!("cannot be used: {}", e.detail));
            None
        }
    };
    faults.optional_text("/reason", reason.as_deref(), MAX_REASON);
    faults.check()?;
    let phone = phone.ok_or_else(|| Error::internal("a phone without fault is missing"))?;
    let origin = Origin { source: Source::Api, id: None };
    let made = insert(tx, scope, &[Listed { phone, reason }], &origin).await?;
    let sql = "SELECT * FROM blacklist WHERE account_id = $1 AND phone = $2";
    let entry = tx.one(sql, vals![scope.account(), i64::from(phone)]).await?;
    Ok((entry.ok_or_else(|| Error::not_found("blacklist entry"))?, made > 0))
}

/// Puts numbers on the list, each given once, and tells how many are new there. What is there already stays as it is.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    listed: &[Listed],
    origin: &Origin,
) -> Result<u64> {
    let now = scope.clock().now();
    let backend = tx.get_database_backend();
    // Ids in the order given, a microsecond apart: the list shows the numbers as they came.
    let ids = (0_u64..).map(|place| BlacklistId::new(now.plus(Duration::from_micros(place))).0);
    let columns = Columns::new()
        .ids("id", ids.take(listed.len()))
        .ints("phone", listed.iter().map(|one| i64::from(one.phone)))
        .some_texts("reason", listed.iter().map(|one| one.reason.as_deref()));
    // In the order of the numbers, so that two that list the same ones do not wait for each other in a circle.
    let sql = format!(
        "INSERT INTO blacklist (id, account_id, phone, reason, source, source_id, created_at) \
         SELECT r.id, $1, r.phone, r.reason, $2, $3, $4 FROM {} WHERE true ORDER BY r.phone \
         ON CONFLICT (account_id, phone) DO NOTHING",
        columns.source(backend, 5, "r")
    );
    let Origin { source, id } = origin;
    let binds = columns.after(backend, vals![scope.account(), source.as_str(), id.clone(), now]);
    Ok(tx.run(&sql, binds).await?)
}

/// A subscriber has asked for nothing more at all.
pub(crate) async fn stop(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    phone: Msisdn,
    by: InboundMessageId,
) -> Result<()> {
    let origin = Origin { source: Source::StopReply, id: Some(by.to_string()) };
    insert(tx, scope, &[Listed { phone, reason: None }], &origin).await?;
    Ok(())
}

/// What is said against the number of a contact that was merged holds for the number of the survivor too.
pub(crate) async fn carry_over(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    merged: &Contact,
    to: Msisdn,
) -> Result<()> {
    let sql = "SELECT * FROM blacklist WHERE account_id = $1 AND phone = $2";
    let entry: Option<Entry> = tx.one(sql, vals![scope.account(), i64::from(merged.phone)]).await?;
    if let Some(Entry { reason, .. }) = entry {
        let origin = Origin { source: Source::Merge, id: Some(merged.id.to_string()) };
        insert(tx, scope, &[Listed { phone: to, reason }], &origin).await?;
    }
    Ok(())
}

/// Contacts that are deleted for good, with the refusal of some, which is to outlive them.
pub(crate) async fn outlive(tx: &DatabaseTransaction, scope: &AccountScope, refused: &[Msisdn]) -> Result<()> {
    if !refused.is_empty() {
        let listed: Vec<Listed> = refused.iter().map(|phone| Listed { phone: *phone, reason: None }).collect();
        insert(tx, scope, &listed, &Origin { source: Source::Refusal, id: None }).await?;
    }
    Ok(())
}

/// A subscriber wants messages again: what a stop of theirs did is undone.
pub(crate) async fn start(tx: &DatabaseTransaction, scope: &AccountScope, phone: Msisdn) -> Result<()> {
    let sql = "DELETE FROM blacklist WHERE account_id = $1 AND phone = $2 AND source = $3";
    tx.run(sql, vals![scope.account(), i64::from(phone), Source::StopReply.as_str()]).await?;
    Ok(())
}

/// Takes a number off the list.
///
/// # Errors
/// `not_found`.
pub async fn remove(tx: &DatabaseTransaction, scope: &AccountScope, id: BlacklistId) -> Result<()> {
    queries::get(tx, scope, id).await?;
    tx.run("DELETE FROM blacklist WHERE account_id = $1 AND id = $2", vals![scope.account(), id]).await?;
    Ok(())
}
