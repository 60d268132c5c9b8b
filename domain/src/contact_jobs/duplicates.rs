//! Finding contacts that are the same person, and merging them or leaving only one of them.
//!
//! Walks: 0 notes for each contact a digest of what the fields say, folded; 1 forgets what only one contact has, and
//! counts the sets that remain; 2 settles them, unless it is a dry run: who has another value by then is no member any
//! more. The sets can be looked at for a week.
//!
//! Kept to a group or a filter, only those who are meant by it are looked at, and whoever is not by the time the sets are
//! settled is no member any more.
//!
//! For `phone` a set is one contact whose values differ between its groups: walk 0 finds them, 2 lets its own values and,
//! where it has none, those of its groups in the order of their making hold everywhere.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Map;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Action, Job, Outcome, PIECE, Selection, Survivor, count, queries};
use crate::{
    contacts::{
        self, Column, Contact, MAX_MERGED, Merge,
        filter::{self, Operand, Test, Tree, alike},
    },
    db::{Columns, Sql, Window, ids_json, ids_list},
    error::{Code, Error, Result},
    groups::{self, Elsewhere},
    ids::{ContactId, ContactJobId},
    scope::AccountScope,
    trash, vals,
};

/// Sets of one step that settles them.
const SETS: usize = 50;
/// Contacts of a set that is settled; a set of more is left alone, since such a value is no person's.
const MAX_SET: usize = MAX_MERGED + 1;
/// Contacts of a set that are shown.
pub const SHOWN: usize = 100;

/// Contacts that are perhaps the same person.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateSet {
    /// Its place in the list.
    pub key: Uuid,
    /// How many there were when they were found.
    pub found: i64,
    /// Those that are there now, in the order of their making; at most [`SHOWN`].
    pub contacts: Vec<Contact>,
    /// For `phone`: the values that the contact has in groups only.
    pub elsewhere: Vec<Elsewhere>,
}

/// A set with its size.
struct Set {
    key: Uuid,
    n: i64,
}

/// What is compared: without case, outer and repeated spaces; `ё` is `е` and `ß` is `ss`. `None` when a field is missing.
fn digest(contact: &Contact, by: &[String]) -> Option<Uuid> {
    let mut hash = Sha256::new();
    for name in by {
        let text = match (Column::by_name(name), name.strip_prefix("fields.")) {
            (Some(column), _) => contact.profile.get(column).map(str::to_owned),
            (None, Some(key)) => {
                contact.fields.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            }
            (None, None) => None,
        };
        let folded = alike(&text?);
        if folded.is_empty() {
            return None;
        }
        hash.update(folded);
        hash.update([0]);
    }
    Uuid::from_slice(hash.finalize().get(..16)?).ok()
}

/// The next step of any of the walks.
pub(super) async fn step(tx: &DatabaseTransaction, scope: &AccountScope, job: &Job, by: &[String]) -> Result<Outcome> {
    let in_groups = by.iter().any(|name| name == "phone");
    let meant = meant(tx, scope, job).await?;
    match job.phase {
        0 if in_groups => differing(tx, scope, job, meant.as_ref()).await,
        0 => note(tx, scope, job, by, meant.as_ref()).await,
        1 => forget(tx, job).await,
        _ => settle(tx, scope, job, by, meant.as_ref()).await,
    }
}

/// Among whom they are looked for; `None`: all.
async fn meant(conn: &impl ConnectionTrait, scope: &AccountScope, job: &Job) -> Result<Option<Tree>> {
    let Selection::Duplicates { by: _, group_id, filter } = &job.selection else { return Ok(None) };
    let group = group_id.map(|id| Tree::is(Operand::Groups, Test::Members(vec![id])));
    let filter = match filter {
        Some(filter) => Some(filter::read_at(conn, scope, filter, "/filter", job.created_at).await?),
        None => None,
    };
    Ok(match (group, filter) {
        (Some(group), Some(filter)) => Some(group.and(filter)),
        (group, filter) => group.or(filter),
    })
}

/// What comes after the sets are known.
fn then(job: &Job) -> Option<(i64, Option<Uuid>)> {
    (!job.dry_run && job.action.is_some()).then_some((2, None))
}

