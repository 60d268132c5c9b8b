//! The trash on a real database: what goes in comes out as it was, and what stays too long goes for good.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{
    Code, Result,
    contact_fields::{self, FieldType},
    contacts::{self, Column, Consent, Contact, NewConsent},
    db::{Sql, Window},
    groups,
    ids::{ContactId, GroupId},
    testing::{Stage, stages, write_tx},
    vals,
};

const ALL: Window<ContactId> = Window { limit: 50, after: None };

async fn make(stage: &Stage, new: contacts::New) -> Result<Contact> {
    write_tx!(stage, tx => contacts::create(&tx, &stage.scope, new))
}

fn phone(phone: &str) -> contacts::New {
    contacts::New { phone: phone.into(), ..contacts::New::default() }
}

async fn make_group(stage: &Stage, name: &str, members: &[ContactId]) -> GroupId {
    let new = groups::New { name: name.into(), description: Some("x".into()), hidden: true, stop_list: false };
    let id = write_tx!(stage, tx => groups::create(&tx, &stage.scope, new)).unwrap().id;
    if !members.is_empty() {
        write_tx!(stage, tx => groups::add(&tx, &stage.scope, id, members)).unwrap();
    }
    id
}

#[tokio::test]
async fn a_contact_comes_back_as_it_was() {
    for stage in stages().await {
        let new =
            contact_fields::New { key: "city".into(), title: "City".into(), kind: FieldType::Text, choices: vec![] };
        write_tx!(stage, tx => contact_fields::create(&tx, &stage.scope, new)).unwrap();
        let group = make_group(&stage, "A", &[]).await;
        let new = contacts::New {
            columns: vec![(Column::FirstName, "Zoë \"Z\" 🎉".into()), (Column::ExternalId, "c-1".into())],
            fields: json!({ "city": "Ковель" }).as_object().unwrap().clone(),
            consent: Some(NewConsent { status: Consent::Given, at: None, source: Some("form".into()) }),
            metadata: [("crm".to_owned(), "7".to_owned())].into(),
            group_ids: vec![group],
            ..phone("+447400100001")
        };
        let made = make(&stage, new).await.unwrap();
        let here = groups::Change {
            contact: Some(made.id),
            columns: vec![(Column::FirstName, Some("Z".into()))],
            ..groups::Change::default()
        };
        write_tx!(stage, tx => groups::set(&tx, &stage.scope, group, vec![here])).unwrap();
        let stale = write_tx!(stage, tx => contact(&tx, &stage.scope, made.id, Some(9))).unwrap_err();
        assert_eq!(stale.code, Code::VersionMismatch);
        write_tx!(stage, tx => contact(&tx, &stage.scope, made.id, Some(1))).unwrap();
        assert_eq!((stage.count("contacts").await, stage.count("contact_groups").await), (0, 0));
        assert_eq!(contacts::get(stage.db.read(), &stage.scope, made.id).await.unwrap_err().code, Code::NotFound);

        let (listed, more) = list_contacts(stage.db.read(), &stage.scope, Some(made.phone), ALL).await.unwrap();
        assert_eq!((listed.len(), more), (1, false));
        assert_eq!((&listed[0].contact, listed[0].group_ids.as_slice()), (&made, [group].as_slice()));
        let days = Duration::from_secs(30 * 86_400);
        assert_eq!(listed[0].purge_at, stage.clock.now().plus(days));
        assert_eq!(get_contact(stage.db.read(), &stage.scope, made.id).await.unwrap(), listed[0]);
        let stranger = stage.stranger().await;
        assert!(list_contacts(stage.db.read(), &stranger, None, ALL).await.unwrap().0.is_empty());
        assert_eq!(get_contact(stage.db.read(), &stranger, made.id).await.unwrap_err().code, Code::NotFound);
        let theirs = write_tx!(stage, tx => restore_contact(&tx, &stranger, made.id)).unwrap_err();
        assert_eq!(theirs.code, Code::NotFound);
        assert_eq!(write_tx!(stage, tx => purge_contacts(&tx, &stranger, &[made.id])).unwrap(), 0);

        let back = write_tx!(stage, tx => restore_contact(&tx, &stage.scope, made.id)).unwrap();
        assert_eq!(back, Contact { version: 2, ..made.clone() });
        let members = groups::members(stage.db.read(), &stage.scope, group, true, ALL).await.unwrap().0;
        assert_eq!(json!(members[0].overrides), json!({ "first_name": "Z" }));
        assert_eq!(
            contacts::consents(stage.db.read(), &stage.scope, made.id, Window { limit: 9, after: None })
                .await
                .unwrap()
                .0
                .len(),
            1
        );
        for table in ["trashed_contacts", "trashed_memberships"] {
            assert_eq!(stage.count(table).await, 0, "{table}");
        }
        let twice = write_tx!(stage, tx => restore_contact(&tx, &stage.scope, made.id)).unwrap_err();
        assert_eq!(twice.code, Code::NotFound);
    }
}

