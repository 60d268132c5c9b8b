//! Reads.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::{Entity, Sender, Status, entity::Column};
use crate::{
    db::{Columns, Sql, Window, lookup},
    error::{Code, Error, Result},
    ids::{AccountId, SenderId},
    scope::{AccountScope, OperatorScope, SystemScope},
    vals,
};

/// The senders of the scope: every query begins here.
pub(super) fn within(scope: &AccountScope) -> Select<Entity> {
    Entity::find().filter(Column::AccountId.eq(scope.account()))
}

/// One sender.
///
/// # Errors
/// When the account has no such sender, or the database refuses.
pub async fn find(conn: &impl ConnectionTrait, scope: &AccountScope, id: SenderId) -> Result<Sender> {
    within(scope).filter(Column::Id.eq(id)).one(conn).await?.ok_or_else(|| Error::not_found("sender"))
}

/// What all of them are called, whatever their status; an account has a few hundred at most.
///
/// # Errors
/// When the database refuses.
pub async fn values(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Vec<String>> {
    let sql = "SELECT value FROM senders WHERE account_id = $1 ORDER BY value";
    Ok(conn.column(sql, vals![scope.account()]).await?)
}

/// One page, newest first, and whether there are more; `status` narrows it.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    status: Option<Status>,
    window: Window<SenderId>,
) -> Result<(Vec<Sender>, bool)> {
    let mut query = within(scope).order_by_desc(Column::Id).limit(window.fetch());
    if let Some(after) = window.after {
        query = query.filter(Column::Id.lt(after));
    }
    if let Some(status) = status {
        query = query.filter(Column::Status.eq(status));
    }
    Ok(window.cut(query.all(conn).await?))
}

/// What waits for the operator, oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn pending(conn: &impl ConnectionTrait, _: &OperatorScope) -> Result<Vec<Sender>> {
    Ok(Entity::find().filter(Column::Status.eq(Status::Pending)).order_by_asc(Column::Id).all(conn).await?)
}

/// The accounts that may send from each of these values.
///
/// # Errors
/// When the database refuses.
pub async fn owners(
    conn: &impl ConnectionTrait,
    _: &SystemScope,
    values: &[&str],
) -> Result<HashMap<String, Vec<AccountId>>> {
    #[derive(FromQueryResult)]
    struct Owner {
        value: String,
        account_id: AccountId,
    }
    let once: std::collections::BTreeSet<&str> = values.iter().copied().collect();
    let backend = conn.get_database_backend();
    let columns = Columns::new().texts("value", once);
    let sql = format!(
        "SELECT s.value, s.account_id FROM {} {}",
        columns.source(backend, 1, "x"),
        lookup(backend, "senders", "s", "s.value = x.value AND s.status = 'approved'")
    );
    let mut of: HashMap<String, Vec<AccountId>> = HashMap::new();
    for Owner { value, account_id } in conn.all::<Owner>(&sql, columns.after(backend, vals![])).await? {
        of.entry(value).or_default().push(account_id);
    }
    Ok(of)
}

/// Refuses a sender that the account may not send from, and tells why.
///
/// # Errors
/// `sender_not_approved`.
pub async fn require_approved(conn: &impl ConnectionTrait, scope: &AccountScope, value: &str) -> Result<()> {
    let found = within(scope).filter(Column::Value.eq(value)).one(conn).await?;
    let short = crate::ids::short(value);
    let detail = match found.map(|s| (s.status, s.reason)) {
        Some((Status::Approved, _)) => return Ok(()),
        Some((Status::Pending, _)) => format!("The sender {short:?} waits for the operator's approval."),
        Some((Status::Rejected, reason)) => {
            format!(
                "The sender {short:?} was rejected: {}",
                reason.unwrap_or_else(|| "no reason was given.".to_owned())
            )
        }
        None => format!("The account has no sender {short:?}; ask for it under /v1/senders."),
    };
    Err(Error::new(Code::SenderNotApproved, detail))
}
