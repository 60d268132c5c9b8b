//! One row of the file: from cells to values, or to the reason why not.
//!
//! Pure. Invariant: an accepted row is accepted whole; a value that cannot be read refuses the row and names the field.

use std::borrow::Cow;

use serde_json::Value;

use super::{RowError, cells, plan::Plan};
use crate::{
    blacklist::MAX_REASON,
    clock::Timestamp,
    contact_fields::{FieldType, Rejected},
    contacts::{Column, Described, NewConsent, Reading, described},
    files::{Row, parse_moment},
    phone::{Msisdn, Rule},
};

/// Characters of a cell that an error shows.
const SHOWN: usize = 100;
/// Characters of the source of a consent.
const MAX_SOURCE: usize = 200;

/// A row ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prepared {
    pub line: u64,
    pub phone: Msisdn,
    /// What the number tells, looked up on the reading thread.
    pub described: Described,
    /// The mapped columns; `None` for an empty cell.
    pub columns: Vec<(Column, Option<String>)>,
    /// The mapped fields of the account; `None` for an empty cell.
    pub fields: Vec<(String, Option<Value>)>,
    /// `None` for an empty cell, or when no column is mapped.
    pub consent: Option<NewConsent>,
    /// Why the number is put on the list.
    pub reason: Option<String>,
    /// What it wants nothing from, of unsubscribes.
    pub sender: Option<String>,
}

impl Prepared {
    /// The value of a column.
    pub fn get(&self, column: Column) -> Option<&str> {
        self.columns.iter().find(|(c, _)| *c == column).and_then(|(_, value)| value.as_deref())
    }
}

fn cell(row: &Row, index: usize) -> &str {
    row.cells.get(index).map_or("", |c| c.trim())
}

/// What a row is about. A second row about the same is a duplicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub phone: Msisdn,
    /// Whether its digits had two valid readings.
    pub ambiguous: bool,
    /// Of unsubscribes alone.
    pub sender: Option<String>,
}

/// Reads what the row is about: it decides first whether the row is a duplicate.
pub(super) fn read_key(row: &Row, plan: &Plan, rule: &Rule) -> Result<Key, RowError> {
    let raw = cell(row, plan.phone);
    let parsed = crate::phone::parse(raw, rule).map_err(|e| refuse(row.line, "phone", raw, e.code, e.detail))?;
    let raw = plan.sender.map_or("", |index| cell(row, index));
    let sender = plan.senders.as_ref().map(|senders| senders.read(raw));
    let sender = sender.transpose().map_err(|e| refuse(row.line, "sender", raw, e.code, e.detail))?;
    Ok(Key { phone: parsed.number, ambiguous: parsed.ambiguous, sender })
}

/// Reads the rest of a row. No consent can have been given after `latest`.
pub(super) fn read(row: &Row, plan: &Plan, key: Key, latest: Timestamp) -> Result<Prepared, RowError> {
    let Key { phone, ambiguous: _, sender } = key;
    let wrong = |field: &str, raw: &str, e: Rejected| refuse(row.line, field, raw, e.code, e.detail);
    let mut columns = Vec::with_capacity(plan.columns.len());
    for (column, index) in &plan.columns {
        let raw = cell(row, *index);
        let text = if *column == Column::BirthDate { plan.dates.day_first(raw) } else { Cow::Borrowed(raw) };
        let value = column.read(&text, Reading::Lenient).map_err(|e| wrong(column.name(), raw, e))?;
        columns.push((*column, value));
    }
    if let Some((form, index)) = plan.full_name {
        let raw = cell(row, index);
        for (column, name) in form.split(raw) {
            let value = column.read(&name, Reading::Lenient).map_err(|e| wrong(form.target(), raw, e))?;
            columns.push((column, value));
        }
    }
    let mut fields = Vec::with_capacity(plan.fields.len());
    for (key, typed, index) in &plan.fields {
        let raw = cell(row, *index);
        let text = if typed.kind == FieldType::Date { plan.dates.day_first(raw) } else { Cow::Borrowed(raw) };
        let value = if raw.is_empty() { None } else { Some(cells::own(typed, &text)) };
        let value = value.transpose().map_err(|e| wrong(&format!("fields.{key}"), raw, e))?;
        fields.push((key.clone(), value));
    }
    let consent = read_consent(row, plan, latest)?;
    let reason = plan.reason.map(|index| cell(row, index)).filter(|raw| !raw.is_empty());
    if let Some(raw) = reason.filter(|raw| raw.chars().count() > MAX_REASON) {
        let detail = format!("must have at most {MAX_REASON} characters");
        return Err(wrong("reason", raw, Rejected::new("too_long", detail)));
    }
    let reason = reason.map(str::to_owned);
    Ok(Prepared { line: row.line, phone, described: described(phone), columns, fields, consent, reason, sender })
}

/// A statement of consent, where the row makes one; when and whence, where it tells.
fn read_consent(row: &Row, plan: &Plan, latest: Timestamp) -> Result<Option<NewConsent>, RowError> {
    let given = |place: Option<usize>| place.map(|index| cell(row, index)).filter(|raw| !raw.is_empty());
    let refused = |field: &str, raw: &str, code, detail: &str| refuse(row.line, field, raw, code, detail);
    let Some(raw) = given(plan.consent) else { return Ok(None) };
    let said = cells::consent(raw)
        .ok_or_else(|| refused("consent", raw, "invalid_consent", "must be yes, no, given, refused or unknown"))?;
    let Some(status) = said else { return Ok(None) };
    let at = match given(plan.consent_at) {
        None => None,
        Some(raw) => match parse_moment(&plan.dates.day_first(raw)).map(Timestamp::from) {
            Some(at) if at <= latest => Some(at),
            Some(_) => return Err(refused("consent_at", raw, "invalid_time", "must not be in the future")),
            None => {
                let detail = "must be a day or a moment, such as 2026-11-21 or 2026-11-21 10:00";
                return Err(refused("consent_at", raw, "invalid_time", detail));
            }
        },
    };
    let source = given(plan.consent_source);
    if let Some(raw) = source.filter(|raw| raw.chars().count() > MAX_SOURCE) {
        return Err(refused("consent_source", raw, "too_long", &format!("must have at most {MAX_SOURCE} characters")));
    }
    if let Some(raw) = source.filter(|raw| raw.chars().any(char::is_control)) {
        return Err(refused("consent_source", raw, "control_character", "must not have control characters"));
    }
    Ok(Some(NewConsent { status, at, source: source.map(str::to_owned) }))
}

/// A refusal; what it shows is cut, and free of characters that a database refuses.
pub(super) fn refuse(line: u64, field: &str, raw: &str, code: &str, detail: impl Into<String>) -> RowError {
    let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    RowError {
        line: i64::try_from(line).unwrap_or(i64::MAX),
        code: code.to_owned(),
        detail: detail.into(),
        field: Some(field.to_owned()),
        value: (!raw.is_empty()).then(|| raw.chars().take(SHOWN).map(clean).collect()),
    }
}
