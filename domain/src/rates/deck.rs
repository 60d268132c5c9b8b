//! A deck in memory: the prices that rule at one moment, ready for a million lookups.

use std::collections::HashMap;

use sea_orm::FromQueryResult;

use crate::{
    money::{Currency, Micros},
    phone::Msisdn,
};

/// What one segment costs the customer, and us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What the customer pays a segment.
    pub price: Micros,
    /// What the carrier charges a segment, where known.
    pub cost: Option<Micros>,
}

/// One row of a deck as stored, in the order of `valid_from`.
#[derive(Debug, Clone, FromQueryResult)]
pub struct DeckRow {
    /// ISO 3166 alpha-2.
    pub country: String,
    /// E.164 digits, or empty.
    pub prefix: String,
    /// Operator name, or empty.
    pub operator: String,
    /// What the customer pays a segment.
    pub price: Micros,
    /// What the carrier charges a segment.
    pub cost: Option<Micros>,
}

/// The prices that rule at one moment.
#[derive(Debug, Clone)]
pub struct Deck {
    /// The currency of every price.
    pub currency: Currency,
    prefixes: HashMap<u64, Rate>,
    lengths: Vec<u32>,
    operators: HashMap<(String, String), Rate>,
    countries: HashMap<String, Rate>,
}

impl Deck {
    /// Builds the lookup; of rows with the same key the last one wins.
    pub fn new(currency: Currency, rows: Vec<DeckRow>) -> Self {
        let mut deck = Self {
            currency,
            prefixes: HashMap::new(),
            lengths: Vec::new(),
            operators: HashMap::new(),
            countries: HashMap::new(),
        };
        for DeckRow { country, prefix, operator, price, cost } in rows {
            let rate = Rate { price, cost };
            match prefix.parse::<u64>() {
                Ok(digits) => {
                    deck.prefixes.insert(digits, rate);
                    deck.lengths.push(u32::try_from(prefix.len()).unwrap_or(0));
                }
                Err(_) if operator.is_empty() => {
                    deck.countries.insert(country, rate);
                }
                Err(_) => {
                    deck.operators.insert((country, operator), rate);
                }
            }
        }
        deck.lengths.sort_unstable_by(|a, b| b.cmp(a));
        deck.lengths.dedup();
        deck
    }
    /// Whether it has no price at all.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty() && self.operators.is_empty() && self.countries.is_empty()
    }
    /// The price for a number; `None` when the deck has none.
    pub fn rate(&self, number: Msisdn, country: Option<&str>, operator: Option<&str>) -> Option<Rate> {
        let digits = number.as_u64();
        let length = digits.checked_ilog10().map_or(0, |l| l + 1);
        let by_prefix = self
            .lengths
            .iter()
            .filter(|l| **l <= length)
            .find_map(|l| self.prefixes.get(&(digits / 10u64.pow(length - l))));
        let country = country?;
        by_prefix
            .or_else(|| operator.and_then(|o| self.operators.get(&(country.to_owned(), o.to_owned()))))
            .or_else(|| self.countries.get(country))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(country: &str, prefix: &str, operator: &str, price: i64) -> DeckRow {
        DeckRow {
            country: country.into(),
            prefix: prefix.into(),
            operator: operator.into(),
            price: Micros(price),
            cost: None,
        }
    }

    #[test]
    fn longest_prefix_then_operator_then_country() {
        let deck = Deck::new(
            Currency("EUR".into()),
            vec![
                row("UA", "", "", 1),
                row("UA", "", "Kyivstar", 2),
                row("UA", "38050", "", 3),
                row("UA", "380501", "", 4),
                row("UA", "", "", 9),
            ],
        );
        let price =
            |n: u64, c: Option<&str>, o: Option<&str>| deck.rate(Msisdn::from_u64(n).unwrap(), c, o).map(|r| r.price.0);
        assert_eq!(price(380_501_234_567, Some("UA"), Some("Kyivstar")), Some(4));
        assert_eq!(price(380_507_234_567, Some("UA"), Some("Kyivstar")), Some(3));
        assert_eq!(price(380_677_234_567, Some("UA"), Some("Kyivstar")), Some(2));
        assert_eq!(price(380_637_234_567, Some("UA"), None), Some(9), "the later row rules");
        assert_eq!(price(447_400_123_456, Some("GB"), None), None);
    }
}
