//! The row.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Timestamp,
    ids::{AccountId, MessageFilterId},
};

/// A message filter.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message_filters")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageFilterId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Unique within the account.
    pub name: String,
    /// Values of the list's query parameters, by name.
    pub conditions: Json,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

/// None: other tables are reached by their own capability's queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
