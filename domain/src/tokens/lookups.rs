//! Looking tokens up: those of requests that come at the same time in one query. Nothing is remembered, so a token that
//! is revoked ends at once.

use std::{collections::HashMap, sync::Arc};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{Entity, Token, entity::Column};
use crate::{
    accounts,
    db::Db,
    error::{Error, Result},
    together::Together,
};

/// The most tokens of one query.
const MOST: usize = 256;

/// A token with its account.
pub(super) type Found = Arc<(Token, accounts::Account)>;

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
        let run = move |hashes: Vec<Vec<u8>>| {
            let db = db.clone();
            async move {
                match read(&db, &hashes).await {
                    Ok(found) => hashes.iter().map(|hash| Ok(found.get(hash).cloned())).collect(),
                    Err(e) => hashes.iter().map(|_| Err(Error::new(e.code, e.detail.clone()))).collect(),
                }
            }
        };
        let found = self.together.join((), hash, run).await;
        found.unwrap_or_else(|| Err(Error::internal("a lookup of a token broke off")))
    }
}

async fn read(db: &Db, hashes: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Found>> {
    let tokens = Entity::find().filter(Column::Hash.is_in(distinct(hashes))).all(db.read()).await?;
    let ids = distinct(&tokens.iter().map(|t| t.account_id).collect::<Vec<_>>());
    let accounts = accounts::Entity::find().filter(accounts::Column::Id.is_in(ids)).all(db.read()).await?;
    let accounts: HashMap<_, _> = accounts.into_iter().map(|a| (a.id, a)).collect();
    let found = tokens.into_iter().filter_map(|token| {
        let account = accounts.get(&token.account_id)?.clone();
        Some((token.hash.clone(), Arc::new((token, account))))
    });
    Ok(found.collect())
}

/// Each once, so that many requests with one token make one short statement.
fn distinct<T: Clone + Ord>(all: &[T]) -> Vec<T> {
    let once: std::collections::BTreeSet<_> = all.iter().cloned().collect();
    once.into_iter().collect()
}
