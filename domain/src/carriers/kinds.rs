//! The kinds of carriers: what is common to their settings.

use super::{BindMode, HttpSettings, SmppSettings, health::BindKind, smpp::RegisteredDelivery};
use crate::error::Faults;

crate::text_enum! {
    /// How a carrier is spoken to.
    pub enum Kind("CarrierKind") {
        /// SMPP 3.4 or 5.0.
        Smpp = "smpp",
        /// HTTP requests and call-backs.
        Http = "http",
    }
}

/// Which secrets stay as they are stored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    /// The password or secret.
    pub secret: bool,
    /// The key of the certificate that we show.
    pub client_key: bool,
}

/// The settings of a carrier of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    Smpp(Box<SmppSettings>),
    Http(Box<HttpSettings>),
}

impl Settings {
    /// Of which kind they are.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Smpp(_) => Kind::Smpp,
            Self::Http(_) => Kind::Http,
        }
    }
    /// Leases that workers share among them: connections of SMPP; of HTTP one, which makes all requests.
    pub fn binds(&self) -> u32 {
        match self {
            Self::Smpp(smpp) => smpp.connections(),
            Self::Http(_) => 1,
        }
    }
    /// What the connection of this number is for.
    pub fn bind_kind(&self, n: u32) -> BindKind {
        match self {
            Self::Smpp(smpp) if smpp.bind_mode == BindMode::Transceiver => BindKind::Transceiver,
            Self::Smpp(smpp) if smpp.is_receiver(n) => BindKind::Receiver,
            Self::Smpp(_) => BindKind::Transmitter,
            Self::Http(_) => BindKind::Transceiver,
        }
    }
    /// How much may be unanswered on the connection of this number.
    pub fn window(&self, n: u32) -> usize {
        match self {
            Self::Smpp(smpp) if smpp.is_receiver(n) => 0,
            Self::Smpp(smpp) => smpp.window,
            Self::Http(http) => http.concurrency,
        }
    }
    /// Where the carrier is, for people.
    pub fn address(&self) -> &str {
        match self {
            Self::Smpp(smpp) => &smpp.address,
            Self::Http(http) => http.url.split('?').next().unwrap_or_default(),
        }
    }
    /// Whether a message waits for its receipt. A provider over HTTP is not asked: it may have been told elsewhere.
    pub fn asks_for_receipts(&self) -> bool {
        match self {
            Self::Smpp(smpp) => smpp.registered_delivery != RegisteredDelivery::None,
            Self::Http(_) => true,
        }
    }
    /// What the operator should know of them although they work.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Self::Smpp(smpp) => smpp.warnings(),
            Self::Http(_) => Vec::new(),
        }
    }
    /// The password or secret; empty without one.
    pub(super) fn secret(&self) -> &str {
        match self {
            Self::Smpp(smpp) => &smpp.password,
            Self::Http(http) => http.authentication.secret.as_deref().unwrap_or_default(),
        }
    }
    /// The same with another secret.
    pub(super) fn with_secret(self, secret: String) -> Self {
        match self {
            Self::Smpp(mut smpp) => {
                smpp.password = secret;
                Self::Smpp(smpp)
            }
            Self::Http(mut http) => {
                http.authentication.secret = Some(secret).filter(|s| !s.is_empty());
                Self::Http(http)
            }
        }
    }
    /// The key of the certificate that we show; none without one, or where it is not at hand.
    pub(super) fn client_key(&self) -> Option<&str> {
        match self {
            Self::Smpp(smpp) => smpp.tls.as_ref().and_then(|tls| tls.client_key.as_deref()),
            Self::Http(_) => None,
        }
    }
    /// The same with this key.
    pub(super) fn with_client_key(mut self, key: Option<String>) -> Self {
        if let Self::Smpp(smpp) = &mut self
            && let Some(tls) = &mut smpp.tls
        {
            tls.client_key = key;
        }
        self
    }
    /// The certificate that we show.
    pub(super) fn client_certificate(&self) -> Option<&str> {
        match self {
            Self::Smpp(smpp) => smpp.tls.as_ref().and_then(|tls| tls.client_certificate.as_deref()),
            Self::Http(_) => None,
        }
    }
    /// Notes every wrong value. `kept`: secrets that are not at hand, and stay.
    pub(super) fn check(&self, faults: &mut Faults, kept: Kept) {
        match self {
            Self::Smpp(smpp) => smpp.check(faults, "/settings", kept.client_key),
            Self::Http(http) => http.check(faults, "/http", kept.secret || !self.secret().is_empty()),
        }
    }
    /// As they are stored: without the secret.
    pub(super) fn stored(&self) -> serde_json::Result<serde_json::Value> {
        match self {
            Self::Smpp(smpp) => serde_json::to_value(smpp),
            Self::Http(http) => serde_json::to_value(http),
        }
    }
}

impl From<SmppSettings> for Settings {
    fn from(settings: SmppSettings) -> Self {
        Self::Smpp(Box::new(settings))
    }
}

impl From<HttpSettings> for Settings {
    fn from(settings: HttpSettings) -> Self {
        Self::Http(Box::new(settings))
    }
}
