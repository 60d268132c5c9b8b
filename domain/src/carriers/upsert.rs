//! Making a carrier, or changing the one of the same name: for the admin command and for the built-in simulator.

use sea_orm::DatabaseTransaction;

use super::{Carrier, Change, NewCarrier, Settings, SmppChange, by_name, create, update};
use crate::{
    error::{Code, Result},
    scope::OperatorScope,
    secrets::Keyring,
};

/// Writes a carrier under a name; an existing one gets exactly these settings.
///
/// # Errors
/// `invalid_request` with every fault.
pub async fn upsert(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    keys: &Keyring,
    name: &str,
    settings: impl Into<Settings>,
    enabled: bool,
) -> Result<Carrier> {
    let settings = settings.into();
    match by_name(tx, scope, name).await {
        Ok(row) => {
            let change = Change { enabled: Some(enabled), ..Change::default() };
            let change = match settings {
                Settings::Smpp(smpp) => Change { settings: SmppChange::to(*smpp), ..change },
                Settings::Http(http) => Change { http: Some(*http), ..change },
            };
            update(tx, scope, keys, row.id, None, change).await
        }
        Err(e) if e.code == Code::NotFound => {
            let new = NewCarrier { name: name.to_owned(), enabled, settings };
            create(tx, scope, keys, new).await
        }
        Err(e) => Err(e),
    }
}
