//! Making one contact of several that are the same person.
//!
//! The survivor keeps its number and what it has; what it lacks is filled from the others, in their order. Groups are
//! united; a refusal, a place on the blacklist and an unsubscribe of any of them hold for the survivor. The others go to
//! the trash, and their messages are listed as the survivor's.
//!
//! Invariants: one transaction; the same merge again changes nothing; of two at once that want the same contact, the
//! second finds it merged.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use serde_json::Value;

use super::{Column, Consent, Contact, MAX_METADATA, Said, consent, queries, update};
use crate::{
    blacklist,
    db::{Field, Records, Sql, ids_json, ids_list},
    error::{Code, Error, Faults, Result},
    groups,
    ids::ContactId,
    scope::AccountScope,
    trash, unsubscribes, vals,
};

/// Contacts that one merge may name beside the survivor.
pub const MAX_MERGED: usize = 100;

/// What is to be merged.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The contact that stays.
    pub survivor: ContactId,
    /// Those that become it, in the order in which they fill what it lacks.
    pub others: Vec<ContactId>,
    /// Whose value of a field is taken instead: by `first_name`, …, `fields.<key>`.
    pub prefer: BTreeMap<String, ContactId>,
}

#[derive(FromQueryResult)]
struct Before {
    contact_id: ContactId,
    survivor_id: ContactId,
}

/// Merges; gives the survivor and how many were merged now.
///
/// # Errors
/// `not_found` for the survivor; `invalid_request` with every fault; `conflict` for a contact that was merged into
/// another one.
pub async fn merge(tx: &DatabaseTransaction, scope: &AccountScope, order: Merge) -> Result<(Contact, usize)> {
    let Merge { survivor, mut others, prefer } = order;
    if others.is_empty() || others.len() > MAX_MERGED {
        let detail = format!("must have 1 to {MAX_MERGED} ids");
        return Err(Error::field("/contact_ids", "invalid_count", detail));
    }
    let backend = tx.get_database_backend();
    let all = || ids_json(others.iter().chain([&survivor]).map(|id| id.0));
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let list = ids_list(backend, 2);
    let sql = format!("SELECT * FROM contacts WHERE account_id = $1 AND id IN {list} ORDER BY id{lock}");
    let rows: Vec<Contact> = tx.all(&sql, vals![scope.account(), all()]).await?;
    let mut rows: HashMap<ContactId, Contact> = rows.into_iter().map(|c| (c.id, c)).collect();
    let sql =
        format!("SELECT contact_id, survivor_id FROM contact_merges WHERE account_id = $1 AND contact_id IN {list}");
    let merged: Vec<Before> = tx.all(&sql, vals![scope.account(), all()]).await?;
    let merged: HashMap<ContactId, ContactId> =
        merged.into_iter().map(|Before { contact_id, survivor_id }| (contact_id, survivor_id)).collect();
    let elsewhere = |id: ContactId, other: ContactId| {
        Error::new(Code::Conflict, format!("The contact {id} was merged into {other} before."))
    };
    let Some(before) = rows.remove(&survivor) else {
        return Err(merged.get(&survivor).map_or(Error::not_found("contact"), |other| elsewhere(survivor, *other)));
    };
    let mut faults = Faults::default();
    for (place, id) in others.iter().enumerate() {
        let at = format!("/contact_ids/{place}");
        if *id == survivor {
            faults.add(at, "same_contact", "is the survivor itself");
        } else if !rows.contains_key(id) {
            match merged.get(id) {
                Some(other) if *other == survivor => {} // done before
                Some(other) => return Err(elsewhere(*id, *other)),
                None => faults.add(at, "not_found", "is not a contact of this account"),
            }
        }
    }
    for (name, id) in &prefer {
        let at = format!("/prefer/{}", name.replace('~', "~0").replace('/', "~1"));
        if Column::by_name(name).is_none() && !name.starts_with("fields.") {
            faults.add(at, "unknown_field", "is not a field, such as first_name or fields.<key>");
        } else if *id != survivor && !others.contains(id) {
            faults.add(at, "not_found", "is not one of the merged contacts");
        }
    }
    faults.check()?;
    let mut seen = std::collections::HashSet::new();
    others.retain(|id| seen.insert(*id));
    let losers: Vec<Contact> = others.iter().filter_map(|id| rows.remove(id)).collect();
    if losers.is_empty() {
        return Ok((before, 0));
    }
    let ids: Vec<ContactId> = losers.iter().map(|c| c.id).collect();
    groups::unite(tx, survivor, &ids).await?;
    trash::contacts(tx, scope, &ids).await?;
    let after = united(&before, &losers, &prefer);
    if (after.consent, after.consent_at) != (before.consent, before.consent_at) {
        let Contact { consent: status, consent_at: at, consent_source: source, phone, .. } = after.clone();
        consent::note(tx, scope, &[Said { contact: survivor, phone, status, at, source }]).await?;
    }
    update::store(tx, scope, after).await?;
    for loser in &losers {
        blacklist::carry_over(tx, scope, loser, before.phone).await?;
        unsubscribes::carry_over(tx, scope, loser, before.phone).await?;
    }
    note_merges(tx, scope, survivor, &ids).await?;
    Ok((queries::get(tx, scope, survivor).await?, losers.len()))
}

