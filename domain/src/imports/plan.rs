//! Which column of the file feeds which contact field, settled once when the import is accepted.
//!
//! Pure. Invariants: exactly one column is the phone; every column of the plan is in the file; field types are taken
//! along, so that a run that is resumed reads rows as the first did.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kind, names::FullName, senders::Senders};
use crate::{
    contact_fields::{ContactField, FieldType, Typed},
    contacts::Column,
    error::{Code, Error, Result},
    files::{DateOrder, Options},
    phone::{Country, Rule},
};

/// The built-in fields a column can feed; `fields.<key>` are the account's own.
pub const TARGETS: [&str; 18] = [
    "phone",
    "first_name",
    "last_name",
    "full_name",
    "full_name_family_first",
    "patronymic",
    "birth_date",
    "sex",
    "email",
    "company",
    "link",
    "comment",
    "language",
    "time_zone",
    "external_id",
    "consent",
    "consent_at",
    "consent_source",
];

/// What a column of numbers for the blacklist can feed.
const LISTED: [&str; 2] = ["phone", "reason"];

/// What a column of unsubscribes can feed.
const UNSUBSCRIBED: [&str; 3] = ["phone", "sender", "reason"];

/// How a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether the first row holds titles: found or told.
    pub header: bool,
    /// As told; found again on each reading otherwise.
    pub separator: Option<u8>,
    /// As told; found again on each reading otherwise.
    pub encoding: Option<String>,
    /// As told; found again on each reading otherwise.
    #[serde(default)]
    pub sheet: Option<String>,
    /// The import's own default country: bare national numbers win.
    pub default_country: Option<Country>,
    /// The account's default country at that time: international numbers win.
    pub account_country: Option<Country>,
    /// Why the numbers are put on the list, where a row does not say it.
    #[serde(default)]
    pub reason: Option<String>,
    /// What the numbers want nothing from, where a row does not say it.
    #[serde(default)]
    pub sender: Option<String>,
    /// All senders of the account, of an import of unsubscribes.
    #[serde(default)]
    pub senders: Option<Vec<String>>,
    /// What comes first in dates with slashes; the day, if nobody said and the first rows did not prove it.
    #[serde(default)]
    pub dates: Option<DateOrder>,
    /// Target and 0-based column.
    pub columns: Vec<(String, usize)>,
    /// Whether the upload outlives the import: it was stored by a request of its own.
    #[serde(default)]
    pub keep_file: bool,
    /// Types of the account's own fields among the targets: the word and the choices.
    pub types: BTreeMap<String, (String, Vec<String>)>,
}

impl Settings {
    /// For the reader of tables.
    pub(super) fn options(&self) -> Options {
        let (encoding, sheet) = (self.encoding.clone(), self.sheet.clone());
        Options { header: Some(self.header), separator: self.separator, encoding, sheet }
    }
    /// How bare digits are read.
    pub(super) fn rule(&self) -> Rule {
        match (self.default_country, self.account_country) {
            (Some(country), _) => Rule::ImportCountry(country),
            (None, Some(country)) => Rule::AccountCountry(country),
            (None, None) => Rule::None,
        }
    }
    /// The plan in the form rows are read by.
    pub(super) fn plan(&self) -> Plan {
        let place = |target: &str| self.columns.iter().find(|(t, _)| t == target).map(|(_, index)| *index);
        let mut plan = Plan {
            phone: place("phone").unwrap_or_default(),
            consent: place("consent"),
            consent_at: place("consent_at"),
            consent_source: place("consent_source"),
            reason: place("reason"),
            sender: place("sender"),
            senders: self.senders.as_ref().map(|all| Senders::new(all, self.sender.clone())),
            full_name: FullName::ALL.into_iter().find_map(|form| Some((form, place(form.target())?))),
            dates: self.dates.unwrap_or(DateOrder::DayFirst),
            columns: Vec::new(),
            fields: Vec::new(),
        };
        for (target, index) in &self.columns {
            if let Some(column) = Column::by_name(target) {
                plan.columns.push((column, *index));
            } else if let Some(key) = target.strip_prefix("fields.") {
                let (kind, choices) = self.types.get(key).cloned().unwrap_or_default();
                let kind = kind.parse().unwrap_or(FieldType::Text);
                plan.fields.push((key.to_owned(), Typed { kind, choices }, *index));
            }
        }
        plan
    }
}