#[tokio::test]
async fn a_number_is_made_anew_and_never_lives_twice() {
    for stage in stages().await {
        let refused = NewConsent { status: Consent::Refused, at: None, source: Some("letter".into()) };
        let first = make(&stage, contacts::New { consent: Some(refused), ..phone("+447400100001") }).await.unwrap();
        write_tx!(stage, tx => contact(&tx, &stage.scope, first.id, None)).unwrap();
        stage.clock.advance(Duration::from_secs(1));
        let second = make(&stage, phone("+447400100001")).await.unwrap();
        assert_ne!(second.id, first.id);
        let consent = (second.consent, second.consent_source.as_deref());
        assert_eq!(consent, (Consent::Refused, Some("letter")), "what was refused is not forgotten");
        let taken = write_tx!(stage, tx => restore_contact(&tx, &stage.scope, first.id)).unwrap_err();
        assert!(taken.code == Code::AlreadyExists && taken.detail.contains(&second.id.to_string()), "{taken}");
        write_tx!(stage, tx => contact(&tx, &stage.scope, second.id, None)).unwrap();
        let unknown = ContactId::new(stage.clock.now());
        let ids = [first.id, second.id, unknown];
        let done = write_tx!(stage, tx => restore_contacts(&tx, &stage.scope, &ids)).unwrap();
        let expected =
            Restored { restored: vec![second.id], taken: vec![(first.id, second.id)], not_found: vec![unknown] };
        assert_eq!(done, expected, "of two with one number the later one comes back");
        assert_eq!((stage.count("contacts").await, stage.count("trashed_contacts").await), (1, 1));
        // Who says so gives consent anew.
        write_tx!(stage, tx => contact(&tx, &stage.scope, second.id, None)).unwrap();
        let given = NewConsent { status: Consent::Given, at: None, source: None };
        let third = make(&stage, contacts::New { consent: Some(given), ..phone("+447400100001") }).await.unwrap();
        assert_eq!(third.consent, Consent::Given);

        // Nor does a number that is picked out of a text revive what was refused.
        write_tx!(stage, tx => contact(&tx, &stage.scope, third.id, None)).unwrap();
        let found = crate::phone::find_in_text("+447400100001 and +447400100002", None);
        let added = write_tx!(stage, tx => contacts::quick_add(&tx, &stage.scope, found, &[], false)).unwrap();
        let mut told = Vec::new();
        for one in added {
            let id = one.contact.unwrap();
            let made = contacts::get(stage.db.read(), &stage.scope, id).await.unwrap();
            let said = contacts::consents(stage.db.read(), &stage.scope, id, Window { limit: 9, after: None }).await;
            told.push((made.consent, said.unwrap().0.len()));
        }
        assert_eq!(told, [(Consent::Refused, 1), (Consent::Unknown, 0)]);
    }
}

