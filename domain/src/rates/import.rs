//! Decks made and filled by the operator: a CSV with the columns country, operator, prefix, price, cost, valid_from.

use std::collections::HashMap;

use sea_orm::DatabaseTransaction;

use crate::{
    clock::Timestamp,
    db::{Field, Records, Sql},
    error::{Code, Error, Result},
    ids::{DeckId, RateId},
    money::{Currency, Micros},
    phone::Country,
    scope::OperatorScope,
    vals,
};

/// One price as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRow {
    pub country: Country,
    pub operator: String,
    pub prefix: String,
    pub price: Micros,
    pub cost: Option<Micros>,
    pub valid_from: Timestamp,
}

/// Reads a deck file. A missing `valid_from` means `now`.
///
/// # Errors
/// `file_refused` with the line and the reason; nothing is half-read.
pub fn parse_csv(text: &[u8], now: Timestamp) -> Result<Vec<RateRow>> {
    let refuse = |line: u64, why: String| Error::new(Code::FileRefused, format!("line {line}: {why}"));
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text);
    let header: HashMap<String, usize> = reader
        .headers()
        .map_err(|e| refuse(1, e.to_string()))?
        .iter()
        .enumerate()
        .map(|(i, h)| (h.to_ascii_lowercase(), i))
        .collect();
    if let Some(unknown) =
        header.keys().find(|h| !["country", "operator", "prefix", "price", "cost", "valid_from"].contains(&h.as_str()))
    {
        return Err(refuse(
            1,
            format!("unknown column {unknown:?}; known are country, operator, prefix, price, cost, valid_from"),
        ));
    }
    if !header.contains_key("country") || !header.contains_key("price") {
        return Err(refuse(1, "the columns country and price are needed".into()));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| refuse(e.position().map_or(0, csv::Position::line), e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |name: &str| header.get(name).and_then(|i| record.get(*i)).filter(|v| !v.is_empty());
        let amount = |name: &str| match cell(name).map(str::parse::<Micros>).transpose() {
            Ok(Some(m)) if m < Micros::ZERO => Err(refuse(line, format!("{name} must not be below zero"))),
            Ok(m) => Ok(m),
            Err(why) => Err(refuse(line, format!("{name}: {why}"))),
        };
        let country = cell("country").unwrap_or_default();
        let country =
            country.parse().map_err(|_| refuse(line, format!("{country:?} is not a country code such as FR")))?;
        let prefix = cell("prefix").unwrap_or_default().trim_start_matches('+').to_owned();
        if prefix.len() > 15 || !prefix.bytes().all(|b| b.is_ascii_digit()) || prefix.starts_with('0') {
            return Err(refuse(line, format!("{prefix:?} is not a prefix: up to 15 digits with the country code")));
        }
        let price = amount("price")?.ok_or_else(|| refuse(line, "the price is missing".into()))?;
        let valid_from = match cell("valid_from") {
            None => now,
            Some(text) => text
                .parse()
                .map_err(|_| refuse(line, format!("{text:?} is not a time such as 2026-12-01T00:00:00Z")))?,
        };
        rows.push(RateRow {
            country,
            operator: cell("operator").unwrap_or_default().to_owned(),
            prefix,
            price,
            cost: amount("cost")?,
            valid_from,
        });
    }
    if rows.is_empty() {
        return Err(refuse(1, "the file has no rates".into()));
    }
    Ok(rows)
}

/// Makes a deck, or finds the one of this name.
///
/// # Errors
/// `invalid_request` when it exists in another currency.
pub async fn create_deck(
    tx: &DatabaseTransaction,
    scope: &OperatorScope,
    name: &str,
    currency: &Currency,
) -> Result<DeckId> {
    let now = scope.clock.now();
    tx.run(
        "INSERT INTO rate_decks (id, name, currency, created_at, version) VALUES ($1, $2, $3, $4, 1) ON CONFLICT (name) DO NOTHING",
        vals![DeckId::new(now), name, currency.0.as_str(), now],
    )
    .await?;
    let sql = "SELECT id FROM rate_decks WHERE name = $1 AND currency = $2";
    let deck = tx.scalar(sql, vals![name, currency.0.as_str()]).await?;
    deck.ok_or_else(|| Error::field("/currency", "mismatch", format!("the deck {name:?} exists in another currency")))
}

