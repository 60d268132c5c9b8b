//! Search of contacts by any part of their texts: names, number, e-mail, company, your own id, the values of own fields
//! but for booleans, and the comment.
//!
//! What can be found of a contact is one folded text in `contact_search`, under an index of its trigrams: pg_trgm on
//! PostgreSQL, FTS5 on SQLite. Triggers on `contacts` note who has changed, whatever wrote it; [`gather`] writes the texts
//! of those anew, some thousands at a time, so that an import does not pay for the index row by row. A contact that is
//! made or changed by itself is written at once ([`write`]).
//!
//! Invariants: what is found is joined with its contact, so neither an index that lags nor another account's text shows
//! anything that is not there; texts and what is sought are folded by the same function.

mod index;
#[cfg(test)]
mod tests;
mod text;

pub use index::{gather, write};
pub use text::{MAX_TEXT, MIN_TERM, sought, text_of};