async fn note(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    job: &Job,
    by: &[String],
    meant: Option<&Tree>,
) -> Result<Outcome> {
    let rows: Vec<Contact> = match meant {
        Some(tree) => {
            let ids = filter::ids(tx, scope, tree, job.after.map(ContactId), PIECE).await?;
            contacts::several(tx, scope, &ids).await?
        }
        None => {
            let sql = "SELECT * FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3";
            tx.all(sql, vals![scope.account(), job.after.unwrap_or(Uuid::nil()), count(PIECE)]).await?
        }
    };
    let keys: Vec<(Uuid, ContactId)> = rows.iter().filter_map(|c| Some((digest(c, by)?, c.id))).collect();
    keep(tx, job, &keys).await?;
    let next = match rows.last() {
        Some(last) if rows.len() == PIECE => (0, Some(last.id.0)),
        _ => (1, None),
    };
    Ok(Outcome { scanned: count(rows.len()), next: Some(next), ..Outcome::default() })
}

async fn differing(tx: &DatabaseTransaction, scope: &AccountScope, job: &Job, meant: Option<&Tree>) -> Result<Outcome> {
    let after = job.after.map(ContactId);
    let page = groups::with_overrides(tx, scope, after, PIECE).await?;
    let mut ids: Vec<ContactId> = page.iter().map(|(id, _)| *id).collect();
    if let Some(tree) = meant {
        let among = filter::among(tx, scope, tree, &ids).await?;
        ids.retain(|id| among.contains(id));
    }
    let own: HashMap<ContactId, Contact> =
        contacts::several(tx, scope, &ids).await?.into_iter().map(|c| (c.id, c)).collect();
    let differs = |(id, elsewhere): &&(ContactId, Vec<Elsewhere>)| own.get(id).is_some_and(|c| differ(c, elsewhere));
    let keys: Vec<(Uuid, ContactId)> = page.iter().filter(differs).map(|(id, _)| (id.0, *id)).collect();
    keep(tx, job, &keys).await?;
    let next = match page.last() {
        Some((last, _)) if page.len() == PIECE => Some((0, Some(last.0))),
        _ => then(job),
    };
    Ok(Outcome { scanned: count(page.len()), matched: count(keys.len()), changed: 0, next })
}

/// Whether a value in some group is another than the contact's own.
fn differ(contact: &Contact, elsewhere: &[Elsewhere]) -> bool {
    elsewhere.iter().flat_map(|e| &e.overrides).any(|(key, value)| {
        match (Column::by_name(key), key.strip_prefix("fields.")) {
            (Some(column), _) => contact.profile.get(column) != value.as_str(),
            (None, Some(key)) => contact.fields.get(key) != Some(value),
            (None, None) => false,
        }
    })
}

async fn keep(tx: &DatabaseTransaction, job: &Job, keys: &[(Uuid, ContactId)]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns =
        Columns::new().ids("key", keys.iter().map(|(key, _)| *key)).ids("contact_id", keys.iter().map(|(_, id)| id.0));
    let sql = format!(
        "INSERT INTO contact_job_keys (job_id, key, contact_id) SELECT $1, x.key, x.contact_id FROM {} WHERE true \
         ON CONFLICT (job_id, key, contact_id) DO NOTHING",
        columns.source(backend, 2, "x")
    );
    tx.run(&sql, columns.after(backend, vals![job.id])).await?;
    Ok(())
}

