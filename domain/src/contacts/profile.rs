//! The values of the built-in columns, by column.
//!
//! Invariant: texts are in the composed form of Unicode (NFC), whoever has set them.

use super::Column;
use crate::contact_fields::composed;

/// One value, or none, for each built-in column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile([Option<String>; Column::ALL.len()]);

impl Profile {
    /// The value of a column.
    pub fn get(&self, column: Column) -> Option<&str> {
        self.0.get(place(column)).and_then(Option::as_deref)
    }
    /// Sets or clears the value of a column; a text is composed.
    pub fn set(&mut self, column: Column, value: Option<String>) {
        if let Some(slot) = self.0.get_mut(place(column)) {
            *slot = value.map(|text| if text.is_ascii() { text } else { composed(&text) });
        }
    }
    /// Every column with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Column, Option<&str>)> {
        Column::ALL.into_iter().map(|column| (column, self.get(column)))
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
    }
}
