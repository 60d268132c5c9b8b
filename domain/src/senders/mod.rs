//! Senders.
use sea_orm::ConnectionTrait;

use crate::{Code, Error, Result, db::Sql, scope::AccountScope, vals};

/// Format.
pub fn check_format(value: &str) -> Result<()> {
    if value.len() <= 11 && !value.is_empty() { Ok(()) } else { Err(Error::new(Code::InvalidSender, "bad sender")) }
}
/// Approved.
pub async fn require_approved(conn: &(impl ConnectionTrait + Sync), scope: &AccountScope, value: &str) -> Result<()> {
    let found: Option<i32> = conn
        .scalar(
            "SELECT 1 FROM senders WHERE account_id = $1 AND value = $2 AND status = 'approved'",
            vals![scope.account(), value],
        )
        .await?;
    found.map(|_| ()).ok_or_else(|| Error::new(Code::SenderNotApproved, "not approved"))
}
