//! Keeping conditions under a name.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel, PaginatorTrait};

use super::{LIMIT, MessageFilter, queries::within};
use crate::{
    db::or_exists,
    error::{Code, Error, Faults, Result},
    ids::MessageFilterId,
    scope::AccountScope,
};

/// What the caller says.
#[derive(Debug, Clone)]
pub struct NewMessageFilter {
    /// Unique within the account.
    pub name: String,
    /// Values of the list's query parameters, by name; checked by whom the list is asked with.
    pub conditions: serde_json::Value,
}

/// Keeps a filter.
///
/// # Errors
/// When a value is not valid, the name is taken, or the account has too many.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, new: NewMessageFilter) -> Result<MessageFilter> {
    let NewMessageFilter { name, conditions } = new;
    let mut faults = Faults::default();
    check_name(&mut faults, &name);
    check_conditions(&mut faults, &conditions);
    faults.check()?;
    if within(scope).count(tx).await? >= LIMIT {
        return Err(Error::new(Code::LimitReached, format!("An account may have {LIMIT} filters; delete one first.")));
    }
    let now = scope.clock().now();
    let row = MessageFilter {
        id: MessageFilterId::new(now),
        account_id: scope.account(),
        name,
        conditions,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    row.into_active_model().insert(tx).await.map_err(|e| or_exists(e, NAME_TAKEN))
}

pub(super) const NAME_TAKEN: &str = "A filter of this name exists already; choose another name or change that one.";

pub(super) fn check_name(faults: &mut Faults, name: &str) {
    faults.text("/name", name, 200);
}

pub(super) fn check_conditions(faults: &mut Faults, conditions: &serde_json::Value) {
    if conditions.as_object().is_none_or(serde_json::Map::is_empty) {
        faults.add("/conditions", "required", "must have at least one condition");
    }
}
