//! What is written is what is read, through sea-orm's own binds and through records, on both databases.

use serde_json::json;

use super::{Field, Records, Sql, ids_json, ids_list, in_span, spanned};
use crate::{
    clock::Timestamp,
    ids::{ChunkId, MessageId},
    testing::stages,
    vals,
};

#[tokio::test]
async fn ids_times_texts_and_json_survive_both_ways_of_binding() {
    const FIELDS: &[(&str, Field)] =
        &[("id", Field::Id), ("at", Field::Int), ("text", Field::Text), ("data", Field::Json)];
    for stage in stages().await {
        let backend = stage.db.backend();
        let columns = if stage.db.is_sqlite() {
            "id BLOB, at INTEGER, t TEXT, data TEXT"
        } else {
            "id UUID, at BIGINT, t TEXT, data JSONB"
        };
        let tx = stage.db.begin().await.unwrap();
        tx.run(&format!("CREATE TABLE trip ({columns})"), vals![]).await.unwrap();
        let (bound, recorded) = (MessageId::new(stage.clock.now()), MessageId::new(stage.clock.now()));
        let (at, text, data) =
            (Timestamp(-1), "Ці\u{0}на'\"\\ 🎉".replace('\u{0}', ""), json!({ "a": ["b", null, 1, true] }));
        tx.run("INSERT INTO trip VALUES ($1, $2, $3, $4)", vals![bound, at, text.clone(), data.clone()]).await.unwrap();
        let row = json!({ "id": recorded.0.simple().to_string(), "at": at.0, "text": text, "data": data });
        let records = Records::new(FIELDS, vec![row]);
        let sql = format!(
            "INSERT INTO trip SELECT x.id, x.at, x.text, x.data FROM {} WHERE true",
            records.source(backend, 1, "x")
        );
        tx.run(&sql, vals![records.value()]).await.unwrap();
        for (ids, found) in [(vec![recorded.0, bound.0], 2), (vec![bound.0], 1), (vec![], 0)] {
            let sql = format!("SELECT id FROM trip WHERE {}", in_span(backend, "id", 1));
            assert_eq!(tx.column::<MessageId>(&sql, spanned(&ids)).await.unwrap().len(), found);
        }
        for id in [bound, recorded] {
            let sql = format!("SELECT at FROM trip WHERE id IN {}", ids_list(backend, 1));
            assert_eq!(tx.scalar::<Timestamp>(&sql, vals![ids_json([id.0])]).await.unwrap(), Some(at));
            assert_eq!(tx.scalar::<MessageId>("SELECT id FROM trip WHERE id = $1", vals![id]).await.unwrap(), Some(id));
            assert_eq!(
                tx.scalar::<String>("SELECT t FROM trip WHERE id = $1", vals![id]).await.unwrap().as_ref(),
                Some(&text)
            );
            let read: serde_json::Value =
                tx.scalar("SELECT data FROM trip WHERE id = $1", vals![id]).await.unwrap().unwrap();
            assert_eq!(read, data);
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    for stage in stages().await {
        let tx = stage.db.begin().await.unwrap();
        tx.run("INSERT INTO leases (name, owner, until) VALUES ('x', 'y', 1)", vals![]).await.unwrap();
        drop(tx);
        assert_eq!(stage.count("leases").await, 0);
    }
}

#[tokio::test]
async fn a_lease_has_one_owner_at_a_time() {
    for stage in stages().await {
        let lasts = std::time::Duration::from_secs(5);
        let take =
            async |owner: &str| crate::leases::take(&stage.db, &stage.system, "one", owner, lasts).await.unwrap();
        assert!(take("a").await && take("a").await && !take("b").await);
        stage.clock.advance(lasts * 2);
        assert!(take("b").await && !take("a").await);
        crate::leases::give_back(&stage.db, &stage.system, "one", "b").await.unwrap();
        assert!(take("a").await);
        assert!(ChunkId::new(stage.clock.now()).to_string().starts_with("chk_"));
    }
}
