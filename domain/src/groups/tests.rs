//! Memberships and their parents, on both databases.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::{
    db::Sql,
    ids::GroupId,
    testing::{Stage, stages},
    vals,
};

/// An id that nothing has.
fn some_id(stage: &Stage) -> Uuid {
    GroupId::new(stage.clock.now()).0
}

async fn group(stage: &Stage) -> Uuid {
    let id = some_id(stage);
    let sql = "INSERT INTO groups (id, account_id, name, hidden, stop_list, created_at, updated_at, version) VALUES ($1, $2, $3, $4, $4, 0, 0, 1)";
    stage.db.writer().run(sql, vals![id, stage.scope.account(), id.to_string(), false]).await.unwrap();
    id
}

async fn add(conn: &impl ConnectionTrait, group: Uuid, contact: Uuid) -> Result<u64, sea_orm::DbErr> {
    let sql = "INSERT INTO contact_groups (group_id, contact_id, added_at) VALUES ($1, $2, 0)";
    conn.run(sql, vals![group, contact]).await
}

#[tokio::test]
async fn there_is_no_membership_without_its_group_and_its_contact() {
    for stage in stages().await {
        stage.many_contacts(10).await;
        let contacts: Vec<Uuid> = stage.db.read().column("SELECT id FROM contacts ORDER BY id", vals![]).await.unwrap();
        let (one, two) = (group(&stage).await, group(&stage).await);
        let writer = stage.db.writer();
        assert!(add(writer, one, some_id(&stage)).await.is_err(), "no such contact");
        assert!(add(writer, some_id(&stage), contacts[0]).await.is_err(), "no such group");
        for contact in &contacts[..4] {
            add(writer, one, *contact).await.unwrap();
            add(writer, two, *contact).await.unwrap();
        }
        writer.run("DELETE FROM contacts WHERE id = $1", vals![contacts[0]]).await.unwrap();
        assert_eq!(stage.count("contact_groups").await, 6, "they go with their contact");
        writer.run("DELETE FROM groups WHERE id = $1", vals![one]).await.unwrap();
        assert_eq!(stage.count("contact_groups").await, 3, "they go with their group");
        assert_eq!(stage.count("contacts").await, 9);
        if stage.db.is_sqlite() {
            continue; // one writer: nothing happens at the same moment
        }
        // A membership that is not committed yet holds off who would delete its contact or its group; also when the same
        // transaction has written the contact before.
        for (table, contact, written) in
            [("contacts", contacts[5], false), ("contacts", contacts[8], true), ("groups", contacts[6], false)]
        {
            let parent = if table == "groups" { two } else { contact };
            let adding = stage.db.begin().await.unwrap();
            if written {
                adding.run("UPDATE contacts SET version = 2 WHERE id = $1", vals![contact]).await.unwrap();
            }
            add(&adding, two, contact).await.unwrap();
            let sql = format!("DELETE FROM {table} WHERE id = $1");
            let commit = async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                adding.commit().await.unwrap();
            };
            let (deleted, ()) = tokio::join!(writer.run(&sql, vals![parent]), commit);
            assert_eq!(deleted.unwrap(), 1);
            let sql = "SELECT COUNT(*) FROM contact_groups WHERE contact_id = $1 OR group_id = $1";
            assert_eq!(stage.db.read().scalar::<i64>(sql, vals![parent]).await.unwrap(), Some(0), "{table}");
        }
        let deleting = stage.db.begin().await.unwrap();
        deleting.run("UPDATE contacts SET version = 2 WHERE id = $1", vals![contacts[9]]).await.unwrap();
        deleting.run("DELETE FROM contacts WHERE id = $1", vals![contacts[9]]).await.unwrap();
        let three = group(&stage).await;
        assert!(add(&deleting, three, contacts[9]).await.is_err(), "the same transaction has deleted its contact");
        deleting.rollback().await.unwrap();
        // And one that is being deleted holds off who would add to it, and then is not there.
        let deleting = stage.db.begin().await.unwrap();
        deleting.run("DELETE FROM contacts WHERE id = $1", vals![contacts[7]]).await.unwrap();
        let commit = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            deleting.commit().await.unwrap();
        };
        let (added, ()) = tokio::join!(add(writer, three, contacts[7]), commit);
        assert!(added.is_err(), "its contact has gone meanwhile");
    }
}