#[tokio::test]
async fn a_group_and_its_members_find_each_other_again() {
    for stage in stages().await {
        let mut ids = Vec::new();
        for n in 1..=3 {
            ids.push(make(&stage, phone(&format!("+44740010000{n}"))).await.unwrap().id);
        }
        let (a, b) = (make_group(&stage, "A", &ids).await, make_group(&stage, "B", &ids).await);
        let members = async |id| groups::get(stage.db.read(), &stage.scope, id).await.map(|g| g.contacts);
        write_tx!(stage, tx => contacts_into(&tx, &stage, &ids[..2])).unwrap();
        assert_eq!((members(a).await.unwrap(), members(b).await.unwrap()), (1, 1));
        write_tx!(stage, tx => group(&tx, &stage.scope, a, None)).unwrap();
        assert_eq!(members(a).await.unwrap_err().code, Code::NotFound);
        assert_eq!(stage.count("contacts").await, 1, "its contacts stay");
        let shown = get_group(stage.db.read(), &stage.scope, a).await.unwrap();
        assert_eq!((shown.name.as_str(), shown.contacts), ("A", 3));
        // A contact comes back first, then the group, then the other contact.
        write_tx!(stage, tx => restore_contact(&tx, &stage.scope, ids[0])).unwrap();
        assert_eq!(members(b).await.unwrap(), 2);
        let restored = write_tx!(stage, tx => restore_group(&tx, &stage.scope, a)).unwrap();
        assert_eq!((restored.contacts, restored.hidden, restored.description.as_deref()), (2, true, Some("x")));
        write_tx!(stage, tx => restore_contact(&tx, &stage.scope, ids[1])).unwrap();
        assert_eq!((members(a).await.unwrap(), members(b).await.unwrap()), (3, 3));
        assert_eq!(stage.count("trashed_memberships").await, 0);

        // A name that is taken by now, and a purge.
        write_tx!(stage, tx => group(&tx, &stage.scope, a, None)).unwrap();
        let other = make_group(&stage, "A", &[]).await;
        let taken = write_tx!(stage, tx => restore_group(&tx, &stage.scope, a)).unwrap_err();
        assert!(taken.code == Code::AlreadyExists && taken.detail.contains(&other.to_string()), "{taken}");
        let stranger = stage.stranger().await;
        assert_eq!(write_tx!(stage, tx => purge_group(&tx, &stranger, a)).unwrap_err().code, Code::NotFound);
        write_tx!(stage, tx => purge_group(&tx, &stage.scope, a)).unwrap();
        assert_eq!(get_group(stage.db.read(), &stage.scope, a).await.unwrap_err().code, Code::NotFound);
        assert_eq!(write_tx!(stage, tx => restore_group(&tx, &stage.scope, a)).unwrap_err().code, Code::NotFound);
        assert_eq!(sweep(&stage.db, &stage.system).await.unwrap(), 1);
        assert_eq!((stage.count("trashed_groups").await, stage.count("trashed_memberships").await), (0, 0));
    }
}

/// For the macro, which calls a verb in a transaction.
async fn contacts_into(tx: &sea_orm::DatabaseTransaction, stage: &Stage, ids: &[ContactId]) -> Result<u64> {
    super::contacts(tx, &stage.scope, ids).await
}

#[tokio::test]
async fn what_has_lain_its_time_goes_with_all_that_is_beside_it() {
    for stage in stages().await {
        let given = NewConsent { status: Consent::Given, at: None, source: None };
        let old = make(&stage, contacts::New { consent: Some(given), ..phone("+447400100001") }).await.unwrap().id;
        let group = make_group(&stage, "A", &[old]).await;
        write_tx!(stage, tx => contact(&tx, &stage.scope, old, None)).unwrap();
        stage.clock.advance(Duration::from_secs(29 * 86_400));
        let young = make(&stage, phone("+447400100002")).await.unwrap().id;
        write_tx!(stage, tx => contact(&tx, &stage.scope, young, None)).unwrap();
        assert_eq!(sweep(&stage.db, &stage.system).await.unwrap(), 0);
        stage.clock.advance(Duration::from_secs(86_400));
        let late = write_tx!(stage, tx => restore_contact(&tx, &stage.scope, old)).unwrap_err();
        assert_eq!(late.code, Code::NotFound, "its time is over, whether or not it is gone");
        assert_eq!(sweep(&stage.db, &stage.system).await.unwrap(), 1);
        for (table, left) in [("trashed_contacts", 1), ("trashed_memberships", 0), ("contact_consents", 0)] {
            assert_eq!(stage.count(table).await, left, "{table}");
        }
        // For good, from the trash and from among the living.
        let live = make(&stage, phone("+447400100003")).await.unwrap().id;
        assert_eq!(write_tx!(stage, tx => purge_contacts(&tx, &stage.scope, &[young, live])).unwrap(), 2);
        assert_eq!((stage.count("trashed_contacts").await, stage.count("contacts").await), (0, 0));
        assert!(write_tx!(stage, tx => purge_live_group(&tx, &stage.scope, group)).unwrap());
        assert_eq!((stage.count("groups").await, stage.count("trashed_groups").await), (0, 0));
    }
}

