//! Sealing at the start: passwords that earlier versions stored as they are, and those under a key that is no longer
//! the first. Connections are left alone, since no setting changes.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{
    Carrier,
    queries::{about, about_key},
};
use crate::{db::Sql, error::Result, ids::CarrierId, scope::SystemScope, secrets::Keyring, vals};

/// Seals what is not sealed with the first key; tells how many secrets were. One whose key is not at hand is told in
/// the log and left.
///
/// # Errors
/// When the database refuses, or there is no key.
pub async fn seal_all(tx: &DatabaseTransaction, scope: &SystemScope, keys: &Keyring) -> Result<usize> {
    let mut done = 0;
    for row in super::all(tx, scope).await? {
        done += seal_key(tx, keys, row.id, &row).await?;
        let Carrier { id, ref name, ref password_sealed, version, .. } = row;
        let password = match password_sealed {
            Some(sealed) if keys.is_current(sealed) => continue,
            Some(sealed) => match keys.open(&about(id), sealed) {
                Ok(password) => password,
                Err(e) => {
                    tracing::error!(carrier = name, error = %e, "the carrier cannot be used");
                    continue;
                }
            },
            None => match row.plain_password() {
                Some(password) => password.to_owned(),
                None => continue,
            },
        };
        let sealed = keys.seal(&about(id), &password)?;
        let mut config = row.config.clone();
        if let Some(settings) = config.as_object_mut() {
            settings.remove("password");
        }
        // Whoever changed it meanwhile has sealed it.
        let sql = "UPDATE carriers SET config = $3, password_sealed = $4 WHERE id = $1 AND version = $2";
        done += usize::try_from(tx.run(sql, vals![id, version, config, sealed]).await?).unwrap_or(0);
    }
    Ok(done)
}

/// The same for the key of the certificate that we show.
async fn seal_key(tx: &DatabaseTransaction, keys: &Keyring, id: CarrierId, row: &Carrier) -> Result<usize> {
    let Some(sealed) = row.client_key_sealed.as_ref().filter(|sealed| !keys.is_current(sealed)) else { return Ok(0) };
    let key = match keys.open(&about_key(id), sealed) {
        Ok(key) => key,
        Err(e) => {
            tracing::error!(carrier = row.name, error = %e, "the carrier cannot be used");
            return Ok(0);
        }
    };
    let sql = "UPDATE carriers SET client_key_sealed = $3 WHERE id = $1 AND version = $2";
    let renewed = tx.run(sql, vals![id, row.version, keys.seal(&about_key(id), &key)?]).await?;
    Ok(usize::try_from(renewed).unwrap_or(0))
}

/// Whether there is a sealed secret, which needs the key it was sealed with.
///
/// # Errors
/// When the database cannot be read.
pub async fn any_sealed(conn: &impl ConnectionTrait, _: &SystemScope) -> Result<bool> {
    let sql = "SELECT 1 FROM carriers WHERE password_sealed IS NOT NULL OR client_key_sealed IS NOT NULL LIMIT 1";
    Ok(conn.scalar::<i32>(sql, vals![]).await?.is_some())
}
