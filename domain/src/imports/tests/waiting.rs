//! A database that is away, and files that take long to read.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::*;
use crate::{db::Sql, imports::WORK, vals};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusing_database_fails_no_import() {
    for stage in stages().await {
        let queued = accept(&stage, many(3_000).as_bytes(), "a.csv", Order::default()).await.unwrap();
        stage.db.writer().execute_unprepared("ALTER TABLE contacts RENAME TO away").await.unwrap();
        assert!(run(&stage.db, &stage.system, queued.id, "test").await.is_err(), "the job is tried again");
        let now = get(stage.db.read(), &stage.scope, queued.id).await.unwrap();
        assert_eq!((now.status, now.error), (ImportStatus::Running, None));
        assert_eq!(stage.count("files").await, 1, "the file is kept");
        let free = "SELECT COUNT(*) FROM imports WHERE lease_owner IS NULL";
        assert_eq!(stage.db.read().scalar::<i64>(free, vals![]).await.unwrap(), Some(1));
        stage.db.writer().execute_unprepared("ALTER TABLE away RENAME TO contacts").await.unwrap();
        let done = finish(&stage, &queued).await;
        assert_eq!((done.status, five(done.counts)), (ImportStatus::Completed, [3_000, 0, 0, 0, 0]));
    }
}

#[tokio::test]
async fn the_lease_is_renewed_by_time_until_it_is_lost() {
    for stage in stages().await {
        let queued = accept(&stage, many(1).as_bytes(), "a.csv", Order::default()).await.unwrap();
        WORK.claim(&stage.db, &stage.system, queued.id.0, "one").await.unwrap().unwrap();
        let keep = WORK.keep(&stage.db, &stage.scope, queued.id.0, "one", Duration::from_millis(5));
        let taking = async {
            for _ in 0..4 {
                stage.clock.advance(Duration::from_secs(10));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let taken = WORK.claim(&stage.db, &stage.system, queued.id.0, "two").await.unwrap();
            assert!(taken.is_none(), "forty seconds later it is still held");
            let sql = "UPDATE imports SET lease_owner = 'two'";
            stage.db.writer().execute_unprepared(sql).await.unwrap();
        };
        tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(keep, taking) }).await.unwrap();
    }
}
