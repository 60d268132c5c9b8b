//! Looking tokens up: those of requests that come at the same time in one query. Nothing is remembered, so a token that
//! is revoked ends at once.

use std::{collections::HashMap, sync::Arc};

use sea_orm::{FromQueryResult, Value};

use super::Token;
use crate::{
    accounts,
    db::{Db, Sql},
    error::{Error, Result},
    together::Together,
};

/// The most tokens of one query.
const MOST: usize = 256;

/// A token, and what of its account matters to it.
#[derive(Debug, FromQueryResult)]
pub(super) struct Known {
    #[sea_orm(nested)]
    pub token: Token,
    pub mode: accounts::Mode,
    pub status: accounts::Status,
}

/// What a lookup found.
pub(super) type Found = Arc<Known>;

/// The lookups of one process.
#[derive(Debug)]
pub struct Lookups {
    db: Db,
    together: Together<(), Vec<u8>, Result<Option<Found>>>,
}

impl Lookups {
    /// Looks into this database.
    pub fn new(db: Db) -> Self {
        Self { db, together: Together::new(MOST) }
    }

    /// The token whose secret has this hash.
    pub(super) async fn find(&self, hash: Vec<u8>) -> Result<Option<Found>> {
        let db = self.db.clone();
        let run = move |(), hashes: Vec<Vec<u8>>| {
            let db = db.clone();
            async move {
                match read(&db, &hashes).await {
                    Ok(found) => hashes.iter().map(|hash| Ok(found.get(hash).cloned())).collect(),
                    Err(e) => hashes.iter().map(|_| Err(Error::new(e.code, e.detail.clone()))).collect(),
                }
            }
        };
        let found = self.together.join((), hash, || std::future::ready(()), run).await;
        found.unwrap_or_else(|| Err(Error::internal("a lookup of a token broke off")))
    }
}

async fn read(db: &Db, hashes: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Found>> {
    let hashes = distinct(hashes);
    let places = (1..=hashes.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT t.*, a.mode, a.status FROM api_tokens t JOIN accounts a ON a.id = t.account_id WHERE t.hash IN ({places})"
    );
    let found: Vec<Known> = db.read().all(&sql, hashes.into_iter().map(Value::from).collect()).await?;
    Ok(found.into_iter().map(|known| (known.token.hash.clone(), Arc::new(known))).collect())
}

/// Each once, so that many requests with one token make one short statement.
fn distinct<T: Clone + Ord>(all: &[T]) -> Vec<T> {
    let once: std::collections::BTreeSet<_> = all.iter().cloned().collect();
    once.into_iter().collect()
}
