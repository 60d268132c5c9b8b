//! The row.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Timestamp,
    ids::{AccountId, SenderId},
};

crate::text_enum! {
    /// Whether a sender may be used.
    pub enum Status("SenderStatus") {
        /// Waits for the operator.
        Pending = "pending",
        /// May be sent from.
        Approved = "approved",
        /// May not be sent from; `reason` tells why.
        Rejected = "rejected",
    }
}

/// A sender.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "senders")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SenderId,
    /// Whose it is.
    pub account_id: AccountId,
    /// What recipients see.
    pub value: String,
    /// Whether it may be used.
    pub status: Status,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the operator decided.
    pub decided_at: Option<Timestamp>,
    /// Counts the changes.
    pub version: i64,
}

/// None: other tables are reached by their own capability's queries.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
