//! Which column probably feeds which field: by its title, else by what stands in it.
//!
//! A title is, in this order: `fields.<key>`, the title of a built-in field in some language, the key of an own field of the
//! account, the title of one.
//!
//! Pure. Invariants: only a suggestion, the person decides; a column feeds one field and a field is fed by one column. A
//! title that is not understood is respected: what only looks like a birthday is not taken for one; a title that two own
//! fields share is neither of them.

use super::{Kind, plan::Mapping, senders::Senders};
use crate::{
    contact_fields::ContactField,
    contacts::{Column, Reading},
    files::{Row, Table, fold_title, parse_date, suggest_mapping},
    ids::ContactId,
    phone::{self, Rule},
};

/// Rows that are looked at.
pub(super) const LOOK: usize = 50;

crate::text_enum! {
    /// What a suggestion goes by.
    pub enum By("ImportSuggestionBy") {
        /// The title of the column.
        Title = "title",
        /// The values of the first rows.
        Content = "content",
    }
}

/// A field that a column probably feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The field.
    pub field: String,
    /// The column, counted from 0.
    pub column: usize,
    /// What it goes by.
    pub by: By,
}

/// What of the account columns may be about.
#[derive(Default)]
pub(super) struct Known {
    /// Its own fields.
    pub fields: Vec<ContactField>,
    /// Its senders; of unsubscribes alone.
    pub senders: Option<Vec<String>>,
}

/// Suggestions in the order of the columns.
pub(super) fn suggest(kind: Kind, table: &Table, rule: &Rule, known: &Known) -> Vec<Suggestion> {
    let rows = table.peek(LOOK);
    let mut found = if table.has_header { by_title(kind, &table.header, &rows, &known.fields) } else { Vec::new() };
    let mut by_content = |field: &str, column: Option<usize>| {
        let Some(column) = column else { return };
        if found.iter().all(|s| s.field != field && s.column != column) {
            found.push(Suggestion { field: field.to_owned(), column, by: By::Content });
        }
    };
    let columns = table.header.len();
    // Before the numbers, since a sender may look like one.
    let senders = known.senders.as_ref().map(|all| Senders::new(all, None));
    let sender = senders.and_then(|senders| only(&rows, columns, |cell| senders.find(cell).is_some()));
    by_content("sender", sender);
    // A list has no other column, however many of its first entries are slips.
    by_content("phone", phones(&rows, columns, sender, rule).or(table.is_list.then_some(0)));
    if kind == Kind::Contacts {
        let email = |cell: &str| Column::Email.read(cell, Reading::Lenient).is_ok();
        by_content("email", only(&rows, columns, email));
        if !table.has_header {
            by_content("birth_date", only(&rows, columns, |cell| parse_date(cell).is_some()));
        }
    }
    found.sort_by_key(|s| s.column);
    found
}

/// The suggestions as a mapping from field to column.
pub(super) fn mapping(table: &Table, suggestions: &[Suggestion]) -> Mapping {
    suggestions.iter().map(|s| (s.field.clone(), name(table, s.column))).collect()
}

/// The title of the column, if it is the first of that title and stands in the file, else its number.
fn name(table: &Table, column: usize) -> String {
    let title = table.header.get(column).cloned().unwrap_or_default();
    let first = table.header.iter().position(|t| *t == title) == Some(column);
    if first && table.has_header { title } else { column.saturating_add(1).to_string() }
}

fn by_title(kind: Kind, header: &[String], rows: &[Row], own: &[ContactField]) -> Vec<Suggestion> {
    let titled = |field: String, column| Suggestion { field, column, by: By::Title };
    let named = suggest_mapping(header).into_iter().enumerate();
    let mut found: Vec<Suggestion> =
        named.filter_map(|(column, field)| Some(titled(field?.to_owned(), column))).collect();
    let listed: &[&str] = match kind {
        Kind::Contacts => &[],
        Kind::Blacklist => &["reason"],
        Kind::Unsubscribes => &["sender", "reason"],
    };
    if !listed.is_empty() {
        found.retain(|s| s.field == "phone");
        for field in listed {
            let column = header.iter().position(|title| title.trim().eq_ignore_ascii_case(field));
            found.extend(column.map(|column| titled((*field).to_owned(), column)));
        }
        return found;
    }
    // The time and the source of a consent are nothing without it.
    if found.iter().all(|s| s.field != "consent") {
        found.retain(|s| s.field != "consent_at" && s.field != "consent_source");
    }
    // A column of whole names is for files that do not have them apart.
    let apart = found.iter().any(|s| matches!(s.field.as_str(), "first_name" | "last_name" | "patronymic"));
    let whole = found.iter().find(|s| s.field.starts_with("full_name")).map(|s| s.column);
    found.retain(|s| !s.field.starts_with("full_name") || (!apart && Some(s.column) == whole));
    // The ids that an export gives contacts are not the integrator's.
    found.retain(|s| s.field != "external_id" || !are_our_ids(rows, s.column));
    for (column, title) in header.iter().enumerate() {
        if found.iter().any(|s| s.column == column) {
            continue;
        }
        let field = own_field(title, own).map(|field| format!("fields.{}", field.key));
        if let Some(field) = field.filter(|field| found.iter().all(|s| s.field != *field)) {
            found.push(titled(field, column));
        }
    }
    found
}

