//! Contact jobs on a real database: who is meant, what becomes of them, and that a job goes on where it was.

mod volume;

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{
    Code, Result,
    clock::Timestamp,
    contacts::{self, Column, Consent, NewConsent},
    db::{Sql, Window},
    groups,
    ids::{ContactId, MessageId},
    testing::{Stage, stages, write_tx},
    trash, vals,
};

async fn make(stage: &Stage, n: u32, columns: &[(Column, &str)]) -> ContactId {
    stage.clock.advance(Duration::from_millis(10));
    let columns = columns.iter().map(|(column, value)| (*column, (*value).to_owned())).collect();
    let new = contacts::New { phone: format!("+4474001{n:05}"), columns, ..contacts::New::default() };
    write_tx!(stage, tx => contacts::create(&tx, &stage.scope, new)).unwrap().id
}

fn duplicates(by: &[&str]) -> Selection {
    let by = by.iter().map(|name| (*name).to_owned()).collect();
    Selection::Duplicates { by, group_id: None, filter: None }
}

async fn make_group(stage: &Stage, name: &str, members: &[ContactId]) -> GroupId {
    let new = groups::New { name: name.into(), ..groups::New::default() };
    let id = write_tx!(stage, tx => groups::create(&tx, &stage.scope, new)).unwrap().id;
    if !members.is_empty() {
        write_tx!(stage, tx => groups::add(&tx, &stage.scope, id, members)).unwrap();
    }
    id
}

fn order(selection: Selection, action: Option<Action>) -> Order {
    Order { selection, dry_run: action.is_none(), action, pointers: ("/select", "") }
}

async fn queue(stage: &Stage, order: Order) -> Result<Job> {
    write_tx!(stage, tx => create(&tx, &stage.scope, order))
}

/// Makes a job and does it.
async fn done(stage: &Stage, order: Order) -> Job {
    let job = queue(stage, order).await.unwrap();
    run(&stage.db, &stage.system, job.id, "test").await.unwrap();
    let job = get(stage.db.read(), &stage.scope, job.id).await.unwrap();
    assert_eq!((job.status, &job.error), (JobStatus::Completed, &None), "{job:?}");
    job
}

/// A message of the past that ended so.
async fn message(stage: &Stage, to: ContactId, days_ago: u64, status: Status) {
    let at = stage.clock.now().minus(Duration::from_secs(days_ago * 86_400));
    let sql = "INSERT INTO messages (id, account_id, contact_id, phone, sender, encoding, split_mode, segments, parts, \
        unit_price, currency, status, send_at, metadata, created_at) \
        SELECT $1, $2, id, phone, 'X', 'gsm7', 'udh', 1, 1, 0, 'EUR', $4, $5, $6, $5 FROM contacts WHERE id = $3";
    let values = vals![MessageId::new(at), stage.scope.account(), to, status.as_str(), at, json!({})];
    let tx = stage.db.begin().await.unwrap();
    tx.run(sql, values).await.unwrap();
    tx.commit().await.unwrap();
}

async fn live(stage: &Stage) -> Vec<ContactId> {
    let sql = "SELECT id FROM contacts WHERE account_id = $1 ORDER BY id";
    stage.db.read().column(sql, vals![stage.scope.account()]).await.unwrap()
}

