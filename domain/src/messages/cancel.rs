//! Cancelling one message that has not left.

use sea_orm::DatabaseTransaction;

use super::{
    Status,
    moves::{Moves, lock_where},
    resend,
};
use crate::{
    error::{Code, Error, Result},
    ids::MessageId,
    scope::AccountScope,
    vals,
};

/// Cancels a scheduled or queued message; its money, if held, is released.
///
/// # Errors
/// `not_found`; `conflict` when it has left or is final.
pub async fn cancel(tx: &DatabaseTransaction, scope: &AccountScope, id: MessageId) -> Result<()> {
    let rows = lock_where(tx, "m.id = $1 AND m.account_id = $2", vals![id, scope.account()]).await?;
    let row = rows.into_iter().next().ok_or_else(|| Error::not_found("message"))?;
    match row.status {
        Status::Scheduled | Status::Queued => {
            if resend::among(tx, [id]).await?.contains(&id) {
                let detail = "The message waits for its second attempt: the carrier may have it already.";
                return Err(Error::new(Code::Conflict, detail));
            }
            let mut moves = Moves::default();
            moves.end(row, Status::Cancelled, "cancelled");
            moves.apply(tx, scope.clock().now()).await?;
            Ok(())
        }
        other => Err(Error::new(
            Code::Conflict,
            format!("The message is {}; only a scheduled or queued one can be cancelled.", other.as_str()),
        )),
    }
}
