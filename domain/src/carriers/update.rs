//! Changing a carrier.

use sea_orm::DatabaseTransaction;

use super::{
    Carrier, HttpSettings, Settings, SmppChange,
    create::{check, stored},
    queries,
};
use crate::{
    db::{Sql, expect_version, or_exists},
    error::{Error, Result},
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
    /// Of an SMPP carrier.
    pub settings: SmppChange,
    /// Of an HTTP carrier: all of them anew; a secret that is not given stays.
    pub http: Option<HttpSettings>,
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
    let Change { name, enabled, settings, http } = change;
    let row = queries::lock(tx, scope, id).await?;
    expect_version(row.version, expected)?;
    let name = name.unwrap_or_else(|| row.name.clone());
    let enabled = enabled.unwrap_or(row.enabled);
    let before = row.shown()?;
    let (after, password) = changed(before.clone(), settings, http)?;
    check(&name, &after.clone().with_secret(password.clone().unwrap_or_default()), row.password_sealed.is_some())?;
    let same = |new: &String| row.settings(keys).is_ok_and(|known| known.secret() == new);
    if after == before && name == row.name && enabled == row.enabled && password.as_ref().is_none_or(same) {
        return Ok(row);
    }
    // A password that stays is not opened: its key may be lost, and the carrier must still be changed or switched off.
    let (config, sealed) = match password.or_else(|| row.plain_password().map(str::to_owned)) {
        Some(password) => stored(keys, id, &after.with_secret(password))?,
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

/// Settings with a change made, without the secret; and the new secret, where there is one.
fn changed(before: Settings, mut smpp: SmppChange, http: Option<HttpSettings>) -> Result<(Settings, Option<String>)> {
    match (before, http) {
        (Settings::Smpp(_), Some(_)) => Err(Error::field("/http", "invalid", "is for HTTP carriers; this one is SMPP")),
        (Settings::Smpp(before), None) => {
            let password = smpp.password.take();
            Ok((before.changed(smpp).into(), password))
        }
        (Settings::Http(_), _) if smpp != SmppChange::default() => {
            Err(Error::field("/settings", "invalid", "are for SMPP carriers; this one is HTTP: send http"))
        }
        (before, None) => Ok((before, None)),
        (_, Some(mut http)) => {
            let secret = http.authentication.secret.take();
            Ok((http.into(), secret))
        }
    }
}
