//! Phone numbers: reading them ([`parse`], [`find_in_text`]), keeping them ([`Msisdn`]) and what the numbering plans
//! say about them ([`describe`], [`Country`], [`LineType`]).
//!
//! Pure: no database, clock or network. Numbering plans are libphonenumber's (crate `rlibphonenumber`), operators,
//! regions and time zones come from the files in `domain/data/`, compiled in. Invariants: whatever [`parse`] returns is a valid
//! number of a country's plan and of a line that may receive SMS, and parsing its `Display` form gives it back.

mod clean;
mod country;
mod describe;
mod error;
mod find;
mod msisdn;
mod parse;
mod prefixes;
#[cfg(test)]
mod tests;
mod zones;

pub use country::{Country, UnknownCountry};
pub use describe::{LineType, NumberInfo, country_of, describe, is_operator, line_type, operator_like, operator_of};
pub use error::PhoneError;
pub use find::{Found, find_in_text};
pub use msisdn::{MAX_DIGITS, MIN_DIGITS, Msisdn};
pub use parse::{Parsed, Rule, SIMULATOR_NUMBERS, parse};
pub use zones::{is_of_several, keys_of_several, time_zones_of, zone_named, zone_of, zone_of_key};