#[tokio::test]
async fn who_is_not_reached_is_found_by_the_last_messages() {
    for stage in stages().await {
        use Status::{Cancelled, Delivered, NoReport, Rejected, Sent, Skipped, Undelivered};
        let mut ids = Vec::new();
        for (n, history) in (0_u32..).zip([
            // Oldest first.
            vec![Undelivered, Undelivered, Rejected],
            vec![Delivered, Undelivered, Undelivered],
            vec![Undelivered, Undelivered, Delivered],
            vec![Undelivered],
            vec![Undelivered, Undelivered, Cancelled, Skipped, Sent],
            vec![Undelivered, NoReport, Undelivered],
            vec![],
        ]) {
            let id = make(&stage, n, &[]).await;
            for (ago, status) in (1_u64..).zip(history.into_iter().rev()) {
                message(&stage, id, ago, status).await;
            }
            ids.push(id);
        }
        let meant = |last, days, group_id| {
            let statuses = vec![Undelivered, Rejected];
            order(Selection::Undelivered { last, statuses, days, group_id }, None)
        };
        let counted = async |last, days, group| done(&stage, meant(last, days, group)).await.matched;
        assert_eq!(counted(2, 30, None).await, 3, "of the last two none was delivered: 0, 1 and 4");
        assert_eq!(counted(3, 30, None).await, 1);
        assert_eq!(counted(1, 30, None).await, 5);
        assert_eq!(counted(3, 2, None).await, 0, "older ones are not looked at");
        let group = make_group(&stage, "A", &ids[..1]).await;
        assert_eq!(counted(2, 30, Some(group)).await, 1);
        assert_eq!(live(&stage).await.len(), 7, "a dry run changes nothing");
        let job = Order { action: Some(Action::Trash), dry_run: false, ..meant(2, 30, None) };
        let job = done(&stage, job).await;
        assert_eq!((job.matched, job.changed), (3, 3));
        assert_eq!(live(&stage).await, [ids[2], ids[3], ids[5], ids[6]]);
        assert_eq!(done(&stage, meant(2, 30, None)).await.matched, 0, "who is in the trash is not counted");
        // Deleted and made anew, and a number that was written to before it was a contact: the number is what counts.
        make(&stage, 1, &[]).await;
        let anew = make(&stage, 0, &[]).await;
        let sql = "UPDATE messages SET contact_id = NULL WHERE phone = 447400100004";
        stage.db.writer().run(sql, vals![]).await.unwrap();
        let early = make(&stage, 4, &[]).await;
        assert_eq!(counted(2, 30, None).await, 3, "0, 1 and 4 again");
        let group = make_group(&stage, "B", &[anew, early]).await;
        assert_eq!((counted(2, 30, Some(group)).await, counted(3, 30, Some(group)).await), (2, 1));
        sweep(&stage.db, &stage.system).await.unwrap();
        assert_eq!(stage.count("contact_job_tallies").await, 0);
    }
}