/// Where in a row each value stands.
pub(super) struct Plan {
    pub phone: usize,
    pub consent: Option<usize>,
    pub consent_at: Option<usize>,
    pub consent_source: Option<usize>,
    pub reason: Option<usize>,
    pub sender: Option<usize>,
    pub senders: Option<Senders>,
    pub full_name: Option<(FullName, usize)>,
    pub dates: DateOrder,
    pub columns: Vec<(Column, usize)>,
    pub fields: Vec<(String, Typed, usize)>,
}

/// Field to column, as asked for: a title or a 1-based number.
pub(super) type Mapping = BTreeMap<String, String>;

/// Target and column of each pair of a mapping.
///
/// # Errors
/// `unknown_field`, `unknown_column` with the columns there are, `invalid_request` without a phone.
pub(super) fn resolve(
    kind: Kind,
    mapping: &Mapping,
    header: &[String],
    fields: &[ContactField],
) -> Result<Vec<(String, usize)>> {
    let (built_in, fields): (&[&str], &[ContactField]) = match kind {
        Kind::Contacts => (&TARGETS, fields),
        Kind::Blacklist => (&LISTED, &[]),
        Kind::Unsubscribes => (&UNSUBSCRIBED, &[]),
    };
    let mut columns = Vec::with_capacity(mapping.len());
    for (target, column) in mapping {
        let own = target.strip_prefix("fields.").is_some_and(|key| fields.iter().any(|f| f.key == key));
        if !own && !built_in.contains(&target.as_str()) {
            return Err(unknown_field(target, built_in, fields));
        }
        columns.push((target.clone(), find(column, header).ok_or_else(|| unknown_column(target, column, header))?));
    }
    let has = |wanted: &str| columns.iter().any(|(target, _)| target == wanted);
    if !has("consent") && (has("consent_at") || has("consent_source")) {
        let detail =
            "must name the column that says whether consent was given, since consent_at or consent_source is mapped";
        return Err(Error::field("/mapping/consent", "required", detail));
    }
    for form in FullName::ALL.map(FullName::target).into_iter().filter(|form| has(form)) {
        let others = FullName::ALL.map(FullName::target).into_iter().chain(["first_name", "last_name", "patronymic"]);
        if let Some(other) = others.filter(|other| *other != form).find(|other| has(other)) {
            let detail = format!("must not come with {other}: it feeds the same fields");
            return Err(Error::field(format!("/mapping/{form}"), "exclusive", detail));
        }
    }
    if has("phone") {
        return Ok(columns);
    }
    let detail = format!("must name the column of the phone numbers, one of: {}", quoted(header));
    Err(Error::field("/mapping/phone", "required", detail))
}

/// A row of unsubscribes is about the sender that it names, or the one `given` for all rows.
pub(super) fn check_sender(kind: Kind, columns: &[(String, usize)], given: Option<&str>) -> Result<()> {
    if kind != Kind::Unsubscribes || given.is_some() || columns.iter().any(|(target, _)| target == "sender") {
        return Ok(());
    }
    let detail = "is required: one of the account's senders, for all rows; or map a column of senders to sender";
    Err(Error::field("/sender", "required", detail))
}

