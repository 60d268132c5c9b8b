//! Reading decks.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::deck::{Deck, DeckRow};
use crate::{
    clock::Timestamp,
    db::{Sql, page_bounds},
    error::{Code, Error, Result},
    ids::RateId,
    money::{Currency, Micros},
    scope::AccountScope,
    vals,
};

/// The account's deck as it rules now.
///
/// # Errors
/// `no_rate` when the account has no deck or an empty one.
pub async fn deck_of(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Deck> {
    let now = scope.clock().now();
    let sql = "SELECT d.currency FROM accounts a JOIN rate_decks d ON d.id = a.rate_deck_id WHERE a.id = $1";
    let none = || Error::new(Code::NoRate, "The account has no rate deck: ask the operator for prices.");
    let currency: String = conn.scalar(sql, vals![scope.account()]).await?.ok_or_else(none)?;
    let sql = "SELECT r.country, r.prefix, r.operator, r.price, r.cost FROM accounts a JOIN rates r ON r.deck_id = a.rate_deck_id \
               WHERE a.id = $1 AND r.valid_from <= $2 ORDER BY r.valid_from";
    let rows: Vec<DeckRow> = conn.all(sql, vals![scope.account(), now]).await?;
    let deck = Deck::new(Currency(currency), rows);
    if deck.is_empty() { Err(none()) } else { Ok(deck) }
}

/// One line of the price list.
#[derive(Debug, Clone, FromQueryResult)]
pub struct RateView {
    pub id: RateId,
    pub country: String,
    pub prefix: String,
    pub operator: String,
    pub price: Micros,
    pub currency: Currency,
    pub valid_from: Timestamp,
}

/// Which lines of the price list.
#[derive(Debug, Clone, Default)]
pub struct RateFilter {
    pub country: Option<String>,
    pub after: Option<RateId>,
}

/// The account's price list, also prices that begin later.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    filter: &RateFilter,
    limit: usize,
) -> Result<(Vec<RateView>, bool)> {
    let RateFilter { country, after } = filter;
    let rows = conn
        .all(
            "SELECT r.id, r.country, r.prefix, r.operator, r.price, d.currency, r.valid_from FROM accounts a \
             JOIN rate_decks d ON d.id = a.rate_deck_id JOIN rates r ON r.deck_id = d.id \
             WHERE a.id = $1 AND ($2 IS NULL OR r.country = $2) AND ($3 IS NULL OR r.id > $3) ORDER BY r.id LIMIT $4",
            vals![scope.account(), country.clone(), *after, i64::try_from(limit + 1).unwrap_or(i64::MAX)],
        )
        .await?;
    Ok(page_bounds(rows, limit))
}
