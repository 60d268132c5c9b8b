//! Reports: what was sent, in which state and at what cost, added up.

mod campaign;

pub use campaign::{CampaignReport, Slice, campaign};
