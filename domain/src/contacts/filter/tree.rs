//! A filter that has been checked: what is compared and how, with every value typed and every "within days" counted out.
//!
//! Pure.

use std::ops::Bound;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::days::Season;
use crate::ids::GroupId;

/// A checked filter. [`Tree::everything`] is all contacts.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Every one holds.
    All(Vec<Tree>),
    /// At least one holds.
    Any(Vec<Tree>),
    /// It does not hold.
    Not(Box<Tree>),
    /// One comparison.
    Is(Condition),
}

impl Tree {
    /// The filter that every contact matches.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }
    /// One comparison.
    pub fn is(operand: Operand, test: Test) -> Self {
        Self::Is(Condition { operand, test })
    }
    /// Both this and that.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut parts) => {
                parts.push(other);
                Self::All(parts)
            }
            one => Self::All(vec![one, other]),
        }
    }
    /// Whether it asks for the operator of a prefix.
    pub(super) fn asks_operator(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::asks_operator),
            Self::Not(inner) => inner.asks_operator(),
            Self::Is(condition) => condition.operand == Operand::Text("operator"),
        }
    }
    /// The same, asking for the operator that has the number now.
    #[must_use]
    pub(super) fn with_ported(self) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(Self::with_ported).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::Not(inner) => Self::Not(Box::new(inner.with_ported())),
            Self::Is(Condition { operand: Operand::Text("operator"), test }) => Self::is(Operand::Operator, test),
            one @ Self::Is(_) => one,
        }
    }
    /// What holds of every contact that matches: the parts of `all` at the top.
    pub(super) fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::conjuncts).collect(),
            one => vec![one],
        }
    }
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is compared.
    pub operand: Operand,
    /// With what and how.
    pub test: Test,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A text column of contacts.
    Text(&'static str),
    /// A column of contacts that holds a moment.
    Moment(&'static str),
    /// The number, an integer.
    Phone,
    /// The zone whose clock counts.
    TimeZone,
    /// The operator that has the number now; the column alone is the one of its prefix.
    Operator,
    /// A value of one of the account's own fields; the key is letters, digits and `_`.
    Custom(String),
    /// A value of the integrator's own pairs.
    Metadata(String),
    /// A column of the contact's last outcome.
    Outcome(&'static str),
    /// The groups it is in.
    Groups,
    /// A text column or own field as it holds in a group; of who is no member nothing.
    InGroup(GroupId, Box<Operand>),
    /// The senders it wants nothing from.
    Unsubscribed,
    /// All its texts, as the search knows them.
    Search,
    /// Something that is so or not.
    Flag(Flag),
}

/// Something that is so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// In a group that is a stop list.
    StopList,
    /// In a group that is hidden.
    HiddenGroup,
    /// Its number is on the blacklist.
    Blacklisted,
}

/// How it is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It has a value, or has none.
    Exists(bool),
    /// It is one of these texts, whatever their case.
    Texts(Vec<String>),
    /// It has this text in it, whatever its case; for [`Operand::Search`] a folded text.
    Contains(String),
    /// It begins with this text, whatever its case.
    StartsWith(String),
    /// It is exactly one of these words.
    Words(Vec<String>),
    /// It is one of these time zones; where the number may be in several, by these keys of them.
    Zones(Vec<String>, Vec<&'static str>),
    /// A decimal number in one of these spans.
    Numbers(Vec<Span<Decimal>>),
    /// An integer (also a moment, in microseconds) in one of these spans.
    Integers(Vec<Span<i64>>),
    /// A date in one of these spans.
    Days(Vec<Span<NaiveDate>>),
    /// A date whose day and month are in this part of the year.
    Season(Season),
    /// It is true, or false.
    Truth(bool),
    /// Member of one of these groups.
    Members(Vec<GroupId>),
}

/// From one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<T> {
    /// Where it begins.
    pub from: Bound<T>,
    /// Where it ends.
    pub to: Bound<T>,
}

impl<T: Clone> Span<T> {
    /// One value.
    pub fn one(value: T) -> Self {
        Self { from: Bound::Included(value.clone()), to: Bound::Included(value) }
    }
    /// From this value on.
    pub fn from(from: Bound<T>) -> Self {
        Self { from, to: Bound::Unbounded }
    }
    /// Up to this value.
    pub fn to(to: Bound<T>) -> Self {
        Self { from: Bound::Unbounded, to }
    }
}
