//! [`Country`]: an ISO 3166-1 alpha-2 region that libphonenumber knows the numbering plan of.
//!
//! Invariant: a `Country` always has a plan and so a calling code; `AQ` or `ZZ` cannot be made. Several countries share
//! one calling code (+1, +7, +44, +590 …), so a code never names a country.

use std::{fmt, str::FromStr};

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A country or territory with a numbering plan of its own, as ISO alpha-2 (`FR`, `MQ`, `XK` …).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(Region);

/// The text is not the code of a supported country; its sentence says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCountry {
    /// What was probably meant.
    hint: Option<&'static str>,
}

/// Codes that are not of ISO 3166 and are taken for it.
const MISTAKEN: [(&str, &str); 5] = [
    ("UK", "the United Kingdom is GB"),
    ("EN", "the United Kingdom is GB"),
    ("EL", "Greece is GR"),
    ("SU", "Russia is RU"),
    ("YU", "Serbia is RS"),
];

impl UnknownCountry {
    fn of(text: &str) -> Self {
        let hint = MISTAKEN.iter().find(|(code, _)| text.trim().eq_ignore_ascii_case(code));
        Self { hint: hint.map(|(_, hint)| *hint) }
    }
}

impl Country {
    /// All supported countries (about 245), in alphabetical order of their codes.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<_> = PHONE_NUMBER_UTIL.get_supported_regions().filter_map(Self::from_region).collect();
        all.sort_unstable();
        all
    }

    /// The two capital letters.
    pub fn code(self) -> String {
        self.0.as_region_str().to_string()
    }

    /// The country calling code without the plus, 1 to 3 digits: 33 for `FR`, 1 for `US`, `CA`, `BS` and others.
    pub fn dialling_code(self) -> u16 {
        // The invariant of the type gives every country a code; 0 is never seen.
        PHONE_NUMBER_UTIL.get_country_code_for_region(self.0).and_then(|code| u16::try_from(code).ok()).unwrap_or(0)
    }

    /// `None` for [`Region::World`] (satellite and international networks) and for reserved codes.
    pub(super) fn from_region(region: Region) -> Option<Self> {
        (region != Region::World && PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some())
            .then_some(Self(region))
    }

    pub(super) const fn region(self) -> Region {
        self.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_region_str().as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

impl fmt::Display for UnknownCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be an ISO 3166 code of two letters, such as GB")?;
        self.hint.map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for UnknownCountry {}

/// Two letters in either case.
impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(UnknownCountry::of(text));
        }
        Region::from_code(&text.to_ascii_uppercase())
            .ok()
            .and_then(Self::from_region)
            .ok_or_else(|| UnknownCountry::of(text))
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