/// By exact title, then without regard to case and outer space, then by 1-based number.
fn find(column: &str, header: &[String]) -> Option<usize> {
    let wanted = column.trim().to_lowercase();
    header.iter().position(|title| title == column).or_else(|| {
        header.iter().position(|title| title.to_lowercase() == wanted).or_else(|| {
            let n: usize = wanted.parse().ok()?;
            n.checked_sub(1).filter(|i| *i < header.len())
        })
    })
}

fn unknown_column(target: &str, column: &str, header: &[String]) -> Error {
    let column = crate::ids::short(column);
    let detail = format!("{target}: the file has no column {column:?}. Its columns are: {}.", quoted(header));
    Error::new(Code::UnknownColumn, detail)
}

fn unknown_field(target: &str, built_in: &[&str], fields: &[ContactField]) -> Error {
    let own = fields.iter().map(|f| format!("fields.{}", f.key));
    let known: Vec<String> = built_in.iter().map(|t| (*t).to_owned()).chain(own).collect();
    let target = crate::ids::short(target);
    let detail = format!("There is no field {target:?} to fill. Fields are: {}.", known.join(", "));
    Error::new(Code::UnknownField, detail)
}

fn quoted(header: &[String]) -> String {
    header.iter().take(50).map(|t| format!("{:?}", crate::ids::short(t))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<String> {
        ["Phone", "Name", "2"].map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_are_found_by_title_then_number() {
        assert_eq!(find("Name", &header()), Some(1));
        assert_eq!(find(" name ", &header()), Some(1));
        assert_eq!(find("2", &header()), Some(2), "a title goes before a number");
        assert_eq!(find("3", &header()), Some(2));
        assert_eq!(find("4", &header()), None);
        assert_eq!(find("0", &header()), None);
    }

    #[test]
    fn refusals_name_what_there_is() {
        let code = |target: &str, column: &str| {
            let mapping = Mapping::from([(target.to_owned(), column.to_owned())]);
            resolve(Kind::Contacts, &mapping, &header(), &[]).map_err(|e| (e.code, e.detail))
        };
        let (unknown, detail) = code("phone", "Mobile").unwrap_err();
        assert!(unknown == Code::UnknownColumn && detail.contains("\"Name\""), "{detail}");
        assert_eq!(code("fields.city", "Name").unwrap_err().0, Code::UnknownField);
        assert_eq!(code("first_name", "Name").unwrap_err().0, Code::InvalidRequest, "no phone");
        let two =
            [("phone", "Phone"), ("full_name", "Name"), ("patronymic", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let error = resolve(Kind::Contacts, &Mapping::from(two), &header(), &[]).unwrap_err();
        assert_eq!(error.faults[0].pointer, "/mapping/full_name");
        assert_eq!(code("phone", "1").unwrap(), [("phone".to_owned(), 0)]);
        let of = |pairs: [(&str, &str); 2]| {
            Mapping::from(pairs.map(|(target, column)| (target.to_owned(), column.to_owned())))
        };
        let refused = resolve(Kind::Contacts, &of([("phone", "1"), ("consent_at", "2")]), &header(), &[]).unwrap_err();
        assert_eq!(refused.faults[0].pointer, "/mapping/consent");
        let mapping = of([("phone", "1"), ("first_name", "2")]);
        let refused = resolve(Kind::Blacklist, &mapping, &header(), &[]).unwrap_err();
        assert!(refused.code == Code::UnknownField && refused.detail.contains("phone, reason"), "{}", refused.detail);
        let columns = resolve(Kind::Unsubscribes, &of([("phone", "1"), ("sender", "2")]), &header(), &[]).unwrap();
        assert!(check_sender(Kind::Unsubscribes, &columns, None).is_ok());
        let phone = &columns[..1];
        assert!(check_sender(Kind::Unsubscribes, phone, Some("SHOP")).is_ok());
        assert!(check_sender(Kind::Blacklist, phone, None).is_ok());
        assert_eq!(check_sender(Kind::Unsubscribes, phone, None).unwrap_err().faults[0].pointer, "/sender");
    }
}