#[tokio::test]
async fn only_those_that_are_nowhere_else_go_with_their_group() {
    for stage in stages().await {
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(make(&stage, n, &[]).await);
        }
        let tag = make_group(&stage, "Tag", &ids).await;
        make_group(&stage, "Other", &ids[1..2]).await;
        let gone = make_group(&stage, "Gone", &ids[2..3]).await;
        write_tx!(stage, tx => trash::group(&tx, &stage.scope, gone, None)).unwrap();
        let selection = Selection::Group { group_id: tag, only_here: true };
        let job = queue(&stage, order(selection.clone(), None)).await.unwrap();
        assert_eq!((job.total, job.status), (Some(4), JobStatus::Queued));
        let job = done(&stage, order(selection, Some(Action::Trash))).await;
        assert_eq!((job.done, job.matched, job.changed), (4, 3, 3));
        assert_eq!(live(&stage).await, [ids[1]], "a group in the trash is none");
        let target = make_group(&stage, "Target", &[]).await;
        let all = Selection::Group { group_id: tag, only_here: false };
        let job =
            done(&stage, order(all.clone(), Some(Action::AddToGroup { group_id: target, from_group_id: None }))).await;
        assert_eq!((job.matched, job.changed), (1, 1));
        // A group that is deleted before its turn ends the job, which tells it.
        let job = queue(&stage, order(all.clone(), Some(Action::AddToGroup { group_id: target, from_group_id: None })))
            .await
            .unwrap();
        write_tx!(stage, tx => trash::group(&tx, &stage.scope, target, None)).unwrap();
        run(&stage.db, &stage.system, job.id, "test").await.unwrap();
        let job = get(stage.db.read(), &stage.scope, job.id).await.unwrap();
        assert_eq!((job.status, job.error.map(|e| e.0)), (JobStatus::Failed, Some("conflict".to_owned())));
        // A cancelled one is not begun again.
        let job = queue(&stage, order(all.clone(), Some(Action::Delete))).await.unwrap();
        let stranger = stage.stranger().await;
        let theirs = write_tx!(stage, tx => cancel(&tx, &stranger, job.id)).unwrap_err();
        assert_eq!(theirs.code, Code::NotFound);
        let job = write_tx!(stage, tx => cancel(&tx, &stage.scope, job.id)).unwrap();
        assert_eq!(job.status, JobStatus::Cancelled);
        run(&stage.db, &stage.system, job.id, "test").await.unwrap();
        assert_eq!(live(&stage).await, [ids[1]]);
        let twice = write_tx!(stage, tx => cancel(&tx, &stage.scope, job.id)).unwrap_err();
        assert_eq!(twice.code, Code::Conflict);
        let job = done(&stage, order(all, Some(Action::Delete))).await;
        assert_eq!((job.changed, live(&stage).await.len()), (1, 0));
        assert_eq!(list(stage.db.read(), &stage.scope, Window { limit: 3, after: None }).await.unwrap().0.len(), 3);
        assert!(list(stage.db.read(), &stranger, Window { limit: 3, after: None }).await.unwrap().0.is_empty());
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_with_every_fault() {
    for stage in stages().await {
        let stranger = stage.stranger().await;
        let theirs = {
            let new = groups::New { name: "Theirs".into(), ..groups::New::default() };
            write_tx!(stage, tx => groups::create(&tx, &stranger, new)).unwrap().id
        };
        let refused = async |selection, action| -> Vec<String> {
            let error = queue(&stage, order(selection, action)).await.unwrap_err();
            error.faults.into_iter().map(|f| f.pointer).collect()
        };
        let by = duplicates;
        let trash = || Some(Action::Trash);
        let group = Selection::Group { group_id: theirs, only_here: false };
        assert_eq!(
            refused(group, Some(Action::AddToGroup { group_id: theirs, from_group_id: None })).await,
            ["/select/group_id", "/group_id"]
        );
        let none =
            Selection::Undelivered { last: 0, statuses: vec![Status::Sent], days: 9_999, group_id: Some(theirs) };
        let told = refused(none, trash()).await;
        assert_eq!(told, ["/select/statuses", "/select/last", "/select/days", "/select/group_id"]);
        let tagged = Some(Action::AddToGroup { group_id: theirs, from_group_id: None });
        assert_eq!(refused(by(&["email"]), tagged).await, ["/action", "/group_id"]);
        let own = make_group(&stage, "Own", &[]).await;
        let moved = |from_group_id| Some(Action::MoveToGroup { from_group_id, group_id: own });
        let members = || Selection::Group { group_id: own, only_here: false };
        assert_eq!(refused(members(), moved(theirs)).await, ["/from_group_id"]);
        assert_eq!(refused(members(), moved(own)).await, ["/from_group_id"]);
        let others = || Some(Action::TrashOthers { survivor: Survivor::Oldest });
        assert_eq!(refused(by(&["phone"]), others()).await, ["/action"]);
        let some = Selection::Contacts { contact_ids: vec![ContactId::new(stage.clock.now())] };
        assert_eq!(refused(some, others()).await, ["/action"]);
        assert_eq!(refused(by(&[]), None).await, ["/select/by"]);
        assert_eq!(refused(by(&["phone", "email"]), None).await, ["/select/by/0"]);
        assert_eq!(refused(by(&["email", "fields.none", "email"]), None).await, ["/select/by/1", "/select/by/2"]);
        let by_email = vec!["email".to_owned()];
        let elsewhere = Selection::Duplicates { by: by_email.clone(), group_id: Some(theirs), filter: None };
        assert_eq!(refused(elsewhere, None).await, ["/select/group_id"]);
        let filter = serde_json::from_value(json!({"field": "shoe", "exists": true})).unwrap();
        let unknown = Selection::Duplicates { by: by_email, group_id: None, filter: Some(Box::new(filter)) };
        assert_eq!(refused(unknown, None).await, ["/select/filter/field"]);
        let campaign = CampaignId::new(stage.clock.now());
        let selection = Selection::Campaign { campaign_id: campaign, statuses: vec![Status::Failed] };
        let merge = Some(Action::Merge { survivor: Survivor::Oldest });
        assert_eq!(refused(selection, merge).await, ["/select/campaign_id", "/action"]);
        assert_eq!(stage.count("contact_jobs").await, 0);
    }
}

#[tokio::test]
async fn duplicates_are_found_by_what_they_say_and_merged_once() {
    for stage in stages().await {
        let a = make(&stage, 1, &[(Column::Email, "anna@example.com"), (Column::FirstName, "Анна")]).await;
        let b = make(&stage, 2, &[(Column::Email, "ANNA@example.com"), (Column::LastName, "Smith")]).await;
        let c = make(&stage, 3, &[(Column::Email, "bob@example.com"), (Column::FirstName, "анна")]).await;
        let d = make(&stage, 4, &[(Column::Email, " anna@example.com ")]).await;
        make(&stage, 5, &[]).await;
        let by = duplicates;
        let found = done(&stage, order(by(&["email"]), None)).await;
        assert_eq!((found.matched, found.changed, found.done), (1, 0, 5));
        let all = Window { limit: 10, after: None };
        let (listed, more) = sets(stage.db.read(), &stage.scope, found.id, all).await.unwrap();
        let ids: Vec<ContactId> = listed[0].contacts.iter().map(|c| c.id).collect();
        assert_eq!((listed.len(), listed[0].found, ids, more), (1, 3, vec![a, b, d], false));
        assert_eq!(done(&stage, order(by(&["first_name"]), None)).await.matched, 1, "without case, in any alphabet");
        assert_eq!(done(&stage, order(by(&["first_name", "email"]), None)).await.matched, 0);
        let stranger = stage.stranger().await;
        let theirs = sets(stage.db.read(), &stranger, found.id, all).await.unwrap_err();
        assert_eq!(theirs.code, Code::NotFound);

        // Merged a step at a time, each by a run of its own; two of them at once.
        let job =
            queue(&stage, order(by(&["email"]), Some(Action::Merge { survivor: Survivor::Newest }))).await.unwrap();
        assert_eq!(sets(stage.db.read(), &stage.scope, job.id, all).await.unwrap_err().code, Code::Conflict);
        let brief = async || run_briefly(&stage.db, &stage.scope, job.id, 1).await.unwrap();
        assert_eq!((brief().await.phase, brief().await.phase), (1, 2));
        let again = async || run(&stage.db, &stage.system, job.id, "test").await.unwrap();
        tokio::join!(again(), again());
        let job = get(stage.db.read(), &stage.scope, job.id).await.unwrap();
        assert_eq!((job.status, job.matched, job.changed), (JobStatus::Completed, 1, 1));
        let survivor = contacts::get(stage.db.read(), &stage.scope, d).await.unwrap();
        assert_eq!(survivor.profile.get(Column::FirstName), Some("Анна"));
        assert_eq!(survivor.profile.get(Column::LastName), Some("Smith"));
        let left = live(&stage).await;
        assert!(left.len() == 3 && left.contains(&c) && left.contains(&d), "{left:?}");
        assert_eq!(stage.count("trashed_contacts").await, 2);
        let again = done(&stage, order(by(&["email"]), Some(Action::Merge { survivor: Survivor::Newest }))).await;
        assert_eq!((again.matched, again.changed), (0, 0));
        stage.clock.advance(Duration::from_secs(8 * 86_400));
        for _ in 0..3 {
            sweep(&stage.db, &stage.system).await.unwrap();
        }
        assert_eq!(stage.count("contact_job_keys").await, 0);
    }
}

#[tokio::test]
async fn who_joins_or_moves_takes_the_values_along() {
    for stage in stages().await {
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(make(&stage, n, &[]).await);
        }
        let from = make_group(&stage, "From", &ids[..3]).await;
        let to = make_group(&stage, "To", &ids[..1]).await;
        let named = async |group, contact: ContactId, name: Option<&str>| {
            let columns = vec![(Column::FirstName, name.map(str::to_owned))];
            let change = groups::Change { contact: Some(contact), columns, ..groups::Change::default() };
            write_tx!(stage, tx => groups::set(&tx, &stage.scope, group, vec![change])).unwrap();
        };
        named(from, ids[0], Some("Ann")).await;
        named(to, ids[0], Some("Anna")).await;
        named(from, ids[1], Some("Bob")).await;
        let names = async |group| -> Vec<(ContactId, Option<String>)> {
            let all = Window { limit: 10, after: None };
            let rows = groups::members(stage.db.read(), &stage.scope, group, false, all).await.unwrap().0;
            let name = |m: &groups::Member| m.overrides.get("first_name").and_then(|v| v.as_str()).map(str::to_owned);
            rows.iter().map(|m| (m.contact, name(m))).collect()
        };
        let selected = || Selection::Contacts { contact_ids: ids.clone() };
        let add = Action::AddToGroup { group_id: to, from_group_id: Some(from) };
        let job = done(&stage, order(selected(), Some(add.clone()))).await;
        assert_eq!((job.matched, job.changed), (4, 3));
        let wanted = [Some("Anna"), Some("Bob"), None, None].map(|name| name.map(str::to_owned));
        let wanted: Vec<_> = ids.iter().copied().zip(wanted).collect();
        assert_eq!(names(to).await, wanted, "who is there already keeps its values");
        assert_eq!((names(from).await.len(), done(&stage, order(selected(), Some(add))).await.changed), (3, 0));

        // A move by the members of the group itself: the walk goes on although they leave behind it.
        let last = make_group(&stage, "Last", &[]).await;
        let moved = || Some(Action::MoveToGroup { from_group_id: to, group_id: last });
        let counted = Order { dry_run: true, ..order(selected(), moved()) };
        let job = done(&stage, counted).await;
        assert_eq!((job.matched, job.changed, names(to).await.len()), (4, 0, 4));
        let job = done(&stage, order(Selection::Group { group_id: to, only_here: false }, moved())).await;
        assert_eq!((job.matched, job.changed), (4, 4));
        assert_eq!((names(last).await, names(to).await.len()), (wanted, 0));
        let job = done(&stage, order(selected(), moved())).await;
        assert_eq!((job.matched, job.changed), (4, 0), "who is not in the group stays where it is");
        // The group that they are to leave is deleted meanwhile.
        let job = queue(&stage, order(selected(), moved())).await.unwrap();
        write_tx!(stage, tx => trash::group(&tx, &stage.scope, to, None)).unwrap();
        run(&stage.db, &stage.system, job.id, "test").await.unwrap();
        let job = get(stage.db.read(), &stage.scope, job.id).await.unwrap();
        assert_eq!((job.status, job.error.map(|e| e.0)), (JobStatus::Failed, Some("conflict".to_owned())));
    }
}

