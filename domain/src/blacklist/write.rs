//! Putting numbers on the blacklist and taking them off.

use sea_orm::DatabaseTransaction;

use super::{Entry, queries};
use crate::{
    contacts,
    db::Sql,
    error::{Error, Faults, Result},
    ids::BlacklistId,
    phone,
    scope::AccountScope,
    vals,
};

/// How a number came to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// By a request.
    Api,
}

impl Source {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
        }
    }
}

/// Puts a number on the list and tells whether it is new there. A number that is there already keeps its reason.
///
/// # Errors
/// `invalid_request` for a number or reason that cannot be.
pub async fn add(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    raw_phone: &str,
    reason: Option<String>,
    source: Source,
) -> Result<(Entry, bool)> {
    let mut faults = Faults::default();
    let phone = match phone::parse(raw_phone, &contacts::rule(tx, scope).await?) {
        Ok(parsed) => Some(parsed.number),
        Err(e) => {
            faults.add("/phone", e.code, format!("cannot be used: {}", e.detail));
            None
        }
    };
    faults.optional_text("/reason", reason.as_deref(), 500);
    faults.check()?;
    let phone = phone.ok_or_else(|| Error::internal("a phone without fault is missing"))?;
    let now = scope.clock().now();
    let made = tx
        .run(
            "INSERT INTO blacklist (id, account_id, phone, reason, source, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, phone) DO NOTHING",
            vals![BlacklistId::new(now), scope.account(), i64::from(phone), reason, source.as_str(), now],
        )
        .await?;
    let sql = "SELECT * FROM blacklist WHERE account_id = $1 AND phone = $2";
    let entry = tx.one(sql, vals![scope.account(), i64::from(phone)]).await?;
    Ok((entry.ok_or_else(|| Error::not_found("blacklist entry"))?, made > 0))
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