#[tokio::test]
async fn a_refusal_outlives_its_contact() {
    for stage in stages().await {
        let refusing = |number: &str| {
            let refused = NewConsent { status: Consent::Refused, at: None, source: None };
            contacts::New { consent: Some(refused), ..phone(number) }
        };
        let listed = async || {
            let sql = "SELECT phone FROM blacklist WHERE source = 'refusal' ORDER BY phone";
            stage.db.read().column::<i64>(sql, vals![]).await.unwrap()
        };
        // From among the living, from the trash, and by its time.
        let live = make(&stage, refusing("+447400100001")).await.unwrap().id;
        let trashed = make(&stage, refusing("+447400100002")).await.unwrap().id;
        let due = make(&stage, refusing("+447400100003")).await.unwrap().id;
        let anew = make(&stage, refusing("+447400100004")).await.unwrap().id;
        let willing = make(&stage, phone("+447400100005")).await.unwrap().id;
        for id in [trashed, due, anew] {
            write_tx!(stage, tx => contact(&tx, &stage.scope, id, None)).unwrap();
        }
        assert!(listed().await.is_empty());
        // Who has said yes since is not listed for what they said before.
        let given = NewConsent { status: Consent::Given, at: None, source: None };
        make(&stage, contacts::New { consent: Some(given), ..phone("+447400100004") }).await.unwrap();
        let gone = [live, trashed, willing];
        assert_eq!(write_tx!(stage, tx => purge_contacts(&tx, &stage.scope, &gone)).unwrap(), 3);
        assert_eq!(listed().await, [447_400_100_001, 447_400_100_002]);
        stage.clock.advance(Duration::from_secs(30 * 86_400));
        assert_eq!(sweep(&stage.db, &stage.system).await.unwrap(), 2);
        assert_eq!(listed().await, [447_400_100_001, 447_400_100_002, 447_400_100_003]);
    }
}

#[tokio::test]
async fn two_at_once_never_make_two_contacts_of_a_number() {
    for stage in stages().await {
        let id = make(&stage, phone("+447400100001")).await.unwrap().id;
        for _ in 0..5 {
            write_tx!(stage, tx => contact(&tx, &stage.scope, id, None)).unwrap();
            let restore = async { write_tx!(stage, tx => restore_contact(&tx, &stage.scope, id)).map(|c| c.id) };
            let again = async { write_tx!(stage, tx => restore_contact(&tx, &stage.scope, id)).map(|c| c.id) };
            let create = async { make(&stage, phone("+447400100001")).await.map(|c| c.id) };
            let (one, two, three) = tokio::join!(restore, again, create);
            let won: Vec<ContactId> = [one, two, three].into_iter().flatten().collect();
            assert_eq!((won.len(), stage.count("contacts").await), (1, 1));
            if won[0] != id {
                assert_eq!(write_tx!(stage, tx => purge_contacts(&tx, &stage.scope, &won)).unwrap(), 1);
                write_tx!(stage, tx => restore_contact(&tx, &stage.scope, id)).unwrap();
            }
        }
    }
}
