//! The kinds of carriers: what is common to their settings.

use super::{HttpSettings, SmppSettings};
use crate::error::Faults;

crate::text_enum! {
    /// How a carrier is spoken to.
    pub enum Kind("CarrierKind") {
        /// SMPP 3.4.
        Smpp = "smpp",
        /// HTTP requests and call-backs.
        Http = "http",
    }
}

/// The settings of a carrier of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    Smpp(SmppSettings),
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
            Self::Smpp(smpp) => smpp.binds,
            Self::Http(_) => 1,
        }
    }
    /// How much may be unanswered on each.
    pub fn window(&self) -> usize {
        match self {
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
            Self::Smpp(smpp) => Self::Smpp(SmppSettings { password: secret, ..smpp }),
            Self::Http(mut http) => {
                http.authentication.secret = Some(secret).filter(|s| !s.is_empty());
                Self::Http(http)
            }
        }
    }
    /// Notes every wrong value. `sealed`: there is a secret that is not at hand, and stays.
    pub(super) fn check(&self, faults: &mut Faults, sealed: bool) {
        match self {
            Self::Smpp(smpp) => smpp.check(faults, "/settings"),
            Self::Http(http) => http.check(faults, "/http", sealed || !self.secret().is_empty()),
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
        Self::Smpp(settings)
    }
}

impl From<HttpSettings> for Settings {
    fn from(settings: HttpSettings) -> Self {
        Self::Http(Box::new(settings))
    }
}
