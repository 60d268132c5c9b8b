//! The row.

use sea_orm::entity::prelude::*;

use crate::{
    accounts::Words,
    clock::Timestamp,
    ids::{AccountId, TokenId},
    scope::Scopes,
};

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_tokens")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// Whose it is.
    pub account_id: AccountId,
    /// What its owner uses it for.
    pub description: String,
    /// SHA-256 of the secret.
    pub hash: Vec<u8>,
    /// The end of the secret, to tell tokens apart.
    pub hint: String,
    /// What it may do.
    pub scopes: Words,
    /// The networks it may be used from; empty: any.
    pub networks: Words,
    /// Its own limit, in the place of the default.
    pub requests_per_minute: Option<i64>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

impl Model {
    /// What it may do, as a scope list.
    pub fn granted(&self) -> Scopes {
        Scopes::new(self.scopes.0.clone())
    }
}

/// None: other tables are reached by their own capability's queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
