//! TLS to a carrier: who is believed to be the carrier, and how we prove who we are.
//!
//! Invariants: a certificate is checked unless `verify` says otherwise in so many words; the client's key is neither
//! written nor shown.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Faults;

/// Octets that certificates and keys may have.
const MOST: usize = 64 * 1024;

/// Encryption of the connections to a carrier. `{}` is TLS with the authorities that the worker's system trusts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"server_name": "smpp.example.com", "ca_certificates": null, "client_certificate": null, "verify": true}))]
pub struct TlsSettings {
    /// The name or address that the carrier's certificate must have; null, the default: the host of the address.
    pub server_name: Option<String>,
    /// The authorities that may have signed it, in PEM; null, the default: those that the worker's system trusts.
    pub ca_certificates: Option<String>,
    /// Our certificate and those between it and an authority, in PEM; null, the default: none is shown.
    pub client_certificate: Option<String>,
    /// The key of our certificate, in PEM, not encrypted. It is stored encrypted and never shown; left out, it stays for as
    /// long as the certificate stays.
    #[serde(skip_serializing)]
    #[schema(write_only)]
    pub client_key: Option<String>,
    /// False believes whoever answers. The carrier's health warns of it.
    pub verify: bool,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { server_name: None, ca_certificates: None, client_certificate: None, client_key: None, verify: true }
    }
}

/// A field and what is wrong with it.
type Wrong = (&'static str, String);

impl TlsSettings {
    /// The name that is asked for at `address`, a `host:port`.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn server_name(&self, address: &str) -> Result<ServerName<'static>, String> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
        let name = self.server_name.as_deref().unwrap_or(host);
        ServerName::try_from(name.to_owned()).map_err(|_| "must be a host's name or an address".to_owned())
    }

    /// How a connection is made; `system` is whom the worker's system trusts.
    ///
    /// # Errors
    /// What is wrong with a certificate or the key, for people.
    pub fn client_config(&self, system: RootCertStore) -> Result<ClientConfig, String> {
        self.config(system).map_err(|(field, what)| format!("tls.{field} {what}"))
    }

    fn config(&self, system: RootCertStore) -> Result<ClientConfig, Wrong> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| ("verify", e.to_string()))?;
        let builder = if self.verify {
            builder.with_root_certificates(self.roots(system)?)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        };
        match self.identity()? {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => {
                let fits = |e: rustls::Error| ("client_key", format!("must be the key of the certificate: {e}"));
                builder.with_client_auth_cert(chain, key).map_err(fits)
            }
        }
    }

    fn roots(&self, system: RootCertStore) -> Result<RootCertStore, Wrong> {
        let Some(pem) = &self.ca_certificates else { return Ok(system) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("ca_certificates", pem)? {
            roots.add(certificate).map_err(|e| ("ca_certificates", format!("has a certificate of no use: {e}")))?;
        }
        Ok(roots)
    }

    fn identity(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, Wrong> {
        let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) else { return Ok(None) };
        let chain = certificates("client_certificate", certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| ("client_key", "must be a private key in PEM, not encrypted".to_owned()))?;
        Ok(Some((chain, key)))
    }

    pub(super) fn check(&self, faults: &mut Faults, at: &str, address: &str, key_sealed: bool) {
        let Self { server_name, ca_certificates, client_certificate, client_key, verify } = self;
        let mut fault = |(field, what): (&str, String)| faults.add(format!("{at}/{field}"), "invalid", what);
        if server_name.is_some()
            && let Err(what) = self.server_name(address)
        {
            fault(("server_name", what));
        }
        if !verify && (ca_certificates.is_some() || server_name.is_some()) {
            fault((
                "verify",
                "must be true where ca_certificates or server_name is given: nothing is checked against them otherwise"
                    .to_owned(),
            ));
        }
        for (name, text) in [
            ("ca_certificates", ca_certificates),
            ("client_certificate", client_certificate),
            ("client_key", client_key),
        ] {
            if text.as_ref().is_some_and(|text| text.len() > MOST) {
                return fault((name, "must have at most 65,536 octets".to_owned()));
            }
        }
        match (client_certificate, client_key) {
            (None, Some(_)) => fault(("client_key", "needs client_certificate beside it".to_owned())),
            (Some(_), None) if !key_sealed => {
                fault(("client_key", "must be given with a new client_certificate".to_owned()));
            }
            (Some(pem), None) => drop(certificates("client_certificate", pem).map_err(&mut fault)),
            _ => {}
        }
        if let Err(wrong) = self.config(RootCertStore::empty()) {
            fault(wrong);
        }
    }
}

fn certificates(field: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err((field, "must be certificates in PEM, each with its BEGIN CERTIFICATE".to_owned())),
    }
}

/// Hides the key.
impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is serialized has no key.
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// Believes whoever answers, but only if they hold the key of the certificate that they show.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(tls: &TlsSettings, key_sealed: bool) -> Vec<String> {
        let mut faults = Faults::default();
        tls.check(&mut faults, "/tls", "smpp.example.com:3550", key_sealed);
        faults.check().err().map(|e| e.faults.into_iter().map(|f| f.pointer).collect()).unwrap_or_default()
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let none = TlsSettings::default();
        assert!(faults(&none, false).is_empty());
        let text = |text: &str| Some(text.to_owned());
        let of = |tls: TlsSettings| faults(&tls, false);
        assert_eq!(of(TlsSettings { server_name: text("no name"), ..none.clone() }), ["/tls/server_name"]);
        assert_eq!(of(TlsSettings { ca_certificates: text("PEM"), ..none.clone() }), ["/tls/ca_certificates"]);
        assert_eq!(of(TlsSettings { client_key: text("key"), ..none.clone() }), ["/tls/client_key"]);
        assert_eq!(of(TlsSettings { client_certificate: text("PEM"), ..none.clone() }), ["/tls/client_key"]);
        let kept = TlsSettings { client_certificate: text("PEM"), ..none.clone() };
        assert_eq!(faults(&kept, true), ["/tls/client_certificate"]);
        let careless = TlsSettings { verify: false, ..none.clone() };
        assert!(faults(&careless, false).is_empty());
        assert_eq!(of(TlsSettings { server_name: text("carrier"), ..careless }), ["/tls/verify"]);
    }

    #[test]
    fn the_name_is_the_host_unless_another_is_given() {
        let tls = TlsSettings::default();
        for (address, name) in
            [("smpp.example.com:3550", "smpp.example.com"), ("10.0.0.1:3550", "10.0.0.1"), ("[::1]:3550", "::1")]
        {
            assert_eq!(tls.server_name(address).unwrap().to_str(), name);
        }
        let tls = TlsSettings { server_name: Some("other".into()), ..tls };
        assert_eq!(tls.server_name("10.0.0.1:3550").unwrap().to_str(), "other");
    }
}
