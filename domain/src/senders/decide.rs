//! The operator's decision.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Set,
};

use super::{Entity, Sender, Status, entity::Column, rules};
use crate::{
    error::{Code, Error, Faults, Result},
    events::{self, Kind, SenderEventData},
    ids::{AccountId, SenderId},
    scope::OperatorScope,
};

/// What the operator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be sent from.
    Approve,
    /// It may not, for this reason, which the account is told.
    Reject(String),
}

/// Gives an account a sender without its asking, or approves the one it has: for a demonstration, and for names that
/// the rules reserve, upon documents.
///
/// # Errors
/// When networks cannot show the value.
pub async fn grant(tx: &DatabaseTransaction, scope: &OperatorScope, account: AccountId, value: &str) -> Result<Sender> {
    if let Some(detail) = rules::check_form(value) {
        return Err(Error::new(Code::InvalidSender, format!("The sender {detail}.")));
    }
    let mine = Entity::find().filter(Column::AccountId.eq(account)).filter(Column::Value.eq(value));
    if let Some(row) = mine.one(tx).await? {
        return decide(tx, scope, row.id, Decision::Approve).await;
    }
    let now = scope.clock.now();
    let row = Sender {
        id: SenderId::new(now),
        account_id: account,
        value: value.to_owned(),
        status: Status::Approved,
        reason: None,
        created_at: now,
        decided_at: Some(now),
        version: 1,
    };
    Ok(row.into_active_model().insert(tx).await?)
}

/// Approves or rejects a sender, also one that was decided before. The account learns of it by an event.
///
/// # Errors
/// When there is none, or a rejection has no reason.
pub async fn decide(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    id: SenderId,
    decision: Decision,
) -> Result<Sender> {
    let now = scope.clock.now();
    let (status, reason) = match decision {
        Decision::Approve => (Status::Approved, None),
        Decision::Reject(reason) => {
            let mut faults = Faults::default();
            faults.text("/reason", &reason, 500);
            faults.check()?;
            (Status::Rejected, Some(reason))
        }
    };
    let row = Entity::find_by_id(id).lock_exclusive().one(tx).await?.ok_or_else(|| Error::not_found("sender"))?;
    let version = row.version + 1;
    let mut row = row.into_active_model();
    row.status = Set(status);
    row.reason = Set(reason);
    row.decided_at = Set(Some(now));
    row.version = Set(version);
    let row = row.update(tx).await?;
    let kind = if status == Status::Approved { Kind::SenderApproved } else { Kind::SenderRejected };
    let data = SenderEventData { id: row.id, value: row.value.clone(), status, reason: row.reason.clone() };
    events::record(tx, now, row.account_id, kind, &row.id.to_string(), data).await?;
    Ok(row)
}
