//! The rows of one batch, written in set-based statements: insert what is new, merge what exists, join the groups.
//!
//! Invariants: every statement touches contacts in the order of their phones, so that two imports of the same numbers
//! wait for each other in a line and not in a circle; a number another import has just made is merged, not lost.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use serde_json::Value;

use super::{
    Import, Kind, RowError,
    merge::merged,
    record::{Record, changed, columns},
    rows::{self, Prepared},
};
use crate::{
    blacklist::{self, Listed, Origin, Source},
    contacts::{self, Column, Contact, Said},
    db::{Columns, Sql},
    error::Result,
    groups,
    ids::ContactId,
    phone::Msisdn,
    scope::AccountScope,
    trash,
    unsubscribes::{self, Wanted},
    vals,
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

impl Written {
    /// Some of the rows were new on a list, the others stood there.
    fn added(added: u64, rows: &[Prepared]) -> Self {
        let created = i64::try_from(added).unwrap_or(i64::MAX);
        Self { created, unchanged: number(rows.len()).saturating_sub(created), ..Self::default() }
    }
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
    match import.kind {
        Kind::Contacts => {}
        Kind::Blacklist => return list(tx, scope, import, rows).await,
        Kind::Unsubscribes => return unsubscribe(tx, scope, import, rows).await,
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
    let zones = Zones::of(tx, scope, &rows).await?;
    let made = insert(tx, scope, import, &rows, zones).await?;
    written.created = number(made.len());
    let ids = |of: &[(u64, ContactId)]| of.iter().map(|(_, id)| *id).collect::<Vec<ContactId>>();
    for group in &import.group_ids {
        groups::insert_new(tx, scope, *group, &ids(&made)).await?;
    }
    if made.len() < rows.len() {
        let new: HashSet<u64> = made.iter().map(|(phone, _)| *phone).collect();
        rows.retain(|row| !new.contains(&row.phone.as_u64()));
        let existing = existing(tx, scope, &rows).await?;
        written.updated = update(tx, scope, import, (&rows, &existing), zones).await?;
        written.unchanged = number(rows.len()).saturating_sub(written.updated);
        let existing: Vec<ContactId> = existing.into_values().map(|contact| contact.id).collect();
        for group in &import.group_ids {
            groups::insert(tx, scope, *group, &existing).await?;
        }
    }
    Ok(written)
}

/// The time zones that numbers tell; read only for a batch that names some.
#[derive(Clone, Copy)]
struct Zones(Option<contacts::Clock>);

impl Zones {
    async fn of(tx: &DatabaseTransaction, scope: &AccountScope, rows: &[&Prepared]) -> Result<Self> {
        match rows.iter().any(|row| row.get(Column::TimeZone).is_some()) {
            true => Ok(Self(Some(contacts::Clock::read(tx, scope, scope.clock().now()).await?))),
            false => Ok(Self(None)),
        }
    }

    fn told(self, row: &Prepared) -> Option<&'static str> {
        Some(self.0?.told(row.described.zones?))
    }
}

/// Puts the numbers of a batch on the blacklist.
async fn list(tx: &DatabaseTransaction, scope: &AccountScope, import: &Import, rows: &[Prepared]) -> Result<Written> {
    let reason = |row: &Prepared| row.reason.clone().or_else(|| import.settings.reason.clone());
    let listed: Vec<Listed> = rows.iter().map(|row| Listed { phone: row.phone, reason: reason(row) }).collect();
    let origin = Origin { source: Source::Import, id: Some(import.id.to_string()) };
    let added = blacklist::insert(tx, scope, &listed, &origin).await?;
    Ok(Written::added(added, rows))
}

/// Notes what the numbers of a batch want nothing from.
async fn unsubscribe(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    import: &Import,
    rows: &[Prepared],
) -> Result<Written> {
    let reason = |row: &Prepared| row.reason.clone().or_else(|| import.settings.reason.clone());
    let pair = |row: &Prepared| Some(Wanted { phone: row.phone, sender: row.sender.clone()?, reason: reason(row) });
    let pairs: Vec<Wanted> = rows.iter().filter_map(pair).collect();
    let (source, id) = (unsubscribes::Source::Import, Some(import.id.to_string()));
    let added = unsubscribes::insert(tx, scope, &pairs, source, id).await?;
    Ok(Written::added(added, rows))
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
    zones: Zones,
) -> Result<Vec<(u64, ContactId)>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let backend = tx.get_database_backend();
    let now = scope.clock().now();
    // Ids in the order of the file, a microsecond apart: lists show the contacts as the file had them.
    let mut lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
    lines.sort_unstable();
    let source = import.id.to_string();
    let phones: Vec<Msisdn> = rows.iter().map(|row| row.phone).collect();
    let mut refused = trash::refusals(tx, scope, &phones).await?;
    let new = rows.iter().map(|row| {
        let place = lines.binary_search(&row.line).unwrap_or_default();
        let id = ContactId::new(now.plus(Duration::from_micros(u64::try_from(place).unwrap_or(0))));
        // What a number refused before it went to the trash goes before what the file says.
        let stated = refused.remove(&row.phone).or_else(|| row.consent.clone());
        Record::new(row, id, stated, (now, &source), zones.told(row))
    });
    let new: Vec<Record> = new.collect();
    let by_phone: HashMap<i64, ContactId> = new.iter().map(|record| (record.phone, record.id)).collect();
    let described = rows.iter().map(|row| &row.described);
    let columns = columns(&new)
        .ints("phone", new.iter().map(|record| record.phone))
        .some_texts("country", described.clone().map(|is| is.country.as_deref()))
        .some_texts("region", described.clone().map(|is| is.region))
        .some_texts("operator", described.clone().map(|is| is.operator))
        .some_texts("line_type", described.clone().map(|is| is.line_type.as_deref()))
        .some_texts("number_zones", described.map(|is| is.zones))
        .without_nulls();
    let names = columns.names();
    let sql = format!(
        "INSERT INTO contacts (account_id, {names}, metadata, created_at, updated_at, version) \
         SELECT $1, {names}, {}, $2, $2, 1 FROM {} WHERE true ORDER BY phone \
         ON CONFLICT (account_id, phone) DO NOTHING RETURNING phone",
        if backend == DbBackend::Postgres { "'{}'::jsonb" } else { "'{}'" },
        columns.source(backend, 3, "r"),
    );
    let made: Vec<i64> = tx.column(&sql, columns.after(backend, vals![scope.account(), now])).await?;
    let inserted: HashSet<i64> = made.iter().copied().collect();
    let said = new.iter().filter(|record| inserted.contains(&record.phone)).filter_map(Record::said);
    contacts::note(tx, scope, &said.collect::<Vec<Said>>()).await?;
    let id_of = |phone: i64| Some((u64::try_from(phone).ok()?, *by_phone.get(&phone)?));
    Ok(made.into_iter().filter_map(id_of).collect())
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
    (rows, existing): (&[&Prepared], &HashMap<u64, Contact>),
    zones: Zones,
) -> Result<i64> {
    let now = scope.clock().now();
    let source = import.id.to_string();
    let merge =
        |row: &&Prepared| merged(existing.get(&row.phone.as_u64())?, row, import.merge, now, &source, zones.told(row));
    let changes: Vec<Record> = rows.iter().filter_map(merge).map(Record::from).collect();
    if changes.is_empty() {
        return Ok(0);
    }
    let restated = |record: &&Record| {
        u64::try_from(record.phone)
            .ok()
            .and_then(|phone| existing.get(&phone))
            .is_none_or(|before| record.restates(before))
    };
    let said = changes.iter().filter(restated).filter_map(Record::said);
    contacts::note(tx, scope, &said.collect::<Vec<Said>>()).await?;
    let backend = tx.get_database_backend();
    let columns = columns(&changes);
    let set: Vec<String> = changed().map(|name| format!("{name} = r.{name}")).collect();
    let sql = format!(
        "UPDATE contacts SET {}, updated_at = $2, version = contacts.version + 1 FROM {} \
         WHERE contacts.account_id = $1 AND contacts.id = r.id",
        set.join(", "),
        columns.source(backend, 3, "r")
    );
    let changed = tx.run(&sql, columns.after(backend, vals![scope.account(), now])).await?;
    Ok(i64::try_from(changed).unwrap_or(i64::MAX))
}

/// Stores the errors of a batch.
pub(super) async fn write_errors(tx: &DatabaseTransaction, import: &Import, errors: &[RowError]) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ints("line", errors.iter().map(|e| e.line))
        .texts("code", errors.iter().map(|e| e.code.as_str()))
        .texts("detail", errors.iter().map(|e| e.detail.as_str()))
        .some_texts("field", errors.iter().map(|e| e.field.as_deref()))
        .some_texts("value", errors.iter().map(|e| e.value.as_deref()));
    let sql = format!(
        "INSERT INTO import_errors (import_id, line, code, detail, field, value) \
         SELECT $1, r.line, r.code, r.detail, r.field, r.value FROM {} WHERE true ON CONFLICT (import_id, line) DO NOTHING",
        columns.source(backend, 2, "r")
    );
    tx.run(&sql, columns.after(backend, vals![import.id])).await?;
    Ok(())
}
