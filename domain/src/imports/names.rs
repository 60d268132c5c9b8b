//! A cell with the whole name of a person, as the names it is made of.
//!
//! Pure. Which end has the family name is told by the mapping, not guessed: `Rossi Mario` and `Mario Rossi` look alike. A
//! comma tells it, too: `Smith, Anna`.

use crate::contacts::Column;

/// Where the family name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FullName {
    /// `Anna Maria Smith`.
    FamilyLast,
    /// `Rossi Mario`, `Щукин Пётр Иванович`.
    FamilyFirst,
}

impl FullName {
    /// Every form.
    pub(super) const ALL: [Self; 2] = [Self::FamilyLast, Self::FamilyFirst];

    /// As mappings call it.
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::FamilyLast => "full_name",
            Self::FamilyFirst => "full_name_family_first",
        }
    }

    /// The names of a cell; blank for those it does not have. One word is the given name. In Cyrillic what follows family
    /// and given name is the patronymic; a cell without one says nothing of it.
    pub(super) fn split(self, cell: &str) -> Vec<(Column, String)> {
        let (before, after) = cell.split_once(',').unwrap_or((cell, ""));
        let (mut family, mut given) = (words(before), words(after));
        if given.is_empty() {
            (family, given) = match (self, family.as_slice()) {
                (_, [] | [_]) => (Vec::new(), family),
                (Self::FamilyLast, [given @ .., last]) => (vec![*last], given.to_vec()),
                (Self::FamilyFirst, [first, given @ ..]) => (vec![*first], given.to_vec()),
            };
        }
        let is_cyrillic = cell.chars().any(|c| matches!(c, '\u{400}'..='\u{4ff}'));
        let patronymic =
            if is_cyrillic && self == Self::FamilyFirst && given.len() > 1 { given.split_off(1) } else { Vec::new() };
        let mut names = vec![(Column::LastName, family.join(" ")), (Column::FirstName, given.join(" "))];
        if !patronymic.is_empty() {
            names.push((Column::Patronymic, patronymic.join(" ")));
        }
        names
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_taken_apart() {
        let split = |form: FullName, cell: &str| {
            let names = form.split(cell);
            let name =
                |column| names.iter().find(|(c, _)| *c == column).map_or("-", |(_, name)| name.as_str()).to_owned();
            [Column::LastName, Column::FirstName, Column::Patronymic].map(name)
        };
        for (form, cell, expected) in [
            (FullName::FamilyLast, "Anna Smith", ["Smith", "Anna", "-"]),
            (FullName::FamilyLast, " Anna  Maria Smith ", ["Smith", "Anna Maria", "-"]),
            (FullName::FamilyLast, "Smith, Anna Maria", ["Smith", "Anna Maria", "-"]),
            (FullName::FamilyLast, "Пётр Щукин", ["Щукин", "Пётр", "-"]),
            (FullName::FamilyLast, "Anna", ["", "Anna", "-"]),
            (FullName::FamilyFirst, "Щукин Пётр Иванович", ["Щукин", "Пётр", "Иванович"]),
            (FullName::FamilyFirst, "Мамедов Али Гасан оглы", ["Мамедов", "Али", "Гасан оглы"]),
            (FullName::FamilyFirst, "Шевченко Тарас", ["Шевченко", "Тарас", "-"]),
            (FullName::FamilyFirst, "Rossi Mario Luigi", ["Rossi", "Mario Luigi", "-"]),
            (FullName::FamilyFirst, "De Luca, Mario", ["De Luca", "Mario", "-"]),
            (FullName::FamilyFirst, "Мария", ["", "Мария", "-"]),
            (FullName::FamilyFirst, "", ["", "", "-"]),
        ] {
            assert_eq!(split(form, cell), expected, "{cell}");
        }
    }
}
