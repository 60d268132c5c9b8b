//! Reading decks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::deck::{Deck, DeckRow};
use crate::{
    clock::Timestamp,
    db::{Sql, page_bounds},
    error::{Code, Error, Result},
    ids::{DeckId, RateId},
    money::{Currency, Micros},
    scope::AccountScope,
    vals,
};

/// A deck as this process read it last: good for as long as nobody changed it and no later price begins.
struct Read {
    version: i64,
    from: Timestamp,
    until: Timestamp,
    deck: Arc<Deck>,
}

/// The decks that this process has read; the version of each is asked before it is used.
static READ: Mutex<BTreeMap<DeckId, Read>> = Mutex::new(BTreeMap::new());

/// How many decks are remembered.
const REMEMBERED: usize = 100;

/// The account's deck as it rules now.
///
/// # Errors
/// `no_rate` when the account has no deck or an empty one.
pub async fn deck_of(conn: &impl ConnectionTrait, scope: &AccountScope) -> Result<Arc<Deck>> {
    #[derive(FromQueryResult)]
    struct Head {
        id: DeckId,
        currency: Currency,
        version: i64,
    }
    let now = scope.clock().now();
    let none = || Error::new(Code::NoRate, "The account has no rate deck: ask the operator for prices.");
    let sql =
        "SELECT d.id, d.currency, d.version FROM accounts a JOIN rate_decks d ON d.id = a.rate_deck_id WHERE a.id = $1";
    let Head { id, currency, version } = conn.one(sql, vals![scope.account()]).await?.ok_or_else(none)?;
    let remembered = |read: &Read| read.version == version && read.from <= now && now < read.until;
    let known =
        READ.lock().unwrap_or_else(PoisonError::into_inner).get(&id).filter(|r| remembered(r)).map(|r| r.deck.clone());
    if let Some(deck) = known {
        return Ok(deck);
    }
    let sql = "SELECT country, prefix, operator, price, cost FROM rates WHERE deck_id = $1 AND valid_from <= $2 ORDER BY valid_from";
    let rows: Vec<DeckRow> = conn.all(sql, vals![id, now]).await?;
    let next = "SELECT MIN(valid_from) FROM rates WHERE deck_id = $1 AND valid_from > $2";
    let until = conn.scalar::<Option<Timestamp>>(next, vals![id, now]).await?.flatten().unwrap_or(Timestamp(i64::MAX));
    let deck = Arc::new(Deck::new(currency, rows));
    if deck.is_empty() {
        return Err(none());
    }
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if read.len() >= REMEMBERED {
        read.clear();
    }
    read.insert(id, Read { version, from: now, until, deck: deck.clone() });
    Ok(deck)
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
