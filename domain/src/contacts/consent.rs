//! Consent to be written to.
//!
//! Invariant: only an explicit change of the contact itself turns `refused` into anything else; an import never does.

use crate::clock::Timestamp;

crate::text_enum! {
    /// Whether the person agreed to be written to.
    pub enum Consent {
        /// Nobody has said.
        Unknown = "unknown",
        /// The person agreed.
        Given = "given",
        /// The person refused or opted out.
        Refused = "refused",
    }
}

impl Consent {
    /// Reads a cell of a file: the stored words, and yes and no in several languages.
    pub fn from_cell(cell: &str) -> Option<Self> {
        cell.trim().to_lowercase().parse().ok().or_else(|| {
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
