//! Keeping `contact_search` with the contacts.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::text_of;
use crate::{
    contacts::Contact,
    db::{Columns, Db, Sql, ids_json, ids_list},
    error::Result,
    ids::AccountId,
    scope::AccountScope,
    vals,
};

/// Contacts written anew in one transaction.
const BATCH: i64 = 2_000;
/// Contacts read at a time: on SQLite each reader's thread keeps the memory that its largest answer took.
const READ: usize = 250;

#[derive(FromQueryResult)]
struct Noted {
    n: i64,
    contact_id: Uuid,
}

/// A contact and whose it is.
struct Row {
    account: AccountId,
    contact: Contact,
}

impl FromQueryResult for Row {
    fn from_query_result(row: &sea_orm::QueryResult, pre: &str) -> Result<Self, sea_orm::DbErr> {
        Ok(Self { account: row.try_get(pre, "account_id")?, contact: Contact::from_query_result(row, pre)? })
    }
}

/// Writes the texts of contacts that have changed since they were last written; tells how many were looked at.
///
/// A contact that changes between being read here and being written is noted again by its change. A number of the queue
/// is no sign of what has been committed before it, so exactly what was read is taken off.
///
/// # Errors
/// When the database refuses; nothing is taken off the queue then.
pub async fn gather(db: &Db) -> Result<u64> {
    let sql = "SELECT n, contact_id FROM contact_search_queue ORDER BY n LIMIT $1";
    let noted: Vec<Noted> = db.read().all(sql, vals![BATCH]).await?;
    if noted.is_empty() {
        return Ok(0);
    }
    let ids: HashSet<Uuid> = noted.iter().map(|noted| noted.contact_id).collect();
    let sql = format!("SELECT * FROM contacts WHERE id IN {}", ids_list(db.backend(), 1));
    let mut rows: Vec<Row> = Vec::with_capacity(ids.len());
    let mut in_order: Vec<Uuid> = ids.iter().copied().collect();
    in_order.sort_unstable();
    for piece in in_order.chunks(READ) {
        rows.extend(db.read().all::<Row>(&sql, vals![ids_json(piece.iter().copied())]).await?);
    }
    let found: HashSet<Uuid> = rows.iter().map(|row| row.contact.id.0).collect();
    let gone = ids.into_iter().filter(|id| !found.contains(id));
    let texts: Vec<(AccountId, Uuid, String)> =
        rows.iter().map(|Row { account, contact }| (*account, contact.id.0, text_of(contact))).collect();
    let tx = db.begin().await?;
    let sql = format!("DELETE FROM contact_search WHERE contact_id IN {}", ids_list(db.backend(), 1));
    tx.run(&sql, vals![ids_json(gone)]).await?;
    store(&tx, &texts).await?;
    let done = Columns::new().ints("n", noted.iter().map(|noted| noted.n));
    let sql =
        format!("DELETE FROM contact_search_queue WHERE n IN (SELECT x.n FROM {})", done.source(db.backend(), 1, "x"));
    tx.run(&sql, done.after(db.backend(), vals![])).await?;
    tx.commit().await?;
    Ok(u64::try_from(noted.len()).unwrap_or(u64::MAX))
}

/// Writes the text of a contact that was made or changed by itself, so that it is found at once.
///
/// # Errors
/// When the database refuses.
pub async fn write(tx: &DatabaseTransaction, scope: &AccountScope, contact: &Contact) -> Result<()> {
    store(tx, &[(scope.account(), contact.id.0, text_of(contact))]).await
}

async fn store(tx: &DatabaseTransaction, texts: &[(AccountId, Uuid, String)]) -> Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new()
        .ids("account", texts.iter().map(|(account, ..)| account.0))
        .ids("contact", texts.iter().map(|(_, contact, _)| *contact))
        .texts("body", texts.iter().map(|(.., text)| text.as_str()));
    let sql = format!(
        "INSERT INTO contact_search (account_id, contact_id, text) SELECT x.account, x.contact, COALESCE(x.body, '') FROM {} \
         WHERE true ORDER BY x.contact ON CONFLICT (contact_id) DO UPDATE SET text = excluded.text \
         WHERE contact_search.text <> excluded.text",
        columns.source(backend, 1, "x")
    );
    tx.run(&sql, columns.after(backend, vals![])).await?;
    Ok(())
}
