//! The rows of one batch, written in set-based statements: insert what is new, merge what exists, join the groups.
//!
//! Invariants: every statement touches contacts in the order of their phones, so that two imports of the same numbers
//! wait for each other in a line and not in a circle; a number another import has just made is merged, not lost.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use serde_json::{Map, Value, json};

use super::{
    Import, Kind, MergeType, RowError,
    merge::merged,
    rows::{self, Prepared},
};
use crate::{
    blacklist::{self, Listed, Origin, Source},
    clock::Timestamp,
    contacts::{self, Column, Consent, Contact, NewConsent, Said},
    db::{Field, Records, Sql},
    error::Result,
    groups,
    ids::ContactId,
    phone::Msisdn,
    scope::AccountScope,
    trash, vals,
};

/// What became of the rows of a batch.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    /// Rows that only the database could refuse.
    pub errors: Vec<RowError>,
}

const FIELDS: &[(&str, Field)] = &[
    ("id", Field::Id),
    ("phone", Field::Int),
    ("country", Field::Text),
    ("operator", Field::Text),
    ("line_type", Field::Text),
    ("first_name", Field::Text),
    ("last_name", Field::Text),
    ("patronymic", Field::Text),
    ("birth_date", Field::Text),
    ("sex", Field::Text),
    ("email", Field::Text),
    ("company", Field::Text),
    ("link", Field::Text),
    ("comment", Field::Text),
    ("language", Field::Text),
    ("external_id", Field::Text),
    ("consent", Field::Text),
    ("consent_at", Field::Int),
    ("consent_source", Field::Text),
    ("fields", Field::Json),
];

fn names(from: usize, prefix: &str) -> String {
    let names = FIELDS.iter().skip(from).map(|(name, _)| format!("{prefix}{name}"));
    names.collect::<Vec<_>>().join(", ")
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Writes the rows of a batch, as what the import's kind makes of them.
pub(super) async fn write(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    import: &Import,
    rows: &[Prepared],
) -> Result<Written> {
    if import.kind == Kind::Blacklist {
        return list(tx, scope, import, rows).await;
    }
    let mut written = Written::default();
    let taken = taken_external_ids(tx, scope, rows).await?;
    let mut rows: Vec<&Prepared> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| row.phone);
    rows.retain(|row| {
        let Some(id) = row.get(Column::ExternalId).filter(|_| taken.contains(&row.line)) else { return true };
        let detail = "another contact has this external_id";
        written.errors.push(rows::refuse(row.line, "external_id", id, "external_id_taken", detail));
        false
    });
    let mut ids = insert(tx, scope, import, &rows).await?;
    written.created = number(ids.len());
    if ids.len() < rows.len() {
        let new: HashSet<u64> = ids.iter().map(|(phone, _)| *phone).collect();
        rows.retain(|row| !new.contains(&row.phone.as_u64()));
        let existing = existing(tx, scope, &rows).await?;
        written.updated = update(tx, scope, import, &rows, &existing).await?;
        written.unchanged = number(rows.len()).saturating_sub(written.updated);
        ids.extend(existing.into_iter().map(|(phone, contact)| (phone, contact.id)));
    }
    let ids: Vec<ContactId> = ids.into_iter().map(|(_, id)| id).collect();
    for group in &import.group_ids {
        groups::insert(tx, scope, *group, &ids).await?;
    }
    Ok(written)
}

/// Puts the numbers of a batch on the blacklist.
async fn list(tx: &DatabaseTransaction, scope: &AccountScope, import: &Import, rows: &[Prepared]) -> Result<Written> {
    let reason = |row: &Prepared| row.reason.clone().or_else(|| import.settings.reason.clone());
    let listed: Vec<Listed> = rows.iter().map(|row| Listed { phone: row.phone, reason: reason(row) }).collect();
    let origin = Origin { source: Source::Import, id: Some(import.id.to_string()) };
    let added = blacklist::insert(tx, scope, &listed, &origin).await?;
    let created = i64::try_from(added).unwrap_or(i64::MAX);
    Ok(Written { created, unchanged: number(rows.len()).saturating_sub(created), ..Written::default() })
}

