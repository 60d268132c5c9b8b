//! The encryption of a carrier's connections: its settings, and the authorities that this system trusts.

use std::sync::Arc;

use domain::carriers::SmppSettings;
use rustls::RootCertStore;
use smpp::client::Tls;

/// How a connection to `address` is encrypted; `None`: it is not.
///
/// # Errors
/// What stands against it, for people.
pub fn of(settings: &SmppSettings, address: &str) -> Result<Option<Tls>, String> {
    let Some(tls) = &settings.tls else { return Ok(None) };
    let needed = tls.verify && tls.ca_certificates.is_none();
    let config = tls.client_config(if needed { trusted()? } else { RootCertStore::empty() })?;
    let server_name = tls.server_name(address).map_err(|what| format!("tls.server_name {what}"))?;
    Ok(Some(Tls { config: Arc::new(config), server_name }))
}

/// The authorities of this system, or of the file that SSL_CERT_FILE names.
fn trusted() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "authorities of this system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this system trusts no authorities: give the carrier tls.ca_certificates".to_owned());
    }
    Ok(roots)
}
