//! [`Msisdn`], a phone number as we store and compare it: E.164 digits without the plus, in a `u64`.
//!
//! Invariant: 7 to 15 digits, the first is not 0.
//! It says the SHAPE is right, not that the number exists; that is what [`super::parse`] checks.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::PhoneError;

/// Fewest digits of an [`Msisdn`]: the shortest mobile numbers in use have seven (ITU-T sets no minimum).
pub const MIN_DIGITS: usize = 7;
/// Most digits of an [`Msisdn`], calling code included (ITU-T E.164).
pub const MAX_DIGITS: usize = 15;

/// A phone number in international form: E.164 digits, e.g. 447400120966, written `+447400120966`.
///
/// Ordered by its digits read as a number, so numbers of the same length and country are neighbours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(u64);

impl Msisdn {
    /// From E.164 digits as a number, as stored in the database.
    ///
    /// # Errors
    /// `phone_too_short` below [`MIN_DIGITS`] digits, `phone_too_long` above [`MAX_DIGITS`].
    pub fn from_u64(digits: u64) -> Result<Self, PhoneError> {
        match digits {
            0..1_000_000 => Err(PhoneError::too_short(format!("fewer than {MIN_DIGITS} digits"))),
            1_000_000..1_000_000_000_000_000 => Ok(Self(digits)),
            _ => Err(PhoneError::too_long(format!("more than {MAX_DIGITS} digits"))),
        }
    }

    /// The E.164 digits as a number, without the plus; 7 to 15 digits, so it fits an `i64` column too.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number with its middle hidden, for logs: `+4479***001`. At most the first four and the last three digits
    /// show, and never fewer than three are hidden.
    pub fn masked(self) -> String {
        let digits = self.0.to_string();
        let shown_first = digits.len().saturating_sub(6).min(4);
        let head: String = digits.chars().take(shown_first).collect();
        let tail: String = digits.chars().skip(digits.len().saturating_sub(3)).collect();
        format!("+{head}***{tail}")
    }
}

impl utoipa::PartialSchema for Msisdn {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::string("A phone number in E.164.", "+447400123456", None)
    }
}
impl utoipa::ToSchema for Msisdn {}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// Debug is masked: debug output ends up in logs, and phone numbers are personal data.
impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Msisdn({})", self.masked())
    }
}

/// Reads strict E.164 only: a plus and digits, nothing between. For what people type there is [`super::parse`].
impl FromStr for Msisdn {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        if text.is_empty() {
            return Err(PhoneError::empty());
        }
        let digits = text.strip_prefix('+').ok_or_else(|| PhoneError::invalid("expected + and digits".into()))?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || digits.starts_with('0') {
            return Err(PhoneError::invalid("expected + and digits, the first not 0".into()));
        }
        if digits.len() > MAX_DIGITS {
            return Err(PhoneError::too_long(format!("more than {MAX_DIGITS} digits")));
        }
        digits.parse().map_err(|_| PhoneError::invalid("not a number".into())).and_then(Self::from_u64)
    }
}

impl TryFrom<i64> for Msisdn {
    type Error = PhoneError;

    fn try_from(digits: i64) -> Result<Self, PhoneError> {
        u64::try_from(digits).map_err(|_| PhoneError::invalid("negative".into())).and_then(Self::from_u64)
    }
}

impl From<Msisdn> for i64 {
    fn from(number: Msisdn) -> Self {
        // Never saturates: 15 digits are far below i64::MAX.
        Self::try_from(number.0).unwrap_or(Self::MAX)
    }
}

impl Serialize for Msisdn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Msisdn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