async fn note_merges(
    tx: &DatabaseTransaction,
    scope: &AccountScope,
    survivor: ContactId,
    others: &[ContactId],
) -> Result<()> {
    let backend = tx.get_database_backend();
    // Who was merged into one of these is the survivor now.
    let sql = format!(
        "UPDATE contact_merges SET survivor_id = $2 WHERE account_id = $1 AND survivor_id IN {}",
        ids_list(backend, 3)
    );
    tx.run(&sql, vals![scope.account(), survivor, ids_json(others.iter().map(|id| id.0))]).await?;
    let rows = others.iter().map(|id| serde_json::json!({ "id": id.0.simple().to_string() }));
    let rows = Records::new(&[("id", Field::Id)], rows.collect());
    let sql = format!(
        "INSERT INTO contact_merges (contact_id, account_id, survivor_id, merged_at) SELECT x.id, $1, $2, $3 FROM {} \
         WHERE true ON CONFLICT (contact_id) DO UPDATE SET survivor_id = excluded.survivor_id, merged_at = excluded.merged_at",
        rows.source(backend, 4, "x")
    );
    tx.run(&sql, vals![scope.account(), survivor, scope.clock().now(), rows.value()]).await?;
    Ok(())
}

/// The survivor with what the others give it.
fn united(survivor: &Contact, others: &[Contact], prefer: &BTreeMap<String, ContactId>) -> Contact {
    let mut after = survivor.clone();
    let of = |name: &str| prefer.get(name).and_then(|id| others.iter().find(|c| c.id == *id));
    for column in Column::ALL {
        let own = survivor.profile.get(column);
        let value = match of(column.name()) {
            Some(chosen) => chosen.profile.get(column).or(own),
            None => own.or(others.iter().find_map(|c| c.profile.get(column))),
        };
        after.profile.set(column, value.map(str::to_owned));
    }
    for other in others {
        for (key, value) in &other.fields {
            after.fields.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for (key, value) in &other.metadata {
            if after.metadata.len() < MAX_METADATA {
                after.metadata.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    for name in prefer.keys() {
        let Some(key) = name.strip_prefix("fields.") else { continue };
        let chosen: Option<&Value> = of(name).and_then(|c| c.fields.get(key));
        if let Some(value) = chosen {
            after.fields.insert(key.to_owned(), value.clone());
        }
    }
    // The most restrictive: a refusal of any; else what the survivor has said; else what another has.
    let said = |status: Consent| [survivor].into_iter().chain(others).find(|c| c.consent == status);
    let winner = said(Consent::Refused).or(Some(survivor).filter(|c| c.consent != Consent::Unknown));
    if let Some(winner) = winner.or_else(|| said(Consent::Given)) {
        after.consent = winner.consent;
        after.consent_at = winner.consent_at;
        after.consent_source.clone_from(&winner.consent_source);
    }
    after
}
