//! Reading the values of a field: strictly from a request, and as people write them from a cell of a file.
//!
//! Pure. Invariant: what is stored is a JSON string, number or boolean that the field's type allows; nothing is cut or
//! guessed; a blank text is no value.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::FieldType;
use crate::files::parse_date;

/// Characters of a text value.
const MAX_TEXT: usize = 1_000;

/// Why a value does not fit: a stable word and a sentence without subject (`must be …`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Such as `invalid_date`.
    pub code: &'static str,
    /// Such as `must be a date, such as 2026-11-21`.
    pub detail: String,
}

impl Rejected {
    /// A refusal.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// A type with its choices: enough to read values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The type.
    pub kind: FieldType,
    /// For [`FieldType::Choice`].
    pub choices: Vec<String>,
}

impl Typed {
    /// A value of a request: JSON of the right type, a number also as a decimal string. Null is no value, and so is a blank
    /// text of a field of type text.
    ///
    /// # Errors
    /// When the value is of another type or out of range.
    pub fn from_json(&self, value: &Value) -> Result<Value, Rejected> {
        match (self.kind, value) {
            (_, Value::Null) => Ok(Value::Null),
            (FieldType::Text, Value::String(s)) if s.trim().is_empty() => Ok(Value::Null),
            (FieldType::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (FieldType::Boolean, _) => Err(Rejected::new("invalid_boolean", "must be true or false")),
            (FieldType::Number, Value::Number(n)) => number(&n.to_string()),
            (FieldType::Number, Value::String(s)) => number(s),
            (FieldType::Text, Value::String(s)) => text(s),
            (FieldType::Choice, Value::String(s)) => self.choice(s),
            (FieldType::Date, Value::String(s)) => match chrono::NaiveDate::parse_from_str(s, "%Y-%m-%d") {
                Ok(day) if s.len() == 10 => Ok(day.to_string().into()),
                _ => Err(Rejected::new("invalid_date", "must be a date, such as 2026-11-21")),
            },
            (FieldType::Number, _) => Err(Rejected::new("invalid_number", "must be a number")),
            (FieldType::Text | FieldType::Choice | FieldType::Date, _) => {
                Err(Rejected::new("invalid_type", "must be a string"))
            }
        }
    }

    /// A cell of a file that is not empty: dates as people write them, `yes` and `no` in several languages, a comma as
    /// decimal point.
    ///
    /// # Errors
    /// When it cannot be read as the type.
    pub fn from_cell(&self, cell: &str) -> Result<Value, Rejected> {
        match self.kind {
            FieldType::Text => text(cell),
            FieldType::Number => number(&cell.replace(',', ".").replace(['\u{a0}', ' '], "")),
            FieldType::Choice => self.choice(cell),
            FieldType::Date => parse_date(cell)
                .map(|day| day.to_string().into())
                .ok_or_else(|| Rejected::new("invalid_date", "must be a date, such as 2026-11-21 or 21.11.2026")),
            FieldType::Boolean => {
                boolean_word(cell).map(Value::Bool).ok_or_else(|| Rejected::new("invalid_boolean", "must be yes or no"))
            }
        }
    }

    fn choice(&self, text: &str) -> Result<Value, Rejected> {
        let wanted = composed(text.trim()).to_lowercase();
        let found = self.choices.iter().find(|c| c.to_lowercase() == wanted);
        found
            .map(|c| c.clone().into())
            .ok_or_else(|| Rejected::new("invalid_choice", format!("must be one of: {}", self.choices.join(", "))))
    }
}

/// A text in the composed form of Unicode (NFC), in which texts are stored and compared: people cannot see the difference.
pub fn composed(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

/// `yes`, `true`, `1`, `да`… and their opposites.
pub fn boolean_word(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "t" | "on" | "да" | "д" | "так" | "oui" | "sí" | "si" | "sì" | "ja" | "+" => {
            Some(true)
        }
        "0" | "false" | "no" | "n" | "f" | "off" | "нет" | "н" | "ні" | "non" | "nein" | "-" => Some(false),
        _ => None,
    }
}

fn text(s: &str) -> Result<Value, Rejected> {
    if s.chars().count() > MAX_TEXT {
        return Err(Rejected::new("too_long", format!("must have at most {MAX_TEXT} characters")));
    }
    if s.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Rejected::new("control_character", "must not have control characters"));
    }
    Ok(composed(s).into())
}

fn number(s: &str) -> Result<Value, Rejected> {
    let bad = || Rejected::new("invalid_number", "must be a number of at most 15 digits, such as 12.5");
    let value = Decimal::from_str(s.trim()).map_err(|_| bad())?.normalize();
    // 15 digits are what a JSON number carries exactly through every reader.
    if value.mantissa().unsigned_abs() >= 1_000_000_000_000_000 {
        return Err(bad());
    }
    serde_json::Number::from_str(&value.to_string()).map(Value::Number).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn typed(kind: FieldType) -> Typed {
        Typed { kind, choices: vec!["Gold".into(), "Silver".into()] }
    }

    #[test]
    fn cells_are_read_as_people_write_them() {
        let read = |kind, cell| typed(kind).from_cell(cell).ok();
        assert_eq!(read(FieldType::Number, "1 234,50"), Some(json!(1234.5)));
        assert_eq!(read(FieldType::Number, "007"), Some(json!(7)));
        assert_eq!(read(FieldType::Number, "1,234,567"), None);
        assert_eq!(read(FieldType::Date, "21.11.2026"), Some(json!("2026-11-21")));
        assert_eq!(read(FieldType::Date, "31.02.2026"), None);
        assert_eq!(read(FieldType::Boolean, "Да"), Some(json!(true)));
        assert_eq!(read(FieldType::Boolean, "maybe"), None);
        assert_eq!(read(FieldType::Choice, "gold"), Some(json!("Gold")));
        assert_eq!(read(FieldType::Text, "a\u{0}b"), None);
    }

    #[test]
    fn requests_are_read_strictly() {
        let read = |kind, value: Value| typed(kind).from_json(&value).map_err(|e| e.code);
        assert_eq!(read(FieldType::Number, json!(12.5)), Ok(json!(12.5)));
        assert_eq!(read(FieldType::Number, json!("12.50")), Ok(json!(12.5)));
        assert_eq!(read(FieldType::Number, json!(true)), Err("invalid_number"));
        assert_eq!(read(FieldType::Boolean, json!("yes")), Err("invalid_boolean"));
        assert_eq!(read(FieldType::Date, json!("21.11.2026")), Err("invalid_date"));
        assert_eq!(read(FieldType::Choice, json!("Bronze")), Err("invalid_choice"));
        assert_eq!(read(FieldType::Text, json!(5)), Err("invalid_type"));
        assert_eq!(read(FieldType::Text, json!(" \t")), Ok(Value::Null));
        assert_eq!(read(FieldType::Date, Value::Null), Ok(Value::Null));
        assert_eq!(read(FieldType::Choice, json!("")), Err("invalid_choice"));
        assert_eq!(read(FieldType::Text, json!("e\u{301}")), Ok(json!("é")), "texts are composed");
    }
}
