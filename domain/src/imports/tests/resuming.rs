//! Killed runs.

use std::time::Duration;

use super::*;
use crate::ids::GroupId;

const ROWS: u32 = 9_000;

async fn members(stage: &Stage, group: GroupId) -> i64 {
    crate::groups::get(stage.db.read(), &stage.scope, group).await.unwrap().contacts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_abandoned_in_the_middle_is_taken_up_at_the_checkpoint() {
    for stage in stages().await {
        let mut csv = many(ROWS);
        csv.push_str("+447400100005,Again\nnot a number,Nobody\n");
        let order = Order { groups: vec!["All".into()], ..Order::default() };
        let queued = accept(&stage, csv.as_bytes(), "a.csv", order).await.unwrap();
        let half_done = async {
            loop {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let now = get(stage.db.read(), &stage.scope, queued.id).await.unwrap();
                if now.counts.done >= 2_000 {
                    return now;
                }
            }
        };
        let half = tokio::select! {
            half = half_done => half,
            done = run(&stage.db, &stage.system, queued.id, "killed") => panic!("too fast to be killed: {done:?}"),
        };
        assert_eq!(half.status, ImportStatus::Running);
        // While the lease lasts nobody else may touch it.
        let early = finish(&stage, &queued).await;
        assert_eq!(early.status, ImportStatus::Running);
        assert!(early.counts.done < i64::from(ROWS));
        assert_eq!(stage.count("contacts").await, early.counts.created, "checkpoint and contacts agree");

        stage.clock.advance(Duration::from_secs(61));
        assert_eq!(super::super::sweep(&stage.db, &stage.system).await.unwrap(), 1);
        let done = finish(&stage, &queued).await;
        assert_eq!(done.status, ImportStatus::Completed);
        assert_eq!(five(done.counts), [i64::from(ROWS), 0, 0, 1, 1]);
        assert_eq!(stage.count("contacts").await, i64::from(ROWS));
        assert_eq!(members(&stage, done.group_ids[0]).await, i64::from(ROWS));
        assert_eq!(stage.count("import_errors").await, 1);
        assert_eq!(stage.count("files").await, 0);
        assert_eq!(super::super::sweep(&stage.db, &stage.system).await.unwrap(), 0);
        // A job that comes once more finds nothing to do.
        assert_eq!(finish(&stage, &queued).await, done);
    }
}

#[tokio::test]
async fn a_file_that_breaks_in_the_middle_changes_nothing_and_says_so() {
    for stage in stages().await {
        // A text is read through before it is accepted.
        let mut csv = many(3_000);
        csv.push_str("+447400200000,\"never closed\n");
        let order = || Order { groups: vec!["New".into()], ..Order::default() };
        let error = accept(&stage, csv.as_bytes(), "a.csv", order()).await.unwrap_err();
        assert!(error.detail.starts_with("file_quote_unclosed: ") && error.detail.contains("3002"), "{error}");
        for table in ["imports", "files", "groups"] {
            assert_eq!(stage.count(table).await, 0, "{table}");
        }
        // A workbook before its first row is imported.
        let rows = (0..3_000).map(|i| format!("<row><c><v>447400{}</v></c></row>", 100_000 + i));
        let rows: String = rows.chain(["<row r=\"x\"/>".to_owned()]).collect();
        let queued = accept(&stage, &workbook(&rows), "a.xlsx", order()).await.unwrap();
        assert_eq!(queued.total, None);
        let done = finish(&stage, &queued).await;
        assert_eq!(done.status, ImportStatus::Failed);
        let (code, detail) = done.error.unwrap();
        assert_eq!(code, "file_broken");
        assert!(detail.ends_with("(line 3001). Nothing is imported."), "{detail}");
        assert_eq!(five(done.counts), [0; 5]);
        assert!(done.finished_at.is_some());
        assert_eq!((stage.count("contacts").await, stage.count("files").await), (0, 0));
        let event: Option<String> =
            crate::db::Sql::scalar(stage.db.read(), "SELECT type FROM events", crate::vals![]).await.unwrap();
        assert_eq!(event.as_deref(), Some("import.failed"));
    }
}

#[tokio::test]
async fn refused_rows_are_all_kept_until_their_time_is_over() {
    for stage in stages().await {
        let csv: String = (0..12_000).map(|i| format!("12,{i}\n")).collect();
        let queued = accept(&stage, format!("Phone,Name\n{csv}").as_bytes(), "a.csv", Order::default()).await.unwrap();
        assert_eq!(queued.total, Some(12_000), "counted when it was accepted");
        let done = finish(&stage, &queued).await;
        assert_eq!(five(done.counts), [0, 0, 0, 0, 12_000]);
        assert_eq!(stage.count("import_errors").await, 12_000);
        let purge = async || crate::testing::write_tx!(stage, tx => super::super::purge(&tx, &stage.system)).unwrap();
        assert_eq!(purge().await, 0);
        stage.clock.advance(super::super::ERRORS_KEPT + Duration::from_secs(1));
        let gone = [purge().await, purge().await, purge().await, purge().await, purge().await];
        assert_eq!(gone, [5_000, 5_000, 2_000, 0, 0]);
        assert_eq!(stage.count("import_errors").await, 0);
        let left = get(stage.db.read(), &stage.scope, queued.id).await.unwrap();
        assert_eq!(five(left.counts), [0, 0, 0, 0, 12_000], "the counts stay");
    }
}
