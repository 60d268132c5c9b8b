//! The row.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{FrequencyCaps, QuietHours};
use crate::{
    clock::Timestamp,
    ids::{AccountId, CarrierId, DeckId},
    money::Currency,
};

crate::text_enum! {
    /// Whether an account sends to real carriers with real money.
    pub enum Mode("AccountMode") {
        /// Real carriers, real money.
        Live = "live",
        /// Simulated carrier, play money.
        Test = "test",
    }
}

crate::text_enum! {
    /// What an account may do.
    pub enum Status("AccountStatus") {
        /// New, with the restrictions of a trial.
        Test = "test",
        /// Everything.
        Active = "active",
        /// Reads only.
        Suspended = "suspended",
        /// Nothing.
        Closed = "closed",
    }
}

/// A list of words in a JSON column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Words(pub Vec<String>);

/// The countries that may be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(untagged)]
pub enum Countries {
    /// These ISO 3166 codes.
    Listed(Vec<String>),
    /// `"*"`: every country.
    All(String),
}

impl Countries {
    /// Every country.
    pub fn all() -> Self {
        Self::All("*".to_owned())
    }
    /// The list; `None` when every country may be sent to.
    pub fn listed(self) -> Option<Vec<String>> {
        match self {
            Self::All(_) => None,
            Self::Listed(list) => (!list.iter().any(|c| c == "*")).then_some(list),
        }
    }
    /// Whether `country` (ISO 3166 alpha-2) may be sent to.
    pub fn allow(&self, country: &str) -> bool {
        match self {
            Self::All(star) => star == "*",
            Self::Listed(list) => list.iter().any(|c| c == country || c == "*"),
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// Live or test.
    pub mode: Mode,
    /// The live account that a test environment belongs to.
    pub live_account_id: Option<AccountId>,
    /// What it may do.
    pub status: Status,
    /// ISO 3166 alpha-2: how national numbers are read.
    pub default_country: Option<String>,
    /// IANA name.
    pub time_zone: String,
    /// BCP 47.
    pub language: String,
    /// Fixed at the first posting.
    pub currency: Option<Currency>,
    /// What it pays.
    pub rate_deck_id: Option<DeckId>,
    /// The carrier its messages go to.
    pub carrier_id: Option<CarrierId>,
    /// Where it may send.
    pub countries: Countries,
    /// Final statuses whose charge is given back.
    pub refund_on: Words,
    /// The most segments one message may have.
    pub max_segments: i64,
    /// How long what is deleted can be restored.
    pub trash_days: i64,
    /// When campaigns leave people alone.
    pub quiet_hours: Option<QuietHours>,
    /// How often campaigns may write to a number; none rather than an empty list.
    pub frequency_caps: Option<FrequencyCaps>,
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