/// The own field that a title names.
fn own_field<'a>(title: &str, own: &'a [ContactField]) -> Option<&'a ContactField> {
    let title = title.trim().to_lowercase();
    let by_key = |key: &str| own.iter().find(|field| field.key == key);
    if let Some(key) = title.strip_prefix("fields.") {
        return by_key(key);
    }
    let folded = fold_title(&title);
    by_key(&title).or_else(|| {
        let mut titled = own.iter().filter(|field| fold_title(&field.title) == folded);
        titled.next().filter(|_| !folded.is_empty() && titled.next().is_none())
    })
}

fn are_our_ids(rows: &[Row], column: usize) -> bool {
    let values = values(rows, column);
    !values.is_empty() && values.iter().all(|id| id.parse::<ContactId>().is_ok())
}

/// The column with the most numbers, if at least half of its values are numbers; not the one that is said to hold senders.
fn phones(rows: &[Row], columns: usize, sender: Option<usize>, rule: &Rule) -> Option<usize> {
    let good = |column: usize| {
        let values = values(rows, column);
        let phones = values.iter().filter(|cell| phone::parse(cell, rule).is_ok()).count();
        (phones > 0 && phones.saturating_mul(2) >= values.len()).then_some((phones, std::cmp::Reverse(column)))
    };
    (0..columns).filter(|column| Some(*column) != sender).filter_map(good).max().map(|(_, column)| column.0)
}

/// The one column all of whose values are of a kind; none where there are two.
fn only(rows: &[Row], columns: usize, is: impl Fn(&str) -> bool) -> Option<usize> {
    let fits = |column: &usize| {
        let values = values(rows, *column);
        !values.is_empty() && values.iter().all(|cell| is(cell))
    };
    let mut fitting = (0..columns).filter(fits);
    fitting.next().filter(|_| fitting.next().is_none())
}

