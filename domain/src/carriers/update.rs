//! Changing a carrier.

use sea_orm::DatabaseTransaction;

use super::{
    Carrier, HttpSettings, Settings, SmppChange,
    create::{Stored, check, stored},
    kinds::Kept,
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
    let New { settings: after, password, client_key } = changed(before.clone(), settings, http)?;
    // A key stays for as long as its certificate does.
    let keeps_key = client_key.is_none() && after.client_certificate() == before.client_certificate();
    let kept = Kept { secret: row.password_sealed.is_some(), client_key: keeps_key && row.client_key_sealed.is_some() };
    let whole = after.clone().with_secret(password.clone().unwrap_or_default()).with_client_key(client_key.clone());
    check(&name, &whole, kept)?;
    let same = |new: &String| row.settings(keys).is_ok_and(|known| known.secret() == new);
    let same_key = |new: &String| row.settings(keys).is_ok_and(|known| known.client_key() == Some(new));
    let secrets_stay = password.as_ref().is_none_or(same) && client_key.as_ref().is_none_or(same_key);
    if after == before && name == row.name && enabled == row.enabled && secrets_stay {
        return Ok(row);
    }
    // A secret that stays is not opened: its key may be lost, and the carrier must still be changed or switched off.
    let password = password.or_else(|| row.plain_password().map(str::to_owned));
    let keeps_password = password.is_none();
    let secrets = after.with_secret(password.unwrap_or_default()).with_client_key(client_key);
    let Stored { config, mut password_sealed, mut client_key_sealed } = stored(keys, id, &secrets)?;
    if keeps_password {
        password_sealed = row.password_sealed.clone();
    }
    if kept.client_key {
        client_key_sealed = row.client_key_sealed.clone();
    }
    tx.run(
        "UPDATE carriers SET name = $2, config = $3, password_sealed = $4, enabled = $5, updated_at = $6, \
         client_key_sealed = $7, version = version + 1 WHERE id = $1",
        vals![id, name, config, password_sealed, enabled, scope.clock.now(), client_key_sealed],
    )
    .await
    .map_err(|e| or_exists(e, "There is a carrier of this name already."))?;
    queries::find(tx, scope, id).await
}

/// Settings with a change made, without secrets; and the new secrets, where there are any.
struct New {
    settings: Settings,
    password: Option<String>,
    client_key: Option<String>,
}

fn changed(before: Settings, mut smpp: SmppChange, http: Option<HttpSettings>) -> Result<New> {
    match (before, http) {
        (Settings::Smpp(_), Some(_)) => Err(Error::field("/http", "invalid", "is for HTTP carriers; this one is SMPP")),
        (Settings::Smpp(before), None) => {
            let password = smpp.password.take();
            let client_key = smpp.tls.as_mut().and_then(Option::as_mut).and_then(|tls| tls.client_key.take());
            Ok(New { settings: before.changed(smpp).into(), password, client_key })
        }
        (Settings::Http(_), _) if smpp != SmppChange::default() => {
            Err(Error::field("/settings", "invalid", "are for SMPP carriers; this one is HTTP: send http"))
        }
        (before, None) => Ok(New { settings: before, password: None, client_key: None }),
        (_, Some(mut http)) => {
            let secret = http.authentication.secret.take();
            Ok(New { settings: http.into(), password: secret, client_key: None })
        }
    }
}