/// Up to `limit` sets after one, in the order of their keys; and whether there are more. Rows are read in pieces by the
/// primary key and counted here: a GROUP BY with a limit may read the whole table for every page, as long as nobody has
/// analyzed it.
async fn page(conn: &impl ConnectionTrait, job: ContactJobId, after: Uuid, limit: usize) -> Result<(Vec<Set>, bool)> {
    let rows = limit.saturating_mul(2).max(100);
    let (mut sets, mut after): (Vec<Set>, Uuid) = (Vec::new(), after);
    loop {
        let sql = "SELECT key FROM contact_job_keys WHERE job_id = $1 AND key > $2 ORDER BY key LIMIT $3";
        let keys: Vec<Uuid> = conn.column(sql, vals![job, after, count(rows)]).await?;
        for key in &keys {
            match sets.last_mut().filter(|set| set.key == *key) {
                Some(set) => set.n = set.n.saturating_add(1),
                None => sets.push(Set { key: *key, n: 1 }),
            }
        }
        let full = keys.len() == rows;
        if let Some(last) = sets.last_mut().filter(|_| full) {
            // The piece may have ended within it.
            let sql = "SELECT COUNT(*) FROM contact_job_keys WHERE job_id = $1 AND key = $2";
            last.n = conn.scalar(sql, vals![job, last.key]).await?.unwrap_or(last.n);
            after = last.key;
        }
        if !full || sets.len() > limit {
            let more = sets.len() > limit;
            sets.truncate(limit);
            return Ok((sets, more));
        }
    }
}

async fn forget(tx: &DatabaseTransaction, job: &Job) -> Result<Outcome> {
    let (rows, more) = page(tx, job.id, job.after.unwrap_or(Uuid::nil()), PIECE).await?;
    let alone = rows.iter().filter(|set| set.n == 1).map(|set| set.key);
    let sql =
        format!("DELETE FROM contact_job_keys WHERE job_id = $1 AND key IN {}", ids_list(tx.get_database_backend(), 2));
    tx.run(&sql, vals![job.id, ids_json(alone)]).await?;
    let matched = count(rows.iter().filter(|set| set.n > 1).count());
    let next = match rows.last() {
        Some(last) if more => Some((1, Some(last.key))),
        _ => then(job),
    };
    Ok(Outcome { scanned: 0, matched, changed: 0, next })
}

async fn settle(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    job: &Job,
    by: &[String],
    meant: Option<&Tree>,
) -> Result<Outcome> {
    let Some(action) = &job.action else { return Ok(Outcome::default()) };
    let (rows, more) = page(tx, job.id, job.after.unwrap_or(Uuid::nil()), SETS).await?;
    let mut changed = 0_i64;
    for set in &rows {
        let mut members = members(tx, scope, job.id, set.key, MAX_SET.saturating_add(1)).await?;
        if let Some(tree) = meant {
            let ids: Vec<ContactId> = members.iter().map(|contact| contact.id).collect();
            let among = filter::among(tx, scope, tree, &ids).await?;
            members.retain(|contact| among.contains(&contact.id));
        }
        let done = if by.iter().any(|name| name == "phone") {
            match members.into_iter().next() {
                Some(contact) => one_value(tx, scope, contact).await?,
                None => false,
            }
        } else if members.len() > MAX_SET {
            false
        } else {
            members.retain(|contact| digest(contact, by) == Some(set.key));
            one_contact(tx, scope, &members, action).await?
        };
        changed = changed.saturating_add(i64::from(done));
    }
    let next = rows.last().filter(|_| more).map(|last| (2, Some(last.key)));
    Ok(Outcome { scanned: 0, matched: 0, changed, next })
}

/// The contacts of a set that are there now, in the order of their making.
async fn members(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    job: ContactJobId,
    key: Uuid,
    limit: usize,
) -> Result<Vec<Contact>> {
    let sql = "SELECT c.* FROM contact_job_keys k JOIN contacts c ON c.id = k.contact_id AND c.account_id = $1 \
        WHERE k.job_id = $2 AND k.key = $3 ORDER BY k.contact_id LIMIT $4";
    Ok(conn.all(sql, vals![scope.account(), job, key, count(limit)]).await?)
}

/// Leaves one contact of a set.
async fn one_contact(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    members: &[Contact],
    action: &Action,
) -> Result<bool> {
    let (Action::Merge { survivor } | Action::TrashOthers { survivor }) = action else { return Ok(false) };
    let chosen = match survivor {
        Survivor::Oldest => members.first(),
        Survivor::Newest => members.last(),
        Survivor::LastUpdated => members.iter().max_by_key(|c| (c.updated_at, c.id)),
    };
    let Some(chosen) = chosen.map(|c| c.id) else { return Ok(false) };
    let others: Vec<ContactId> = members.iter().map(|c| c.id).filter(|id| *id != chosen).collect();
    if others.is_empty() {
        return Ok(false);
    }
    if matches!(action, Action::TrashOthers { .. }) {
        return Ok(trash::contacts(tx, scope, &others).await? > 0);
    }
    let order = Merge { survivor: chosen, others, prefer: BTreeMap::new() };
    Ok(contacts::merge(tx, scope, order).await?.1 > 0)
}

