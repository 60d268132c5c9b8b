//! Deleting for good: contacts and groups, live or in the trash, with all that is kept beside them.
//!
//! Invariant: a refused consent outlives its contact, as an entry of the blacklist, or an import would make the number anew
//! and write to it. Not where another contact of that number lives, whose own consent rules.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Value};

use super::MAX_IDS;
use crate::{
    blacklist, contacts,
    db::{Columns, Db, Sql, ids_json, ids_list},
    error::{Error, Result},
    ids::{AccountId, ContactId, GroupId},
    phone::Msisdn,
    scope::{AccountScope, SystemScope},
    vals,
};

/// What of a contact that went is still to be known.
#[derive(FromQueryResult)]
struct Gone {
    account_id: AccountId,
    phone: i64,
    consent: String,
}

impl Gone {
    /// The number, if it wanted nothing more.
    fn refused(&self) -> Option<Msisdn> {
        Msisdn::try_from(self.phone).ok().filter(|_| self.consent == contacts::Consent::Refused.as_str())
    }
}

/// Puts numbers that refused on the blacklist, but for those of which a contact lives.
async fn outlive(tx: &DatabaseTransaction, scope: &AccountScope, refused: &[Msisdn]) -> Result<()> {
    if refused.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let columns = Columns::new().ints("phone", refused.iter().map(|phone| i64::from(*phone)));
    let sql = format!(
        "SELECT x.phone FROM {} WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.account_id = $1 AND c.phone = x.phone)",
        columns.source(backend, 2, "x")
    );
    let left: Vec<i64> = tx.column(&sql, columns.after(backend, vals![scope.account()])).await?;
    let left: Vec<Msisdn> = left.into_iter().filter_map(|phone| Msisdn::try_from(phone).ok()).collect();
    blacklist::outlive(tx, scope, &left).await
}

/// Contacts of one transaction of the sweep.
const PIECE: usize = 2_000;
/// Transactions of one sweep.
const PIECES: usize = 25;

/// Deletes contacts for good, wherever they are, with their memberships and statements of consent; tells how many there
/// were. Messages they received keep their number, and the blacklist keeps its.
///
/// # Errors
/// `invalid_request` for too many ids.
pub async fn purge_contacts(tx: &DatabaseTransaction, scope: &AccountScope, ids: &[ContactId]) -> Result<u64> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(Error::field("/contact_ids", "invalid_count", format!("must have 1 to {MAX_IDS} ids")));
    }
    let (list, bind) = (ids_list(tx.get_database_backend(), 2), ids_json(ids.iter().map(|id| id.0)));
    let mut gone = 0_u64;
    let mut refused = Vec::new();
    for table in ["contacts", "trashed_contacts"] {
        let sql =
            format!("DELETE FROM {table} WHERE account_id = $1 AND id IN {list} RETURNING account_id, phone, consent");
        let went: Vec<Gone> = tx.all(&sql, vals![scope.account(), bind.clone()]).await?;
        gone = gone.saturating_add(u64::try_from(went.len()).unwrap_or(0));
        refused.extend(went.iter().filter_map(Gone::refused));
    }
    outlive(tx, scope, &refused).await?;
    let sql = format!("DELETE FROM contact_consents WHERE account_id = $1 AND contact_id IN {list}");
    tx.run(&sql, vals![scope.account(), bind.clone()]).await?;
    let sql = format!("DELETE FROM contact_merges WHERE account_id = $1 AND survivor_id IN {list}");
    tx.run(&sql, vals![scope.account(), bind.clone()]).await?;
    // Of the account's own groups, so that another account's id takes nothing along.
    let sql = format!(
        "DELETE FROM trashed_memberships WHERE contact_id IN {list} \
         AND group_id IN (SELECT id FROM trashed_groups WHERE account_id = $1 UNION ALL SELECT id FROM groups WHERE account_id = $1)"
    );
    tx.run(&sql, vals![scope.account(), bind]).await?;
    Ok(gone)
}

/// The same for those of `ids` that are in the trash; the living are left alone.
///
/// # Errors
/// `invalid_request` for too many ids.
pub async fn purge_trashed(tx: &DatabaseTransaction, scope: &AccountScope, ids: &[ContactId]) -> Result<u64> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(Error::field("/contact_ids", "invalid_count", format!("must have 1 to {MAX_IDS} ids")));
    }
    let list = ids_list(tx.get_database_backend(), 2);
    let sql = format!("SELECT id FROM trashed_contacts WHERE account_id = $1 AND id IN {list}");
    let there: Vec<ContactId> = tx.column(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    if there.is_empty() { Ok(0) } else { purge_contacts(tx, scope, &there).await }
}

