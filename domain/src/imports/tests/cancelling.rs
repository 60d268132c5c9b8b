//! Imports that are stopped.

use super::{super::cancel, *};
use crate::{Code, testing::write_tx, uploads};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_goes_no_further_and_keeps_what_it_has() {
    for stage in stages().await {
        let csv = format!("{}not a number,Nobody\n", many(20_000));
        let queued = accept(&stage, csv.as_bytes(), "a.csv", Order::default()).await.unwrap();
        let running = run(&stage.db, &stage.system, queued.id, "one");
        let stopping = async {
            while get(stage.db.read(), &stage.scope, queued.id).await.unwrap().counts.done < 2_000 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            write_tx!(stage, tx => cancel(&tx, &stage.scope, Kind::Contacts, queued.id)).unwrap()
        };
        let (ended, stopped) = tokio::join!(running, stopping);
        ended.unwrap();
        assert_eq!(
            (stopped.status, stopped.finished_at.is_some(), stopped.error),
            (ImportStatus::Cancelled, true, None)
        );
        let counts = stopped.counts;
        assert!((2_000..20_000).contains(&counts.done), "{counts:?}");
        assert_eq!(stage.count("contacts").await, counts.created, "what is counted is there, and nothing else");
        assert_eq!(stage.count("files").await, 0);
        // Neither a sweep nor a job that comes late begins it again.
        stage.clock.advance(std::time::Duration::from_secs(3600));
        assert_eq!(super::super::sweep(&stage.db, &stage.system).await.unwrap(), 0);
        assert_eq!(finish(&stage, &queued).await.counts, counts);
        let again = write_tx!(stage, tx => cancel(&tx, &stage.scope, Kind::Contacts, queued.id)).unwrap_err();
        assert_eq!(again.code, Code::Conflict);
    }
}

#[tokio::test]
async fn what_has_not_begun_never_does_and_a_stored_file_stays() {
    for stage in stages().await {
        let id =
            uploads::store(&stage.db, &stage.scope, "a.txt", b"+447400100001".as_slice(), uploads::KEPT).await.unwrap();
        let upload = super::super::Upload::Stored(id);
        let queued = create(&stage.db, &stage.scope, Kind::Contacts, upload, Order::default()).await.unwrap();
        let stranger = stage.stranger().await;
        let theirs = write_tx!(stage, tx => cancel(&tx, &stranger, Kind::Contacts, queued.id)).unwrap_err();
        let other = write_tx!(stage, tx => cancel(&tx, &stage.scope, Kind::Blacklist, queued.id)).unwrap_err();
        assert_eq!((theirs.code, other.code), (Code::NotFound, Code::NotFound));
        write_tx!(stage, tx => cancel(&tx, &stage.scope, Kind::Contacts, queued.id)).unwrap();
        let now = finish(&stage, &queued).await;
        assert_eq!((now.status, now.counts.done, now.started_at), (ImportStatus::Cancelled, 0, None));
        assert_eq!((stage.count("contacts").await, stage.count("files").await), (0, 1));
        let done = import(&stage, "+447400100001\n", MergeType::Update).await;
        let late = write_tx!(stage, tx => cancel(&tx, &stage.scope, Kind::Contacts, done.id)).unwrap_err();
        assert_eq!((late.code, done.status), (Code::Conflict, ImportStatus::Completed));
    }
}
