//! Contact fields: what an account keeps of a contact beyond the built-in columns, each with a type.
//!
//! Invariants: a key is unique in its account and never changes, nor does a type, so that stored values keep their
//! meaning; there are at most [`MAX_FIELDS`] per account; deleting a field deletes its values, also those that hold in one
//! group only and those in the trash. A change of the choices leaves values as they are; replacing a choice changes them.

mod create;
mod delete;
mod queries;
mod replace;
mod update;
mod value;

use sea_orm::FromQueryResult;

pub use create::{New, create};
pub use delete::delete;
pub use queries::{all, get};
pub use replace::replace_choice;
pub use update::{Patch, update};
pub use value::{Rejected, Typed, boolean_word, composed};

use crate::{clock::Timestamp, error::Faults, ids::ContactFieldId};

/// How many fields an account may define.
pub const MAX_FIELDS: usize = 200;
/// How many choices a field may offer.
pub const MAX_CHOICES: usize = 200;
/// Characters of a title or of a choice.
pub const MAX_TITLE: usize = 100;

crate::text_enum! {
    /// What values a field takes.
    pub enum FieldType {
        /// Any text up to 1,000 characters.
        Text = "text",
        /// A decimal number of at most 15 digits.
        Number = "number",
        /// A calendar day, such as 2026-11-21.
        Date = "date",
        /// True or false.
        Boolean = "boolean",
        /// One of the field's choices.
        Choice = "choice",
    }
}

/// A field as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactField {
    /// Its id.
    pub id: ContactFieldId,
    /// What templates, requests and imports call it.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// What values it takes.
    pub kind: FieldType,
    /// What may be chosen; empty unless the type is choice.
    pub choices: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes, for ETag.
    pub version: i64,
}

impl FromQueryResult for ContactField {
    fn from_query_result(row: &sea_orm::QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        let choices: serde_json::Value = row.try_get(pre, "choices")?;
        Ok(Self {
            id: row.try_get(pre, "id")?,
            key: row.try_get(pre, "key")?,
            title: row.try_get(pre, "title")?,
            kind: row.try_get(pre, "type")?,
            choices: serde_json::from_value(choices).map_err(|e| sea_orm::DbErr::Json(e.to_string()))?,
            created_at: row.try_get(pre, "created_at")?,
            version: row.try_get(pre, "version")?,
        })
    }
}

impl ContactField {
    /// The part that reads values.
    pub fn typed(&self) -> Typed {
        Typed { kind: self.kind, choices: self.choices.clone() }
    }
}

/// Whether a text has the form of a key: `^[a-z][a-z0-9_]{0,39}$`.
pub fn is_key(key: &str) -> bool {
    key.len() <= 40
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Choices as they are stored.
fn composed_all(choices: Vec<String>) -> Vec<String> {
    choices.iter().map(|choice| composed(choice)).collect()
}

fn check_choices(faults: &mut Faults, kind: FieldType, choices: &[String]) {
    if kind != FieldType::Choice {
        if !choices.is_empty() {
            faults.add("/choices", "not_allowed", "is only for fields of type choice");
        }
        return;
    }
    if choices.is_empty() {
        faults.add("/choices", "required", "must have at least one choice");
    }
    if choices.len() > MAX_CHOICES {
        faults.add("/choices", "too_many", format!("must have at most {MAX_CHOICES} choices"));
    }
    for (i, choice) in choices.iter().enumerate().take(MAX_CHOICES) {
        faults.text(&format!("/choices/{i}"), choice, MAX_TITLE);
        if choices.iter().take(i).any(|c| c.to_lowercase() == choice.to_lowercase()) {
            faults.add(format!("/choices/{i}"), "duplicate", "stands in the list already");
        }
    }
}