/// Deletes a live group for good; its contacts stay. Tells whether there was one.
///
/// # Errors
/// When the database refuses.
pub async fn purge_live_group(tx: &DatabaseTransaction, scope: &AccountScope, id: GroupId) -> Result<bool> {
    let sql = "DELETE FROM groups WHERE account_id = $1 AND id = $2";
    let gone = tx.run(sql, vals![scope.account(), id]).await? > 0;
    if gone {
        // Of contacts that are in the trash.
        tx.run("DELETE FROM trashed_memberships WHERE group_id = $1", vals![id]).await?;
    }
    Ok(gone)
}

/// Ends the time of a group in the trash: from now on it is not there, and the sweep deletes what it leaves.
///
/// # Errors
/// `not_found`.
pub async fn purge_group(tx: &DatabaseTransaction, scope: &AccountScope, id: GroupId) -> Result<()> {
    let sql = "UPDATE trashed_groups SET purge_at = $3 WHERE account_id = $1 AND id = $2 AND purge_at > $3";
    match tx.run(sql, vals![scope.account(), id, scope.clock().now()]).await? {
        0 => Err(Error::not_found("group in the trash")),
        _ => Ok(()),
    }
}

/// Purges what has lain in the trash for its time, in pieces, and tells how many rows went.
///
/// # Errors
/// When the database refuses; what was purged stays so.
pub async fn sweep(db: &Db, system: &SystemScope) -> Result<u64> {
    let now = system.clock.now();
    let limit = Value::from(i64::try_from(PIECE).unwrap_or(i64::MAX));
    let mut gone = 0_u64;
    for _ in 0..PIECES {
        let sql = "SELECT id FROM trashed_contacts WHERE purge_at <= $1 ORDER BY purge_at LIMIT $2";
        let ids: Vec<ContactId> = db.read().column(sql, vec![now.into(), limit.clone()]).await?;
        if ids.is_empty() {
            break;
        }
        let tx = db.begin().await?;
        let (list, bind) = (ids_list(tx.get_database_backend(), 1), ids_json(ids.iter().map(|id| id.0)));
        // Asked again within the transaction: one may have been restored, or restored and deleted anew, meanwhile.
        let sql = format!(
            "DELETE FROM trashed_contacts WHERE id IN {list} AND purge_at <= $2 RETURNING account_id, phone, consent, id"
        );
        #[derive(FromQueryResult)]
        struct Taken {
            id: ContactId,
            #[sea_orm(nested)]
            gone: Gone,
        }
        let taken: Vec<Taken> = tx.all(&sql, vals![bind, now]).await?;
        let mut refused: BTreeMap<AccountId, Vec<Msisdn>> = BTreeMap::new();
        for gone in taken.iter().map(|one| &one.gone) {
            refused.entry(gone.account_id).or_default().extend(gone.refused());
        }
        for (account, phones) in &refused {
            outlive(&tx, &system.of(*account, true), phones).await?;
        }
        let bind = ids_json(taken.iter().map(|one| one.id.0));
        for (table, column) in [
            ("contact_consents", "contact_id"),
            ("trashed_memberships", "contact_id"),
            ("contact_merges", "survivor_id"),
        ] {
            tx.run(&format!("DELETE FROM {table} WHERE {column} IN {list}"), vals![bind.clone()]).await?;
        }
        tx.commit().await?;
        gone = gone.saturating_add(u64::try_from(taken.len()).unwrap_or(0));
        if ids.len() < PIECE {
            break;
        }
    }
    let sql = "SELECT id FROM trashed_groups WHERE purge_at <= $1 ORDER BY purge_at LIMIT 20";
    let groups: Vec<GroupId> = db.read().column(sql, vals![now]).await?;
    for id in groups {
        gone = gone.saturating_add(empty(db, id, &limit).await?);
    }
    Ok(gone)
}

/// Deletes the memberships of a group whose time is over, in pieces, and then the group. Nobody restores it meanwhile.
async fn empty(db: &Db, id: GroupId, limit: &Value) -> Result<u64> {
    for _ in 0..PIECES {
        let tx = db.begin().await?;
        let sql = "DELETE FROM trashed_memberships WHERE group_id = $1 AND contact_id IN \
            (SELECT contact_id FROM trashed_memberships WHERE group_id = $1 ORDER BY contact_id LIMIT $2)";
        let went = tx.run(sql, vec![id.into(), limit.clone()]).await?;
        let last = usize::try_from(went).unwrap_or(usize::MAX) < PIECE;
        if last {
            tx.run("DELETE FROM trashed_groups WHERE id = $1", vals![id]).await?;
        }
        tx.commit().await?;
        if last {
            return Ok(1);
        }
    }
    Ok(0) // the next sweep goes on
}
