//! What a segment costs: rate decks of country, operator and prefix prices, dated.
//!
//! Lookup: the longest E.164 prefix, then the operator by name, then the country (by libphonenumber, never by the
//! calling code alone). Invariants: a price is never below zero; the carrier's cost, where known, stands beside it; of
//! several prices for the same key the latest that has begun rules.

mod deck;
mod import;
mod queries;

pub use deck::{Deck, Rate};
pub use import::{RateRow, create_deck, import, parse_csv};
pub use queries::{RateFilter, RateView, deck_of, list};
