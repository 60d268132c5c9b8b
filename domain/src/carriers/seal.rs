//! Sealing at the start: passwords that earlier versions stored as they are, and those under a key that is no longer
//! the first. Connections are left alone, since no setting changes.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Carrier, queries::about};
use crate::{db::Sql, error::Result, scope::SystemScope, secrets::Keyring, vals};

/// Seals what is not sealed with the first key; tells how many passwords were. One whose key is not at hand is told in
/// the log and left.
///
/// # Errors
/// When the database refuses, or there is no key.
pub async fn seal_all(tx: &DatabaseTransaction, scope: &SystemScope, keys: &Keyring) -> Result<usize> {
    let mut done = 0;
    for row in super::all(tx, scope).await? {
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

/// Whether there is a sealed secret, which needs the key it was sealed with.
///
/// # Errors
/// When the database cannot be read.
pub async fn any_sealed(conn: &impl ConnectionTrait, _: &SystemScope) -> Result<bool> {
    let sql = "SELECT 1 FROM carriers WHERE password_sealed IS NOT NULL LIMIT 1";
    Ok(conn.scalar::<i32>(sql, vals![]).await?.is_some())
}
