//! Consent to be written to.
//!
//! Invariant: only an explicit change of the contact itself turns `refused` into anything else; an import never does.

use crate::clock::Timestamp;

/// Whether the person agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Consent {
    /// Nobody has said.
    #[default]
    Unknown,
    /// The person agreed.
    Given,
    /// The person refused or opted out.
    Refused,
}

impl Consent {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Given, Self::Refused];
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Given => "given",
            Self::Refused => "refused",
        }
    }
    /// Reads the stored word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == word)
    }
    /// Reads a cell of a file: the stored words, and yes and no in several languages.
    pub fn from_cell(cell: &str) -> Option<Self> {
        Self::read(&cell.trim().to_lowercase()).or_else(|| {
            crate::contact_fields::boolean_word(cell).map(|yes| if yes { Self::Given } else { Self::Refused })
        })
    }
}

/// A statement of consent in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// What was said.
    pub status: Consent,
    /// When; now, if not told.
    pub at: Option<Timestamp>,
    /// Where it comes from, such as `web form`.
    pub source: Option<String>,
}
