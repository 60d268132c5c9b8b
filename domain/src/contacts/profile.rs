//! The values of the built-in columns, by column.
//!
//! Invariant: texts are in the composed form of Unicode (NFC) and tags of languages in their usual letters, whoever has set
//! them.

use super::{Column, language};
use crate::contact_fields::composed;

/// One value, or none, for each built-in column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile([Option<String>; Column::ALL.len()]);

impl Profile {
    /// The value of a column.
    pub fn get(&self, column: Column) -> Option<&str> {
        self.0.get(place(column)).and_then(Option::as_deref)
    }
    /// Sets or clears the value of a column, in the form in which it is stored.
    pub fn set(&mut self, column: Column, value: Option<String>) {
        if let Some(slot) = self.0.get_mut(place(column)) {
            *slot = value.map(|text| settled(column, text));
        }
    }
    /// Every column with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Column, Option<&str>)> {
        Column::ALL.into_iter().map(|column| (column, self.get(column)))
    }
}

/// A value of a column in the form in which it is stored.
pub(super) fn settled(column: Column, text: String) -> String {
    match column {
        Column::Language => language::canonical(&text),
        _ if text.is_ascii() => text,
        _ => composed(&text),
    }
}

fn place(column: Column) -> usize {
    Column::ALL.iter().position(|c| *c == column).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_has_its_own_place() {
        let mut profile = Profile::default();
        for column in Column::ALL {
            profile.set(column, Some(column.name().into()));
        }
        assert!(profile.iter().all(|(column, value)| value == Some(column.name())));
        profile.set(Column::FirstName, Some("Jose\u{301}".into()));
        assert_eq!(profile.get(Column::FirstName), Some("José"));
        profile.set(Column::Language, Some("EN-gb".into()));
        assert_eq!(profile.get(Column::Language), Some("en-GB"));
    }
}