#[tokio::test]
async fn duplicates_are_looked_for_in_a_group_or_by_a_filter() {
    for stage in stages().await {
        let anna = |name| [(Column::Email, "anna@example.com"), (Column::FirstName, name)];
        let mut ids = Vec::new();
        for (n, name) in [(1, "Anna"), (2, "Ann"), (3, "Anna"), (4, "Anna")] {
            ids.push(make(&stage, n, &anna(name)).await);
        }
        let bobs = [
            make(&stage, 5, &[(Column::Email, "b@example.com")]).await,
            make(&stage, 6, &[(Column::Email, "b@example.com")]).await,
        ];
        let group = make_group(&stage, "One", &[ids[0], ids[1], ids[2], bobs[0]]).await;
        let named: ContactFilter = serde_json::from_value(json!({"field": "first_name", "equals": "anna"})).unwrap();
        let kept = |by: &str, group_id, filter: Option<&ContactFilter>| Selection::Duplicates {
            by: vec![by.to_owned()],
            group_id,
            filter: filter.cloned().map(Box::new),
        };
        let found = async |selection| {
            let job = done(&stage, order(selection, None)).await;
            let all = Window { limit: 10, after: None };
            let (listed, _) = sets(stage.db.read(), &stage.scope, job.id, all).await.unwrap();
            assert_eq!(job.matched, count(listed.len()));
            let mut sets: Vec<Vec<ContactId>> =
                listed.iter().map(|set| set.contacts.iter().map(|c| c.id).collect()).collect();
            sets.sort_unstable();
            sets
        };
        assert_eq!(found(kept("email", None, None)).await, [ids.clone(), bobs.to_vec()]);
        assert_eq!(found(kept("email", Some(group), None)).await, [ids[..3].to_vec()]);
        assert_eq!(found(kept("email", None, Some(&named))).await, [vec![ids[0], ids[2], ids[3]]]);
        assert_eq!(found(kept("email", Some(group), Some(&named))).await, [vec![ids[0], ids[2]]]);
        // Values that differ between groups, of the members of one group alone.
        let two = make_group(&stage, "Two", &[ids[3]]).await;
        for (group, contact) in [(group, ids[0]), (two, ids[3])] {
            let columns = vec![(Column::FirstName, Some("Anne".to_owned()))];
            let change = groups::Change { contact: Some(contact), columns, ..groups::Change::default() };
            write_tx!(stage, tx => groups::set(&tx, &stage.scope, group, vec![change])).unwrap();
        }
        assert_eq!(found(kept("phone", None, None)).await, [vec![ids[0]], vec![ids[3]]]);
        assert_eq!(found(kept("phone", Some(two), None)).await, [vec![ids[3]]]);

        // Who has left the group by the time of its turn stays.
        let merge = Some(Action::Merge { survivor: Survivor::Oldest });
        let job = queue(&stage, order(kept("email", Some(group), None), merge)).await.unwrap();
        let brief = async || run_briefly(&stage.db, &stage.scope, job.id, 1).await.unwrap();
        assert_eq!((brief().await.phase, brief().await.phase), (1, 2));
        write_tx!(stage, tx => groups::remove(&tx, &stage.scope, group, &[ids[1]])).unwrap();
        run(&stage.db, &stage.system, job.id, "test").await.unwrap();
        assert_eq!(get(stage.db.read(), &stage.scope, job.id).await.unwrap().changed, 1);
        let mut left = live(&stage).await;
        left.sort_unstable();
        let mut expected = vec![ids[0], ids[1], ids[3], bobs[0], bobs[1]];
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}

#[tokio::test]
async fn all_duplicates_but_one_go_to_the_trash() {
    for stage in stages().await {
        let mut ids = Vec::new();
        for (n, email) in
            (1_u32..).zip(["a@example.com", "A@example.com", "b@example.com", "b@example.com", "c@example.com"])
        {
            ids.push(make(&stage, n, &[(Column::Email, email)]).await);
        }
        let many = i64::try_from(contacts::MAX_MERGED).unwrap() + 1;
        for n in 0..=many {
            make(&stage, 100 + u32::try_from(n).unwrap(), &[(Column::Email, "office@example.com")]).await;
        }
        stage.clock.advance(Duration::from_secs(1));
        let company = vec![(Column::Company, Some("Acme".to_owned()))];
        let patch = contacts::Patch { columns: company, ..contacts::Patch::default() };
        write_tx!(stage, tx => contacts::update(&tx, &stage.scope, ids[0], patch, None)).unwrap();
        let by_email = || duplicates(&["email"]);
        let trashed = |survivor| order(by_email(), Some(Action::TrashOthers { survivor }));
        // Who has another value by the time of its turn stays.
        let job = queue(&stage, trashed(Survivor::LastUpdated)).await.unwrap();
        let brief = async || run_briefly(&stage.db, &stage.scope, job.id, 1).await.unwrap();
        assert_eq!((brief().await.phase, brief().await.phase), (1, 2));
        let other = vec![(Column::Email, Some("d@example.com".to_owned()))];
        let patch = contacts::Patch { columns: other, ..contacts::Patch::default() };
        write_tx!(stage, tx => contacts::update(&tx, &stage.scope, ids[3], patch, None)).unwrap();
        run(&stage.db, &stage.system, job.id, "test").await.unwrap();
        let job = get(stage.db.read(), &stage.scope, job.id).await.unwrap();
        assert_eq!((job.status, job.matched, job.changed), (JobStatus::Completed, 3, 1));
        let left = live(&stage).await;
        assert_eq!(left[..4], [ids[0], ids[2], ids[3], ids[4]]);
        assert_eq!(count(left.len() - 4), many + 1, "such a value is no person's");
        let anna = contacts::get(stage.db.read(), &stage.scope, ids[0]).await.unwrap();
        assert_eq!(anna.profile.get(Column::Email), Some("a@example.com"), "nothing is taken over");
        assert_eq!(stage.count("trashed_contacts").await, 1);
        assert_eq!(stage.count("contact_merges").await, 0);
        assert_eq!(done(&stage, trashed(Survivor::Oldest)).await.changed, 0);
    }
}

#[tokio::test]
async fn a_number_with_differing_values_gets_one() {
    for stage in stages().await {
        let a = make(&stage, 1, &[(Column::FirstName, "Anna")]).await;
        let b = make(&stage, 2, &[(Column::FirstName, "Bob")]).await;
        let (one, two) = (make_group(&stage, "One", &[a, b]).await, make_group(&stage, "Two", &[a, b]).await);
        let set = async |group, contact, column, value: &str| {
            let columns = vec![(column, Some(value.to_owned()))];
            let change = groups::Change { contact: Some(contact), columns, ..groups::Change::default() };
            write_tx!(stage, tx => groups::set(&tx, &stage.scope, group, vec![change])).unwrap();
        };
        set(one, a, Column::FirstName, "Ann").await;
        set(two, a, Column::Company, "Acme").await;
        set(one, b, Column::FirstName, "Bob").await;
        let selection = duplicates(&["phone"]);
        let found = done(&stage, order(selection.clone(), None)).await;
        assert_eq!((found.done, found.matched), (2, 1), "Bob is Bob everywhere");
        let listed = sets(stage.db.read(), &stage.scope, found.id, Window { limit: 10, after: None }).await.unwrap().0;
        assert_eq!((listed[0].contacts[0].id, listed[0].elsewhere.len()), (a, 2));
        let merged = done(&stage, order(selection.clone(), Some(Action::Merge { survivor: Survivor::Oldest }))).await;
        assert_eq!((merged.matched, merged.changed), (1, 1));
        let anna = contacts::get(stage.db.read(), &stage.scope, a).await.unwrap();
        assert_eq!(
            (anna.profile.get(Column::FirstName), anna.profile.get(Column::Company)),
            (Some("Anna"), Some("Acme"))
        );
        assert_eq!(done(&stage, order(selection, None)).await.matched, 0);
    }
}

#[tokio::test]
async fn a_merge_is_whole_and_the_most_restrictive_holds() {
    for stage in stages().await {
        let a = make(&stage, 1, &[(Column::FirstName, "Anna"), (Column::Email, "a@example.com")]).await;
        let b = make(&stage, 2, &[(Column::ExternalId, "crm-2"), (Column::Email, "b@example.com")]).await;
        let refused = NewConsent { status: Consent::Refused, at: None, source: Some("letter".into()) };
        let new = contacts::New { phone: "+447400100003".into(), consent: Some(refused), ..contacts::New::default() };
        let c = write_tx!(stage, tx => contacts::create(&tx, &stage.scope, new)).unwrap().id;
        let group = make_group(&stage, "B", &[b, c]).await;
        write_tx!(stage, tx => crate::blacklist::add(&tx, &stage.scope, "+447400100002", Some("rude".into()))).unwrap();
        message(&stage, b, 1, Status::Delivered).await;
        let merge = async |survivor, others: &[ContactId], prefer: &[(&str, ContactId)]| {
            let prefer = prefer.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect();
            let order = contacts::Merge { survivor, others: others.to_vec(), prefer };
            write_tx!(stage, tx => contacts::merge(&tx, &stage.scope, order))
        };
        let unknown = ContactId::new(Timestamp(1));
        let wrong = merge(a, &[a, unknown], &[("shoe", b)]).await.unwrap_err();
        let told: Vec<&str> = wrong.faults.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(told, ["/contact_ids/0", "/contact_ids/1", "/prefer/shoe"]);
        // Two at once: one of them merges, the other finds it done.
        let (others, prefer) = ([b, c], [("email", b)]);
        let (one, two) = tokio::join!(merge(a, &others, &prefer), merge(a, &others, &prefer));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(one.1 + two.1, 2);
        let merged = contacts::get(stage.db.read(), &stage.scope, a).await.unwrap();
        let has = |column| merged.profile.get(column);
        assert_eq!((has(Column::FirstName), has(Column::ExternalId)), (Some("Anna"), Some("crm-2")));
        assert_eq!(has(Column::Email), Some("b@example.com"), "as preferred");
        assert_eq!((merged.consent, merged.consent_source.as_deref()), (Consent::Refused, Some("letter")));
        assert_eq!(contacts::groups_of(stage.db.read(), &stage.scope, a).await.unwrap(), [group]);
        let asked = [447_400_100_001];
        assert_eq!(crate::blacklist::blacklisted(stage.db.read(), &stage.scope, &asked).await.unwrap().len(), 1);
        assert_eq!(live(&stage).await, [a]);
        let filter = crate::messages::Filter { contact: Some(a), ..crate::messages::Filter::default() };
        let listed = crate::messages::list(stage.db.read(), &stage.scope, &filter, 10, None).await.unwrap();
        assert_eq!(listed.rows.len(), 1, "its messages are listed with it");
        // Into another one: those that were merged follow.
        let e = make(&stage, 5, &[]).await;
        merge(e, &[a], &[]).await.unwrap();
        let elsewhere = merge(a, &[e], &[]).await.unwrap_err();
        assert!(elsewhere.code == Code::Conflict && elsewhere.detail.contains(&e.to_string()), "{elsewhere}");
        assert_eq!(merge(e, &[b], &[]).await.unwrap().1, 0, "it has been merged by way of another");
        // Restored from the trash it is a contact of its own, and can be merged again.
        let taken = write_tx!(stage, tx => trash::restore_contact(&tx, &stage.scope, b)).unwrap_err();
        assert_eq!(taken.code, Code::AlreadyExists, "the survivor has its external id");
        write_tx!(stage, tx => trash::restore_contact(&tx, &stage.scope, c)).unwrap();
        assert_eq!(merge(e, &[c], &[]).await.unwrap().1, 1);
        let stranger = stage.stranger().await;
        let order = contacts::Merge { survivor: e, others: vec![c], prefer: Default::default() };
        let theirs = write_tx!(stage, tx => contacts::merge(&tx, &stranger, order)).unwrap_err();
        assert_eq!(theirs.code, Code::NotFound);
    }
}