/// Lines of rows whose external id belongs to another number, in the database or before in the batch.
async fn taken_external_ids(tx: &DatabaseTransaction, scope: &AccountScope, rows: &[Prepared]) -> Result<HashSet<u64>> {
    let given = |row: &Prepared| row.get(Column::ExternalId).map(str::to_owned);
    let wanted: Vec<String> = rows.iter().filter_map(given).collect();
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let list = if tx.get_database_backend() == DbBackend::Postgres {
        "(SELECT value FROM jsonb_array_elements_text($2::jsonb))"
    } else {
        "(SELECT value FROM json_each($2))"
    };
    let sql = format!("SELECT * FROM contacts WHERE account_id = $1 AND external_id IN {list}");
    let found: Vec<Contact> = tx.all(&sql, vals![scope.account(), Value::from(wanted)]).await?;
    let mut owners: HashMap<String, u64> = found
        .into_iter()
        .filter_map(|c| c.profile.get(Column::ExternalId).map(|id| (id.to_owned(), c.phone.as_u64())))
        .collect();
    let mut taken = HashSet::new();
    for row in rows {
        let Some(id) = given(row) else { continue };
        if *owners.entry(id).or_insert(row.phone.as_u64()) != row.phone.as_u64() {
            taken.insert(row.line);
        }
    }
    Ok(taken)
}

/// Inserts the contacts that are new and gives their numbers and ids.
async fn insert(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    import: &Import,
    rows: &[&Prepared],
) -> Result<Vec<(u64, ContactId)>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let now = scope.clock().now();
    // Ids in the order of the file, a microsecond apart: lists show the contacts as the file had them.
    let mut lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
    lines.sort_unstable();
    let mut by_phone = HashMap::with_capacity(rows.len());
    let mut records = Vec::with_capacity(rows.len());
    let mut said = Vec::new();
    let phones: Vec<Msisdn> = rows.iter().map(|row| row.phone).collect();
    let mut refusals = trash::refusals(tx, scope, &phones).await?;
    for row in rows {
        let place = lines.binary_search(&row.line).unwrap_or_default();
        let id = ContactId::new(now.plus(Duration::from_micros(u64::try_from(place).unwrap_or(0))));
        by_phone.insert(i64::from(row.phone), id);
        let consent = consent_of(row, import, now, refusals.remove(&row.phone));
        said.extend(consent.clone().map(|NewConsent { status, at, source }| Said {
            contact: id,
            phone: row.phone,
            status,
            at,
            source,
        }));
        records.push(new_record(row, id, consent));
    }
    let records = Records::new(FIELDS, records);
    let source = records.source(tx.get_database_backend(), 3, "r");
    let sql = format!(
        "INSERT INTO contacts (account_id, {}, metadata, created_at, updated_at, version) \
         SELECT $1, {}, {}, $2, $2, 1 FROM {source} WHERE true ORDER BY r.phone \
         ON CONFLICT (account_id, phone) DO NOTHING RETURNING phone",
        names(0, ""),
        names(0, "r."),
        if tx.get_database_backend() == DbBackend::Postgres { "'{}'::jsonb" } else { "'{}'" },
    );
    let made: Vec<i64> = tx.column(&sql, vals![scope.account(), now, records.value()]).await?;
    let new: HashSet<i64> = made.iter().copied().collect();
    said.retain(|s| new.contains(&i64::from(s.phone)));
    contacts::note(tx, scope, &said).await?;
    let id_of = |phone: i64| Some((u64::try_from(phone).ok()?, *by_phone.get(&phone)?));
    Ok(made.into_iter().filter_map(id_of).collect())
}

/// The consent of a new contact: what its number refused before it went to the trash goes before what the file says.
fn consent_of(row: &Prepared, import: &Import, now: Timestamp, refused: Option<NewConsent>) -> Option<NewConsent> {
    let told = row.consent.filter(|consent| *consent != Consent::Unknown);
    refused.or(told.map(|status| NewConsent { status, at: Some(now), source: Some(import.id.to_string()) }))
}

fn new_record(row: &Prepared, id: ContactId, consent: Option<NewConsent>) -> Value {
    let (country, operator, line_type) = row.described.clone();
    let mut record = Map::new();
    record.insert("country".into(), country.into());
    record.insert("operator".into(), operator.into());
    record.insert("line_type".into(), line_type.into());
    for (column, value) in &row.columns {
        record.insert(column.name().into(), value.clone().into());
    }
    let status = consent.as_ref().map_or(Consent::Unknown, |consent| consent.status);
    if let Some(NewConsent { status: _, at, source }) = consent {
        record.insert("consent_at".into(), at.map(|at| at.0).into());
        record.insert("consent_source".into(), source.into());
    }
    let fields = row.fields.iter().filter_map(|(key, value)| value.clone().map(|value| (key.clone(), value)));
    keyed(record, id, row.phone.as_u64(), status, fields.collect())
}

