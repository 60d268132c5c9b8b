//! Two at once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_of_one_file_make_no_contact_twice() {
    for stage in stages().await {
        let csv = many(5_000);
        let order = || Order { groups: vec!["All".into()], ..Order::default() };
        let one = accept(&stage, csv.as_bytes(), "a.csv", order()).await.unwrap();
        let two = accept(&stage, csv.as_bytes(), "a.csv", order()).await.unwrap();
        let (a, b) =
            tokio::join!(run(&stage.db, &stage.system, one.id, "one"), run(&stage.db, &stage.system, two.id, "two"));
        a.unwrap();
        b.unwrap();
        let one = get(stage.db.read(), &stage.scope, one.id).await.unwrap();
        let two = get(stage.db.read(), &stage.scope, two.id).await.unwrap();
        assert_eq!((one.status, two.status), (ImportStatus::Completed, ImportStatus::Completed));
        assert_eq!(one.group_ids, two.group_ids);
        let (one, two) = (five(one.counts), five(two.counts));
        assert_eq!(one[0] + two[0], 5_000, "each contact is made once: {one:?} {two:?}");
        assert_eq!(one[2] + two[2], 5_000);
        assert_eq!(stage.count("contacts").await, 5_000);
        assert_eq!(stage.count("contact_groups").await, 5_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_one_import_do_the_work_once() {
    for stage in stages().await {
        let import = accept(&stage, many(5_000).as_bytes(), "a.csv", Order::default()).await.unwrap();
        let (a, b) = tokio::join!(
            run(&stage.db, &stage.system, import.id, "one"),
            run(&stage.db, &stage.system, import.id, "one")
        );
        a.unwrap();
        b.unwrap();
        let done = get(stage.db.read(), &stage.scope, import.id).await.unwrap();
        assert_eq!(five(done.counts), [5_000, 0, 0, 0, 0]);
    }
}
