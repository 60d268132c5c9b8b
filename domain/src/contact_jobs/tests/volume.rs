//! A million contacts, measured: `cargo test --release -p domain --lib contact_jobs::tests::volume -- --ignored --nocapture`.

use std::time::Instant;

use super::*;
use crate::{
    db::{Db, Sql},
    groups,
    testing::{Stage, stages, write_tx},
    vals,
};

/// Contacts, of which every hundredth has an e-mail address that another has too.
const CONTACTS: i64 = 1_000_000;

async fn fill(stage: &Stage, group: GroupId) {
    let series = if stage.db.is_sqlite() {
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < $2)"
    } else {
        "WITH s(n) AS (SELECT generate_series(1, $2))"
    };
    let id = if stage.db.is_sqlite() { "unhex(printf('%032x', n))" } else { "lpad(to_hex(n), 32, '0')::uuid" };
    let empty = if stage.db.is_sqlite() { "'{}'" } else { "'{}'::jsonb" };
    let tx = stage.db.begin().await.unwrap();
    let sql = format!(
        "{series} INSERT INTO contacts (id, account_id, phone, first_name, email, consent, fields, metadata, created_at, updated_at, version) \
         SELECT {id}, $1, 447400000000 + n, 'Name' || n, 'p' || (CASE WHEN n % 100 = 0 THEN n - 1 ELSE n END) || '@example.com', \
         'unknown', {empty}, {empty}, 0, 0, 1 FROM s"
    );
    tx.run(&sql, vals![stage.scope.account(), CONTACTS]).await.unwrap();
    let sql = "INSERT INTO contact_groups (group_id, contact_id, added_at) SELECT $2, id, 0 FROM contacts WHERE account_id = $1";
    tx.run(sql, vals![stage.scope.account(), group]).await.unwrap();
    tx.commit().await.unwrap();
    if !stage.db.is_sqlite() {
        stage.db.writer().run("ANALYZE", vals![]).await.unwrap();
    }
}

async fn timed<T>(db: &Db, what: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let made = work.await;
    println!("{:?}: {what}: {:.1} s", db.backend(), begun.elapsed().as_secs_f64());
    made
}

#[tokio::test]
#[ignore = "measures, does not judge"]
async fn a_million_contacts() {
    for stage in stages().await {
        let new = groups::New { name: "All".into(), ..groups::New::default() };
        let group = write_tx!(stage, tx => groups::create(&tx, &stage.scope, new)).unwrap().id;
        timed(&stage.db, "filled", fill(&stage, group)).await;
        let job = async |selection, action: Option<Action>| {
            let order = Order { selection, dry_run: action.is_none(), action, pointers: ("", "") };
            let job = write_tx!(stage, tx => create(&tx, &stage.scope, order)).unwrap();
            run(&stage.db, &stage.system, job.id, "test").await.unwrap();
            let job = get(stage.db.read(), &stage.scope, job.id).await.unwrap();
            println!("  {:?} {} {}", job.status, job.matched, job.changed);
            job.id
        };
        let by = || duplicates(&["email"]);
        let found = timed(&stage.db, "duplicates found", job(by(), None)).await;
        let page = crate::db::Window { limit: 200, after: None };
        timed(&stage.db, "a page of 200 sets", sets(stage.db.read(), &stage.scope, found, page)).await.unwrap();
        let merge = Some(Action::Merge { survivor: Survivor::Oldest });
        timed(&stage.db, "duplicates found and merged", job(by(), merge)).await;
        let all = || Selection::Group { group_id: group, only_here: true };
        timed(&stage.db, "blacklisted", job(all(), Some(Action::Blacklist { reason: None }))).await;
        let bin = async || write_tx!(stage, tx => crate::trash::group(&tx, &stage.scope, group, None)).unwrap();
        timed(&stage.db, "the group to the trash", bin()).await;
        let back = async || write_tx!(stage, tx => crate::trash::restore_group(&tx, &stage.scope, group)).unwrap();
        timed(&stage.db, "the group restored", back()).await;
        timed(&stage.db, "all to the trash", job(all(), Some(Action::Trash))).await;
        stage.clock.advance(std::time::Duration::from_secs(31 * 86_400));
        let purge = async || while crate::trash::sweep(&stage.db, &stage.system).await.unwrap() > 0 {};
        timed(&stage.db, "all purged", purge()).await;
    }
}
