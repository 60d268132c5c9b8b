//! Making a carrier, or changing its settings.

use sea_orm::DatabaseTransaction;

use super::{Carrier, SmppSettings, by_name};
use crate::{
    db::Sql,
    error::{Error, Result},
    ids::CarrierId,
    scope::OperatorScope,
    vals,
};

/// Writes an SMPP carrier under a name; an existing one gets these settings, and its connections are made anew.
///
/// # Errors
/// `invalid_request` with every fault of the settings.
pub async fn upsert(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    name: &str,
    settings: &SmppSettings,
    enabled: bool,
) -> Result<Carrier> {
    settings.check()?;
    let now = scope.clock.now();
    let config = serde_json::to_value(settings).map_err(|e| Error::internal(e.to_string()))?;
    tx.run(
        "INSERT INTO carriers (id, name, kind, config, enabled, created_at, updated_at, version) VALUES ($1, $2, 'smpp', $3, $4, $5, $5, 1) \
         ON CONFLICT (name) DO UPDATE SET config = excluded.config, enabled = excluded.enabled, updated_at = excluded.updated_at, \
         version = carriers.version + 1",
        vals![CarrierId::new(now), name, config, enabled, now],
    )
    .await?;
    by_name(tx, scope, name).await
}
