//! Reading carriers.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::SmppSettings;
use crate::{
    db::Sql,
    error::{Error, Result},
    ids::CarrierId,
    scope::{OperatorScope, SystemScope},
    vals,
};

/// A carrier as stored.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Carrier {
    pub id: CarrierId,
    pub name: String,
    pub config: serde_json::Value,
    pub enabled: bool,
    pub version: i64,
}

impl Carrier {
    /// Its settings.
    ///
    /// # Errors
    /// Internal when the stored form cannot be read.
    pub fn settings(&self) -> Result<SmppSettings> {
        serde_json::from_value(self.config.clone())
            .map_err(|e| Error::internal(format!("settings of carrier {}: {e}", self.name)))
    }
}

/// Every carrier, for the worker.
///
/// # Errors
/// When the database cannot be read.
pub async fn all(conn: &impl ConnectionTrait, _: &SystemScope) -> Result<Vec<Carrier>> {
    Ok(conn.all("SELECT id, name, config, enabled, version FROM carriers ORDER BY id", vals![]).await?)
}

/// A carrier by the name the operator gave it.
///
/// # Errors
/// `not_found`.
pub async fn by_name(conn: &impl ConnectionTrait, _: &OperatorScope, name: &str) -> Result<Carrier> {
    let carrier =
        conn.one("SELECT id, name, config, enabled, version FROM carriers WHERE name = $1", vals![name]).await?;
    carrier.ok_or_else(|| Error::new(crate::Code::NotFound, format!("There is no carrier named {name:?}.")))
}
