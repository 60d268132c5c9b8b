//! The fields that a filter may name, and what each is.
//!
//! Pure.

use super::tree::{Flag, Operand};
use crate::{
    contact_fields::{ContactField, FieldType},
    contacts::Column,
};

/// What a field holds, which decides how it can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that compares exactly.
    Exact,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A country code.
    Country,
    /// A time zone.
    TimeZone,
    /// A phone number.
    Phone,
    /// A decimal number.
    Number,
    /// Whole years since the birth date.
    Age,
    /// A whole number from 0.
    Count,
    /// A date.
    Date,
    /// A moment.
    Moment,
    /// True or false, or unknown.
    Truth,
    /// True or false.
    Flag,
    /// Groups.
    Groups,
    /// All texts together.
    Search,
}

const LINE_TYPES: &[&str] = &[
    "mobile",
    "fixed_line_or_mobile",
    "fixed_line",
    "voip",
    "personal",
    "pager",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "uan",
    "voicemail",
    "unknown",
];
const SEXES: &[&str] = &["male", "female"];
const CONSENTS: &[&str] = &["unknown", "given", "refused"];
const OUTCOMES: &[&str] = &["delivered", "undelivered", "expired", "rejected", "failed", "no_report", "unknown"];

impl Kind {
    /// In a sentence: "which is …".
    pub fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Exact => "text",
            Self::Word(_) | Self::Country | Self::TimeZone => "a word",
            Self::Phone => "a phone number",
            Self::Number | Self::Age | Self::Count => "a number",
            Self::Date => "a date",
            Self::Moment => "a moment",
            Self::Truth | Self::Flag => "true or false",
            Self::Groups => "a set of groups",
            Self::Search => "all texts together",
        }
    }
    /// The comparisons that it takes.
    pub fn comparisons(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["equals", "any_of", "contains", "starts_with", "exists"],
            Self::Phone => &["equals", "any_of", "contains", "starts_with"],
            Self::Exact | Self::Word(_) | Self::Country | Self::TimeZone | Self::Groups => {
                &["equals", "any_of", "exists"]
            }
            Self::Number | Self::Age | Self::Count => {
                &["equals", "any_of", "lt", "lte", "gt", "gte", "between", "exists"]
            }
            Self::Date => &[
                "equals",
                "any_of",
                "lt",
                "lte",
                "gt",
                "gte",
                "between",
                "within_next_days",
                "within_last_days",
                "anniversary_within_days",
                "exists",
            ],
            Self::Moment => &["lt", "lte", "gt", "gte", "between", "within_next_days", "within_last_days", "exists"],
            Self::Truth => &["equals", "exists"],
            Self::Flag => &["equals"],
            Self::Search => &["contains"],
        }
    }
}

/// The field of a name: what it is in the database, and what it holds.
pub fn find(name: &str, own: &[ContactField]) -> Option<(Operand, Kind)> {
    if let Some(key) = name.strip_prefix("fields.") {
        let field = own.iter().find(|field| field.key == key)?;
        let kind = match field.kind {
            FieldType::Text | FieldType::Choice => Kind::Text,
            FieldType::Number => Kind::Number,
            FieldType::Date => Kind::Date,
            FieldType::Boolean => Kind::Truth,
        };
        return Some((Operand::Custom(field.key.clone()), kind));
    }
    if let Some(key) = name.strip_prefix("metadata.") {
        return (!key.is_empty()).then(|| (Operand::Metadata(key.to_owned()), Kind::Text));
    }
    if let Some(column) = Column::by_name(name) {
        let kind = match column {
            Column::BirthDate => Kind::Date,
            Column::Sex => Kind::Word(SEXES),
            Column::ExternalId => Kind::Exact,
            Column::TimeZone => return Some((Operand::TimeZone, Kind::TimeZone)),
            _ => Kind::Text,
        };
        return Some((Operand::Text(column.name()), kind));
    }
    Some(match name {
        "phone" => (Operand::Phone, Kind::Phone),
        "country" => (Operand::Text("country"), Kind::Country),
        "region" => (Operand::Text("region"), Kind::Text),
        "operator" => (Operand::Text("operator"), Kind::Text),
        "line_type" => (Operand::Text("line_type"), Kind::Word(LINE_TYPES)),
        "age" => (Operand::Text("birth_date"), Kind::Age),
        "consent" => (Operand::Text("consent"), Kind::Word(CONSENTS)),
        "consent_at" => (Operand::Moment("consent_at"), Kind::Moment),
        "consent_source" => (Operand::Text("consent_source"), Kind::Text),
        "created_at" => (Operand::Moment("created_at"), Kind::Moment),
        "updated_at" => (Operand::Moment("updated_at"), Kind::Moment),
        "group" => (Operand::Groups, Kind::Groups),
        "search" => (Operand::Search, Kind::Search),
        "stop_list" => (Operand::Flag(Flag::StopList), Kind::Flag),
        "hidden_group" => (Operand::Flag(Flag::HiddenGroup), Kind::Flag),
        "blacklisted" => (Operand::Flag(Flag::Blacklisted), Kind::Flag),
        "unsubscribed_from" => (Operand::Unsubscribed, Kind::Exact),
        "last_outcome" => (Operand::Outcome("status"), Kind::Word(OUTCOMES)),
        "last_outcome_at" => (Operand::Outcome("at"), Kind::Moment),
        "failures_in_row" => (Operand::Outcome("failures"), Kind::Count),
        _ => return None,
    })
}
