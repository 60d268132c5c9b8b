//! Asking for a sender.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DatabaseTransaction, IntoActiveModel};

use super::{Sender, Status, rules};
use crate::{
    db::{Sql, or_exists},
    error::{Code, Error, Fault, Result},
    ids::SenderId,
    scope::AccountScope,
    vals,
};

/// How many senders an account may have.
const LIMIT: i64 = 500;

/// Asks for a sender; it waits for the operator.
///
/// # Errors
/// When the rules refuse the value, the account has it already, or has too many.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, value: String) -> Result<Sender> {
    if let Some(detail) = rules::check(&value) {
        let fault = Fault { pointer: "/value".to_owned(), detail: detail.clone(), code: "invalid" };
        return Err(Error { faults: vec![fault], ..Error::new(Code::InvalidSender, format!("The sender {detail}.")) });
    }
    refuse_twin(tx, scope, &value).await?;
    let now = scope.clock().now();
    let row = Sender {
        id: SenderId::new(now),
        account_id: scope.account(),
        value,
        status: Status::Pending,
        reason: None,
        created_at: now,
        decided_at: None,
        version: 1,
    };
    row.into_active_model().insert(tx).await.map_err(|e| or_exists(e, TAKEN))
}

const TAKEN: &str = "The account has this sender already.";

/// Two senders that differ in case only would be one to a recipient.
async fn refuse_twin(conn: &impl ConnectionTrait, scope: &AccountScope, value: &str) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM senders WHERE account_id = $1 AND lower(value) = lower($2)";
    if conn.scalar::<i64>(sql, vals![scope.account(), value]).await?.unwrap_or(0) > 0 {
        return Err(Error::new(Code::AlreadyExists, TAKEN));
    }
    let all = conn.scalar::<i64>("SELECT COUNT(*) FROM senders WHERE account_id = $1", vals![scope.account()]).await?;
    if all.unwrap_or(0) >= LIMIT {
        return Err(Error::new(Code::LimitReached, format!("An account may have {LIMIT} senders; delete one first.")));
    }
    Ok(())
}
