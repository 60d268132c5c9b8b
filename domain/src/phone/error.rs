//! [`PhoneError`]: why a text is not a number we can send to. The codes are public (API, import reports) and never
//! change.

use std::fmt;

/// Why a text is not a phone number that can receive SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneError {
    /// Stable code, one of [`PhoneError::CODES`].
    pub code: &'static str,
    /// English words for a person; never contains the number itself, so it may be logged.
    pub detail: String,
}

impl PhoneError {
    /// Every code this module gives.
    pub const CODES: [&'static str; 6] =
        ["phone_empty", "phone_too_short", "phone_too_long", "phone_invalid", "phone_not_mobile", "phone_no_country"];

    pub(super) fn empty() -> Self {
        Self { code: "phone_empty", detail: "no phone number given".into() }
    }

    pub(super) fn too_short(detail: String) -> Self {
        Self { code: "phone_too_short", detail }
    }

    pub(super) fn too_long(detail: String) -> Self {
        Self { code: "phone_too_long", detail }
    }

    pub(super) fn invalid(detail: String) -> Self {
        Self { code: "phone_invalid", detail }
    }

    pub(super) fn not_mobile(detail: String) -> Self {
        Self { code: "phone_not_mobile", detail }
    }

    pub(super) fn no_country() -> Self {
        let detail = "no country code: write the number with + or set a default country".into();
        Self { code: "phone_no_country", detail }
    }
}

impl fmt::Display for PhoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for PhoneError {}