/// Lets a contact have one value everywhere.
async fn one_value(tx: &DatabaseTransaction, scope: &AccountScope, contact: Contact) -> Result<bool> {
    let elsewhere = groups::overrides_of(tx, scope, contact.id).await?;
    let mut columns = Vec::new();
    let mut fields = Map::new();
    for (key, value) in elsewhere.iter().flat_map(|e| &e.overrides) {
        match (Column::by_name(key), key.strip_prefix("fields.")) {
            (Some(column), _)
                if contact.profile.get(column).is_none() && !columns.iter().any(|(known, _)| *known == column) =>
            {
                columns.push((column, value.as_str().map(str::to_owned)));
            }
            (None, Some(key)) if !contact.fields.contains_key(key) => {
                fields.entry(key.to_owned()).or_insert_with(|| value.clone());
            }
            _ => {}
        }
    }
    let patch = contacts::Patch { columns, fields, ..contacts::Patch::default() };
    contacts::update(tx, scope, contact.id, patch, None).await?;
    Ok(groups::clear_overrides(tx, scope, contact.id).await? > 0)
}

/// A page of the sets that a job has found; and whether there are more.
///
/// # Errors
/// `not_found`; `conflict` for a job that looks for no duplicates, or has not found them all yet.
pub async fn sets(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    id: ContactJobId,
    window: Window<Uuid>,
) -> Result<(Vec<DuplicateSet>, bool)> {
    let job = queries::get(conn, scope, id).await?;
    let Selection::Duplicates { by, .. } = &job.selection else {
        return Err(Error::new(Code::Conflict, "This job looks for no duplicates."));
    };
    if !job.status.is_final() && job.phase < 2 {
        return Err(Error::new(
            Code::Conflict,
            "The duplicates are still being looked for; ask again when it is done.",
        ));
    }
    let in_groups = by.iter().any(|name| name == "phone");
    let (rows, more) = page(conn, id, window.after.unwrap_or(Uuid::nil()), window.limit).await?;
    let mut sets = Vec::with_capacity(rows.len());
    for Set { key, n } in rows {
        let contacts = members(conn, scope, id, key, SHOWN).await?;
        let elsewhere = match contacts.first() {
            Some(contact) if in_groups => groups::overrides_of(conn, scope, contact.id).await?,
            _ => Vec::new(),
        };
        sets.push(DuplicateSet { key, found: n, contacts, elsewhere });
    }
    Ok((sets, more))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn what_people_write_differently_is_the_same() {
        let contact = |name: &str, city: serde_json::Value| {
            let mut contact = Contact::sample();
            contact.profile.set(Column::FirstName, Some(name.to_owned()));
            contact.fields.insert("city".to_owned(), city);
            contact
        };
        let by = ["first_name".to_owned(), "fields.city".to_owned()];
        let one = digest(&contact("Алёна  Ивановна", "York".into()), &by);
        assert!(one.is_some());
        assert_eq!(one, digest(&contact(" АЛЕНА ИВАНОВНА", "york ".into()), &by));
        assert_eq!(
            digest(&contact("ΣΊΣΥΦΟΣ", "Straße".into()), &by),
            digest(&contact("Σίσυφος", "STRASSE".into()), &by)
        );
        assert_ne!(one, digest(&contact("Алена", "Ивановна York".into()), &by), "fields do not run into one another");
        assert_eq!(digest(&contact(" ", "York".into()), &by), None);
        assert_eq!(digest(&contact("A", "York".into()), &["fields.town".to_owned()]), None);
        assert_eq!(
            digest(&contact("A", 7.into()), &["fields.city".to_owned()]),
            digest(&contact("A", "7".into()), &["fields.city".to_owned()])
        );
    }
}
