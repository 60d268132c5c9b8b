//! The keys that seal carriers' passwords: from the configuration, or from a file in the data directory that is made
//! when there is nothing sealed yet.
//!
//! Invariant: a key file is never made where something is sealed already, since it could not open it.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use domain::{carriers, db::Db, scope::SystemScope, secrets::Keyring};

use crate::{Failure, config::Config};

/// The file in the data directory.
const FILE: &str = "secret.keys";

/// The keys of this process.
pub async fn load(config: &Config, db: &Db, scope: &SystemScope) -> Result<Keyring, Failure> {
    if !config.secret_keys.trim().is_empty() {
        return Ok(Keyring::parse(&config.secret_keys)?);
    }
    let file = config.data_dir.join(FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Keyring::parse(&text).map_err(|e| format!("{}: {e}", file.display()))?),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            if carriers::any_sealed(db.read(), scope).await? {
                return Err(format!(
                    "the database has sealed passwords, and there is no key to open them: set secret_keys, or put the key file back at {}",
                    file.display()
                )
                .into());
            }
            let text = make(&file).map_err(|e| format!("the key file {} cannot be made: {e}", file.display()))?;
            if !db.is_sqlite() {
                tracing::warn!(
                    file = %file.display(),
                    "a key for carriers' passwords was made here; every process that shares this database needs it: set secret_keys"
                );
            }
            Ok(Keyring::parse(&text)?)
        }
        Err(e) => Err(format!("the key file {} cannot be read: {e}", file.display()).into()),
    }
}

/// Makes the file, readable by its owner alone; another process may have been first, whose key then holds.
fn make(file: &Path) -> std::io::Result<String> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let text = format!("{}\n", Keyring::generate());
    // Written whole under another name, then put in its place: nobody ever reads half a key.
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    let written = open.open(&draft).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.sync_all()
    });
    let placed = written.and_then(|()| std::fs::hard_link(&draft, file));
    std::fs::remove_file(&draft)?;
    match placed {
        Ok(()) => Ok(text),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => std::fs::read_to_string(file),
        Err(e) => Err(e),
    }
}

/// Loads the keys and seals what is not sealed with the first of them.
pub async fn load_and_seal(config: &Config, db: &Db, scope: &SystemScope) -> Result<Keyring, Failure> {
    let keys = load(config, db, scope).await?;
    let tx = db.begin().await?;
    let sealed = carriers::seal_all(&tx, scope, &keys).await?;
    tx.commit().await?;
    if sealed > 0 {
        tracing::info!(passwords = sealed, "carriers' passwords were sealed with the first key");
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_is_its_owners() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("data").join(FILE);
        let first = make(&file).unwrap();
        assert_eq!(make(&file).unwrap(), first, "whoever comes second takes the first one's");
        assert!(Keyring::parse(&first).is_ok());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(place.path().join("data")).unwrap().count(), 1, "no draft is left");
    }
}