fn values(rows: &[Row], column: usize) -> Vec<&str> {
    let cells = rows.iter().filter_map(|row| row.cells.get(column));
    cells.map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::files::{Limits, Options, open_source};

    fn suggested(kind: Kind, text: &str) -> Vec<(String, String)> {
        with_own(kind, text, &[])
    }

    /// With own fields of these keys and titles.
    fn with_own(kind: Kind, text: &str, own: &[(&str, &str)]) -> Vec<(String, String)> {
        let field = |(key, title): &(&str, &str)| ContactField {
            id: crate::ids::ContactFieldId::new(crate::clock::Timestamp(0)),
            key: (*key).to_owned(),
            title: (*title).to_owned(),
            kind: crate::contact_fields::FieldType::Text,
            choices: Vec::new(),
            created_at: crate::clock::Timestamp(0),
            version: 1,
        };
        let senders = (kind == Kind::Unsubscribes).then(|| vec!["SHOP".to_owned(), "447400900000".to_owned()]);
        let known = Known { fields: own.iter().map(field).collect(), senders };
        let source = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let table = open_source(source, "a.csv", &Limits::default(), &Options::default()).unwrap();
        mapping(&table, &suggest(kind, &table, &Rule::None, &known)).into_iter().collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned())).collect()
    }

    #[test]
    fn titles_go_before_content() {
        let text =
            "Anruf;Mail;Registered\n+447400100001;a@example.com;2020-01-01\n+447400100002;b@example.com;2020-01-02\n";
        assert_eq!(suggested(Kind::Contacts, text), pairs(&[("email", "Mail"), ("phone", "Anruf")]));
        let text = "Код;Кого;Телефон\n+447400100001;Ann;+447400100002\n";
        assert_eq!(suggested(Kind::Contacts, text), pairs(&[("external_id", "Код"), ("phone", "Телефон")]));
        let text = "Phone,Date of consent\n+447400100001,2020-01-01\n";
        assert_eq!(suggested(Kind::Contacts, text), pairs(&[("phone", "Phone")]), "no consent, no time of it");
    }

    #[test]
    fn without_titles_content_decides() {
        let text = "Ann;01.02.1990;61152000;+447400100001;a@example.com\nBob;;61152001;+447400100002;\n";
        assert_eq!(suggested(Kind::Contacts, text), pairs(&[("birth_date", "2"), ("email", "5"), ("phone", "4")]));
        assert_eq!(suggested(Kind::Blacklist, text), pairs(&[("phone", "4")]));
        let two = "+447400100001;01.02.1990;02.02.1990\n";
        assert_eq!(suggested(Kind::Contacts, two), pairs(&[("phone", "1")]), "which of two dates cannot be known");
        assert_eq!(suggested(Kind::Contacts, "Ann;Leeds\nBob;York\n"), []);
    }

    #[test]
    fn own_fields_are_known_by_name_key_and_title() {
        let own = [
            ("city", "Town"),
            ("size", "Shoe size"),
            ("since", "Customer since"),
            ("note2", "Size!"),
            ("card", "Card"),
        ];
        let text = "Phone;TOWN;card;Shoe  Size;fields.since;Customer since;other\n+447400100001;a;b;c;d;e;f\n";
        let expected = [
            ("fields.card", "card"),
            ("fields.city", "TOWN"),
            ("fields.since", "fields.since"),
            ("fields.size", "Shoe Size"),
        ];
        let expected: Vec<_> = pairs(&expected).into_iter().chain(pairs(&[("phone", "Phone")])).collect();
        assert_eq!(with_own(Kind::Contacts, text, &own), expected);
        assert_eq!(with_own(Kind::Blacklist, text, &own), pairs(&[("phone", "Phone")]));
        // A key goes before a title, a built-in name before both, and what two share is neither.
        let text = "Phone,Size,Company\n+447400100001,a,b\n";
        let own = [("a", "Company"), ("b", "Size"), ("size", "Other")];
        let expected = pairs(&[("company", "Company"), ("fields.size", "Size"), ("phone", "Phone")]);
        assert_eq!(with_own(Kind::Contacts, text, &own), expected);
        let own = [("a", "Size"), ("b", "size")];
        assert_eq!(with_own(Kind::Contacts, text, &own), pairs(&[("company", "Company"), ("phone", "Phone")]));
    }

    #[test]
    fn senders_are_known_by_title_and_content() {
        let titled = "Sender,phone,Reason\nNEWS,+447400100001,mail\n";
        let expected = pairs(&[("phone", "phone"), ("reason", "Reason"), ("sender", "Sender")]);
        assert_eq!(suggested(Kind::Unsubscribes, titled), expected);
        assert_eq!(suggested(Kind::Blacklist, titled), pairs(&[("phone", "phone"), ("reason", "Reason")]));
        let bare = "447400900000;447400100001\nshop;447400100002\n";
        assert_eq!(suggested(Kind::Unsubscribes, bare), pairs(&[("phone", "2"), ("sender", "1")]));
        assert_eq!(suggested(Kind::Unsubscribes, "447400900000\n447400100001\n"), pairs(&[("phone", "1")]));
    }

    #[test]
    fn whole_names_are_for_files_that_do_not_have_them_apart() {
        let text = "Тел;ФИО;Full name\n+447400100001;Щукин Пётр;a\n";
        assert_eq!(suggested(Kind::Contacts, text), pairs(&[("full_name_family_first", "ФИО"), ("phone", "Тел")]));
        let text = "Phone;Full name;Last name\n+447400100001;Ann Smith;Smith\n";
        assert_eq!(suggested(Kind::Contacts, text), pairs(&[("last_name", "Last name"), ("phone", "Phone")]));
    }

    #[test]
    fn our_own_ids_are_nobody_elses() {
        let id = ContactId::new(crate::clock::Timestamp(1));
        assert_eq!(suggested(Kind::Contacts, &format!("phone,id\n+447400100001,{id}\n")), pairs(&[("phone", "phone")]));
        let theirs = "phone,id\n+447400100001,c1\n";
        assert_eq!(suggested(Kind::Contacts, theirs), pairs(&[("external_id", "id"), ("phone", "phone")]));
    }
}