/// Adds prices to a deck, or replaces those with the same key and date, and tells how many.
///
/// # Errors
/// When the database refuses; nothing is written then.
pub async fn import(tx: &DatabaseTransaction, scope: &OperatorScope, deck: DeckId, rows: &[RateRow]) -> Result<usize> {
    const FIELDS: &[(&str, Field)] = &[
        ("id", Field::Id),
        ("country", Field::Text),
        ("prefix", Field::Text),
        ("operator", Field::Text),
        ("price", Field::Int),
        ("cost", Field::Int),
        ("valid_from", Field::Int),
    ];
    let backend = sea_orm::ConnectionTrait::get_database_backend(tx);
    // The last of several rows with one key rules; PostgreSQL refuses to meet a row twice in one statement.
    let unique: HashMap<_, _> = rows.iter().map(|r| ((r.country, &r.prefix, &r.operator, r.valid_from), r)).collect();
    let unique: Vec<_> = unique.into_values().collect();
    for chunk in unique.chunks(1000) {
        let json = chunk.iter().map(|r| {
            let RateRow { country, operator, prefix, price, cost, valid_from } = r;
            serde_json::json!({
                "id": RateId::new(scope.clock.now()).0.simple().to_string(), "country": country.code(), "prefix": prefix, "operator": operator,
                "price": price.0, "cost": cost.map(|c| c.0), "valid_from": valid_from.0,
            })
        });
        let records = Records::new(FIELDS, json.collect());
        let sql = format!(
            "INSERT INTO rates (id, deck_id, country, prefix, operator, price, cost, valid_from) \
             SELECT x.id, $2, x.country, x.prefix, x.operator, x.price, x.cost, x.valid_from FROM {} WHERE true \
             ON CONFLICT (deck_id, country, prefix, operator, valid_from) DO UPDATE SET price = excluded.price, cost = excluded.cost",
            records.source(backend, 1, "x")
        );
        tx.run(&sql, vals![records.value(), deck]).await?;
    }
    tx.run("UPDATE rate_decks SET version = version + 1 WHERE id = $1", vals![deck]).await?;
    Ok(unique.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_deck_and_names_the_line_of_a_fault() {
        let rows =
            parse_csv(b"country,operator,prefix,price,cost\nUA,Kyivstar,,0.05,0.04\nFR,,,0.0715,\n", Timestamp(1))
                .unwrap();
        assert_eq!(
            (rows.len(), rows[1].price, rows[1].cost, rows[1].valid_from),
            (2, Micros(71_500), None, Timestamp(1))
        );
        for (text, part) in [
            ("country,price\nUA,0.05\nZZ,1", "line 3"),
            ("country,price\nUA,-1", "below zero"),
            ("country,price,colour\nUA,1,red", "unknown column"),
            ("price\n1", "needed"),
            ("country,price\nUA,1e9", "amount"),
            ("country,price\n", "no rates"),
        ] {
            let error = parse_csv(text.as_bytes(), Timestamp(1)).unwrap_err();
            assert!(error.detail.contains(part), "{text}: {}", error.detail);
        }
    }

    #[test]
    fn the_starter_deck_prices_every_country() {
        let rows = parse_csv(include_bytes!("../../data/starter_rates.csv"), Timestamp(1)).unwrap();
        for country in Country::all() {
            assert!(
                rows.iter().any(|r| r.country == country && r.operator.is_empty() && r.price > Micros::ZERO),
                "{country}"
            );
        }
        let with_operators: std::collections::HashSet<_> =
            rows.iter().filter(|r| !r.operator.is_empty()).map(|r| r.country).collect();
        assert!(with_operators.len() >= 10);
    }
}
