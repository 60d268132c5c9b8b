//! Making a carrier.

use sea_orm::DatabaseTransaction;

use super::{Carrier, Settings, kinds::Kept, queries};
use crate::{
    db::{Sql, or_exists},
    error::{Error, Faults, Result},
    ids::CarrierId,
    scope::OperatorScope,
    secrets::Keyring,
    vals,
};

/// What the operator says of a new carrier.
#[derive(Debug, Clone)]
pub struct NewCarrier {
    /// What the operator calls it; unique.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    pub settings: Settings,
}

/// Makes a carrier; workers use it within a second.
///
/// # Errors
/// `invalid_request` with every fault; `already_exists` when the name is taken.
pub async fn create(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    keys: &Keyring,
    new: NewCarrier,
) -> Result<Carrier> {
    let NewCarrier { name, enabled, settings } = new;
    check(&name, &settings, Kept::default())?;
    let now = scope.clock.now();
    let id = CarrierId::new(now);
    let Stored { config, password_sealed, client_key_sealed } = stored(keys, id, &settings)?;
    tx.run(
        "INSERT INTO carriers (id, name, kind, config, password_sealed, client_key_sealed, enabled, created_at, updated_at, version) \
         VALUES ($1, $2, $7, $3, $4, $8, $5, $6, $6, 1)",
        vals![id, name, config, password_sealed, enabled, now, settings.kind().as_str(), client_key_sealed],
    )
    .await
    .map_err(|e| or_exists(e, "There is a carrier of this name already."))?;
    queries::find(tx, scope, id).await
}

/// Refuses a name or settings that are wrong, with every fault; settings are at `/settings` or `/http`. `kept`: secrets
/// that are there already.
pub(super) fn check(name: &str, settings: &Settings, kept: Kept) -> Result<()> {
    let mut faults = Faults::default();
    faults.text("/name", name, 100);
    settings.check(&mut faults, kept);
    faults.check()
}

/// Settings as they are stored: the secrets sealed, apart.
pub(super) struct Stored {
    pub config: serde_json::Value,
    pub password_sealed: Option<String>,
    pub client_key_sealed: Option<String>,
}

/// Settings with their secrets, to be stored.
pub(super) fn stored(keys: &Keyring, id: CarrierId, settings: &Settings) -> Result<Stored> {
    let config = settings.stored().map_err(|e| Error::internal(e.to_string()))?;
    let password_sealed = match settings.secret() {
        "" => None,
        password => Some(keys.seal(&queries::about(id), password)?),
    };
    let client_key_sealed = settings.client_key().map(|key| keys.seal(&queries::about_key(id), key)).transpose()?;
    Ok(Stored { config, password_sealed, client_key_sealed })
}
