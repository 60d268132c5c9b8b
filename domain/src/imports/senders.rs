//! Which sender of the account a row of unsubscribes is about.
//!
//! Pure. Invariant: what is read is one of the account's senders, as the account writes it; a cell may have it in another
//! case, and a number of it with a plus.

use std::collections::HashMap;

use crate::contact_fields::Rejected;

/// The senders that rows can be about.
pub(super) struct Senders {
    /// The account's, by themselves and by their folded forms.
    known: HashMap<String, String>,
    /// That of the rows which name none.
    otherwise: Option<String>,
}

impl Senders {
    /// Those of an account, and what a row without one is about.
    pub(super) fn new(all: &[String], otherwise: Option<String>) -> Self {
        let mut known: HashMap<String, String> = all.iter().map(|value| (folded(value), value.clone())).collect();
        known.extend(all.iter().map(|value| (value.clone(), value.clone())));
        Self { known, otherwise }
    }

    /// The sender that a text names.
    pub(super) fn find(&self, raw: &str) -> Option<&str> {
        self.known.get(raw).or_else(|| self.known.get(&folded(raw))).map(String::as_str)
    }

    /// What a row with this cell is about.
    pub(super) fn read(&self, cell: &str) -> Result<String, Rejected> {
        if cell.is_empty() {
            let required = || Rejected::new("required", "must name a sender, since the import has none for all rows");
            return self.otherwise.clone().ok_or_else(required);
        }
        let unknown = || Rejected::new("unknown_sender", "must be one of the account's senders");
        self.find(cell).map(str::to_owned).ok_or_else(unknown)
    }
}

fn folded(text: &str) -> String {
    let text = text.trim();
    let digits = text.strip_prefix('+').filter(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    digits.unwrap_or(text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_names_a_sender_of_the_account() {
        let all = ["Shop", "447400900000", "sHop2"].map(str::to_owned);
        let senders = Senders::new(&all, None);
        for (cell, sender) in
            [("Shop", "Shop"), ("SHOP", "Shop"), ("+447400900000", "447400900000"), (" shop2", "sHop2")]
        {
            assert_eq!(senders.read(cell).unwrap(), sender);
        }
        assert_eq!(senders.read("+Shop").unwrap_err().code, "unknown_sender");
        assert_eq!(senders.read("").unwrap_err().code, "required");
        assert_eq!(Senders::new(&all, Some("Shop".into())).read("").unwrap(), "Shop");
    }
}
