//! Reading carriers.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};

use super::{HttpSettings, Kind, Settings, SmppSettings, smpp::Resend};
use crate::{
    clock::Timestamp,
    db::{Sql, Window},
    error::{Code, Error, Result},
    ids::CarrierId,
    scope::{OperatorScope, SystemScope},
    secrets::Keyring,
    vals,
};

/// A carrier as stored.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Carrier {
    pub id: CarrierId,
    pub name: String,
    pub kind: Kind,
    pub config: serde_json::Value,
    pub password_sealed: Option<String>,
    pub client_key_sealed: Option<String>,
    pub enabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl Carrier {
    /// Its settings, with the secrets.
    ///
    /// # Errors
    /// Internal when the stored form cannot be read, or a secret is sealed with a key that is not at hand.
    pub fn settings(&self, keys: &Keyring) -> Result<Settings> {
        let mut settings = self.read()?;
        if let Some(sealed) = &self.password_sealed {
            settings = settings.with_secret(keys.open(&about(self.id), sealed)?);
        }
        if let Some(sealed) = &self.client_key_sealed {
            settings = settings.with_client_key(Some(keys.open(&about_key(self.id), sealed)?));
        }
        Ok(settings)
    }
    /// Its settings to be shown: the password is left empty.
    ///
    /// # Errors
    /// Internal when the stored form cannot be read.
    pub fn shown(&self) -> Result<Settings> {
        Ok(self.read()?.with_secret(String::new()))
    }
    /// Whether it has a password.
    pub fn has_password(&self) -> bool {
        self.password_sealed.is_some() || self.plain_password().is_some()
    }
    /// The password as earlier versions stored it, among the settings.
    pub(super) fn plain_password(&self) -> Option<&str> {
        self.config.get("password").and_then(|p| p.as_str()).filter(|p| !p.is_empty())
    }
    fn read(&self) -> Result<Settings> {
        let read = match self.kind {
            Kind::Smpp => serde_json::from_value(self.config.clone()).map(|smpp: SmppSettings| smpp.into()),
            Kind::Http => serde_json::from_value(self.config.clone()).map(|http: HttpSettings| http.into()),
        };
        read.map_err(|e| Error::internal(format!("settings of carrier {}: {e}", self.name)))
    }
}

/// What a carrier's password is sealed for.
pub(super) fn about(id: CarrierId) -> String {
    format!("carrier {id}")
}

/// What the key of the certificate that we show it is sealed for.
pub(super) fn about_key(id: CarrierId) -> String {
    format!("client key of carrier {id}")
}

const COLUMNS: &str =
    "id, name, kind, config, password_sealed, client_key_sealed, enabled, created_at, updated_at, version";

/// Every carrier, for the worker.
///
/// # Errors
/// When the database cannot be read.
pub async fn all(conn: &impl ConnectionTrait, _: &SystemScope) -> Result<Vec<Carrier>> {
    Ok(conn.all(&format!("SELECT {COLUMNS} FROM carriers ORDER BY id"), vals![]).await?)
}

/// The carrier that a call-back is of.
///
/// # Errors
/// When the database cannot be read.
pub async fn called(conn: &impl ConnectionTrait, _: &SystemScope, id: CarrierId) -> Result<Option<Carrier>> {
    Ok(conn.one(&format!("SELECT {COLUMNS} FROM carriers WHERE id = $1"), vals![id]).await?)
}

/// One page, newest first, and whether there are more.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    _: &OperatorScope,
    window: Window<CarrierId>,
) -> Result<(Vec<Carrier>, bool)> {
    let sql = format!("SELECT {COLUMNS} FROM carriers WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2");
    let limit = i64::try_from(window.fetch()).unwrap_or(i64::MAX);
    Ok(window.cut(conn.all(&sql, vals![window.after, limit]).await?))
}

/// One carrier.
///
/// # Errors
/// `not_found`.
pub async fn find(conn: &impl ConnectionTrait, _: &OperatorScope, id: CarrierId) -> Result<Carrier> {
    let sql = format!("SELECT {COLUMNS} FROM carriers WHERE id = $1");
    conn.one(&sql, vals![id]).await?.ok_or_else(|| Error::new(Code::NotFound, "There is no such carrier."))
}

/// Whether a carrier's policy is to submit a message again whose answer was lost; false of one that is gone.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn resends(conn: &impl ConnectionTrait, id: CarrierId) -> Result<bool> {
    let carrier: Option<Carrier> =
        conn.one(&format!("SELECT {COLUMNS} FROM carriers WHERE id = $1"), vals![id]).await?;
    Ok(match carrier.map(|carrier| carrier.read()).transpose()? {
        Some(Settings::Smpp(smpp)) => smpp.resend == Resend::ResendOnce,
        Some(Settings::Http(_)) | None => false,
    })
}

/// The same, locked until the transaction ends.
pub(super) async fn lock(tx: &DatabaseTransaction, scope: &OperatorScope, id: CarrierId) -> Result<Carrier> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.run("SELECT 1 FROM carriers WHERE id = $1 FOR UPDATE", vals![id]).await?;
    }
    find(tx, scope, id).await
}

/// A carrier by the name the operator gave it.
///
/// # Errors
/// `not_found`.
pub async fn by_name(conn: &impl ConnectionTrait, _: &OperatorScope, name: &str) -> Result<Carrier> {
    let carrier = conn.one(&format!("SELECT {COLUMNS} FROM carriers WHERE name = $1"), vals![name]).await?;
    carrier.ok_or_else(|| Error::new(Code::NotFound, format!("There is no carrier named {name:?}.")))
}
