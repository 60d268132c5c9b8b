//! Making a carrier, or changing the one of the same name: for the admin command and for the built-in simulator.

use sea_orm::DatabaseTransaction;

use super::{Carrier, Change, NewCarrier, SmppChange, SmppSettings, by_name, create, update};
use crate::{
    error::{Code, Result},
    scope::OperatorScope,
    secrets::Keyring,
};

/// Writes an SMPP carrier under a name; an existing one gets exactly these settings.
///
/// # Errors
/// `invalid_request` with every fault.
pub async fn upsert(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    keys: &Keyring,
    name: &str,
    settings: &SmppSettings,
    enabled: bool,
) -> Result<Carrier> {
    match by_name(tx, scope, name).await {
        Ok(row) => {
            let settings = SmppChange::to(settings.clone());
            update(tx, scope, keys, row.id, None, Change { name: None, enabled: Some(enabled), settings }).await
        }
        Err(e) if e.code == Code::NotFound => {
            let new = NewCarrier { name: name.to_owned(), enabled, settings: settings.clone() };
            create(tx, scope, keys, new).await
        }
        Err(e) => Err(e),
    }
}
