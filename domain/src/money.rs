//! Money: a whole number of micro-units (1/1,000,000 of the currency unit) and an ISO 4217 code.
//!
//! Invariants: never a float; arithmetic is checked; text is a decimal string with six decimals (`"0.071500"`), read
//! through `rust_decimal` at the edges.

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, prelude::ToPrimitive};
use sea_orm::DeriveValueType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An amount in micro-units of some currency; may be negative (a posting).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, DeriveValueType)]
pub struct Micros(pub i64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The sum, or `None` past the range of i64.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
    /// The difference, or `None` past the range of i64.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
    /// `self × n`, or `None` past the range of i64: a unit price times segments.
    pub fn checked_mul(self, n: i64) -> Option<Self> {
        self.0.checked_mul(n).map(Self)
    }
    /// The sum of all, or `None` past the range of i64.
    pub fn checked_sum(mut all: impl Iterator<Item = Self>) -> Option<Self> {
        all.try_fold(Self::ZERO, Self::checked_add)
    }
    /// The smaller of two.
    pub fn min(self, other: Self) -> Self {
        Ord::min(self, other)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", Decimal::from_i128_with_scale(i128::from(self.0), 6))
    }
}

impl FromStr for Micros {
    type Err = String;
    /// Reads a decimal string of at most six decimals; never rounds.
    fn from_str(s: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "{:?} is not an amount: write a decimal string such as \"12.34\", at most six decimals",
                crate::ids::short(s)
            )
        };
        let micros = Decimal::from_str_exact(s.trim())
            .map_err(|_| bad())?
            .checked_mul(Decimal::from(1_000_000))
            .ok_or_else(bad)?;
        if !micros.fract().is_zero() {
            return Err(bad());
        }
        micros.to_i64().map(Self).ok_or_else(bad)
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl utoipa::PartialSchema for Micros {
    // Never `format: decimal`: generators would turn the string into a float.
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::string("An amount of money: a decimal string with six decimals.", "12.340000", None)
    }
}

impl utoipa::ToSchema for Micros {}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// An ISO 4217 code: three upper-case letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, DeriveValueType)]
pub struct Currency(pub String);

impl FromStr for Currency {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        if s.len() == 3 && s.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Self(s.to_owned()))
        } else {
            Err(format!("{:?} is not a currency: write three capital letters, such as EUR", crate::ids::short(s)))
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::string("A currency: three capital letters, ISO 4217.", "EUR", None)
    }
}

impl utoipa::ToSchema for Currency {}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// An amount with its currency, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Decimal string, six decimals.
    pub amount: Micros,
    /// ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// Puts an amount and its currency together.
    pub fn new(amount: Micros, currency: &Currency) -> Self {
        Self { amount, currency: currency.clone() }
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::{
            ToSchema,
            openapi::{ObjectBuilder, Ref},
        };
        ObjectBuilder::new()
            .description(Some("An amount with its currency."))
            .property("amount", Ref::from_schema_name(Micros::name()))
            .property("currency", Ref::from_schema_name(Currency::name()))
            .required("amount")
            .required("currency")
            .examples([serde_json::json!({"amount": "12.340000", "currency": "EUR"})])
            .into()
    }
}

impl utoipa::ToSchema for Money {
    fn schemas(all: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        crate::schema::add::<Micros>(all);
        crate::schema::add::<Currency>(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_six_decimals() {
        assert_eq!("0.0715".parse::<Micros>().unwrap(), Micros(71_500));
        assert_eq!(Micros(71_500).to_string(), "0.071500");
        assert_eq!(Micros(-1).to_string(), "-0.000001");
        for bad in ["", "1e3", "0.0000001", "99999999999999", "NaN", "1,5"] {
            assert!(bad.parse::<Micros>().is_err(), "{bad}");
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(Micros(i64::MAX).checked_add(Micros(1)), None);
        assert_eq!(Micros(i64::MAX).checked_mul(2), None);
        assert_eq!(Micros::checked_sum([Micros(1), Micros(2)].into_iter()), Some(Micros(3)));
    }
}