fn keyed(
    mut record: Map<String, Value>,
    id: ContactId,
    phone: u64,
    consent: Consent,
    fields: Map<String, Value>,
) -> Value {
    record.insert("id".into(), id.0.simple().to_string().into());
    record.insert("phone".into(), phone.into());
    record.insert("consent".into(), consent.as_str().into());
    record.insert("fields".into(), fields.into());
    record.into()
}

/// The contacts that have these numbers already, locked until the batch is committed.
async fn existing(tx: &DatabaseTransaction, scope: &AccountScope, rows: &[&Prepared]) -> Result<HashMap<u64, Contact>> {
    let phones: Vec<u64> = rows.iter().map(|row| row.phone.as_u64()).collect();
    let (list, lock) = if tx.get_database_backend() == DbBackend::Postgres {
        ("(SELECT value::bigint FROM jsonb_array_elements_text($2::jsonb))", " FOR NO KEY UPDATE")
    } else {
        ("(SELECT value FROM json_each($2))", "")
    };
    let sql = format!("SELECT * FROM contacts WHERE account_id = $1 AND phone IN {list} ORDER BY phone{lock}");
    let found: Vec<Contact> = tx.all(&sql, vals![scope.account(), Value::from(phones)]).await?;
    Ok(found.into_iter().map(|contact| (contact.phone.as_u64(), contact)).collect())
}

/// Merges the rows into the contacts that exist; tells how many changed.
async fn update(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    import: &Import,
    rows: &[&Prepared],
    existing: &HashMap<u64, Contact>,
) -> Result<i64> {
    let now = scope.clock().now();
    let (mut records, mut said) = (Vec::new(), Vec::new());
    for row in rows {
        let Some(contact) = existing.get(&row.phone.as_u64()) else { continue };
        if import.merge == MergeType::Skip {
            continue;
        }
        let Some(mut after) = merged(contact, row, import.merge) else { continue };
        if after.consent != contact.consent {
            after.consent_at = Some(now);
            after.consent_source = Some(import.id.to_string());
            said.push(Said {
                contact: after.id,
                phone: after.phone,
                status: after.consent,
                at: after.consent_at,
                source: after.consent_source.clone(),
            });
        }
        let mut record = Map::new();
        for (column, value) in after.profile.iter() {
            record.insert(column.name().into(), value.into());
        }
        record.insert("consent_at".into(), after.consent_at.map(|t| t.0).into());
        record.insert("consent_source".into(), after.consent_source.into());
        records.push(keyed(record, after.id, after.phone.as_u64(), after.consent, after.fields));
    }
    if records.is_empty() {
        return Ok(0);
    }
    contacts::note(tx, scope, &said).await?;
    let records = Records::new(FIELDS, records);
    let source = records.source(tx.get_database_backend(), 3, "r");
    let set: Vec<String> = FIELDS.iter().skip(5).map(|(name, _)| format!("{name} = r.{name}")).collect();
    let sql = format!(
        "UPDATE contacts SET {}, updated_at = $2, version = contacts.version + 1 FROM {source} \
         WHERE contacts.account_id = $1 AND contacts.id = r.id",
        set.join(", ")
    );
    let changed = tx.run(&sql, vals![scope.account(), now, records.value()]).await?;
    Ok(i64::try_from(changed).unwrap_or(i64::MAX))
}

/// Stores the errors of a batch.
pub(super) async fn write_errors(tx: &DatabaseTransaction, import: &Import, errors: &[RowError]) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let fields = &[
        ("line", Field::Int),
        ("code", Field::Text),
        ("detail", Field::Text),
        ("field", Field::Text),
        ("value", Field::Text),
    ];
    let rows = errors.iter().map(|e| {
        let RowError { line, code, detail, field, value } = e;
        json!({ "line": line, "code": code, "detail": detail, "field": field, "value": value })
    });
    let records = Records::new(fields, rows.collect());
    let sql = format!(
        "INSERT INTO import_errors (import_id, line, code, detail, field, value) \
         SELECT $1, r.line, r.code, r.detail, r.field, r.value FROM {} WHERE true ON CONFLICT (import_id, line) DO NOTHING",
        records.source(tx.get_database_backend(), 2, "r")
    );
    tx.run(&sql, vals![import.id, records.value()]).await?;
    Ok(())
}
