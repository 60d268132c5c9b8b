//! The region and the time zones of contacts that were written by a version that knew none. Every writer of this version
//! stores them with the number; a sweep walks what there was before, once, by id, and is done when it comes to the end.
//!
//! Invariants: only what is missing is written, and only while the number is the one that was looked up; neither the
//! version nor the moment of the last change moves, since nobody has changed the contact.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use crate::{
    db::{Columns, Db, Sql, ids_json, ids_list},
    error::Result,
    ids::ContactId,
    phone::{Msisdn, NumberInfo, describe},
    scope::AccountScope,
    vals,
};

/// Contacts looked at in one transaction.
const PAGE: i64 = 5_000;

#[derive(FromQueryResult)]
struct Place {
    after_id: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    phone: i64,
}

/// Looks up the next contacts; tells how many there were. Costs nothing once all are done.
///
/// # Errors
/// When the database refuses; the place stays then.
pub async fn gather(db: &Db) -> Result<u64> {
    let place: Option<Place> =
        db.read().one("SELECT after_id FROM contact_regions_read WHERE one = 1", vals![]).await?;
    let Some(Place { after_id }) = place else { return Ok(0) };
    let sql = "SELECT id, phone FROM contacts WHERE id > $1 ORDER BY id LIMIT $2";
    let rows: Vec<Row> = db.read().all(sql, vals![after_id.unwrap_or_default(), PAGE]).await?;
    let tx = db.begin().await?;
    match rows.last() {
        Some(last) => {
            fill(&tx, &rows).await?;
            let sql =
                "UPDATE contact_regions_read SET after_id = $1 WHERE one = 1 AND (after_id IS NULL OR after_id < $1)";
            tx.run(sql, vals![last.id]).await?;
        }
        None => {
            tx.run("DELETE FROM contact_regions_read WHERE one = 1", vals![]).await?;
        }
    }
    tx.commit().await?;
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

/// The same for some contacts of an account: those that come out of the trash may have lain there for long.
pub(crate) async fn complete(tx: &DatabaseTransaction, scope: &AccountScope, ids: &[ContactId]) -> Result<()> {
    let list = ids_list(tx.get_database_backend(), 2);
    let sql = format!(
        "SELECT id, phone FROM contacts WHERE account_id = $1 AND id IN {list} AND (region IS NULL OR number_zones IS NULL) \
         ORDER BY id"
    );
    let rows: Vec<Row> = tx.all(&sql, vals![scope.account(), ids_json(ids.iter().map(|id| id.0))]).await?;
    fill(tx, &rows).await
}

async fn fill(tx: &DatabaseTransaction, rows: &[Row]) -> Result<()> {
    let told = |Row { id, phone }: &Row| {
        let NumberInfo { region, zones, .. } = describe(Msisdn::try_from(*phone).ok()?);
        region.or(zones).map(|_| (*id, *phone, region, zones))
    };
    let known: Vec<(Uuid, i64, Option<&str>, Option<&str>)> = rows.iter().filter_map(told).collect();
    if known.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    if backend == DbBackend::Postgres {
        // In the order in which others lock them.
        let sql = format!("SELECT id FROM contacts WHERE id IN {} ORDER BY id FOR NO KEY UPDATE", ids_list(backend, 1));
        let _locked: Vec<Uuid> = tx.column(&sql, vals![ids_json(known.iter().map(|(id, ..)| *id))]).await?;
    }
    let columns = Columns::new()
        .ids("id", known.iter().map(|(id, ..)| *id))
        .ints("phone", known.iter().map(|(_, phone, ..)| *phone))
        .some_texts("region", known.iter().map(|(_, _, region, _)| *region))
        .some_texts("zones", known.iter().map(|(.., zones)| *zones));
    let sql = format!(
        "UPDATE contacts SET region = COALESCE(contacts.region, r.region), number_zones = COALESCE(contacts.number_zones, r.zones) FROM {} \
         WHERE contacts.id = r.id AND contacts.phone = r.phone \
         AND ((contacts.region IS NULL AND r.region IS NOT NULL) OR (contacts.number_zones IS NULL AND r.zones IS NOT NULL))",
        columns.source(backend, 1, "r")
    );
    tx.run(&sql, columns.after(backend, vals![])).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contacts::{Contact, New, Patch, create, get, quick_add, update, upsert},
        phone::find_in_text,
        testing::{Stage, stages, write_tx},
        trash,
    };

    async fn made(stage: &Stage, phone: &str) -> Contact {
        let new = New { phone: phone.into(), ..New::default() };
        write_tx!(stage, tx => create(&tx, &stage.scope, new)).unwrap()
    }

    async fn region(stage: &Stage, id: ContactId) -> Option<String> {
        get(stage.db.read(), &stage.scope, id).await.unwrap().region
    }

    async fn zones(stage: &Stage, id: ContactId) -> Option<String> {
        get(stage.db.read(), &stage.scope, id).await.unwrap().number_zones
    }

    /// Contacts as a version without regions and time zones left them.
    async fn forget(stage: &Stage) {
        write_tx!(stage, tx => tx.run("UPDATE contacts SET region = NULL, number_zones = NULL", vals![])).unwrap();
    }

    #[tokio::test]
    async fn every_writer_stores_the_region_and_the_zones_of_the_number() {
        for stage in stages().await {
            let one = made(&stage, "+13125550123").await;
            assert_eq!(one.region.as_deref(), Some("Illinois"));
            assert_eq!(one.number_zones.as_deref(), Some("America/Chicago"));
            let to = |phone: &str| Patch { phone: Some(phone.into()), ..Patch::default() };
            for (phone, expected, zones) in [
                ("+447400120966", None, "44"),
                ("+8613800138000", Some("Beijing"), "Asia/Shanghai"),
                ("+15062342164", Some("New Brunswick"), "America/Halifax"),
            ] {
                let one = write_tx!(stage, tx => update(&tx, &stage.scope, one.id, to(phone), None)).unwrap();
                assert_eq!((one.region.as_deref(), one.number_zones.as_deref()), (expected, Some(zones)), "{phone}");
            }
            let other = write_tx!(stage, tx => upsert(&tx, &stage.scope, "crm-1", to("+12025550123"), None)).unwrap().0;
            assert_eq!(other.region.as_deref(), Some("Washington D.C."));
            assert_eq!(other.number_zones.as_deref(), Some("America/New_York"));
            let found = find_in_text("+1 312 555 0124, +44 7400 120967", None);
            let added = write_tx!(stage, tx => quick_add(&tx, &stage.scope, found, &[], false)).unwrap();
            let ids: Vec<ContactId> = added.iter().filter_map(|one| one.contact).collect();
            assert_eq!(region(&stage, ids[0]).await.as_deref(), Some("Illinois"));
            assert_eq!(region(&stage, ids[1]).await, None);
            assert_eq!(zones(&stage, ids[1]).await.as_deref(), Some("44"));
        }
    }

    #[tokio::test]
    async fn what_there_was_before_is_looked_up_once() {
        for stage in stages().await {
            assert_eq!(gather(&stage.db).await.unwrap(), 0, "a new base has nothing to look up");
            let (us, gb, cn) = (
                made(&stage, "+13125550123").await,
                made(&stage, "+447400120966").await,
                made(&stage, "+8613800138000").await,
            );
            forget(&stage).await;
            write_tx!(stage, tx => tx.run("INSERT INTO contact_regions_read (one) VALUES (1)", vals![])).unwrap();
            assert_eq!(gather(&stage.db).await.unwrap(), 3);
            for before in [us, gb, cn.clone()] {
                assert_eq!(get(stage.db.read(), &stage.scope, before.id).await.unwrap(), before, "nothing else moves");
            }
            forget(&stage).await;
            assert_eq!(gather(&stage.db).await.unwrap(), 0, "none after the last");
            assert_eq!(stage.count("contact_regions_read").await, 0);
            assert_eq!(gather(&stage.db).await.unwrap(), 0);
            assert_eq!(region(&stage, cn.id).await, None);
        }
    }

    #[tokio::test]
    async fn a_contact_that_lay_in_the_trash_meanwhile_has_its_region_too() {
        for stage in stages().await {
            let one = made(&stage, "+13125550123").await;
            forget(&stage).await;
            write_tx!(stage, tx => trash::contact(&tx, &stage.scope, one.id, None)).unwrap();
            let back = write_tx!(stage, tx => trash::restore_contact(&tx, &stage.scope, one.id)).unwrap();
            assert_eq!(back.region.as_deref(), Some("Illinois"));
            assert_eq!(back.number_zones.as_deref(), Some("America/Chicago"));
        }
    }
}
