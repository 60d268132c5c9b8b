//! Changing a carrier.

use sea_orm::DatabaseTransaction;

use super::{
    Carrier, SmppChange, SmppSettings,
    create::{check, stored},
    queries,
};
use crate::{
    db::{Sql, expect_version, or_exists},
    error::Result,
    ids::CarrierId,
    scope::OperatorScope,
    secrets::Keyring,
    vals,
};

/// A merge patch: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub name: Option<String>,
    pub enabled: Option<bool>,
    pub settings: SmppChange,
}

/// Changes a carrier; its connections are made anew with the new settings. `expected` is the version the caller read.
/// A change that changes nothing leaves the connections alone.
///
/// # Errors
/// `not_found`, `version_mismatch`; `invalid_request` with every fault; `already_exists` when the name is taken.
pub async fn update(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    keys: &Keyring,
    id: CarrierId,
    expected: Option<i64>,
    change: Change,
) -> Result<Carrier> {
    let Change { name, enabled, mut settings } = change;
    let row = queries::lock(tx, scope, id).await?;
    expect_version(row.version, expected)?;
    let name = name.unwrap_or_else(|| row.name.clone());
    let enabled = enabled.unwrap_or(row.enabled);
    let password = settings.password.take();
    let before = row.shown()?;
    let after = before.clone().changed(settings);
    check(&name, &SmppSettings { password: password.clone().unwrap_or_default(), ..after.clone() })?;
    let same = |new: &String| row.settings(keys).is_ok_and(|known| known.password == *new);
    if after == before && name == row.name && enabled == row.enabled && password.as_ref().is_none_or(same) {
        return Ok(row);
    }
    // A password that stays is not opened: its key may be lost, and the carrier must still be changed or switched off.
    let (config, sealed) = match password.or_else(|| row.plain_password().map(str::to_owned)) {
        Some(password) => stored(keys, id, &SmppSettings { password, ..after })?,
        None => (stored(keys, id, &after)?.0, row.password_sealed.clone()),
    };
    tx.run(
        "UPDATE carriers SET name = $2, config = $3, password_sealed = $4, enabled = $5, updated_at = $6, version = version + 1 WHERE id = $1",
        vals![id, name, config, sealed, enabled, scope.clock.now()],
    )
    .await
    .map_err(|e| or_exists(e, "There is a carrier of this name already."))?;
    queries::find(tx, scope, id).await
}
